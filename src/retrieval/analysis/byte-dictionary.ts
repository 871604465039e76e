/**
 * A growing set of byte strings, each with a dense id in order of first sight: open addressing with
 * linear probing over one arena of bytes, so that looking a token up allocates nothing.
 */
export class ByteDictionary {
  /** Number of distinct strings; ids run from 0 to size - 1. */
  size = 0;
  /** All strings one after the other; string `id` is `bytes[offsets[id]] .. bytes[offsets[id + 1]]`. */
  bytes: Uint8Array;
  offsets: Uint32Array;
  private hashes: Uint32Array;
  private table: Int32Array;
  private mask: number;

  constructor(expected = 1024) {
    let capacity = 64;
    while (capacity < expected * 2) capacity *= 2;
    this.table = new Int32Array(capacity);
    this.mask = capacity - 1;
    this.hashes = new Uint32Array(capacity >> 1);
    this.offsets = new Uint32Array((capacity >> 1) + 1);
    this.bytes = new Uint8Array(capacity * 4);
  }

  /** Bytes this dictionary holds in memory. */
  get memoryBytes(): number {
    return this.bytes.length + this.offsets.byteLength + this.hashes.byteLength + this.table.byteLength;
  }

  /** The id of `source[start..end)`, or -1 where it was never interned. `hash` as `hashBytes` gives it. */
  find(source: Uint8Array, start: number, end: number, hash: number): number {
    const { table, mask, hashes, offsets, bytes } = this;
    const length = end - start;
    for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot] - 1;
      if (id < 0) return -1;
      if (hashes[id] !== hash >>> 0) continue;
      const at = offsets[id];
      if (offsets[id + 1] - at !== length) continue;
      let i = 0;
      while (i < length && bytes[at + i] === source[start + i]) i++;
      if (i === length) return id;
    }
  }

  /** The id of `source[start..end)`; new strings get `size` as it was before the call. */
  intern(source: Uint8Array, start: number, end: number, hash: number): number {
    const found = this.find(source, start, end, hash);
    return found >= 0 ? found : this.add(source, start, end, hash);
  }

  /** Adds a string known to be absent. */
  add(source: Uint8Array, start: number, end: number, hash: number): number {
    const id = this.size;
    if (id + 1 >= this.hashes.length) this.grow();
    const at = this.offsets[id];
    const length = end - start;
    if (at + length > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(this.bytes.length * 2, at + length));
      bytes.set(this.bytes.subarray(0, at));
      this.bytes = bytes;
    }
    for (let i = 0; i < length; i++) this.bytes[at + i] = source[start + i];
    this.offsets[id + 1] = at + length;
    this.hashes[id] = hash;
    this.place(id, hash);
    this.size = id + 1;
    return id;
  }

  /** The bytes of one string (a view, valid until the next `intern`). */
  slice(id: number): Uint8Array {
    return this.bytes.subarray(this.offsets[id], this.offsets[id + 1]);
  }

  clear(): void {
    this.size = 0;
    this.table.fill(0);
  }

  private place(id: number, hash: number): void {
    let slot = mix(hash) & this.mask;
    while (this.table[slot] !== 0) slot = (slot + 1) & this.mask;
    this.table[slot] = id + 1;
  }

  private grow(): void {
    const capacity = this.table.length * 2;
    const hashes = new Uint32Array(capacity >> 1);
    hashes.set(this.hashes);
    const offsets = new Uint32Array((capacity >> 1) + 1);
    offsets.set(this.offsets);
    this.hashes = hashes;
    this.offsets = offsets;
    this.table = new Int32Array(capacity);
    this.mask = capacity - 1;
    for (let id = 0; id < this.size; id++) this.place(id, hashes[id]);
  }
}

export const HASH_SEED = 0x811c9dc5;
export const HASH_PRIME = 0x01000193;

/** FNV-1a over bytes; `hash = Math.imul(hash ^ byte, HASH_PRIME)` step by step gives the same. */
export function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i], HASH_PRIME);
  return hash >>> 0;
}

// FNV leaves its high bits poorly spread; the table takes low bits, so fold once.
function mix(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
