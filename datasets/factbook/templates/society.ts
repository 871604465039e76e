import { figure, listed, match, PERCENT, type Template } from './template.ts';

export const people: Template[] = [
  {
    id: 'population',
    section: 'People and Society',
    field: 'Population',
    ask: ['How many people live in {C}?', 'How many inhabitants are there in {C}?'],
    take: figure(/^([\d,]{5,})/),
  },
  {
    id: 'lifespan',
    section: 'People and Society',
    field: 'Life expectancy at birth',
    part: 'total population',
    ask: ['How old can a child born in {C} expect to get?', 'How long do people in {C} live on average?'],
    take: figure(/^([\d.]+ years)/),
  },
  {
    id: 'age',
    section: 'People and Society',
    field: 'Median age',
    part: 'total',
    ask: [
      'At what age are half of the people of {C} younger and half older?',
      'What is the median age in {C}?',
    ],
    take: figure(/^([\d.]+ years)/),
  },
  {
    id: 'literacy',
    section: 'People and Society',
    field: 'Literacy',
    part: 'total population',
    ask: ['What part of the grown-ups in {C} can read and write?', 'How widespread is literacy in {C}?'],
    take: figure(PERCENT),
  },
  {
    id: 'city',
    section: 'People and Society',
    field: 'Major urban areas - population',
    ask: ['How many live in and around {X}, a city of {C}?', 'How big is {X} in {C}?'],
    take: listed(/(?:^|; )([A-Z][\p{L}' -]*[a-z]) ([\d.,]+(?: million)?)/gu, 0),
  },
  {
    id: 'doctors',
    section: 'People and Society',
    field: 'Physicians density',
    ask: [
      'How many doctors are there for each thousand people in {C}?',
      'How well is {C} supplied with doctors?',
    ],
    take: figure(/^([\d.]+ physicians\/1,000 population)/),
  },
  {
    id: 'faith',
    section: 'People and Society',
    field: 'Religions',
    ask: [
      'Which faith has the most followers in {C}?',
      'To which religion or church do most people in {C} belong?',
    ],
    take: match(/^([A-Z][A-Za-z' ]+?)(?: \([^)]*\))? (?:[6-9]\d|100)(?:\.\d)?%/),
  },
];

export const economy: Template[] = [
  {
    id: 'money',
    section: 'Economy',
    field: 'Exchange rates',
    ask: ['What money do people in {C} pay with?', 'What is the {A} currency?'],
    take: value =>
      /^(?:euro|US dollar|the US)/i.test(value) ? undefined : match(/^([A-Za-z. ]+?) (?:\(|per)/)(value),
  },
  {
    id: 'buyer',
    section: 'Economy',
    field: 'Exports - partners',
    ask: ['Who is the biggest customer for goods from {C}?', 'Where do most {A} exports go?'],
    take: match(/^([A-Z][A-Za-z' ]+?) [\d.]+%/),
  },
  {
    id: 'seller',
    section: 'Economy',
    field: 'Imports - partners',
    ask: ['From where does {C} get most of its imports?', 'Who sells the most to {C}?'],
    take: match(/^([A-Z][A-Za-z' ]+?) [\d.]+%/),
  },
  {
    id: 'crops',
    section: 'Economy',
    field: 'Agriculture - products',
    ask: ['What do farmers in {C} produce?', 'Name a crop that is grown in {C}.'],
    take: value => ({
      answers: value
        .split(/[,;]/)
        .slice(0, 3)
        .map(crop => crop.trim())
        .filter(crop => /^[a-z]{3}[a-z ]*$/.test(crop)),
    }),
  },
  {
    id: 'farmhands',
    section: 'Economy',
    field: 'Labor force - by occupation',
    part: 'agriculture',
    ask: ['What part of the workers in {C} is on the land?', 'What share of the {A} workforce farms?'],
    take: figure(PERCENT),
  },
  {
    id: 'income',
    section: 'Economy',
    field: 'GDP - per capita (PPP)',
    ask: [
      'How much does the {A} economy make per head?',
      'What is the yearly output per person in {C}, allowing for price levels?',
    ],
    take: figure(/^(\$[\d,]+)/),
  },
  {
    id: 'jobless',
    section: 'Economy',
    field: 'Unemployment rate',
    ask: ['What share of those who want work in {C} cannot find it?', 'How high is unemployment in {C}?'],
    take: figure(PERCENT),
  },
  {
    id: 'poor',
    section: 'Economy',
    field: 'Population below poverty line',
    ask: ['What share of the people of {C} is officially poor?', 'How common is poverty in {C}?'],
    take: figure(PERCENT),
  },
];
