import { ByteDictionary, hashBytes } from './byte-dictionary.ts';

// Keep the first n bytes of two little-endian words.
const lowMask = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1, -1);
const highMask = Int32Array.of(0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff, -1);

/**
 * Term ids by raw token. Tokens of up to eight bytes, most of any text, are two 32-bit words: they are
 * compared as numbers, in one cache line of an open-addressing table. Longer ones go through a dictionary.
 */
export class TokenCache {
  static readonly UNKNOWN = -2;
  static readonly DROPPED = -1;
  /** The token to look up or add is `scratch[0..length)`. */
  readonly scratch: Uint8Array;
  private readonly words: Int32Array;
  // Four numbers a slot: low word, high word, length (0: empty), id.
  private table = new Int32Array(4 << 12);
  private mask = (1 << 12) - 1;
  private used = 0;
  private readonly long = new ByteDictionary(1 << 10);
  private longIds = new Int32Array(1 << 10);

  constructor() {
    const buffer = new ArrayBuffer(264);
    this.scratch = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }

  get memoryBytes(): number {
    return this.table.byteLength + this.long.memoryBytes + this.longIds.byteLength;
  }

  /** The id that was added for the token; UNKNOWN where there is none. */
  find(length: number): number {
    if (length > 8) {
      const id = this.long.find(this.scratch, 0, length, hashBytes(this.scratch, 0, length));
      return id < 0 ? TokenCache.UNKNOWN : this.longIds[id];
    }
    const low = this.words[0] & lowMask[length];
    const high = this.words[1] & highMask[length];
    const { table, mask } = this;
    for (let slot = spread(low, high) & mask; ; slot = (slot + 1) & mask) {
      const at = slot << 2;
      if (table[at] === low && table[at + 1] === high && table[at + 2] === length) return table[at + 3];
      if (table[at + 2] === 0) return TokenCache.UNKNOWN;
    }
  }

  /** Keeps an id (or DROPPED) for the token, which must be unknown. */
  add(length: number, id: number): void {
    if (length > 8) {
      const at = this.long.add(this.scratch, 0, length, hashBytes(this.scratch, 0, length));
      if (at >= this.longIds.length) {
        const grown = new Int32Array(this.longIds.length * 2);
        grown.set(this.longIds);
        this.longIds = grown;
      }
      this.longIds[at] = id;
      return;
    }
    if (++this.used * 2 > this.mask) this.grow();
    this.place(this.words[0] & lowMask[length], this.words[1] & highMask[length], length, id);
  }

  private place(low: number, high: number, length: number, id: number): void {
    let slot = spread(low, high) & this.mask;
    while (this.table[(slot << 2) + 2] !== 0) slot = (slot + 1) & this.mask;
    const at = slot << 2;
    this.table[at] = low;
    this.table[at + 1] = high;
    this.table[at + 2] = length;
    this.table[at + 3] = id;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Int32Array(old.length * 2);
    this.mask = this.mask * 2 + 1;
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 2] !== 0) this.place(old[at], old[at + 1], old[at + 2], old[at + 3]);
    }
  }
}

function spread(low: number, high: number): number {
  const h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return (h ^ (h >>> 15)) >>> 0;
}
