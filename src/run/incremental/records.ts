/**
 * Records of a part (lines of a file) whose bytes are as they were: their rows need no decoding. A part's entry in the
 * ledger has 8 bytes of hash for each of its rows.
 */
import { fingerprints, hashWords } from '../../arrow/index.ts';
import type { SourceRecords } from '../../define/index.ts';
import { HashMap64 } from './hash-map.ts';
import type { IdRanges } from './id-ranges.ts';

export const RECORD_BYTES = 8;
/** Parts of more rows do without: their hashes would have to be held until the part is over. */
const MOST_ROWS = 1 << 20;

/** Records of a piece, in order: hashes, and ids of those whose rows are known; -1 for those to decode. */
export interface Records {
  /** Two words a record. */
  readonly hashes: Uint32Array;
  readonly ids: Int32Array;
}

/** The records of a piece and their hashes; `seed` is of what their rows depend on besides their bytes. */
export function hashRecords(
  split: SourceRecords,
  raw: Uint8Array,
  seed: Uint8Array,
): { bounds: Int32Array; hashes: Uint32Array } {
  const both = split.hashed?.(raw);
  const bounds = both?.bounds ?? split.bounds(raw);
  const whole = both?.hashes ?? fingerprints(raw, bounds);
  const hashes = new Uint32Array(bounds.length);
  const [from, by] = [hashWords(whole), hashWords(seed)];
  for (let at = 0; at < hashes.length; at += 2) {
    hashes[at] = from[2 * at] ^ by[0];
    hashes[at + 1] = from[2 * at + 1] ^ by[1];
  }
  return { bounds, hashes };
}

/** @param columns of the rows that records become */
export function recordSeed(columns: string): Uint8Array {
  const bytes = Buffer.from(columns);
  return fingerprints(bytes, Int32Array.of(0, bytes.length)).subarray(0, RECORD_BYTES);
}

/** The records of a part as the ledger has them: what their rows' ids are. */
export class KnownRecords {
  /** Two words a record. */
  readonly #words: Uint32Array;
  readonly #ids: Int32Array;
  /** Places by hash; made where a record is not where it was. */
  #places: HashMap64 | undefined;
  #next = 0;

  private constructor(words: Uint32Array, ids: Int32Array) {
    this.#words = words;
    this.#ids = ids;
  }
  /** Undefined where the hashes are not known. @param hashes those of the rows that `ids` has, in its order */
  static of(hashes: Uint8Array, ids: IdRanges): KnownRecords | undefined {
    if (ids.length === 0 || hashes.length !== ids.length * RECORD_BYTES) return undefined;
    return new KnownRecords(hashWords(new Uint8Array(hashes)), ids.all());
  }

  /** The id of a record, -1 where it is none of them. Asked in order of the records it takes least. */
  idOf(hashes: Uint32Array, record: number): number {
    let place: number | undefined = this.#next;
    if (!this.#is(place, hashes, record)) {
      this.#places ??= this.#byHash();
      place = this.#places.get(bytesOf(hashes), record * RECORD_BYTES);
      if (place === undefined) {
        // one that was changed where it stands, most often
        this.#next++;
        return -1;
      }
    }
    this.#next = place + 1;
    return this.#ids[place];
  }
  #is(place: number, hashes: Uint32Array, record: number): boolean {
    const [at, i] = [2 * place, 2 * record];
    const words = this.#words;
    return words[at] === hashes[i] && words[at + 1] === hashes[i + 1] && (hashes[i] | hashes[i + 1]) !== 0;
  }
  #byHash(): HashMap64 {
    let capacity = 1 << 8;
    while (capacity * 3 < this.#ids.length * 4) capacity *= 2;
    const places = new HashMap64(capacity);
    const bytes = bytesOf(this.#words);
    for (let i = 0; i < this.#ids.length; i++)
      if ((this.#words[2 * i] | this.#words[2 * i + 1]) !== 0) places.getOrSet(bytes, i * RECORD_BYTES, i);
    return places;
  }
}
const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** The hashes of a part's rows, as they come; 0 where one is not known. */
export class RecordHashes {
  #words = new Uint32Array(256);
  #used = 0;
  #given = false;
  /** @param hashes of which that of `record` is meant; absent: not known */
  add(hashes?: Uint32Array, record = 0): void {
    if (this.#used > MOST_ROWS * 2) return;
    if (this.#used === this.#words.length) {
      const wider = new Uint32Array(this.#words.length * 2);
      wider.set(this.#words);
      this.#words = wider;
    }
    if (hashes) {
      this.#words[this.#used] = hashes[2 * record];
      this.#words[this.#used + 1] = hashes[2 * record + 1];
      this.#given = true;
    }
    this.#used += 2;
  }
  /** Nothing where none is known, or there are too many. */
  bytes(): Uint8Array {
    if (!this.#given || this.#used > MOST_ROWS * 2) return new Uint8Array(0);
    return bytesOf(this.#words.subarray(0, this.#used));
  }
}
