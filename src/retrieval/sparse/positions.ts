import * as fs from 'node:fs';
import { ByteReader, ByteWriter } from './bytes.ts';
import { BLOCK_DOCS } from './postings.ts';

/**
 * Places of terms in their documents. A term's places, document after document: the first as a number
 * and each further one as the gap to the one before, less one; how many there are is the posting's tf.
 * Before them stand the byte lengths of the blocks of 128 postings, where there are several.
 * The places of field g count on from the end of field g - 1 and one more, so that no phrase runs over.
 */
export class PositionsEncoder {
  private readonly block = new ByteWriter(1 << 12);
  private readonly blocks = new ByteWriter(1 << 14);

  /** Appends the places of `count` postings; `write(i, out)` gives those of posting i. */
  encode(out: ByteWriter, count: number, write: (i: number, out: ByteWriter) => void): void {
    this.blocks.reset();
    for (let from = 0; from < count; from += BLOCK_DOCS) {
      this.block.reset();
      const to = Math.min(count, from + BLOCK_DOCS);
      for (let i = from; i < to; i++) write(i, this.block);
      if (count > BLOCK_DOCS) out.varint(this.block.length);
      this.blocks.put(this.block.view());
    }
    out.put(this.blocks.view());
  }
}

/** Writes the places `values[from..to)`, ascending, of one posting. */
export function writePlaces(out: ByteWriter, values: Int32Array, from: number, to: number): void {
  let previous = -1;
  for (let i = from; i < to; i++) {
    out.varint(values[i] - previous - 1);
    previous = values[i];
  }
}

/** The places of one term in one segment. */
export class PositionsList {
  private readonly bytes: Uint8Array;
  private readonly starts: number[] = [];

  /** `count` postings, as the encoder was given. */
  constructor(bytes: Uint8Array, count: number) {
    this.bytes = bytes;
    const reader = new ByteReader(bytes);
    const lengths: number[] = [];
    if (count > BLOCK_DOCS)
      for (let from = 0; from < count; from += BLOCK_DOCS) lengths.push(reader.varint());
    else lengths.push(0);
    let at = reader.at;
    for (const length of lengths) {
      this.starts.push(at);
      at += length;
    }
  }

  /** A reader at the first posting of a block. */
  block(block: number): ByteReader {
    return new ByteReader(this.bytes, this.starts[block]);
  }

  get memoryBytes(): number {
    return this.bytes.length + this.starts.length * 8 + 64;
  }
}

/** Reads the places of one posting into `out`. */
export function readPlaces(reader: ByteReader, tf: number, out: number[]): void {
  out.length = 0;
  let place = -1;
  for (let i = 0; i < tf; i++) {
    place += 1 + reader.varint();
    out.push(place);
  }
}

/** Skips the places of one posting. */
export function skipPlaces(reader: ByteReader, tf: number): void {
  for (let i = 0; i < tf; i++) reader.varint();
}

/** Bytes that wait for their turn in a file, beside it on disk once they pass a mebibyte. */
export class Spool {
  length = 0;
  private readonly path: string;
  private readonly buffer = new ByteWriter(1 << 16);
  private fd = -1;

  constructor(path: string) {
    this.path = path;
  }

  /** Where to append to; call `settle` after. */
  get out(): ByteWriter {
    return this.buffer;
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.length + this.buffer.length;
  }

  settle(): void {
    if (this.buffer.length < 1 << 20) return;
    this.drain();
  }

  /** Gives all bytes in order and removes the file. */
  read(take: (bytes: Uint8Array) => void): void {
    if (this.fd < 0) {
      take(this.buffer.view());
      this.length += this.buffer.length;
      this.buffer.reset();
      return;
    }
    this.drain();
    const chunk = new Uint8Array(1 << 20);
    for (let at = 0; at < this.length; ) {
      const got = fs.readSync(this.fd, chunk, 0, Math.min(chunk.length, this.length - at), at);
      if (got === 0) throw new Error(`${this.path}: ends early`);
      take(chunk.subarray(0, got));
      at += got;
    }
    this.close();
  }

  close(): void {
    if (this.fd < 0) return;
    fs.closeSync(this.fd);
    fs.rmSync(this.path, { force: true });
    this.fd = -1;
  }

  private drain(): void {
    if (this.fd < 0) this.fd = fs.openSync(this.path, 'w+');
    const bytes = this.buffer.view();
    for (let at = 0; at < bytes.length; )
      at += fs.writeSync(this.fd, bytes, at, bytes.length - at, this.length + at);
    this.length += bytes.length;
    this.buffer.reset();
  }
}
