/**
 * The ranking measures, each of one ranked list. `grades` holds the judgement of the document at each rank
 * (0 for unjudged and for not relevant; negative counts as 0 gain), one entry a document, best first. They
 * agree with trec_eval 9; every measure lies between 0 and 1.
 */

/** How a grade becomes gain: `linear` g (trec_eval; Järvelin & Kekäläinen 2002), `exponential` 2^g-1 (Burges et al. 2005). */
export type Gain = 'linear' | 'exponential';

function gainOf(grade: number, gain: Gain): number {
  if (grade <= 0) return 0;
  return gain === 'linear' ? grade : 2 ** grade - 1;
}

/** Number of relevant documents (grade ≥ 1) among the first `k`. */
export function relevantIn(grades: ArrayLike<number>, k: number): number {
  let count = 0;
  for (let i = 0; i < grades.length && i < k; i++) if (grades[i] >= 1) count++;
  return count;
}

/** Rank from 1 of the first relevant document, 0 where there is none. */
export function firstRelevant(grades: ArrayLike<number>): number {
  for (let i = 0; i < grades.length; i++) if (grades[i] >= 1) return i + 1;
  return 0;
}

/** Share of the first `k` ranks that hold a relevant document; ranks past the end hold none. */
export function precisionAt(grades: ArrayLike<number>, k: number): number {
  return relevantIn(grades, k) / k;
}

/** Share of all `relevant` documents that are among the first `k`; 0 where there is no relevant one. */
export function recallAt(grades: ArrayLike<number>, relevant: number, k: number): number {
  return relevant === 0 ? 0 : relevantIn(grades, k) / relevant;
}

/** Precision at the rank that equals the number of relevant documents. */
export function rPrecision(grades: ArrayLike<number>, relevant: number): number {
  return relevant === 0 ? 0 : relevantIn(grades, relevant) / relevant;
}

/** 1/rank of the first relevant document if its rank is at most `k`, else 0. */
export function reciprocalRank(grades: ArrayLike<number>, k = Number.POSITIVE_INFINITY): number {
  const rank = firstRelevant(grades);
  return rank > 0 && rank <= k ? 1 / rank : 0;
}

/** Mean over all `relevant` documents of the precision at their ranks, 0 for one that was not retrieved. */
export function averagePrecision(grades: ArrayLike<number>, relevant: number): number {
  if (relevant === 0) return 0;
  let found = 0;
  let sum = 0;
  for (let i = 0; i < grades.length; i++) if (grades[i] >= 1) sum += ++found / (i + 1);
  return sum / relevant;
}

/** Discounted cumulated gain of the first `k`: Σ gain / log2(rank + 1). Not bounded by 1. */
export function dcg(grades: ArrayLike<number>, k = Number.POSITIVE_INFINITY, gain: Gain = 'linear'): number {
  let sum = 0;
  for (let i = 0; i < grades.length && i < k; i++) {
    const value = gainOf(grades[i], gain);
    if (value > 0) sum += value / Math.log2(i + 2);
  }
  return sum;
}

/**
 * DCG over the DCG of the best possible list. `judged` holds every judged grade of the question, in any
 * order. 0 where no judged document has gain.
 */
export function ndcg(
  grades: ArrayLike<number>,
  judged: ArrayLike<number>,
  k = Number.POSITIVE_INFINITY,
  gain: Gain = 'linear',
): number {
  const ideal = dcg(Float64Array.from(judged).sort().reverse(), k, gain);
  return ideal === 0 ? 0 : dcg(grades, k, gain) / ideal;
}
