/** Cuts a stream of byte blocks at record borders: what `scan` gives for text formats. */
import { UserError } from '../../../src/define/index.ts';

/** Finds where records end. Counters say how far the last record end that it reported reaches. */
export interface Cutter {
  /** Looks at `bytes[from, to)`, once and in order; the end of the last record that ends there, or -1. */
  feed(bytes: Uint8Array, from: number, to: number): number;
  /** Newlines up to the last reported end. */
  lines: number;
  /** Records up to the last reported end. */
  records: number;
  /** Called at the end of the file: what is left counts as ended. */
  finish(): void;
}

/** A record a line. */
export class LineCutter implements Cutter {
  lines = 0;
  records = 0;
  #open = false;
  feed(bytes: Uint8Array, from: number, to: number): number {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, to);
    let last = -1;
    for (let at = buffer.indexOf(10, from); at >= 0; at = buffer.indexOf(10, at + 1)) {
      this.lines++;
      last = at + 1;
    }
    this.records = this.lines;
    this.#open = last < 0 ? this.#open || to > from : last < to;
    return last;
  }
  finish(): void {
    if (this.#open) this.lines++;
    this.records = this.lines;
  }
}

/** Whole records. */
export interface RecordBlock {
  /** In a buffer of their own, unless they are borrowed: then they are good until the next block is asked for. */
  readonly raw: Uint8Array;
  readonly borrowed: boolean;
  /** Line (1-based) and record (0-based) the block starts with. */
  readonly line: number;
  readonly record: number;
  /** Where it ends: byte, line and record of what follows. */
  readonly end: Place;
}

/** A place in a file between two records. */
export interface Place {
  readonly offset: number;
  readonly line: number;
  readonly record: number;
}

export const START: Place = { offset: 0, line: 1, record: 0 };

/** Bytes a block reaches before it is given out. */
const TARGET = 256 * 1024;
/** The longest record; a file without line ends must not fill the memory. */
export const RECORD_LIMIT = 256 * 2 ** 20;

const join = (parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> => {
  // all of it is written, so it need not be cleared first
  const out = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** Bytes of a UTF-8 byte order mark at the start of a file. @throws UserError for UTF-16. */
export function byteOrderMark(head: Uint8Array, shown: string): number {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    throw new UserError(`${shown} is UTF-16, wanted UTF-8`, {
      help: `convert it: iconv -f UTF-16 -t UTF-8 ${shown}`,
    });
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

/**
 * The records of a file as blocks of at least 256 KB (the last one less), from `place` on.
 * @param borrow gives views of `blocks` where it can, without a copy
 * @throws UserError where a record is longer than 256 MiB.
 */
export async function* recordBlocks(
  blocks: AsyncIterable<Uint8Array>,
  cutter: Cutter,
  shown: string,
  place: Place = START,
  borrow = false,
): AsyncGenerator<RecordBlock> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let { offset, line, record } = place;
  const baseLine = line;
  const baseRecord = record;
  let atStart = offset === 0;
  const give = (tail?: Uint8Array): RecordBlock => {
    const borrowed = borrow && held === 0 && tail !== undefined;
    const raw = borrowed ? tail : join(tail ? [...parts, tail] : parts, held + (tail?.length ?? 0));
    const from = { line, record };
    offset += raw.length;
    line = baseLine + cutter.lines;
    record = baseRecord + cutter.records;
    parts = [];
    held = 0;
    return { raw, borrowed, ...from, end: { offset, line, record } };
  };
  for await (const got of blocks) {
    let start = 0;
    if (atStart) {
      start = byteOrderMark(got, shown);
      offset += start;
      atStart = false;
    }
    // where in the block what is not given yet begins
    let open = start;
    const end = cutter.feed(got, start, got.length);
    if (end >= 0 && held + end - start >= TARGET) {
      yield give(got.subarray(start, end));
      open = end;
    }
    if (open < got.length) parts.push(got.slice(open));
    held += got.length - open;
    if (held > RECORD_LIMIT)
      throw new UserError(
        `${shown}:${baseLine + cutter.lines}: one record is longer than ${RECORD_LIMIT / 2 ** 20} MiB`,
        { help: 'is the file in this format, with line ends?' },
      );
  }
  if (held > 0) {
    cutter.finish();
    yield give();
  }
}
