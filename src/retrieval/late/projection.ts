/** The directions in which vectors differ most: what wide vectors are cut to before they are compressed. */
import { random } from '../random.ts';

const ROUNDS = 40;

/**
 * The `to` leading directions of vectors (rows × from), as columns: from × to, orthonormal. They are of the vectors as
 * they are, not around their mean, so that dot products are kept as well as they can be. By orthogonal iteration.
 */
export function leadingDirections(vectors: Float32Array, from: number, to: number): Float32Array {
  const rows = vectors.length / from;
  const moments = new Float64Array(from * from);
  // a few thousand vectors say enough of from × from moments
  const step = Math.max(1, Math.floor(rows / 20_000));
  for (let r = 0; r < rows; r += step) {
    const at = r * from;
    for (let i = 0; i < from; i++) {
      const x = vectors[at + i];
      if (x === 0) continue;
      for (let j = 0; j <= i; j++) moments[i * from + j] += x * vectors[at + j];
    }
  }
  for (let i = 0; i < from; i++) for (let j = 0; j < i; j++) moments[j * from + i] = moments[i * from + j];
  const next = random(from * 65536 + to);
  // directions are rows here: each is a run of numbers
  let basis = Float64Array.from({ length: to * from }, () => next() - 0.5);
  orthonormal(basis, to, from);
  for (let round = 0; round < ROUNDS; round++) {
    const turned = new Float64Array(to * from);
    for (let k = 0; k < to; k++)
      for (let i = 0; i < from; i++) {
        const x = basis[k * from + i];
        for (let j = 0; j < from; j++) turned[k * from + j] += x * moments[i * from + j];
      }
    // a little of what was there keeps directions without any spread apart
    for (let i = 0; i < turned.length; i++) turned[i] += 1e-9 * basis[i];
    orthonormal(turned, to, from);
    basis = turned;
  }
  const out = new Float32Array(from * to);
  for (let k = 0; k < to; k++) for (let i = 0; i < from; i++) out[i * to + k] = basis[k * from + i];
  return out;
}

/**
 * Directions (from × to), turned among themselves by chance, the same every time: dot products stay, and numbers of a
 * vector come to be alike, near a normal distribution (as before scalar quantisers in QuIP#, Tseng et al. 2024).
 */
export function turned(directions: Float32Array, from: number, to: number): Float32Array {
  const next = random(to);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const turn = Float64Array.from({ length: to * to }, normal);
  orthonormal(turn, to, to);
  const out = new Float32Array(from * to);
  for (let i = 0; i < from; i++)
    for (let k = 0; k < to; k++) {
      let sum = 0;
      for (let c = 0; c < to; c++) sum += directions[i * to + c] * turn[k * to + c];
      out[i * to + k] = sum;
    }
  return out;
}

/** Directions of vectors that are kept as wide as they come. */
export const identity = (d: number): Float32Array =>
  Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));

/** Gram–Schmidt, twice, over rows. */
function orthonormal(rows: Float64Array, count: number, d: number): void {
  for (let k = 0; k < count; k++) {
    for (let twice = 0; twice < 2; twice++)
      for (let j = 0; j < k; j++) {
        let dot = 0;
        for (let c = 0; c < d; c++) dot += rows[k * d + c] * rows[j * d + c];
        for (let c = 0; c < d; c++) rows[k * d + c] -= dot * rows[j * d + c];
      }
    let squares = 0;
    for (let c = 0; c < d; c++) squares += rows[k * d + c] ** 2;
    const norm = Math.sqrt(squares);
    if (norm > 0) for (let c = 0; c < d; c++) rows[k * d + c] /= norm;
  }
}
