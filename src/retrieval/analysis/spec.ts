import { createHash } from 'node:crypto';
import { AnalyzerError } from './error.ts';
import { type FilterSpec, resolveFilter } from './filters.ts';
import { isSnowball, SNOWBALL_LANGUAGES, type SnowballLanguage } from './snowball.ts';

/** English words: Unicode segmentation, lower case, possessives, stop words, a stemmer. */
export interface EnglishSpec {
  name: 'english';
  /** Porter (1980, with its author's later changes), Snowball English (Porter2), or none. Default porter. */
  stemmer?: 'porter' | 'snowball' | 'none';
  /** Lucene's 33 words, none, or a list of lower-case words. Default lucene. */
  stopwords?: 'lucene' | 'none' | string[];
  /** Strip a trailing 's. Default true. */
  possessives?: boolean;
}

/** Hangul runs as character n-grams of their NFC form, other scripts as words. */
export interface KoreanSpec {
  name: 'korean';
  /** What a Hangul run becomes. A run of one syllable is always a term. Default bigrams. */
  grams?: 'bigrams' | 'unigrams+bigrams' | 'words';
  /** Whether particles are cut off a run first, where two syllables are left. Default keep. */
  particles?: 'keep' | 'strip';
  /** Runs that are left out: none, the words that questions ask with, or a list. Default none. */
  stopwords?: 'none' | 'questions' | string[];
}

/** Words of a language, stemmed by its Snowball stemmer. */
export interface LanguageSpec {
  name: SnowballLanguage;
  /** None, or a list of words. Default none. */
  stopwords?: 'none' | string[];
}

/** Unicode words, NFC and lower-cased, nothing removed. */
export interface StandardSpec {
  name: 'standard';
}

/** Runs of non-space characters, NFC. */
export interface WhitespaceSpec {
  name: 'whitespace';
  /** Default true. */
  lowercase?: boolean;
}

/** Bigrams of Han, Hiragana and Katakana and of Hangul, other scripts as words. */
export interface CjkSpec {
  name: 'cjk';
}

/** Character n-grams of Unicode words; a shorter word is a term as it is. */
export interface NgramsSpec {
  name: 'ngrams';
  /** 1 to 255; default 3. */
  min?: number;
  /** Default: min. */
  max?: number;
}

/** Another analyzer's terms through filters. */
export interface CustomSpec {
  name: 'custom';
  tokenizer: Exclude<AnalyzerSpec, CustomSpec>;
  filters: readonly FilterSpec[];
}

export type AnalyzerName =
  | 'english'
  | 'korean'
  | 'standard'
  | 'whitespace'
  | 'cjk'
  | 'ngrams'
  | 'custom'
  | SnowballLanguage;
export type AnalyzerSpec =
  | Exclude<AnalyzerName, 'custom'>
  | EnglishSpec
  | KoreanSpec
  | LanguageSpec
  | StandardSpec
  | WhitespaceSpec
  | CjkSpec
  | NgramsSpec
  | CustomSpec;
type ResolvedPlain =
  | Required<EnglishSpec>
  | Required<KoreanSpec>
  | Required<LanguageSpec>
  | StandardSpec
  | Required<WhitespaceSpec>
  | CjkSpec
  | Required<NgramsSpec>;
export type ResolvedCustom = {
  name: 'custom';
  tokenizer: ResolvedPlain;
  filters: readonly FilterSpec[];
};
export type ResolvedSpec = ResolvedPlain | ResolvedCustom;

/** Raised when an analyzer gives other terms than before for the same spec: stored indexes compare it. */
export const ANALYZER_VERSION = 1;

export const ANALYZER_NAMES: readonly AnalyzerName[] = [
  'english',
  'korean',
  'standard',
  'whitespace',
  'cjk',
  'ngrams',
  ...SNOWBALL_LANGUAGES,
  'custom',
];

interface Option {
  check(value: unknown): boolean;
  wanted: string;
}

const isList = (v: unknown): v is string[] => Array.isArray(v) && v.every(w => typeof w === 'string');
const oneOf = (...values: string[]): Option => ({
  check: v => values.includes(v as string),
  wanted: values.map(v => `'${v}'`).join(' or '),
});
const wordsOr = (...values: string[]): Option => ({
  check: v => values.includes(v as string) || isList(v),
  wanted: `${values.map(v => `'${v}'`).join(', ')} or a list of words`,
});
const flag: Option = { check: v => typeof v === 'boolean', wanted: 'true or false' };
const size: Option = {
  check: v => Number.isInteger(v) && (v as number) >= 1 && (v as number) <= 255,
  wanted: 'a whole number from 1 to 255',
};
const anything: Option = { check: () => true, wanted: '' };

