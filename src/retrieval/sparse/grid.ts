/**
 * Term contributions are rounded to multiples of 2^-36 before they are summed. Sums of such numbers below
 * 2^17 are exact in float64, so a score does not depend on the order of its terms: pruned and exhaustive
 * search, one segment and many, one process and several give the same bits. The rounding moves a score
 * by less than 1e-11 a term.
 */
export const GRID = 2 ** -36;
/** Adding and taking away 1.5 · 2^(52 - 36) rounds to the grid, for numbers below 2^15. */
export const GRID_SHIFT = 1.5 * 2 ** 16;
/** The largest sum that is safe. */
export const GRID_LIMIT = 2 ** 15;

/** The nearest multiple of 2^-36. */
export function toGrid(value: number): number {
  return value + GRID_SHIFT - GRID_SHIFT;
}
