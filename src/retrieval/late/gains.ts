/**
 * A token's byte of two numbers: how large its residual is, in the low 5 bits (0: none; steps of a constant ratio), and what
 * brings it back to length 1, in the high 3.
 */
const SIZES = 32;
const STEP = 1.18;
const NORMS = 8;
const LOWEST = 0.968;
const NORM_STEP = 0.016;

export const gainOf = (size: number, norm: number): number => size | (norm << 5);

/** Of a gain: 0, or from `greatest` / 1.18³⁰ to `greatest`. */
export function sizeIn(gain: number, greatest: number): number {
  const i = gain & (SIZES - 1);
  return i === 0 ? 0 : greatest / STEP ** (SIZES - 1 - i);
}

/** Of a gain: .968 to 1.08. */
export const normIn = (gain: number): number => LOWEST + NORM_STEP * (gain >> 5);

/** Number of the size that is nearest to x by ratio, or 0 where x is below all by more than a step. */
export function sizeOf(x: number, greatest: number): number {
  if (!(x > 0) || greatest === 0) return 0;
  const i = Math.round(SIZES - 1 - Math.log(greatest / x) / Math.log(STEP));
  return Math.max(0, Math.min(SIZES - 1, i));
}

export const normOf = (x: number): number =>
  Math.max(0, Math.min(NORMS - 1, Math.round((x - LOWEST) / NORM_STEP)));
