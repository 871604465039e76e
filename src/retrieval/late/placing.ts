/** Where tokens of passages belong: a centroid each, and a share of each passage that is added to all of its centroids. */
import type { Nearest } from './nearest.ts';

/** Ragged vectors: those of passage p are from `offsets[p]` to `offsets[p + 1]`. */
export interface Passages {
  readonly vectors: Float32Array;
  readonly offsets: Int32Array;
}

/** Of each passage the mean of what its centroids leave: passages × d. */
export function sharesOf(
  { vectors, offsets }: Passages,
  own: Int32Array,
  centroids: Float32Array,
  d: number,
): Float32Array {
  const count = offsets.length - 1;
  const out = new Float32Array(count * d);
  const sum = new Float64Array(d);
  for (let p = 0; p < count; p++) {
    const n = offsets[p + 1] - offsets[p];
    if (n === 0) continue;
    sum.fill(0);
    for (let t = offsets[p]; t < offsets[p + 1]; t++)
      for (let c = 0; c < d; c++) sum[c] += vectors[t * d + c] - centroids[own[t] * d + c];
    for (let c = 0; c < d; c++) out[p * d + c] = sum[c] / n;
  }
  return out;
}

/** Vectors less the shares of their passages. */
export function withoutShares({ vectors, offsets }: Passages, shares: Float32Array, d: number): Float32Array {
  const out = new Float32Array(vectors.length);
  for (let p = 0; p + 1 < offsets.length; p++)
    for (let t = offsets[p]; t < offsets[p + 1]; t++)
      for (let c = 0; c < d; c++) out[t * d + c] = vectors[t * d + c] - shares[p * d + c];
  return out;
}

export interface Places {
  /** The centroid of each token. */
  readonly own: Int32Array;
  /** passages × d. */
  readonly shares: Float32Array;
}

/** Centroids of tokens, and shares of passages where there are such: found in turn, twice. */
export async function placed(
  passages: Passages,
  nearest: Nearest,
  book: { readonly centroids: Float32Array; readonly dimension: number; readonly isShared: boolean },
): Promise<Places> {
  const { centroids, dimension: d, isShared } = book;
  const n = passages.offsets[passages.offsets.length - 1];
  let own = await nearest.of(passages.vectors, n);
  if (!isShared) return { own, shares: new Float32Array((passages.offsets.length - 1) * d) };
  const bare = withoutShares(passages, sharesOf(passages, own, centroids, d), d);
  own = await nearest.of(bare, n);
  return { own, shares: sharesOf(passages, own, centroids, d) };
}
