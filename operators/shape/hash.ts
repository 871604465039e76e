/** Seeded hashes of the columns that name a row: the same on every machine and in every run. */
import { type Data, DataType } from 'apache-arrow';
import { valueAt } from '../../src/arrow/index.ts';

/** MurmurHash3 (Appleby, x86 32-bit) of `bytes[from, to)`. */
export function murmur3(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let h = seed | 0;
  const whole = from + ((to - from) & ~3);
  for (let i = from; i < whole; i += 4) {
    const k = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    h = Math.imul(rotate(h ^ scramble(k), 13), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let i = to - 1; i >= whole; i--) rest = (rest << 8) | bytes[i];
  if (to > whole) h ^= scramble(rest);
  h ^= to - from;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
const scramble = (k: number): number => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);

const encoder = new TextEncoder();

/** A number from 0 up to, not including, 1 for row `i` of some columns: 53 bits of two hashes. */
export function unitHash(columns: readonly Data[], i: number, seed: number): number {
  let high = seed;
  let low = ~seed;
  for (const data of columns) {
    if (DataType.isUtf8(data.type)) {
      const bytes = data.values as Uint8Array;
      const { valueOffsets } = data;
      high = murmur3(bytes, valueOffsets[i], valueOffsets[i + 1], high);
      low = murmur3(bytes, valueOffsets[i], valueOffsets[i + 1], low);
    } else {
      const bytes = encoder.encode(String(valueAt(data, i)));
      high = murmur3(bytes, 0, bytes.length, high);
      low = murmur3(bytes, 0, bytes.length, low);
    }
  }
  return (high * 0x200000 + (low >>> 11)) / 2 ** 53;
}
