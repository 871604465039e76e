/**
 * A token's byte of two numbers: how large its residual is, in the low half (0: none; steps of a constant ratio), and what
 * brings it back to length 1, in the high half.
 */
const STEP = 1.15;
const LOWEST = 0.96;
const NORM_STEP = 0.008;

/** Of each low half: from `greatest` / 1.15¹⁴ to `greatest`. */
export const sizes = (greatest: number): Float32Array =>
  Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 0 : greatest / STEP ** (15 - i)));

/** Of each high half: .96 to 1.08. */
export const norms = (): Float32Array => Float32Array.from({ length: 16 }, (_, i) => LOWEST + NORM_STEP * i);

/** Number of the size that is nearest to x by ratio, or 0 where x is below all by more than a step. */
export function sizeOf(x: number, greatest: number): number {
  if (!(x > 0) || greatest === 0) return 0;
  return Math.max(0, Math.min(15, Math.round(15 - Math.log(greatest / x) / Math.log(STEP))));
}

export const normOf = (x: number): number => Math.max(0, Math.min(15, Math.round((x - LOWEST) / NORM_STEP)));
