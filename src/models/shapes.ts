/** The shapes that batches are padded to: whatever fits on a CPU, a few that repeat on a device that plans for each. */
import type { Provider } from './providers.ts';

export interface Shapes {
  /** Columns where the longest row has so many tokens. */
  width(longest: number): number;
  /** Rows where there are so many texts. */
  rows(count: number): number;
  /** The most texts that so many rows hold. */
  most(rows: number): number;
  /** Padded tokens that take as long as starting a run does: below that many, padding is cheaper than another run. */
  readonly run: number;
}

/** As narrow as the rows allow. */
export const FREE: Shapes = { width: n => n, rows: n => n, most: n => n, run: 32 };

/** The least of 8, 12, 16, 24, 32, 48, … that is not below `n`. */
function step(n: number): number {
  const power = 2 ** Math.ceil(Math.log2(Math.max(8, n)));
  return n <= 0.75 * power && power > 8 ? 0.75 * power : power;
}

/**
 * Widths of 8, 12, 16, 24, 32, 48, …, and rows of powers of two. Memory that a GPU's arena set aside for a shape, and
 * kernels that were chosen for it, serve again.
 * @param limit positions that the model has: no width goes beyond, unless a row does
 */
export const fixedShapes = (limit: number): Shapes => ({
  width: n => Math.max(n, Math.min(limit, step(n))),
  rows: n => 2 ** Math.ceil(Math.log2(Math.max(1, n))),
  most: n => 2 ** Math.floor(Math.log2(Math.max(1, n))),
  run: 512,
});

/** Padded tokens of a run where nothing else is asked for: a GPU is not filled by what fills a core. */
export const budgetFor = (provider: Provider): number => (provider === 'cpu' ? 4096 : 16_384);

export const shapesFor = (provider: Provider, limit: number): Shapes =>
  provider === 'cpu' ? FREE : fixedShapes(limit);
