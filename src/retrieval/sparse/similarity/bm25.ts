import { K1_B, luceneIdf, pivotedLength, type SimilarityDefinition } from './types.ts';

/** BM25 with the factor k1 + 1 and the idf that is never negative, as Lucene before 8 and tantivy. */
export const bm25: SimilarityDefinition = {
  name: 'bm25',
  summary: 'BM25 of Lucene before 8 and tantivy: ln(1 + (N-n+.5)/(n+.5)) · f(k1+1)/(f + k1·u)',
  defaults: { k1: 1.2, b: 0.75 },
  check: K1_B,
  prepare({ k1, b }, collection) {
    const k = k1 as number;
    return {
      prunable: true,
      pivot: pivotedLength(b as number, collection),
      term: t => {
        const idf = luceneIdf(collection.documents, t.documents);
        return { weight: idf * (k + 1), k, add: 0, idf };
      },
    };
  },
};
