/**
 * Ledger changes of a run that is not committed yet: an append-only file, so a run in memory bounds writes as much as
 * it likes, and nothing of it counts until the commit record names the file. Ends with a count and a CRC.
 */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../arrow/index.ts';
import { UserError } from '../define/index.ts';
import type { Ahead } from './ahead/ahead.ts';
import { refuseNewer, withState } from './errors.ts';
import { faultPoint } from './fault.ts';
import { DELETED, ENTRY_HEAD, entryLength, MOST_ENTRIES } from './sorted-entries.ts';

const FLUSH_BYTES = 1 << 20;
const MAGIC = Buffer.from('MRJ1');
const TAIL_BYTES = 12;
/** Table and slot. */
const KEY_HEAD = 3;
const ID = new Uint8Array(4);

/** Where puts and deletes of the ledger go. */
export interface Entries {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** See {@link JournalWriter.begin}. */
  begin(table: number, slot: number, rest: Uint8Array, from?: number, to?: number): ByteWriter;
  beginId(table: number, slot: number, id: number): ByteWriter;
  end(): Buffer;
}

/** Keeps nothing: for whoever only wants to know what there would be to do. */
export class NoEntries implements Entries {
  readonly #out = new ByteWriter();
  put(): void {}
  delete(): void {}
  begin(): ByteWriter {
    this.#out.used = 0;
    return this.#out;
  }
  beginId(): ByteWriter {
    return this.begin();
  }
  end(): Buffer {
    return this.#out.bytes.subarray(0, this.#out.used);
  }
}

/** Appends puts and deletes. Stages that run side by side share one: entries may come while others are written. */
export class JournalWriter implements Entries {
  #path: string;
  #file: FileHandle | undefined;
  #out = new ByteWriter(FLUSH_BYTES + 4096);
  /** Of an entry that is not ended: where the length of its value stands, and where that begins. */
  #lengthAt = 0;
  #value = 0;
  #crc = 0;
  #count = 0;
  // one write after the other; what comes meanwhile goes into another buffer
  #writing: Promise<void> = Promise.resolve();

  // where entries go at once, until the first commit
  #ahead: Ahead | undefined;

