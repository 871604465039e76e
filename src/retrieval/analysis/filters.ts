import { stem as porter2 } from 'porter2';
import { stemmer as porter } from 'stemmer';
import { AnalyzerError } from './error.ts';
import {
  elision,
  isSnowball,
  SNOWBALL_LANGUAGES,
  type SnowballLanguage,
  snowballStemmer,
} from './snowball.ts';
import { LUCENE_STOP_WORDS } from './stopwords.ts';
import { lowerCase } from './words.ts';

/** What a chain does with the terms of its tokenizer, one after the other. Plain data. */
export type FilterSpec =
  /** Lower case and NFC. */
  | 'lowercase'
  /** Takes accents off: NFKD without marks. */
  | 'fold'
  /** Takes a trailing 's off. */
  | 'possessives'
  /** Drops words: Lucene's 33 English ones, or a list. */
  | { stop: 'lucene' | readonly string[] }
  /** Porter, Snowball English (`snowball`), or the Snowball stemmer of a language. */
  | { stem: 'porter' | 'snowball' | SnowballLanguage }
  /** Takes elided articles off (l'avion). */
  | { elisions: SnowballLanguage }
  /** Drops terms shorter than `min` or longer than `max` characters. */
  | { length: { min?: number; max?: number } }
  /** Puts other terms in place of terms: none for '', several where they are parted by spaces. */
  | { replace: Readonly<Record<string, string>> }
  /** Puts the n-grams of characters in place of a term; a term shorter than `min` stays. */
  | { ngrams: { min?: number; max?: number } }
  /** The same for n-grams that a term begins with. */
  | { edges: { min?: number; max?: number } }
  /** Adds runs of `min` to `max` terms as terms of their own; the last filter. `words: false` leaves single ones out. */
  | { shingles: { min?: number; max?: number; words?: boolean } };

/** From one term to those that take its place. */
export type TermFilter = (term: string) => string | string[];

export interface ShingleSettings {
  min: number;
  max: number;
  words: boolean;
}

const FILTERS = [
  'lowercase',
  'fold',
  'possessives',
  'stop',
  'stem',
  'elisions',
  'length',
  'replace',
  'ngrams',
  'edges',
  'shingles',
];

const wrong = (at: number, what: string): AnalyzerError =>
  new AnalyzerError(`analyzer custom: filters[${at}]: ${what}`);

/** Numbers of a filter, with defaults; anything else in it is an error. */
function bounds(
  at: number,
  name: string,
  given: unknown,
  defaults: { min: number; max: number },
  more: readonly string[] = [],
): { min: number; max: number } {
  if (typeof given !== 'object' || given === null) throw wrong(at, `${name}: wanted { min, max }`);
  const { min = defaults.min, max = Math.max(defaults.max, min) } = given as { min?: number; max?: number };
  for (const key of Object.keys(given))
    if (key !== 'min' && key !== 'max' && !more.includes(key))
      throw wrong(
        at,
        `${name}: has no ${JSON.stringify(key)}; it takes ${['min', 'max', ...more].join(', ')}`,
      );
  for (const n of [min, max])
    if (!Number.isInteger(n) || n < 1 || n > 255)
      throw wrong(at, `${name}: ${JSON.stringify(n)} is no whole number from 1 to 255`);
  if (min > max) throw wrong(at, `${name}: min is ${min}, more than max, ${max}`);
  return { min, max };
}

