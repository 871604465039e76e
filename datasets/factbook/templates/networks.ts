import { AMOUNT, figure, match, PERCENT, type Template } from './template.ts';

export const energy: Template[] = [
  {
    id: 'power',
    section: 'Energy',
    field: 'Electricity - production',
    ask: [
      'How much electricity is made in {C} in a year?',
      'What is the yearly output of {A} power stations?',
    ],
    take: figure(AMOUNT),
  },
  {
    id: 'dams',
    section: 'Energy',
    field: 'Electricity - from hydroelectric plants',
    ask: [
      'How large a part of generating capacity in {C} is water power?',
      'To what extent is {A} power made by dams?',
      'What share of power plant capacity in {C} is driven by water?',
    ],
    take: figure(/^(\d{2}(?:\.\d)?%)/),
  },
  {
    id: 'oil',
    section: 'Energy',
    field: 'Crude oil - production',
    ask: ['How much oil is pumped in {C} each day?', 'How many barrels come out of {A} wells daily?'],
    take: figure(AMOUNT),
  },
  {
    id: 'gas',
    section: 'Energy',
    field: 'Natural gas - proved reserves',
    ask: ['How much natural gas is known to lie under {C}?', 'How large are the {A} gas reserves?'],
    take: figure(AMOUNT),
  },
];

export const communications: Template[] = [
  {
    id: 'domain',
    section: 'Communications',
    field: 'Internet country code',
    ask: ['With which letters do web addresses from {C} end?', 'What is the internet domain of {C}?'],
    take: match(/^(\.[a-z]{2})(?:;|$)/),
  },
  {
    id: 'dialling',
    section: 'Communications',
    field: 'Telephone system',
    part: 'international',
    ask: [
      'Which digits do you dial to phone {C} from abroad?',
      'What is the international calling code for {C}?',
    ],
    take: match(/^country code - ([\d-]{3,})(?:[;,]|$)/),
  },
  {
    id: 'online',
    section: 'Communications',
    field: 'Internet users',
    part: 'percent of population',
    ask: ['What share of the people in {C} is online?', 'How common is using the internet in {C}?'],
    take: figure(PERCENT),
  },
  {
    id: 'mobiles',
    section: 'Communications',
    field: 'Telephones - mobile cellular',
    part: 'total',
    ask: ['How many mobile phones are there in {C}?', 'How many cell phone lines are in use in {C}?'],
    take: figure(AMOUNT),
  },
];

export const transportation: Template[] = [
  {
    id: 'airfields',
    section: 'Transportation',
    field: 'Airports',
    ask: ['How many airfields are there in {C}?', 'In how many places can a plane land in {C}?'],
    take: match(/^(\d{3,}) \(\d{4}\)/),
  },
  {
    id: 'rails',
    section: 'Transportation',
    field: 'Railways',
    part: 'total',
    ask: ['How many kilometers of track do trains run on in {C}?', 'How long is the {A} rail network?'],
    take: figure(AMOUNT),
  },
  {
    id: 'roads',
    section: 'Transportation',
    field: 'Roadways',
    part: 'total',
    ask: ['How many kilometers of road are there in {C}?', 'How long is the {A} road network?'],
    take: figure(AMOUNT),
  },
  {
    id: 'harbor',
    section: 'Transportation',
    field: 'Ports and terminals',
    part: 'major seaport(s)',
    ask: ['At which harbor do big ships call in {C}?', 'Name a port of {C}.'],
    take: value =>
      / - |\(/.test(value) ? undefined : { answers: value.split(', ').filter(port => /^[A-Z]/.test(port)) },
  },
];

export const military: Template[] = [
  {
    id: 'enlist',
    section: 'Military',
    field: 'Military service age and obligation',
    ask: ['How old are those who can join the {A} forces?', 'At what age may one become a soldier in {C}?'],
    take: match(/^(\d{2}(?:-\d{2})? years of age)/),
  },
  {
    id: 'defense',
    section: 'Military',
    field: 'Military expenditures',
    ask: [
      'What part of the output of {C} goes into its armed forces?',
      'How much of the {A} economy goes to defense?',
    ],
    take: figure(/^([\d.]+% of GDP)/),
  },
];

export const transnational: Template[] = [
  {
    id: 'refuge',
    section: 'Transnational Issues',
    field: 'Refugees and internally displaced persons',
    part: 'refugees (country of origin)',
    ask: ['How many people from {X} have found refuge in {C}?', 'How many refugees from {X} are in {C}?'],
    take: value => {
      const found = /^([\d,]+(?: million)?) \(([A-Z][A-Za-z' ]+)\)/.exec(value);
      return found?.[1] && found[2] ? { answers: [found[1]], about: found[2] } : undefined;
    },
  },
  {
    id: 'stateless',
    section: 'Transnational Issues',
    field: 'Refugees and internally displaced persons',
    part: 'stateless persons',
    ask: [
      'How many people in {C} belong to no state?',
      'How many residents of {C} are without a nationality?',
    ],
    take: figure(/^([\d,]{3,})/),
  },
  {
    id: 'displaced',
    section: 'Transnational Issues',
    field: 'Refugees and internally displaced persons',
    part: 'IDPs',
    ask: ['How many have had to flee their homes inside {C}?', 'How many are displaced within {C}?'],
    take: figure(/([\d.,]{5,}(?: million)?) \(/),
  },
];
