import { createHash } from 'node:crypto';

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
  grams?: 'bigrams' | 'unigrams+bigrams';
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

export type AnalyzerName = 'english' | 'korean' | 'standard' | 'whitespace';
export type AnalyzerSpec = AnalyzerName | EnglishSpec | KoreanSpec | StandardSpec | WhitespaceSpec;
export type ResolvedSpec =
  | Required<EnglishSpec>
  | Required<KoreanSpec>
  | StandardSpec
  | Required<WhitespaceSpec>;

/** Raised when an analyzer gives other terms than before for the same spec: stored indexes compare it. */
export const ANALYZER_VERSION = 1;

export const ANALYZER_NAMES: readonly AnalyzerName[] = ['english', 'korean', 'standard', 'whitespace'];

/** Thrown for a spec that names no analyzer or an option it does not have. */
export class AnalyzerError extends Error {
  override name = 'AnalyzerError';
}

const options: Record<AnalyzerName, Record<string, (value: unknown) => boolean>> = {
  english: {
    stemmer: v => v === 'porter' || v === 'snowball' || v === 'none',
    stopwords: v =>
      v === 'lucene' || v === 'none' || (Array.isArray(v) && v.every(w => typeof w === 'string')),
    possessives: v => typeof v === 'boolean',
  },
  korean: { grams: v => v === 'bigrams' || v === 'unigrams+bigrams' },
  standard: {},
  whitespace: { lowercase: v => typeof v === 'boolean' },
};

const wanted: Record<string, string> = {
  stemmer: "'porter', 'snowball' or 'none'",
  stopwords: "'lucene', 'none' or a list of words",
  possessives: 'true or false',
  grams: "'bigrams' or 'unigrams+bigrams'",
  lowercase: 'true or false',
};

/** Fills in the defaults and checks every option. Throws AnalyzerError. */
export function resolveSpec(spec: AnalyzerSpec): ResolvedSpec {
  const given: Record<string, unknown> = typeof spec === 'string' ? { name: spec } : { ...spec };
  const name = given.name as AnalyzerName;
  if (!ANALYZER_NAMES.includes(name)) {
    throw new AnalyzerError(
      `analyzer: no analyzer is named ${JSON.stringify(given.name)}; there are ${ANALYZER_NAMES.join(', ')}`,
    );
  }
  for (const [key, value] of Object.entries(given)) {
    if (key === 'name' || value === undefined) continue;
    const check = options[name][key];
    if (check === undefined) {
      const known = Object.keys(options[name]).join(', ') || 'none';
      throw new AnalyzerError(
        `analyzer ${name}: has no option ${JSON.stringify(key)}; its options: ${known}`,
      );
    }
    if (!check(value)) {
      throw new AnalyzerError(
        `analyzer ${name}: ${key} is ${JSON.stringify(value)}, wanted ${wanted[key] ?? 'another value'}`,
      );
    }
  }
  if (name === 'english') {
    const english = given as unknown as EnglishSpec;
    const stopwords = english.stopwords ?? 'lucene';
    return {
      name,
      possessives: english.possessives ?? true,
      stemmer: english.stemmer ?? 'porter',
      stopwords: Array.isArray(stopwords) ? [...new Set(stopwords)].sort() : stopwords,
    };
  }
  if (name === 'korean') return { name, grams: (given as unknown as KoreanSpec).grams ?? 'bigrams' };
  if (name === 'whitespace')
    return { name, lowercase: (given as unknown as WhitespaceSpec).lowercase ?? true };
  return { name };
}

/** sha256 (hex) over the resolved spec and the analyzer version. */
export function specFingerprint(spec: ResolvedSpec): string {
  const canonical = JSON.stringify(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(`analyzer ${ANALYZER_VERSION} ${canonical}`).digest('hex');
}
