import { ByteReader, ByteWriter, compareBytes } from './bytes.ts';

/** Strings in one block: a look-up decodes at most this many. */
const BLOCK = 16;

/**
 * Sorted byte strings, front-coded (shared prefix, suffix) in blocks of 16, each with `fields` varints of
 * payload. Section `<name>.data` holds the blocks, `<name>.index` a float64 offset a block and the end.
 */
export class FrontCodedWriter {
  readonly data = new ByteWriter(1 << 16);
  private offsets: Float64Array = new Float64Array(1024);
  private previous: Uint8Array = new Uint8Array(256);
  private previousLength = 0;
  count = 0;

  /** Strings must come in ascending byte order; the caller writes the payload after each. */
  add(source: Uint8Array, start: number, end: number): void {
    const { data } = this;
    let shared = 0;
    if (this.count % BLOCK === 0) this.mark();
    else {
      const limit = Math.min(this.previousLength, end - start);
      while (shared < limit && this.previous[shared] === source[start + shared]) shared++;
    }
    data.varint(shared);
    data.varint(end - start - shared);
    data.put(source, start + shared, end);
    if (end - start > this.previous.length) this.previous = new Uint8Array((end - start) * 2);
    for (let i = start; i < end; i++) this.previous[i - start] = source[i];
    this.previousLength = end - start;
    this.count++;
  }

  /** Offsets of the blocks and the end of the data. */
  index(): Float64Array {
    const blocks = Math.ceil(this.count / BLOCK);
    const offsets = this.offsets.slice(0, blocks + 1);
    offsets[blocks] = this.data.length;
    return offsets;
  }

  private mark(): void {
    const block = this.count / BLOCK;
    if (block + 1 >= this.offsets.length) {
      const grown = new Float64Array(this.offsets.length * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    this.offsets[block] = this.data.length;
  }
}

/** Reads a FrontCodedWriter's data: by string, by ordinal, or in order. */
export class FrontCodedReader {
  readonly count: number;
  private readonly data: Uint8Array;
  private readonly offsets: Float64Array;
  private readonly fields: number;

  constructor(data: Uint8Array, offsets: Float64Array, count: number, fields: number) {
    this.data = data;
    this.offsets = offsets;
    this.count = count;
    this.fields = fields;
  }

  /** A cursor; `next()` or `seek()` puts it on a string. */
  cursor(): FrontCodedCursor {
    return new FrontCodedCursor(this.data, this.offsets, this.count, this.fields);
  }
}

/** A place in a list of front-coded strings. `text[0..length)` is the current one. */
export class FrontCodedCursor {
  ordinal = -1;
  text: Uint8Array = new Uint8Array(256);
  length = 0;
  /** The payload of the current string. */
  readonly payload: number[];
  private readonly reader: ByteReader;
  private readonly offsets: Float64Array;
  private readonly count: number;
  private readonly fields: number;

  constructor(data: Uint8Array, offsets: Float64Array, count: number, fields: number) {
    this.reader = new ByteReader(data);
    this.offsets = offsets;
    this.count = count;
    this.fields = fields;
    this.payload = new Array<number>(fields).fill(0);
  }

  /** Moves to the next string; false past the last. */
  next(): boolean {
    if (this.ordinal + 1 >= this.count) {
      this.ordinal = this.count;
      return false;
    }
    this.ordinal++;
    if (this.ordinal % BLOCK === 0) this.reader.at = this.offsets[this.ordinal / BLOCK];
    this.read();
    return true;
  }

  /** True past the last string. */
  get done(): boolean {
    return this.ordinal >= this.count;
  }

  /** Moves to the string with this ordinal. */
  at(ordinal: number): void {
    const block = Math.floor(ordinal / BLOCK);
    if (this.ordinal >= ordinal || this.ordinal < block * BLOCK) {
      this.ordinal = block * BLOCK - 1;
    }
    while (this.ordinal < ordinal) this.next();
  }

  /** Moves to the first string ≥ the given one, forward or back; true where it is equal. */
  seek(source: Uint8Array, start: number, end: number): boolean {
    const blocks = this.offsets.length - 1;
    let low = 0;
    let high = blocks - 1;
    // The last block whose first string is not above the one sought.
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.compareFirst(middle, source, start, end) <= 0) low = middle;
      else high = middle - 1;
    }
    this.ordinal = low * BLOCK - 1;
    while (this.next()) {
      const order = compareBytes(this.text, 0, this.length, source, start, end);
      if (order >= 0) return order === 0;
    }
    return false;
  }

  private compareFirst(block: number, source: Uint8Array, start: number, end: number): number {
    const { reader } = this;
    reader.at = this.offsets[block];
    reader.varint();
    const length = reader.varint();
    return compareBytes(reader.bytes, reader.at, reader.at + length, source, start, end);
  }

  private read(): void {
    const { reader } = this;
    const shared = reader.varint();
    const suffix = reader.varint();
    const length = shared + suffix;
    if (length > this.text.length) {
      const grown = new Uint8Array(length * 2);
      grown.set(this.text.subarray(0, shared));
      this.text = grown;
    }
    const { bytes } = reader;
    const from = reader.at;
    for (let i = 0; i < suffix; i++) this.text[shared + i] = bytes[from + i];
    reader.at = from + suffix;
    this.length = length;
    for (let f = 0; f < this.fields; f++) this.payload[f] = reader.varint();
  }
}