/** A filter with its defaults filled in. Throws AnalyzerError. */
export function resolveFilter(given: unknown, at: number, last: boolean): FilterSpec {
  const known = `there are ${FILTERS.join(', ')}`;
  if (typeof given === 'string') {
    if (given === 'lowercase' || given === 'fold' || given === 'possessives') return given;
    throw wrong(
      at,
      `${JSON.stringify(given)} is no filter${FILTERS.includes(given) ? ' without settings' : ''}; ${known}`,
    );
  }
  const entries = Object.entries((given ?? {}) as Record<string, unknown>);
  if (entries.length !== 1) throw wrong(at, `wanted a name or an object such as { stem: german }; ${known}`);
  const [name, value] = entries[0];
  switch (name) {
    case 'stop':
      if (value === 'lucene') return { stop: 'lucene' };
      if (Array.isArray(value) && value.every(w => typeof w === 'string'))
        return { stop: [...new Set(value)].sort() };
      throw wrong(at, "stop: wanted 'lucene' or a list of words");
    case 'stem':
      if (value === 'porter' || value === 'snowball' || isSnowball(String(value)))
        return { stem: value as SnowballLanguage };
      throw wrong(
        at,
        `stem: is ${JSON.stringify(value)}, wanted porter, snowball, ${SNOWBALL_LANGUAGES.join(', ')}`,
      );
    case 'elisions':
      if (isSnowball(String(value)) && elision(value as SnowballLanguage))
        return { elisions: value as SnowballLanguage };
      throw wrong(at, `elisions: is ${JSON.stringify(value)}, wanted french, italian, catalan or irish`);
    case 'length':
      return { length: bounds(at, name, value, { min: 1, max: 255 }) };
    case 'ngrams':
      return { ngrams: bounds(at, name, value, { min: 3, max: 3 }) };
    case 'edges':
      return { edges: bounds(at, name, value, { min: 1, max: 10 }) };
    case 'replace': {
      const words = Object.entries((value ?? {}) as Record<string, unknown>);
      if (words.length === 0 || words.some(([, w]) => typeof w !== 'string'))
        throw wrong(at, 'replace: wanted { word: words }');
      return {
        replace: Object.fromEntries(words.sort(([a], [b]) => (a < b ? -1 : 1))) as Record<string, string>,
      };
    }
    case 'shingles': {
      if (!last) throw wrong(at, 'shingles: have to be the last filter');
      const { words = true } = (value ?? {}) as { words?: unknown };
      if (typeof words !== 'boolean') throw wrong(at, 'shingles: words: wanted true or false');
      const { min, max } = bounds(at, name, value, { min: 2, max: 2 }, ['words']);
      if (min < 2) throw wrong(at, 'shingles: min has to be 2 at least; words: true gives single terms');
      return { shingles: { min, max, words } };
    }
    default:
      throw wrong(at, `${JSON.stringify(name)} is no filter; ${known}`);
  }
}

/** The function of a resolved filter other than shingles. */
export function termFilter(spec: Exclude<FilterSpec, { shingles: unknown }>): TermFilter {
  if (spec === 'lowercase') return lowerCase;
  if (spec === 'fold') return withoutMarks;
  if (spec === 'possessives')
    return word => (word.length > 2 && /['’]s$/.test(word) ? word.slice(0, -2) : word);
  if ('stop' in spec) {
    const stop = new Set(spec.stop === 'lucene' ? LUCENE_STOP_WORDS : spec.stop.map(lowerCase));
    return word => (stop.has(word) ? '' : word);
  }
  if ('stem' in spec) {
    if (spec.stem === 'porter') return porter;
    return spec.stem === 'snowball' ? porter2 : snowballStemmer(spec.stem);
  }
  if ('elisions' in spec) return elision(spec.elisions) ?? (word => word);
  if ('length' in spec) {
    const { min = 1, max = 255 } = spec.length;
    return word => {
      const length = [...word].length;
      return length < min || length > max ? '' : word;
    };
  }
  if ('replace' in spec) {
    const words = new Map(Object.entries(spec.replace).map(([from, to]) => [from, to.split(/\s+/)]));
    return word => words.get(word) ?? word;
  }
  if ('ngrams' in spec) {
    const { min = 3, max = 3 } = spec.ngrams;
    return word => ngrams([...word], min, max, false);
  }
  const { min = 1, max = 10 } = spec.edges;
  return word => ngrams([...word], min, max, true);
}

function ngrams(characters: readonly string[], min: number, max: number, edges: boolean): string[] {
  if (characters.length < min) return [characters.join('')];
  const out: string[] = [];
  for (let from = 0; from === 0 || (!edges && from + min <= characters.length); from++)
    for (let n = min; n <= max && from + n <= characters.length; n++)
      out.push(characters.slice(from, from + n).join(''));
  return out;
}

/** Accents off: é is e. Hangul is put together again. */
const withoutMarks = (word: string): string => word.normalize('NFKD').replace(/\p{M}/gu, '').normalize('NFC');