const language: Record<string, Option> = { stopwords: wordsOr('none') };
const OPTIONS: Record<Exclude<AnalyzerName, SnowballLanguage>, Record<string, Option>> = {
  english: {
    stemmer: oneOf('porter', 'snowball', 'none'),
    stopwords: wordsOr('lucene', 'none'),
    possessives: flag,
  },
  korean: {
    grams: oneOf('bigrams', 'unigrams+bigrams', 'words'),
    particles: oneOf('keep', 'strip'),
    stopwords: wordsOr('none', 'questions'),
  },
  standard: {},
  whitespace: { lowercase: flag },
  cjk: {},
  ngrams: { min: size, max: size },
  custom: { tokenizer: anything, filters: anything },
};

const sorted = <T extends string>(words: T | string[]): T | string[] =>
  Array.isArray(words) ? [...new Set(words)].sort() : words;

/** Fills in the defaults and checks every option. Throws AnalyzerError. */
export function resolveSpec(spec: AnalyzerSpec): ResolvedSpec {
  const given: Record<string, unknown> = typeof spec === 'string' ? { name: spec } : { ...spec };
  const name = given.name as AnalyzerName;
  if (!ANALYZER_NAMES.includes(name)) {
    throw new AnalyzerError(
      `analyzer: no analyzer is named ${JSON.stringify(given.name)}; there are ${ANALYZER_NAMES.join(', ')}`,
    );
  }
  const options = isSnowball(name) ? language : OPTIONS[name];
  for (const [key, value] of Object.entries(given)) {
    if (key === 'name' || value === undefined) continue;
    const option = Object.hasOwn(options, key) ? options[key] : undefined;
    if (option === undefined) {
      const known = Object.keys(options).join(', ') || 'none';
      throw new AnalyzerError(
        `analyzer ${name}: has no option ${JSON.stringify(key)}; its options: ${known}`,
      );
    }
    if (!option.check(value)) {
      throw new AnalyzerError(
        `analyzer ${name}: ${key} is ${JSON.stringify(value)}, wanted ${option.wanted}`,
      );
    }
  }
  return withDefaults(given as unknown as Exclude<AnalyzerSpec, string>);
}

function withDefaults(given: Exclude<AnalyzerSpec, string>): ResolvedSpec {
  switch (given.name) {
    case 'english':
      return {
        name: given.name,
        possessives: given.possessives ?? true,
        stemmer: given.stemmer ?? 'porter',
        stopwords: sorted(given.stopwords ?? 'lucene'),
      };
    case 'korean':
      return {
        name: given.name,
        grams: given.grams ?? 'bigrams',
        particles: given.particles ?? 'keep',
        stopwords: sorted(given.stopwords ?? 'none'),
      };
    case 'whitespace':
      return { name: given.name, lowercase: given.lowercase ?? true };
    case 'standard':
    case 'cjk':
      return { name: given.name };
    case 'ngrams': {
      const { name, min = 3, max = Math.max(3, min) } = given;
      if (min > max) throw new AnalyzerError(`analyzer ngrams: min is ${min}, more than max, ${max}`);
      return { name, min, max };
    }
    case 'custom':
      return custom(given);
    default:
      return { name: given.name, stopwords: sorted(given.stopwords ?? 'none') };
  }
}

function custom({ name, tokenizer, filters }: CustomSpec): ResolvedCustom {
  if (tokenizer === undefined || (tokenizer as { name?: string }).name === 'custom')
    throw new AnalyzerError('analyzer custom: tokenizer: wanted the name or spec of another analyzer');
  if (!Array.isArray(filters)) throw new AnalyzerError('analyzer custom: filters: wanted a list');
  return {
    name,
    tokenizer: resolveSpec(tokenizer) as ResolvedPlain,
    filters: filters.map((filter, i) => resolveFilter(filter, i, i === filters.length - 1)),
  };
}

/** sha256 (hex) over the resolved spec and the analyzer version. */
export function specFingerprint(spec: ResolvedSpec): string {
  const canonical = JSON.stringify(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(`analyzer ${ANALYZER_VERSION} ${canonical}`).digest('hex');
}
