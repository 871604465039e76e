import { flag, K1_B, oneOf, pivotedLength, range, type SimilarityDefinition } from './types.ts';

/**
 * BM25L (Lv & Zhai 2011, "When documents are very long, BM25 fails!"): c = f/u is shifted by δ so that
 * long documents are not punished too hard. `idf: 'atire'` takes ln(N/n), as ATIRE's code does.
 */
export const bm25l: SimilarityDefinition = {
  name: 'bm25l',
  summary: 'BM25L: ln((N+1)/(n+.5)) · (k1+1)(c+δ)/(k1+c+δ), c = f/u',
  defaults: { k1: 1.2, b: 0.75, delta: 0.5, idf: 'published', nonOccurring: false },
  check: { ...K1_B, delta: range(0), idf: oneOf('published', 'atire'), nonOccurring: flag },
  prepare(parameters, collection) {
    const k1 = parameters.k1 as number;
    const delta = parameters.delta as number;
    const N = collection.documents;
    const pivot = pivotedLength(parameters.b as number, collection);
    return {
      prunable: true,
      pivot,
      term: ({ documents: n }) => {
        const idf = parameters.idf === 'atire' ? Math.log(N / n) : Math.log((N + 1) / (n + 0.5));
        const weight = idf * (k1 + 1);
        return {
          weight,
          k: k1,
          add: 0,
          idf,
          score: (tf, length) => {
            const shifted = tf / pivot(length) + delta;
            return (weight * shifted) / (k1 + shifted);
          },
          absent: parameters.nonOccurring && delta > 0 ? (weight * delta) / (k1 + delta) : undefined,
        };
      },
    };
  },
};
