import { escaped, figure, listed, match, type Template } from './template.ts';

export const government: Template[] = [
  {
    id: 'capital',
    section: 'Government',
    field: 'Capital',
    part: 'name',
    ask: ['Which city governs {C}?', 'What is the capital of {C}?', 'Where does the {A} government sit?'],
    take: match(/^([A-Z][\p{L}' -]+?)(?: \(|;|$)/u),
    also: {
      section: 'People and Society',
      mark: answer => new RegExp(`${escaped(answer.toUpperCase())} \\(capital\\)`),
      alias: answer => answer.toUpperCase(),
    },
  },
  {
    id: 'ruler',
    section: 'Government',
    field: 'Independence',
    ask: ['Which power was in charge of {C} until independence?', 'From whom did {C} win independence?'],
    take: match(/^[^(]*\(from (?:the )?([A-Z][A-Za-z ]+?)(?:\)|;)/),
    also: { section: 'Introduction', mark: answer => new RegExp(`from (?:the )?${escaped(answer)}`) },
  },
  {
    id: 'freedom',
    section: 'Government',
    field: 'Independence',
    ask: ['In which year did {C} become independent?', 'Since when has {C} been a state of its own?'],
    take: match(/^\d{1,2} \w+ (\d{4}) \(from/),
    also: {
      section: 'Introduction',
      mark: answer => new RegExp(`independen[^.]*${answer}|${answer}[^.]*independen`),
    },
  },
  {
    id: 'anthem',
    section: 'Government',
    field: 'National anthem',
    part: 'name',
    ask: ['What song do people in {C} stand up for?', 'What is the title of the {A} national anthem?'],
    take: match(/^"([^"]+)"/),
  },
  {
    id: 'emblem',
    section: 'Government',
    field: 'National symbol(s)',
    ask: ['What is the national emblem of {C}?', 'Which living thing or object stands for {C}?'],
    take: match(/^([a-z][^,;(]+?)(?: \([^)]*\))?;/),
  },
  {
    id: 'former',
    section: 'Government',
    field: 'Country name',
    part: 'former',
    ask: ['Under which earlier name was {C} known?', 'What did people call {C} in former times?'],
    take: match(/^([A-Z][A-Za-z' -]+?)(?:,|;|$)/),
    also: { section: 'Introduction', mark: answer => new RegExp(escaped(answer)) },
  },
  {
    id: 'provinces',
    section: 'Government',
    field: 'Administrative divisions',
    ask: [
      'Into how many parts is {C} divided for administration?',
      'How many first-level divisions are there in {C}?',
    ],
    take: match(/^(\d{1,2} [a-z]+)(?: \([^)]*\))?;/),
  },
  {
    id: 'feast',
    section: 'Government',
    field: 'National holiday',
    ask: ['On which day is the national feast of {C}?', 'When is the {A} national day?'],
    take: match(/^[^,]+, (\d{1,2} [A-Z][a-z]+) \(\d{4}\)$/),
  },
];

export const geography: Template[] = [
  {
    id: 'peak',
    section: 'Geography',
    field: 'Elevation extremes',
    part: 'highest point',
    ask: [
      'What is the top of {C} called?',
      'Which is the tallest mountain of {C}?',
      'Where is {C} at its highest?',
    ],
    take: match(/^((?!unnamed)[A-Z][\p{L}' -]+?)(?: \(| on | [\d,]+ m)/u),
  },
  {
    id: 'depth',
    section: 'Geography',
    field: 'Elevation extremes',
    part: 'lowest point',
    ask: ['Where does the land of {C} lie lowest?', 'Which place in {C} has the least altitude?'],
    take: match(/^((?!unnamed)[A-Z][\p{L}' -]+?)(?: \(| -?[1-9][\d,]* m)/u),
  },
  {
    id: 'border',
    section: 'Geography',
    field: 'Land boundaries',
    part: 'border countries',
    ask: ['How long is the frontier between {C} and {X}?', 'Over what distance does {C} border on {X}?'],
    take: listed(/([A-Z][A-Za-z' ]+?) ([\d,.]+ km)/g, 1),
  },
  {
    id: 'coast',
    section: 'Geography',
    field: 'Coastline',
    ask: ['What length of seashore is there in {C}?', 'How long is the coast of {C}?'],
    take: figure(/^([\d,]{4,} km)/),
  },
  {
    id: 'size',
    section: 'Geography',
    field: 'Area - comparative',
    ask: ['Which American state or city is about as big as {C}?', 'How big is {C}, told in US terms?'],
    take: match(
      /^(?:(?:slightly|somewhat) (?:smaller|larger) than|about the size of) ([A-Z][A-Za-z ,]+?)(?:;|$)/,
    ),
  },
  {
    id: 'irrigated',
    section: 'Geography',
    field: 'Irrigated land',
    ask: ['How much farmland in {C} is watered by people?', 'What area of {C} is irrigated?'],
    take: figure(/^([\d,]{4,} sq km)/),
  },
];
