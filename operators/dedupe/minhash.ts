/** MinHash signatures (Broder 1997) of a text's shingles, and the bands by which near ones find each other (LSH). */
import { murmur3 } from '../shape/hash.ts';

/** Hash functions h(x) = (a·x + b) mod p over 32 bits, drawn from a fixed seed: the same on every machine. */
function functions(count: number): { a: Uint32Array; b: Uint32Array } {
  const a = new Uint32Array(count);
  const b = new Uint32Array(count);
  const bytes = new Uint8Array(4);
  for (let i = 0; i < count; i++) {
    new DataView(bytes.buffer).setUint32(0, i);
    a[i] = murmur3(bytes, 0, 4, 0x9e3779b9) | 1;
    b[i] = murmur3(bytes, 0, 4, 0x7f4a7c15);
  }
  return { a, b };
}

const encoder = new TextEncoder();

export class MinHash {
  readonly hashes: number;
  readonly #words: number;
  readonly #a: Uint32Array;
  readonly #b: Uint32Array;

  /** @param words in a shingle. @param hashes in a signature */
  constructor(words: number, hashes: number) {
    this.hashes = hashes;
    this.#words = words;
    ({ a: this.#a, b: this.#b } = functions(hashes));
  }

  /** The signature of a text: the least hash of its shingles under each function. Words are letters and digits. */
  signature(text: string): Uint32Array {
    const out = new Uint32Array(this.hashes).fill(0xffffffff);
    const words =
      text
        .normalize('NFC')
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
    const size = Math.min(this.#words, words.length);
    const seen = new Set<number>();
    for (let at = 0; size > 0 && at + size <= words.length; at++) {
      const bytes = encoder.encode(words.slice(at, at + size).join(' '));
      const x = murmur3(bytes, 0, bytes.length, 0);
      if (seen.has(x)) continue;
      seen.add(x);
      for (let i = 0; i < out.length; i++) {
        // a multiply and a mix instead of a prime modulus: near enough to independent, and fast
        let h = Math.imul(x, this.#a[i]) + this.#b[i];
        h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
        h = (h ^ (h >>> 13)) >>> 0;
        if (h < out[i]) out[i] = h;
      }
    }
    return out;
  }
}

/** The share of equal places of two signatures: an estimate of the Jaccard similarity of their shingles. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same++;
  return same / a.length;
}

/**
 * Rows a band, so that pairs at the threshold are found with a probability of at least .95: the most for which
 * 1 − (1 − t^r)^(n / r) does not fall below it.
 */
export function rowsInBand(hashes: number, threshold: number): number {
  for (let rows = Math.floor(hashes / 2); rows > 1; rows--) {
    if (1 - (1 - threshold ** rows) ** Math.floor(hashes / rows) >= 0.95) return rows;
  }
  return 1;
}