  constructor(path: string) {
    this.#path = path;
  }
  /** From now on entries go there; before a commit only the last few are left for the file. */
  goAhead(ahead: Ahead): void {
    this.#ahead = ahead;
  }
  get path(): string {
    return this.#path;
  }
  put(key: Uint8Array, value: Uint8Array): void {
    this.#head(key.length, value.length);
    this.#out.put(key);
    this.#out.put(value);
  }
  delete(key: Uint8Array): void {
    this.#head(key.length, DELETED);
    this.#out.put(key);
  }
  #head(key: number, value: number): void {
    const out = this.#out;
    out.room(ENTRY_HEAD);
    out.used = out.bytes.writeUInt16LE(key, out.used);
    out.used = out.bytes.writeUInt32LE(value, out.used);
    this.#count++;
  }
  /**
   * Begins an entry of a table, whose key goes on with `rest[from, to)`; its value is what is written into the writer
   * until {@link end}, which must come before anything else.
   */
  begin(table: number, slot: number, rest: Uint8Array, from = 0, to = rest.length): ByteWriter {
    const out = this.#out;
    this.#head(KEY_HEAD + to - from, 0);
    this.#lengthAt = out.used - 4;
    out.byte(table);
    out.byte(slot >>> 8);
    out.byte(slot & 0xff);
    out.range(rest, from, to);
    this.#value = out.used;
    return out;
  }
  /** {@link begin}, for a key that goes on with an id. */
  beginId(table: number, slot: number, id: number): ByteWriter {
    ID[0] = id >>> 24;
    ID[1] = id >>> 16;
    ID[2] = id >>> 8;
    ID[3] = id;
    return this.begin(table, slot, ID);
  }
  /** Ends the entry; gives its value, only good until the next call. */
  end(): Buffer {
    const { bytes, used } = this.#out;
    bytes.writeUInt32LE(used - this.#value, this.#lengthAt);
    return bytes.subarray(this.#value, used);
  }
  /** Writes what is buffered where it is much; await it between batches. */
  async drain(): Promise<void> {
    if (this.#out.used >= FLUSH_BYTES) await this.#flush();
  }
  #flush(last = false): Promise<void> {
    // taken in one go, so that entries made during the write are neither lost nor written twice
    const part = this.#out.bytes.subarray(0, this.#out.used);
    this.#out = new ByteWriter(FLUSH_BYTES + 4096);
    const ahead = last ? undefined : this.#ahead;
    if (ahead) {
      this.#count = 0;
      this.#writing = this.#writing.then(() => ahead.add(part));
      return this.#writing;
    }
    this.#crc = crc32(part, this.#crc);
    this.#writing = this.#writing.then(() =>
      withState(this.#path, async () => {
        faultPoint('journal');
        if (!this.#file) {
          await mkdir(dirname(this.#path), { recursive: true });
          this.#file = await open(this.#path, 'w');
          await this.#file.writeFile(MAGIC);
        }
        await this.#file.writeFile(part);
      }),
    );
    return this.#writing;
  }
  /** Ends the file and syncs it. Gives the number of its entries. */
  async finish(): Promise<number> {
    if (this.#ahead) {
      await this.#writing;
      await this.#ahead.end();
    }
    await this.#flush(true);
    this.#ahead = undefined;
    const end = Buffer.alloc(TAIL_BYTES);
    end.writeUInt32LE(DELETED, 0);
    end.writeUInt32LE(this.#count, 4);
    end.writeUInt32LE(this.#crc, 8);
    await withState(this.#path, async () => {
      await this.#file?.writeFile(end);
      await this.#file?.sync();
      await this.#close();
    });
    return this.#count;
  }
  /**
   * Where entries go ahead: has all of them be in the ledger. When it returns, the thread that puts them there has them
   * all, and works on beside whatever this thread does; `done` is when they are there.
   */
  async settle(): Promise<{ readonly done: Promise<void> }> {
    await (this.#ahead && this.#flush());
    return { done: this.#ahead ? this.#ahead.settle() : Promise.resolve() };
  }
  /** All entries of the file so far, in pieces of whole ones. */
  async *pieces(): AsyncGenerator<JournalPiece> {
    if (this.#ahead) return;
    await this.#flush();
    if (!this.#file) return;
    const file = await open(this.#path, 'r');
    try {
      const { size } = await file.stat();
      yield* wholePieces(file, size, Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, size)));
    } finally {
      await file.close();
    }
  }
  /** After {@link finish}: begins another file. */
  next(path: string): void {
    this.#path = path;
    this.#crc = 0;
    this.#count = 0;
  }
  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
  /** Ends what goes ahead, where that has not ended: nobody else may write into the ledger then. */
  async leave(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#ahead?.drop();
    this.#ahead = undefined;
  }
  /** Drops the file. */
  async abort(): Promise<void> {
    await this.leave();
    await this.#close();
    await rm(this.#path, { force: true });
  }
}

/** Some of a journal's entries. */
export interface JournalPiece {
  /** Whole entries, good until the next piece is asked for. */
  readonly bytes: Buffer;
  readonly entries: number;
  /** Whether there are no more. */
  readonly last: boolean;
}

/** A journal that is cut off or damaged. */
export class JournalError extends UserError {}

/** Bytes of a piece of a journal: what is sorted at once. */
const PIECE_BYTES = 32 << 20;
/** Bytes that the checksum takes at once. */
const CHECKED_BYTES = 1 << 20;

/**
 * A journal in pieces of whole entries, checked whole before the first is given.
 * @param bytes and `most` entries of a piece
 * @throws JournalError naming a broken file, UserError one of a newer format.
 */
export async function* journalPieces(
  path: string,
  bytes = PIECE_BYTES,
  most = MOST_ENTRIES,
): AsyncGenerator<JournalPiece> {
  const broken = (why: string): JournalError =>
    new JournalError(`${path}: ${why}`, { help: 'run the pipeline with --full to build its state anew' });
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const end = size - TAIL_BYTES;
    const head = Buffer.alloc(MAGIC.length);
    await file.read(head, 0, MAGIC.length, 0);
    refuseNewer(path, head, MAGIC);
    if (end < MAGIC.length) throw broken('not a ledger journal');
    // a first pass for the checksum, so that half a journal is never applied; through the one buffer there is
    const buffer = Buffer.allocUnsafeSlow(Math.min(bytes, end - MAGIC.length));
    let crc = 0;
    for (let at = MAGIC.length; at < end; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, CHECKED_BYTES, end - at), at);
      crc = crc32(buffer.subarray(0, bytesRead), crc);
      at += bytesRead;
    }
    const tail = Buffer.alloc(TAIL_BYTES);
    await file.read(tail, 0, TAIL_BYTES, end);
    if (!head.equals(MAGIC)) throw broken('not a ledger journal');
    if (tail.readUInt32LE(0) !== DELETED || tail.readUInt32LE(8) !== crc) {
      throw broken('cut off or damaged (its checksum does not hold)');
    }
    let given = 0;
    for await (const piece of wholePieces(file, end, buffer, most)) {
      given += piece.entries;
      if (piece.last && given !== tail.readUInt32LE(4))
        throw broken(`it has ${given} entries, wanted ${tail.readUInt32LE(4)}`);
      yield piece;
    }
  } finally {
    await file.close();
  }
}

async function* wholePieces(
  file: FileHandle,
  end: number,
  given: Buffer,
  most = MOST_ENTRIES,
): AsyncGenerator<JournalPiece> {
  let buffer = given;
  let held = 0;
  for (let at = MAGIC.length; at < end || held > 0; ) {
    if (at < end) {
      const { bytesRead } = await file.read(buffer, held, Math.min(buffer.length - held, end - at), at);
      at += bytesRead;
      held += bytesRead;
    }
    const { bytes: whole, entries } = wholeEntries(buffer.subarray(0, held), most);
    if (whole === 0) {
      if (at >= end) throw new Error('a journal ends within an entry');
      // an entry longer than a piece
      const wider = Buffer.allocUnsafeSlow(buffer.length * 2);
      buffer.copy(wider, 0, 0, held);
      buffer = wider;
      continue;
    }
    yield { bytes: buffer.subarray(0, whole), entries, last: at >= end && whole === held };
    buffer.copyWithin(0, whole, held);
    held -= whole;
  }
}

// bytes and number of the entries that are there to their end, at most so many
function wholeEntries(bytes: Buffer, most: number): { bytes: number; entries: number } {
  let at = 0;
  let entries = 0;
  for (; at + ENTRY_HEAD <= bytes.length && entries < most; entries++) {
    const next = at + entryLength(bytes, at);
    if (next > bytes.length) break;
    at = next;
  }
  return { bytes: at, entries };
}
