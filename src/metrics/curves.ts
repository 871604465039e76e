/** Curves of a metric over its cutoff. */

/**
 * Top-k accuracy for k = 1..depth from the rank (from 1, 0 for none) at which each question first has what
 * it needs; questions with NaN are not counted. No point where no question counts.
 */
export function accuracyCurve(ranks: ArrayLike<number>, depth = 100): [number, number][] {
  const at = new Float64Array(depth + 1);
  let questions = 0;
  for (let i = 0; i < ranks.length; i++) {
    const rank = ranks[i];
    if (Number.isNaN(rank)) continue;
    questions++;
    if (rank >= 1 && rank <= depth) at[rank]++;
  }
  const curve: [number, number][] = [];
  let found = 0;
  for (let k = 1; k <= depth && questions > 0; k++) {
    found += at[k];
    curve.push([k, found / questions]);
  }
  return curve;
}

/** Cutoffs worth a row in a table: 1 to 10, then 20, 50, 100, 200, 500, ... up to `depth`. */
export function tableCutoffs(depth: number): number[] {
  const cutoffs: number[] = [];
  for (let k = 1; k <= Math.min(10, depth); k++) cutoffs.push(k);
  for (let decade = 10; decade <= depth; decade *= 10) {
    for (const step of [2, 5, 10]) if (decade * step <= depth) cutoffs.push(decade * step);
  }
  return cutoffs;
}
