/** Numbers of the whole index, over live documents. */
export interface Collection {
  /** N */
  documents: number;
  /** Σ l, in terms */
  totalLength: number;
  /** L, mean l */
  averageLength: number;
  /** The mean of `value(n)` over every term, n being the live documents that hold it. Walks the dictionary. */
  vocabularyMean?(value: (documents: number) => number): number;
  /** Bits of a field of weights. */
  bits?: 8 | 16;
}

/** Numbers of one query term, over live documents. */
export interface TermStatistics {
  /** n, documents that hold it; at least 1 */
  documents: number;
  /** cf, occurrences in the collection */
  occurrences: number;
  /** Visits every live posting; only similarities with parameters of their own a term read it. */
  forEachPosting(visit: (tf: number, length: number) => void): void;
}

/**
 * How one term scores. Without `score`: weight · f / (f + k · u(l)) + add, for f > 0, with the
 * similarity's u; the search runs this form in its inner loop. With `score`: any function of f and l.
 */
export interface TermScorer {
  weight: number;
  k: number;
  add: number;
  score?: (tf: number, length: number) => number;
  /** The idf in it, where there is one: for explanations. */
  idf?: number;
  /** What the term gives a document that does not hold it, where the similarity counts that. */
  absent?: number;
}

/** A similarity with its parameters, made ready for one collection. */
export interface PreparedSimilarity {
  /**
   * Contributions are never negative, do not fall as f grows and do not rise as l grows: what pruning by
   * (tf, length) bounds needs. Otherwise every matching document is scored.
   */
  prunable: boolean;
  /** u(l), the length normalisation of the saturation form. */
  pivot: (length: number) => number;
  term(statistics: TermStatistics): TermScorer;
  /** Added once a document; `terms` counts query terms, repeats included, that the collection holds. */
  document?: (length: number, terms: number) => number;
  /** Divides by the document vector's norm: w(tf, idf) of every term of the document. */
  cosine?: { weight: (tf: number, documents: number) => number };
}

export type Parameter = number | boolean | string;

/** One similarity: its parameters and how to prepare it. */
export interface SimilarityDefinition {
  name: string;
  summary: string;
  defaults: Record<string, Parameter>;
  /** What is wrong with a parameter's value, if anything: "wanted ...". */
  check: Record<string, (value: Parameter) => string | undefined>;
  prepare(parameters: Record<string, Parameter>, collection: Collection): PreparedSimilarity;
}

/** A number no less than `low` (or above it, where `open`) and no more than `high`. */
export function range(low: number, high = Number.POSITIVE_INFINITY, open = false) {
  return (value: Parameter): string | undefined => {
    if (
      typeof value === 'number' &&
      Number.isFinite(value) &&
      value <= high &&
      (open ? value > low : value >= low)
    ) {
      return undefined;
    }
    const bottom = open ? `above ${low}` : `at least ${low}`;
    return high === Number.POSITIVE_INFINITY
      ? `wanted a number ${bottom}`
      : `wanted a number ${bottom}, at most ${high}`;
  };
}

export function flag(value: Parameter): string | undefined {
  return typeof value === 'boolean' ? undefined : 'wanted true or false';
}

export function oneOf(...values: string[]) {
  return (value: Parameter): string | undefined =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : `wanted ${values.map(v => `'${v}'`).join(' or ')}`;
}

/** u = 1 - b + b·l/L. */
export function pivotedLength(b: number, collection: Collection): (length: number) => number {
  const average = collection.averageLength > 0 ? collection.averageLength : 1;
  return length => 1 - b + (b * length) / average;
}

/** ln(1 + (N - n + .5)/(n + .5)), never negative. */
export function luceneIdf(documents: number, n: number): number {
  return Math.log(1 + (documents - n + 0.5) / (n + 0.5));
}

/** ln((N - n + .5)/(n + .5)), negative where more than half the documents hold the term. */
export function probabilisticIdf(documents: number, n: number): number {
  return Math.log((documents - n + 0.5) / (n + 0.5));
}

export const K1_B = { k1: range(0), b: range(0, 1) };
