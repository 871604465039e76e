/**
 * Many entries in order of their keys, by an external sort: pieces are sorted and written as runs, and runs are merged
 * as they are read. So a B-tree of any size is written from its first page to its last, each page once.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { blockOf } from './id-blocks.ts';
import { DELETED, ENTRY_HEAD, eachSorted } from './sorted-entries.ts';
import { HEAD, ID_KEY, IN_BLOCKS } from './tables.ts';

const WRITTEN_AT_ONCE = 1 << 20;
const READ_AT_ONCE = 256 << 10;
/** Bytes of a merged piece, from which on it ends where it can. */
const MERGED = 4 << 20;

export class SortedRuns {
  readonly #folder: string;
  readonly #paths: string[] = [];

  /** @param folder of its own, made when it is first needed */
  constructor(folder: string) {
    this.#folder = folder;
  }
  get empty(): boolean {
    return this.#paths.length === 0;
  }

  /** Sorts a piece and writes it as a run. @param piece whole entries */
  add(piece: Buffer): void {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `run-${this.#paths.length}`);
    this.#paths.push(path);
    const file = openSync(path, 'w');
    try {
      const out = Buffer.allocUnsafeSlow(WRITTEN_AT_ONCE);
      let used = 0;
      const write = (bytes: Buffer): void => {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
      };
      eachSorted(piece, (key, _, end) => {
        const start = key - ENTRY_HEAD;
        const length = end - start;
        if (used + length > out.length) {
          write(out.subarray(0, used));
          used = 0;
        }
        if (length > out.length) write(piece.subarray(start, end));
        else used += piece.copy(out, used, start, end);
      });
      write(out.subarray(0, used));
    } finally {
      closeSync(file);
    }
  }

  /**
   * All entries in order of their keys, of one key in the order they came, in pieces of whole ones; a key, and a block
   * of ids, is within one piece. A piece is good until the next is asked for.
   */
  *merged(): Generator<Buffer> {
    const runs = this.#paths.map(path => new Run(path));
    try {
      let out = Buffer.allocUnsafeSlow(2 * MERGED);
      let used = 0;
      // where the last entry of `out` begins
      let last = -1;
      for (;;) {
        let first: Run | undefined;
        // of one key the earlier run comes first
        for (const run of runs) if (run.there && (!first || run.before(first))) first = run;
        if (!first) break;
        const { bytes, at, length } = first;
        if (used >= MERGED && !together(out, last, bytes, at)) {
          yield out.subarray(0, used);
          used = 0;
        }
        if (used + length > out.length) {
          const wider = Buffer.allocUnsafeSlow(2 * (used + length));
          out.copy(wider, 0, 0, used);
          out = wider;
        }
        last = used;
        used += bytes.copy(out, used, at, at + length);
        first.next();
      }
      if (used > 0) yield out.subarray(0, used);
    } finally {
      for (const run of runs) run.close();
    }
  }

  /** Removes the runs, and with them the folder. */
  close(): void {
    if (this.#paths.length > 0) rmSync(this.#folder, { recursive: true, force: true });
    this.#paths.length = 0;
  }
}

/** A run as it is read: the entry it stands at is bytes `[at, at + length)`. */
class Run {
  readonly #file: number;
  bytes: Buffer = Buffer.allocUnsafeSlow(READ_AT_ONCE);
  at = 0;
  length = 0;
  #held = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.#stand();
  }
  get there(): boolean {
    return this.length > 0;
  }
  next(): void {
    this.at += this.length;
    this.#stand();
  }
  // finds the length of the entry at `at`, and has all of it read
  #stand(): void {
    if (!this.#has(ENTRY_HEAD)) {
      this.length = 0;
      return;
    }
    const value = this.bytes.readUInt32LE(this.at + 2);
    this.length = ENTRY_HEAD + this.bytes.readUInt16LE(this.at) + (value === DELETED ? 0 : value);
    if (!this.#has(this.length)) throw new Error('a run of sorted entries is cut off');
  }
  #has(length: number): boolean {
    if (this.at + length <= this.#held) return true;
    const left = this.bytes.subarray(this.at, this.#held);
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(2 * length);
    left.copy(this.bytes, 0);
    this.#held = left.length;
    this.at = 0;
    while (this.#held < this.bytes.length) {
      const read = readSync(this.#file, this.bytes, this.#held, this.bytes.length - this.#held, null);
      if (read === 0) break;
      this.#held += read;
    }
    return length <= this.#held;
  }
  /** Whether its key comes before that of another. */
  before(other: Run): boolean {
    const [a, b] = [this.at + ENTRY_HEAD, other.at + ENTRY_HEAD];
    const aEnd = a + this.bytes.readUInt16LE(this.at);
    const bEnd = b + other.bytes.readUInt16LE(other.at);
    return this.bytes.compare(other.bytes, b, bEnd, a, aEnd) < 0;
  }
  close(): void {
    closeSync(this.#file);
  }
}

/** Whether two entries are of one key, or of one block of ids. */
function together(a: Buffer, aAt: number, b: Buffer, bAt: number): boolean {
  const length = a.readUInt16LE(aAt);
  if (length !== b.readUInt16LE(bAt)) return false;
  const [aKey, bKey] = [aAt + ENTRY_HEAD, bAt + ENTRY_HEAD];
  if (length !== ID_KEY || !IN_BLOCKS.has(a[aKey]))
    return a.compare(b, bKey, bKey + length, aKey, aKey + length) === 0;
  const same = a.compare(b, bKey, bKey + HEAD, aKey, aKey + HEAD) === 0;
  return same && blockOf(a.readUInt32BE(aKey + HEAD)) === blockOf(b.readUInt32BE(bKey + HEAD));
}
