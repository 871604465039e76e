/**
 * Records of a part (lines of a file) whose bytes are as they were: their rows need no decoding. A part's entry in the
 * ledger has 8 bytes of hash for each of its rows.
 */
import { fingerprints, hashWords } from '../../arrow/index.ts';
import { HashMap64 } from './hash-map.ts';
import type { IdRanges } from './id-ranges.ts';

export const RECORD_BYTES = 8;
/** Parts of more rows do without: their hashes would have to be held until the part is over. */
const MOST_ROWS = 1 << 20;

/** Records of a piece, in order: hashes, and ids of those whose rows are known; -1 for those to decode. */
export interface Records {
  readonly hashes: Uint8Array;
  readonly ids: Int32Array;
}

/** The hashes of records; `seed` is of what their rows depend on besides their bytes. */
export function hashRecords(raw: Uint8Array, bounds: Int32Array, seed: Uint8Array): Uint8Array {
  const whole = fingerprints(raw, bounds);
  const hashes = new Uint8Array((bounds.length / 2) * RECORD_BYTES);
  const [from, to, by] = [hashWords(whole), hashWords(hashes), hashWords(seed)];
  for (let at = 0; at < to.length; at += 2) {
    to[at] = from[2 * at] ^ by[0];
    to[at + 1] = from[2 * at + 1] ^ by[1];
  }
  return hashes;
}

/** @param columns of the rows that records become */
export function recordSeed(columns: string): Uint8Array {
  const bytes = Buffer.from(columns);
  return fingerprints(bytes, Int32Array.of(0, bytes.length)).subarray(0, RECORD_BYTES);
}

/** Ids by the hashes of their records; undefined where they are not known. */
export function knownRecords(hashes: Uint8Array, ids: IdRanges): HashMap64 | undefined {
  if (ids.length === 0 || hashes.length !== ids.length * RECORD_BYTES) return undefined;
  let capacity = 1 << 8;
  while (capacity * 3 < ids.length * 4) capacity *= 2;
  const known = new HashMap64(capacity);
  let at = 0;
  for (const id of ids) {
    if (!isUnknown(hashes, at)) known.getOrSet(hashes, at, id);
    at += RECORD_BYTES;
  }
  return known;
}
const isUnknown = (hashes: Uint8Array, at: number): boolean => {
  for (let b = 0; b < RECORD_BYTES; b++) if (hashes[at + b] !== 0) return false;
  return true;
};

/** The hashes of a part's rows, as they come. */
export class RecordHashes {
  #bytes = new Uint8Array(1024);
  #used = 0;
  #given = false;
  /** @param hashes with the hash at `at`; absent: not known */
  add(hashes?: Uint8Array, at = 0): void {
    if (this.#used > MOST_ROWS * RECORD_BYTES) return;
    if (this.#used === this.#bytes.length) {
      const wider = new Uint8Array(this.#bytes.length * 2);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    if (hashes) {
      for (let b = 0; b < RECORD_BYTES; b++) this.#bytes[this.#used + b] = hashes[at + b];
      this.#given = true;
    }
    this.#used += RECORD_BYTES;
  }
  /** Nothing where none is known, or there are too many. */
  bytes(): Uint8Array {
    if (!this.#given || this.#used > MOST_ROWS * RECORD_BYTES) return new Uint8Array(0);
    return this.#bytes.slice(0, this.#used);
  }
}
