import { toGrid } from './grid.ts';
import type { TermScorer } from './similarity/index.ts';

/** What one posting adds to a score, on the grid; `pivots` is u(l) by length. */
export function contribution(scorer: TermScorer, tf: number, length: number, pivots: Float64Array): number {
  if (scorer.score !== undefined) return toGrid(scorer.score(tf, length));
  return toGrid((scorer.weight * tf) / (tf + scorer.k * pivots[length]) + scorer.add);
}
