/** Rows of halves, little-endian. */
import { floatToHalf, halfTable } from '../dense/half.ts';

export function toHalves(vectors: Float32Array): Uint8Array {
  const out = new Uint8Array(vectors.length * 2);
  for (let i = 0; i < vectors.length; i++) {
    const half = floatToHalf(vectors[i]);
    out[2 * i] = half & 255;
    out[2 * i + 1] = half >> 8;
  }
  return out;
}

export function fromHalves(bytes: Uint8Array): Float32Array {
  const table = halfTable();
  const out = new Float32Array(bytes.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = table[bytes[2 * i] | (bytes[2 * i + 1] << 8)];
  return out;
}
