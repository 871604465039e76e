/** From token vectors of a batch to one vector a text. */
import type { Pooling } from './conventions.ts';

/**
 * Pools token vectors.
 * @param hidden rows × width × d, row-major
 * @param lengths tokens of each row, at least 1; tokens are on the left, padding on the right
 * @param out rows × d, written from `outRows[i] · d` on
 */
export function poolTokens(
  hidden: Float32Array,
  shape: { readonly rows: number; readonly width: number; readonly dimension: number },
  lengths: Int32Array,
  pooling: Exclude<Pooling, 'none'>,
  out: Float32Array,
  outRows: Int32Array,
): void {
  const { rows, width, dimension: d } = shape;
  for (let i = 0; i < rows; i++) {
    const base = i * width * d;
    const to = outRows[i] * d;
    const length = lengths[i];
    if (length === 0) continue;
    if (pooling === 'cls' || pooling === 'last') {
      const from = base + (pooling === 'cls' ? 0 : (length - 1) * d);
      out.set(hidden.subarray(from, from + d), to);
    } else if (pooling === 'mean') {
      for (let t = 0; t < length; t++) {
        const from = base + t * d;
        for (let c = 0; c < d; c++) out[to + c] += hidden[from + c];
      }
      for (let c = 0; c < d; c++) out[to + c] /= length;
    } else {
      out.set(hidden.subarray(base, base + d), to);
      for (let t = 1; t < length; t++) {
        const from = base + t * d;
        for (let c = 0; c < d; c++) if (hidden[from + c] > out[to + c]) out[to + c] = hidden[from + c];
      }
    }
  }
}

/** Brings each row of a rows × d matrix to length 1, in place; rows of zeros stay. */
export function normalizeRows(vectors: Float32Array, dimension: number): void {
  for (let at = 0; at < vectors.length; at += dimension) {
    let sum = 0;
    for (let c = at; c < at + dimension; c++) sum += vectors[c] * vectors[c];
    if (sum === 0) continue;
    const factor = 1 / Math.sqrt(sum);
    for (let c = at; c < at + dimension; c++) vectors[c] *= factor;
  }
}

/** The leading `to` columns of a rows × `from` matrix. */
export function cutColumns(vectors: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return vectors;
  const rows = vectors.length / from;
  const out = new Float32Array(rows * to);
  for (let r = 0; r < rows; r++) out.set(vectors.subarray(r * from, r * from + to), r * to);
  return out;
}
