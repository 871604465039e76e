/**
 * Many entries in order of their keys, by an external sort: pieces are sorted and written as runs, and runs are merged
 * as they are read. So a B-tree of any size is written from its first page to its last, each page once.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { blockOf } from './id-blocks.ts';
import { ENTRY_HEAD, eachSorted, entryLength } from './sorted-entries.ts';
import { HEAD, ID_KEY, IN_BLOCKS } from './tables.ts';

const WRITTEN_AT_ONCE = 1 << 20;
const READ_AT_ONCE = 256 << 10;
/** Runs that are merged at once. */
const FAN_IN = 32;
/** Bytes of a merged piece, from which on it ends where it can. */
const MERGED = 4 << 20;

export class SortedRuns {
  readonly #folder: string;
  readonly #paths: string[] = [];
  #made = 0;

  /** @param folder of its own, made when it is first needed */
  constructor(folder: string) {
    this.#folder = folder;
  }
  get empty(): boolean {
    return this.#paths.length === 0;
  }

  /** Sorts a piece and writes it as a run. @param piece whole entries */
  add(piece: Buffer): void {
    this.#write(write => {
      eachSorted(piece, (key, _, end) => write(piece, key - ENTRY_HEAD, end));
    });
  }
  #write(give: (write: (bytes: Buffer, from: number, to: number) => void) => void): void {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `run-${this.#made++}`);
    this.#paths.push(path);
    const file = openSync(path, 'w');
    try {
      const out = Buffer.allocUnsafeSlow(WRITTEN_AT_ONCE);
      let used = 0;
      const flush = (bytes: Buffer): void => {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
      };
      give((bytes, from, to) => {
        if (used + to - from > out.length) {
          flush(out.subarray(0, used));
          used = 0;
        }
        if (to - from > out.length) flush(bytes.subarray(from, to));
        else used += bytes.copy(out, used, from, to);
      });
      flush(out.subarray(0, used));
    } finally {
      closeSync(file);
    }
  }

  /**
   * All entries in order of their keys, of one key in the order they came, in pieces of whole ones; a key, and a block
   * of ids, is within one piece. A piece is good until the next is asked for.
   */
  *merged(): Generator<Buffer> {
    // many runs first become fewer: neighbours together, so that entries of one key stay in their order
    while (this.#paths.length > FAN_IN) {
      const all = this.#paths.splice(0);
      for (let from = 0; from < all.length; from += FAN_IN) {
        const some = all.slice(from, from + FAN_IN);
        if (some.length === 1) this.#paths.push(some[0]);
        else
          this.#write(write => {
            for (const run of merging(some)) write(run.bytes, run.at, run.at + run.length);
          });
        if (some.length > 1) for (const path of some) rmSync(path, { force: true });
      }
    }
    let out = Buffer.allocUnsafeSlow(2 * MERGED);
    let used = 0;
    // where the last entry of `out` begins
    let last = -1;
    for (const { bytes, at, length } of merging(this.#paths)) {
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
    }
    if (used > 0) yield out.subarray(0, used);
  }

  /** Removes the runs, and with them the folder. */
  close(): void {
    if (this.#paths.length > 0) rmSync(this.#folder, { recursive: true, force: true });
    this.#paths.length = 0;
  }
}

/**
 * The entries of some runs in order of their keys, of one key those of the earlier run first: gives the run that stands
 * at the next, until it is asked for another.
 */
function* merging(paths: readonly string[]): Generator<Run> {
  const runs = paths.map((path, i) => new Run(path, i));
  try {
    // a heap: each stands before the two at twice its place and one and two more
    const heap: Run[] = [];
    const sink = (from: number): void => {
      const run = heap[from];
      let at = from;
      for (;;) {
        let next = 2 * at + 1;
        if (next >= heap.length) break;
        if (next + 1 < heap.length && heap[next + 1].before(heap[next])) next++;
        if (!heap[next].before(run)) break;
        heap[at] = heap[next];
        at = next;
      }
      heap[at] = run;
    };
    for (const run of runs) if (run.there) heap.push(run);
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i);
    while (heap.length > 0) {
      const [run] = heap;
      yield run;
      run.next();
      if (!run.there) {
        const end = heap.pop() as Run;
        if (heap.length === 0 || end === run) continue;
        heap[0] = end;
      }
      sink(0);
    }
  } finally {
    for (const run of runs) run.close();
  }
}

/** A run as it is read: the entry it stands at is bytes `[at, at + length)`. */
class Run {
  readonly #file: number;
  readonly #place: number;
  bytes: Buffer = Buffer.allocUnsafeSlow(READ_AT_ONCE);
  at = 0;
  length = 0;
  #held = 0;

  constructor(path: string, place: number) {
    this.#place = place;
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
    this.length = entryLength(this.bytes, this.at);
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
  /** Whether its entry comes before that of another. */
  before(other: Run): boolean {
    const [a, b] = [this.at + ENTRY_HEAD, other.at + ENTRY_HEAD];
    const aEnd = a + this.bytes.readUInt16LE(this.at);
    const bEnd = b + other.bytes.readUInt16LE(other.at);
    const order = this.bytes.compare(other.bytes, b, bEnd, a, aEnd);
    return order === 0 ? this.#place < other.#place : order < 0;
  }
  close(): void {
    closeSync(this.#file);
  }
}

/**
 * The entries of a piece in order of their keys, in parts of about so many bytes; a key is within one part, and so is a
 * block of ids, but where other keys stand among them.
 */
export function inOrder(piece: Buffer, most: number): Buffer[] {
  const out = Buffer.allocUnsafe(piece.length);
  const parts: Buffer[] = [];
  let [from, last, used] = [0, 0, 0];
  eachSorted(piece, (key, _, end) => {
    const at = key - ENTRY_HEAD;
    if (used - from >= most && !together(out, last, piece, at)) {
      parts.push(out.subarray(from, used));
      from = used;
    }
    last = used;
    used += piece.copy(out, used, at, end);
  });
  if (used > from) parts.push(out.subarray(from, used));
  return parts;
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
