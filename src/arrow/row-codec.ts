/** Rows as bytes and back, a row at a time: what a cache keeps. Far smaller than an Arrow message of one row. */
import { Bool, type Data, DataType, makeData } from 'apache-arrow';
import { isNull } from './access.ts';
import { Validity } from './build.ts';
import { ByteWriter } from './byte-writer.ts';

const isFixed = (type: DataType): boolean => DataType.isInt(type) || DataType.isFloat(type);

function writeValue(data: Data, row: number, to: ByteWriter): void {
  const { type } = data;
  if (isNull(data, row)) {
    to.byte(0);
    return;
  }
  to.byte(1);
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array;
    to.word(offsets[row + 1] - offsets[row]);
    to.put((data.values as Uint8Array).subarray(offsets[row], offsets[row + 1]));
  } else if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array;
    to.word(offsets[row + 1] - offsets[row]);
    writeItems(data.children[0], offsets[row], offsets[row + 1], to);
  } else if (DataType.isFixedSizeList(type)) {
    writeItems(data.children[0], row * type.listSize, (row + 1) * type.listSize, to);
  } else if (DataType.isBool(type)) {
    const bit = data.offset + row;
    to.byte((data.values[bit >> 3] >> (bit & 7)) & 1);
  } else to.put(bytesOf(data, row, row + 1));
}

// numbers without nulls are copied as one run: vectors are most of what caches hold
function writeItems(items: Data, from: number, to: number, out: ByteWriter): void {
  const plain = isFixed(items.type) && items.nullCount === 0;
  out.byte(plain ? 1 : 0);
  if (plain) out.put(bytesOf(items, from, to));
  else for (let i = from; i < to; i++) writeValue(items, i, out);
}

function bytesOf(data: Data, from: number, to: number): Uint8Array {
  const values = data.values as Int32Array;
  const width = values.BYTES_PER_ELEMENT;
  return new Uint8Array(values.buffer, values.byteOffset + from * width, (to - from) * width);
}

/** Rows `[from, to)` of some columns as bytes. */
export function encodeRows(datas: readonly Data[], from: number, to: number): Buffer {
  const out = new ByteWriter(1024);
  out.word(to - from);
  for (let row = from; row < to; row++) for (const data of datas) writeValue(data, row, out);
  return Buffer.from(out.exact().buffer);
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** Builds a column from encoded values. */
class Appender {
  readonly #type: DataType;
  readonly #validity = new Validity();
  readonly #values = new ByteWriter(1024);
  readonly #offsets: number[] = [0];
  readonly #items: Appender | undefined;
  readonly #width: number;
  length = 0;

  constructor(type: DataType) {
    this.#type = type;
    this.#width = isFixed(type) ? (type.ArrayType as Int32ArrayConstructor).BYTES_PER_ELEMENT : 0;
    if (DataType.isList(type) || DataType.isFixedSizeList(type))
      this.#items = new Appender(type.children[0].type);
  }

  value(from: Cursor): void {
    const valid = from.bytes[from.at++] === 1;
    this.#validity.set(this.length++, valid);
    const type = this.#type;
    if (DataType.isUtf8(type) || DataType.isBinary(type)) {
      if (valid) {
        const bytes = from.bytes.readUInt32LE(from.at);
        from.at += 4;
        this.#values.put(from.bytes.subarray(from.at, from.at + bytes));
        from.at += bytes;
      }
      this.#offsets.push(this.#values.used);
    } else if (DataType.isList(type)) {
      if (valid) {
        const count = from.bytes.readUInt32LE(from.at);
        from.at += 4;
        this.#items?.items(from, count);
      }
      this.#offsets.push(this.#items?.length ?? 0);
    } else if (DataType.isFixedSizeList(type)) {
      if (valid) this.#items?.items(from, type.listSize);
      else this.#items?.empty(type.listSize);
    } else if (DataType.isBool(type)) this.#values.byte(valid ? from.bytes[from.at++] : 0);
    else {
      this.#values.room(this.#width);
      if (valid) {
        this.#values.put(from.bytes.subarray(from.at, from.at + this.#width));
        from.at += this.#width;
      } else for (let i = 0; i < this.#width; i++) this.#values.byte(0);
    }
  }
  items(from: Cursor, count: number): void {
    const plain = from.bytes[from.at++] === 1;
    if (!plain) {
      for (let i = 0; i < count; i++) this.value(from);
      return;
    }
    this.#values.put(from.bytes.subarray(from.at, from.at + count * this.#width));
    from.at += count * this.#width;
    for (let i = 0; i < count; i++) this.#validity.set(this.length++, true);
  }
  empty(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#validity.set(this.length++, false);
      for (let b = 0; b < Math.max(1, this.#width); b++) this.#values.byte(0);
    }
  }
  finish(): Data {
    const type = this.#type;
    const base = {
      type,
      length: this.length,
      nullCount: this.#validity.nulls,
      nullBitmap: this.#validity.finish(this.length),
    };
    if (DataType.isUtf8(type) || DataType.isBinary(type)) {
      return makeData({
        ...base,
        valueOffsets: Int32Array.from(this.#offsets),
        data: this.#values.exact(),
      } as never);
    }
    if (this.#items) {
      const child = this.#items.finish();
      const offsets = DataType.isList(type) ? { valueOffsets: Int32Array.from(this.#offsets) } : {};
      return makeData({ ...base, ...offsets, child } as never);
    }
    const bytes = this.#values.exact();
    if (type instanceof Bool) {
      const bits = new Uint8Array((this.length + 7) >> 3);
      for (let i = 0; i < this.length; i++) bits[i >> 3] |= bytes[i] << (i & 7);
      return makeData({ ...base, data: bits } as never);
    }
    const values = new (type.ArrayType as Int32ArrayConstructor)(bytes.buffer as ArrayBuffer, 0, this.length);
    return makeData({ ...base, data: values } as never);
  }
}

/** Builds columns of these types from what {@link encodeRows} made. */
export class RowDecoder {
  readonly #columns: readonly Appender[];
  constructor(types: readonly DataType[]) {
    this.#columns = types.map(t => new Appender(t));
  }
  /** Appends the rows of one value; gives how many. */
  add(bytes: Uint8Array): number {
    const from: Cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 4 };
    const rows = from.bytes.readUInt32LE(0);
    for (let row = 0; row < rows; row++) for (const column of this.#columns) column.value(from);
    return rows;
  }
  finish(): Data[] {
    return this.#columns.map(c => c.finish());
  }
}
