import type { SimilarityDefinition } from './types.ts';

/**
 * Cosine of tf-idf vectors (Salton & Buckley 1988, ltc): weights (1 + ln f)·(ln(N/n) + 1). The query's
 * norm is left out: it is the same for every document. Document norms take a pass over all postings on
 * first use and are kept with the open index.
 */
export const tfidf: SimilarityDefinition = {
  name: 'tfidf',
  summary: 'tf-idf cosine: (1 + ln f)·(ln(N/n) + 1), divided by the document vector’s norm',
  defaults: {},
  check: {},
  prepare(_, collection) {
    const weight = (tf: number, n: number): number =>
      (1 + Math.log(tf)) * (Math.log(collection.documents / n) + 1);
    return {
      prunable: false,
      pivot: () => 1,
      // The query's own weight is idf for a term given once; repeats multiply.
      term: ({ documents }) => {
        const query = Math.log(collection.documents / documents) + 1;
        return { weight: 0, k: 0, add: 0, score: tf => query * weight(tf, documents) };
      },
      cosine: { weight },
    };
  },
};
