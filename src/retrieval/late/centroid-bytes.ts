/** Centroids in a file. */

/** So many centroids are floats. */
const FEW = 256;

/**
 * Centroids as signed bytes: of each its greatest number as a float, then its numbers by 127th parts of that. Few are
 * kept as floats: they take no room to speak of.
 */
export function toBytes(centroids: Float32Array, d: number): Uint8Array {
  const count = centroids.length / d;
  if (count <= FEW) return new Uint8Array(centroids.slice().buffer);
  const out = new Uint8Array(count * (4 + d));
  const view = new DataView(out.buffer);
  for (let k = 0, at = 0; k < count; k++, at += 4 + d) {
    let greatest = 0;
    for (let c = k * d; c < (k + 1) * d; c++) greatest = Math.max(greatest, Math.abs(centroids[c]));
    view.setFloat32(at, greatest, true);
    for (let c = 0; c < d && greatest > 0; c++)
      view.setInt8(at + 4 + c, Math.round((127 * centroids[k * d + c]) / greatest));
  }
  return out;
}

export function fromBytes(bytes: Uint8Array, count: number, d: number): Float32Array {
  if (count <= FEW) return new Float32Array(bytes.slice().buffer);
  const out = new Float32Array(count * d);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let k = 0, at = 0; k < count; k++, at += 4 + d) {
    const step = view.getFloat32(at, true) / 127;
    for (let c = 0; c < d; c++) out[k * d + c] = view.getInt8(at + 4 + c) * step;
  }
  return out;
}
