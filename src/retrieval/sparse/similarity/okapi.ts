import {
  K1_B,
  type Parameter,
  pivotedLength,
  probabilisticIdf,
  range,
  type SimilarityDefinition,
} from './types.ts';

const share = range(0);

/**
 * Okapi BM25 with the raw Robertson–Spärck Jones idf, which is negative for terms that more than half
 * the documents hold; such terms then count against a document. `epsilon` takes the place of a negative
 * idf by ε × the mean raw idf of the vocabulary, as rank_bm25 does (its ε is .25): for parity only, since a
 * term's weight then depends on every other term. It walks the dictionary once.
 */
export const okapi: SimilarityDefinition = {
  name: 'okapi',
  summary: 'Okapi BM25, raw idf (may be negative): ln((N-n+.5)/(n+.5)) · f(k1+1)/(f + k1·u)',
  defaults: { k1: 1.2, b: 0.75, epsilon: false },
  check: {
    ...K1_B,
    epsilon: (value: Parameter) =>
      value === false || share(value) === undefined ? undefined : 'wanted false or a number at least 0',
  },
  prepare({ k1, b, epsilon }, collection) {
    const k = k1 as number;
    const N = collection.documents;
    let least: number | undefined;
    const idfOf = (n: number): number => {
      const idf = probabilisticIdf(N, n);
      if (idf >= 0 || epsilon === false) return idf;
      least ??= (epsilon as number) * (collection.vocabularyMean?.(m => probabilisticIdf(N, m)) ?? 0);
      return least;
    };
    return {
      prunable: false,
      pivot: pivotedLength(b as number, collection),
      term: t => {
        const idf = idfOf(t.documents);
        return { weight: idf * (k + 1), k, add: 0, idf };
      },
    };
  },
};
