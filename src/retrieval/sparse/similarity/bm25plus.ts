import { flag, K1_B, oneOf, pivotedLength, range, type SimilarityDefinition } from './types.ts';

/**
 * BM25+ (Lv & Zhai 2011, "Lower-bounding term frequency normalization"): an occurrence is worth at least
 * δ·idf however long the document. `nonOccurring: true` adds that to documents without the term too, as
 * rank_bm25 and bm25s do, which takes the bound away again.
 */
export const bm25plus: SimilarityDefinition = {
  name: 'bm25+',
  summary: 'BM25+: ln((N+1)/n) · (f(k1+1)/(f + k1·u) + δ)',
  defaults: { k1: 1.2, b: 0.75, delta: 1, idf: 'published', nonOccurring: false },
  check: { ...K1_B, delta: range(0), idf: oneOf('published', 'atire'), nonOccurring: flag },
  prepare(parameters, collection) {
    const k1 = parameters.k1 as number;
    const delta = parameters.delta as number;
    const N = collection.documents;
    return {
      prunable: true,
      pivot: pivotedLength(parameters.b as number, collection),
      term: ({ documents: n }) => {
        const idf = Math.log((parameters.idf === 'atire' ? N : N + 1) / n);
        return {
          weight: idf * (k1 + 1),
          k: k1,
          add: idf * delta,
          idf,
          absent: parameters.nonOccurring ? idf * delta : undefined,
        };
      },
    };
  },
};
