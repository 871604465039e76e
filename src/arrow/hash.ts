/**
 * Hashes of rows: what a row is, in 12 bytes (96 bits of SHA-256: two of a billion rows share one with a chance of
 * about 10⁻¹¹). Values are written as type-blind bytes with their lengths, so no two different rows read alike.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { columnData, isNull } from './access.ts';

/** Bytes of a row's hash. */
export const HASH_BYTES = 12;

/** Writes the first bytes of the SHA-256 of `bytes` into `out`. A digest as text costs a third of one as a buffer. */
export function digestInto(bytes: Uint8Array, out: Uint8Array, at: number, length: number): void {
  const digest = hash('sha256', bytes, 'binary');
  for (let i = 0; i < length; i++) out[at + i] = digest.charCodeAt(i);
}

class Scratch {
  bytes = Buffer.allocUnsafeSlow(4096);
  used = 0;
  room(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.used + more));
    wider.set(this.bytes.subarray(0, this.used));
    this.bytes = wider;
  }
  byte(value: number): void {
    this.room(1);
    this.bytes[this.used++] = value;
  }
  count(value: number): void {
    this.room(4);
    this.used = this.bytes.writeUInt32LE(value, this.used);
  }
  put(source: Uint8Array): void {
    this.room(source.length);
    this.bytes.set(source, this.used);
    this.used += source.length;
  }
}

type Writer = (row: number) => void;

/** Writes the value of a row of a column: a mark for null, else the value. */
function writer(data: Data, to: Scratch): Writer {
  const { type } = data;
  let value: Writer;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array;
    const values = data.values as Uint8Array;
    value = row => {
      to.count(offsets[row + 1] - offsets[row]);
      to.put(values.subarray(offsets[row], offsets[row + 1]));
    };
  } else if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array;
    const item = writer(data.children[0], to);
    value = row => {
      to.count(offsets[row + 1] - offsets[row]);
      for (let i = offsets[row]; i < offsets[row + 1]; i++) item(i);
    };
  } else if (DataType.isFixedSizeList(type)) {
    const item = writer(data.children[0], to);
    value = row => {
      for (let i = row * type.listSize; i < (row + 1) * type.listSize; i++) item(i);
    };
  } else if (DataType.isBool(type)) {
    value = row => {
      const bit = data.offset + row;
      to.byte((data.values[bit >> 3] >> (bit & 7)) & 1);
    };
  } else {
    const typed = data.values as Int32Array;
    const width = typed.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
    value = row => to.put(bytes.subarray(row * width, (row + 1) * width));
  }
  if (data.nullCount === 0) {
    return row => {
      to.byte(1);
      value(row);
    };
  }
  return row => {
    if (isNull(data, row)) to.byte(0);
    else {
      to.byte(1);
      value(row);
    }
  };
}

const scratch = new Scratch();

/**
 * The hashes of a batch's rows over some columns: row i is bytes `[12 i, 12 (i + 1))`. The columns count in the order
 * of their names, so that the order in a file does not.
 */
export function hashRows(batch: RecordBatch, columns: readonly string[]): Uint8Array {
  const writers = [...columns].sort().map(name => writer(columnData(batch, name), scratch));
  const hashes = new Uint8Array(batch.numRows * HASH_BYTES);
  for (let row = 0; row < batch.numRows; row++) {
    scratch.used = 0;
    for (const write of writers) write(row);
    digestInto(scratch.bytes.subarray(0, scratch.used), hashes, row * HASH_BYTES, HASH_BYTES);
  }
  return hashes;
}

/** A check of a value of a column, two bytes of a CRC: whether a value changed of which not all was kept. */
export function columnCheck(data: Data): (row: number) => Uint8Array {
  const write = writer(data, scratch);
  return row => {
    scratch.used = 0;
    write(row);
    const check = crc32(scratch.bytes.subarray(0, scratch.used));
    return Uint8Array.of(check & 0xff, (check >>> 8) & 0xff);
  };
}
