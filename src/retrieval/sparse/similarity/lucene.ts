import { K1_B, luceneIdf, pivotedLength, type SimilarityDefinition } from './types.ts';

/** BM25 as Lucene 8 and later score it (without the factor k1 + 1), with exact document lengths. */
export const lucene: SimilarityDefinition = {
  name: 'lucene',
  summary: 'BM25 of Lucene 8 and later: ln(1 + (N-n+.5)/(n+.5)) · f/(f + k1·u)',
  defaults: { k1: 1.2, b: 0.75 },
  check: K1_B,
  prepare({ k1, b }, collection) {
    return {
      prunable: true,
      pivot: pivotedLength(b as number, collection),
      term: t => {
        const idf = luceneIdf(collection.documents, t.documents);
        return { weight: idf, k: k1 as number, add: 0, idf };
      },
    };
  },
};
