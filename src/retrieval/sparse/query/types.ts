import type { ScoringSpec } from '../similarity/scoring-spec.ts';

/** Terms as the index holds them, each with its weight. */
export type Weights = Readonly<Record<string, number>> | ReadonlyMap<string, number>;

/** A text, or terms with weights, or both. */
export interface StructuredQuery {
  text?: string;
  /** Terms as they are in the index (of text: as the analyzer gives them), with any finite weight but 0. */
  weights?: Weights;
  /** Whose terms the weights are of: default the index's field of weights where it has one, else all text. */
  field?: string;
}

export type Query = string | StructuredQuery;

export type FilterValue = string | number | boolean | null;

/**
 * Conditions on stored columns or the key, all of which a hit meets: a value (equal), a list (one of them), or
 * the least and greatest value, both included (text in code point order). A null is equal to null only.
 */
export type Filter = Readonly<
  Record<string, FilterValue | readonly FilterValue[] | { min?: string | number; max?: string | number }>
>;

/**
 * RM3 pseudo-relevance feedback (Abdul-Jaleel et al. 2004, as in Anserini): `terms` terms of the best
 * `documents` hits join the query, which keeps `weight` of the whole.
 */
export interface Feedback {
  /** Default 10. */
  documents?: number;
  /** Default 10. */
  terms?: number;
  /** Of the original query, 0 to 1; default .5. */
  weight?: number;
}

export interface QueryOptions {
  /** Default lucene (k1 1.2, b .75); impact where the query has only weights of a field of weights. */
  similarity?: ScoringSpec;
  /**
   * `plain` (default): the text is a bag of words whatever signs it holds, as questions need it. `query`: it
   * may use the query language.
   */
  syntax?: 'plain' | 'query';
  /** Search this text field only; default all text fields together. */
  field?: string;
  filter?: Filter;
  feedback?: boolean | Feedback;
}

/** What one term adds to a score under one similarity. */
export interface TermExplanation {
  similarity: string;
  term: string;
  /** The phrase that it is a word of; it then counts as often as the phrase. */
  phrase?: string;
  /** The field, where the term counts in one field alone. */
  field?: string;
  /** f; under bm25f f′, the fields' weighted tf. */
  frequency: number;
  /** n, live documents that hold it. */
  documents: number;
  /** Where the similarity has one. */
  idf?: number;
  /** l, terms in the document (in the field). */
  length: number;
  /** u, the length normalisation; 1 where the similarity has none of this form. */
  lengthNorm: number;
  /** Times in the query. */
  queryFrequency: number;
  /** Weight in the query. */
  boost: number;
  /** bm25f: what each field gives. */
  fields?: { field: string; weight: number; frequency: number; length: number; lengthNorm: number }[];
  /** What it adds, repeats and weight included. */
  score: number;
}

/**
 * How a score comes about. A node whose description begins with "sum of" has the exact sum of its
 * details' values as its value; other details say what went into it.
 */
export interface ExplanationNode {
  value: number;
  description: string;
  details: ExplanationNode[];
}
