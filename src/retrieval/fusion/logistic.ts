/** A chooser between two lists of hits: from how the first one's scores fall, whether to trust it. */

import { type Fused, fuse, type HitList } from './fuse.ts';

/** Means of the top 2, 4 and 8 scores after softmax, each with a weight, and a bias. */
export interface Chooser {
  readonly weights: readonly [number, number, number];
  readonly bias: number;
}

const TOPS = [2, 4, 8] as const;

/** The features of a list: means of its best 2, 4 and 8 scores after a softmax over all of them. Empty: zeros. */
export function chooserFeatures(scores: ArrayLike<number>): [number, number, number] {
  const n = scores.length;
  if (n === 0) return [0, 0, 0];
  const sorted = Float64Array.from(scores).sort().reverse();
  const powers = sorted.map(s => Math.exp(s - sorted[0]));
  const sum = powers.reduce((total, p) => total + p, 0);
  return TOPS.map(top => {
    const m = Math.min(top, n);
    return powers.subarray(0, m).reduce((total, p) => total + p / sum, 0) / m;
  }) as [number, number, number];
}

/** The probability that the first list is the one to take, 0…1. */
export function trusts(chooser: Chooser, scores: ArrayLike<number>): number {
  const features = chooserFeatures(scores);
  const z = features.reduce((sum, x, i) => sum + chooser.weights[i] * x, chooser.bias);
  return 1 / (1 + Math.exp(-z));
}

/**
 * The list to take, alone, with its own scores; where it is empty, the other one. `ranks` are of both lists, as of
 * {@link fuse}.
 * @param depth hits of each list that count, also for the chooser
 */
export function choose(
  chooser: Chooser,
  first: HitList,
  second: HitList,
  depth = Number.POSITIVE_INFINITY,
): Fused {
  const trusted = trusts(chooser, Array.from(first.scores).slice(0, depth)) >= 0.5;
  const takesFirst = second.keys.length === 0 || (trusted && first.keys.length > 0);
  const fused = fuse([first, second], { method: 'weighted', depth, weights: takesFirst ? [1, 0] : [0, 1] });
  const own = fused.ranks[takesFirst ? 0 : 1];
  const kept = fused.keys.flatMap((_, i) => (own[i] >= 0 ? [i] : []));
  return {
    keys: kept.map(i => fused.keys[i]),
    scores: Float64Array.from(kept, i => fused.scores[i]),
    ranks: fused.ranks.map(r => Int32Array.from(kept, i => r[i])),
  };
}

/**
 * Trains a chooser by Newton's method on the ridge-penalised log likelihood; the same examples give the same numbers.
 * @param examples scores of the first list, and whether it held the answer (its top 3 held the gold)
 * @throws RangeError where there are no examples of both kinds
 */
export function trainChooser(
  examples: readonly { readonly scores: ArrayLike<number>; readonly right: boolean }[],
  ridge = 1e-3,
): Chooser {
  const right = examples.filter(e => e.right).length;
  if (right === 0 || right === examples.length) {
    throw new RangeError(
      `chooser: ${right} of ${examples.length} questions are answered by the first list; wanted some of both kinds`,
    );
  }
  const rows = examples.map(e => [...chooserFeatures(e.scores), 1]);
  const w = [0, 0, 0, 0];
  for (let step = 0; step < 50; step++) {
    const gradient = w.map((x, i) => (i < 3 ? -ridge * x : 0));
    const hessian = w.map((_, i) => w.map((_, j) => (i === j ? (i < 3 ? ridge : 1e-9) : 0)));
    rows.forEach((x, r) => {
      const p = 1 / (1 + Math.exp(-x.reduce((sum, v, i) => sum + v * w[i], 0)));
      for (let i = 0; i < 4; i++) {
        gradient[i] += ((examples[r].right ? 1 : 0) - p) * x[i];
        for (let j = 0; j < 4; j++) hessian[i][j] += p * (1 - p) * x[i] * x[j];
      }
    });
    const change = solve(hessian, gradient);
    for (let i = 0; i < 4; i++) w[i] += change[i];
    if (Math.max(...change.map(Math.abs)) < 1e-10) break;
  }
  return { weights: [w[0], w[1], w[2]], bias: w[3] };
}

/** Gauss's elimination with the largest pivot. */
function solve(matrix: number[][], right: number[]): number[] {
  const n = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let p = 0; p < n; p++) {
    let best = p;
    for (let r = p + 1; r < n; r++) if (Math.abs(a[r][p]) > Math.abs(a[best][p])) best = r;
    [a[p], a[best]] = [a[best], a[p]];
    for (let r = p + 1; r < n; r++) {
      const factor = a[r][p] / a[p][p];
      for (let c = p; c <= n; c++) a[r][c] -= factor * a[p][c];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let r = n - 1; r >= 0; r--) {
    let sum = a[r][n];
    for (let c = r + 1; c < n; c++) sum -= a[r][c] * x[c];
    x[r] = sum / a[r][r];
  }
  return x;
}
