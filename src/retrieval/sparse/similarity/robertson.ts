import { K1_B, pivotedLength, probabilisticIdf, type SimilarityDefinition } from './types.ts';

/** BM25 with the Robertson–Spärck Jones idf held at 0 from below and no factor k1 + 1, as bm25s has it. */
export const robertson: SimilarityDefinition = {
  name: 'robertson',
  summary: 'BM25, idf at least 0: max(0, ln((N-n+.5)/(n+.5))) · f/(f + k1·u)',
  defaults: { k1: 1.5, b: 0.75 },
  check: K1_B,
  prepare({ k1, b }, collection) {
    return {
      prunable: true,
      pivot: pivotedLength(b as number, collection),
      term: t => {
        const idf = Math.max(0, probabilisticIdf(collection.documents, t.documents));
        return { weight: idf, k: k1 as number, add: 0, idf };
      },
    };
  },
};
