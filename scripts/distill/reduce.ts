/** Fewer dimensions, and eight bits. */
import type { StaticTable } from '../../src/models/graphs.ts';

/** Eigenvectors of a symmetric matrix, by falling eigenvalue (cyclic Jacobi). Row i of the result is the i-th. */
function eigenvectors(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q] ** 2;
    let trace = 0;
    for (let p = 0; p < n; p++) trace += a[p * n + p] ** 2;
    if (off < 1e-22 * trace) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q];
        if (Math.abs(apq) < 1e-300) continue;
        const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [kp, kq] = [a[k * n + p], a[k * n + q]];
          a[k * n + p] = c * kp - s * kq;
          a[k * n + q] = s * kp + c * kq;
        }
        for (let k = 0; k < n; k++) {
          const [pk, qk] = [a[p * n + k], a[q * n + k]];
          a[p * n + k] = c * pk - s * qk;
          a[q * n + k] = s * pk + c * qk;
          const [vp, vq] = [v[p * n + k], v[q * n + k]];
          v[p * n + k] = c * vp - s * vq;
          v[q * n + k] = s * vp + c * vq;
        }
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => a[y * n + y] - a[x * n + x]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, i => a[i * n + i]), vectors };
}

/** The `to` leading principal directions of rows × d vectors, not centred: to × d. Rows are sampled to 6,000. */
export function principalDirections(vectors: Float32Array, d: number, to: number): Float32Array {
  const rows = vectors.length / d;
  const step = Math.max(1, Math.floor(rows / 6000));
  const moments = new Float64Array(d * d);
  for (let r = 0; r < rows; r += step) {
    for (let i = 0; i < d; i++) {
      const x = vectors[r * d + i];
      for (let j = i; j < d; j++) moments[i * d + j] += x * vectors[r * d + j];
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) moments[i * d + j] = moments[j * d + i];
  const { vectors: directions } = eigenvectors(moments, d);
  return Float32Array.from(directions.subarray(0, to * d));
}

/** Rows × d times directions transposed: rows × k. */
export function project(vectors: Float32Array, d: number, directions: Float32Array): Float32Array {
  const k = directions.length / d;
  const rows = vectors.length / d;
  const out = new Float32Array(rows * k);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < k; j++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += vectors[r * d + c] * directions[j * d + c];
      out[r * k + j] = sum;
    }
  }
  return out;
}

/** Eight bits a value, one factor a token. */
export function quantise(table: Float32Array, dimension: number): StaticTable {
  const tokens = table.length / dimension;
  const codes = new Int8Array(table.length);
  const scale = new Float32Array(tokens);
  for (let t = 0; t < tokens; t++) {
    let largest = 0;
    for (let c = 0; c < dimension; c++) largest = Math.max(largest, Math.abs(table[t * dimension + c]));
    if (largest === 0) continue;
    scale[t] = Math.fround(largest / 127);
    for (let c = 0; c < dimension; c++)
      codes[t * dimension + c] = Math.round(table[t * dimension + c] / scale[t]);
  }
  return { tokens, dimension, codes, scale };
}
