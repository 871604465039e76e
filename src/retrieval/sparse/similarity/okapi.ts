import { K1_B, pivotedLength, probabilisticIdf, type SimilarityDefinition } from './types.ts';

/**
 * Okapi BM25 with the raw Robertson–Spärck Jones idf, which is negative for terms that more than half
 * the documents hold; such terms then count against a document.
 */
export const okapi: SimilarityDefinition = {
  name: 'okapi',
  summary: 'Okapi BM25, raw idf (may be negative): ln((N-n+.5)/(n+.5)) · f(k1+1)/(f + k1·u)',
  defaults: { k1: 1.2, b: 0.75 },
  check: K1_B,
  prepare({ k1, b }, collection) {
    const k = k1 as number;
    return {
      prunable: false,
      pivot: pivotedLength(b as number, collection),
      term: t => ({ weight: probabilisticIdf(collection.documents, t.documents) * (k + 1), k, add: 0 }),
    };
  },
};
