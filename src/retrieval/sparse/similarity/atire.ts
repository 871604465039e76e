import { K1_B, pivotedLength, type SimilarityDefinition } from './types.ts';

/** BM25 of the ATIRE engine: idf ln(N/n). */
export const atire: SimilarityDefinition = {
  name: 'atire',
  summary: 'BM25 of ATIRE: ln(N/n) · f(k1+1)/(f + k1·u)',
  defaults: { k1: 0.9, b: 0.4 },
  check: K1_B,
  prepare({ k1, b }, collection) {
    const k = k1 as number;
    return {
      prunable: true,
      pivot: pivotedLength(b as number, collection),
      term: t => {
        const idf = Math.log(collection.documents / t.documents);
        return { weight: idf * (k + 1), k, add: 0, idf };
      },
    };
  },
};
