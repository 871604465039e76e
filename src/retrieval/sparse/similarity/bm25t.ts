import { pivotedLength, range, type SimilarityDefinition } from './types.ts';

/** k/(k-1) · ln k, which grows from 0 without bound; 1 at k = 1. */
function g(k: number): number {
  return Math.abs(k - 1) < 1e-6 ? 1 + (k - 1) / 2 : (k / (k - 1)) * Math.log(k);
}

/** The k at which g(k) is `target`, by halving; held within [.001, 10⁶]. */
export function solveSaturation(target: number): number {
  let low = 1e-3;
  let high = 1e6;
  if (g(low) >= target) return low;
  if (g(high) <= target) return high;
  for (let i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const middle = low > 1 ? Math.sqrt(low * high) : (low + high) / 2;
    if (g(middle) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * BM25T (Lv & Zhai 2012, "A log-logistic model-based interpretation of TF normalization of BM25"): each
 * term has a k of its own, from the mean of ln(c + 1) over the documents that hold it; c = f/u.
 */
export const bm25t: SimilarityDefinition = {
  name: 'bm25t',
  summary: 'BM25T: ln(N/n) · (k+1)c/(k+c), k solves k/(k-1)·ln k = mean ln(c+1)',
  defaults: { b: 0.2 },
  check: { b: range(0, 1) },
  prepare(parameters, collection) {
    const pivot = pivotedLength(parameters.b as number, collection);
    return {
      prunable: true,
      pivot,
      term: statistics => {
        // A sum over a histogram in sorted order: the order of postings must not move the last bit.
        const seen = new Map<number, number>();
        statistics.forEachPosting((tf, length) => {
          const c = tf / pivot(length);
          seen.set(c, (seen.get(c) ?? 0) + 1);
        });
        let sum = 0;
        for (const c of [...seen.keys()].sort((a, b) => a - b)) sum += Math.log(c + 1) * (seen.get(c) ?? 0);
        const k = solveSaturation(sum / statistics.documents);
        const idf = Math.log(collection.documents / statistics.documents);
        return { weight: idf * (k + 1), k, add: 0, idf };
      },
    };
  },
};
