/** Reads columns without a per-row object: bytes and offsets, decoded only where a string is asked for. */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';

// a BOM inside a text is part of it
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Whether row `i` of a column is null. */
export function isNull(data: Data, i: number): boolean {
  if (data.nullCount === 0 || !data.nullBitmap?.length) return false;
  const bit = data.offset + i;
  return (data.nullBitmap[bit >> 3] & (1 << (bit & 7))) === 0;
}

/** The data of a column of a batch. @throws Error naming the columns there are. */
export function columnData(batch: RecordBatch, name: string): Data {
  const index = batch.schema.fields.findIndex(f => f.name === name);
  if (index < 0) {
    const names = batch.schema.fields.map(f => f.name).join(', ');
    throw new Error(`no column "${name}"; the columns are: ${names || 'none'}`);
  }
  return batch.data.children[index];
}

/** Whether a batch has a column. */
export const hasColumn = (batch: RecordBatch, name: string): boolean =>
  batch.schema.fields.some(f => f.name === name);

/** A Utf8 column: row i is `bytes[offsets[i], offsets[i + 1])`. */
export class Utf8View {
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly data: Data;
  readonly #buffer: Buffer;

  constructor(data: Data) {
    if (!DataType.isUtf8(data.type)) throw new TypeError(`wanted a Utf8 column, got ${data.type}`);
    this.data = data;
    this.length = data.length;
    this.bytes = data.values as Uint8Array;
    this.offsets = data.valueOffsets as Int32Array;
    this.#buffer = Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }
  isNull(i: number): boolean {
    return isNull(this.data, i);
  }
  /** The text of row i; '' for null. */
  get(i: number): string {
    const start = this.offsets[i];
    const end = this.offsets[i + 1];
    // Buffer decodes short texts faster, TextDecoder long ones
    return end - start > 4096
      ? decoder.decode(this.bytes.subarray(start, end))
      : this.#buffer.toString('utf8', start, end);
  }
  /** The UTF-8 bytes of row i (a view). */
  slice(i: number): Uint8Array {
    return this.bytes.subarray(this.offsets[i], this.offsets[i + 1]);
  }
}

/** A Utf8 column of a batch. */
export const utf8View = (batch: RecordBatch, name: string): Utf8View => new Utf8View(columnData(batch, name));

/** A List column: row i holds items `offsets[i]` to `offsets[i + 1]` of `items`. */
export interface ListView {
  readonly length: number;
  readonly offsets: Int32Array;
  readonly items: Data;
}
export function listView(batch: RecordBatch, name: string): ListView {
  const data = columnData(batch, name);
  if (!DataType.isList(data.type)) throw new TypeError(`wanted a List column, got ${data.type}`);
  return { length: data.length, offsets: data.valueOffsets as Int32Array, items: data.children[0] };
}

/** Vectors of a FixedSizeList column of numbers: row i is `values[i · size, (i + 1) · size)`. Null rows hold zeros. */
export interface VectorView {
  readonly length: number;
  readonly size: number;
  readonly values: Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array;
  readonly data: Data;
}
export function vectorView(batch: RecordBatch, name: string): VectorView {
  const data = columnData(batch, name);
  if (!DataType.isFixedSizeList(data.type))
    throw new TypeError(`wanted a column of vectors, got ${data.type}`);
  const size = data.type.listSize;
  const values = (data.children[0].values as Float32Array).subarray(0, data.length * size);
  return { length: data.length, size, values, data };
}

/** A numeric column's values (a view; nulls hold 0). */
export function numbers(batch: RecordBatch, name: string): Int32Array | Float64Array | Float32Array {
  const data = columnData(batch, name);
  return (data.values as Int32Array).subarray(0, data.length);
}

/** The value of any column at row i as plain JavaScript: string, number, boolean, bigint, array or null. */
export function valueAt(data: Data, i: number): unknown {
  if (isNull(data, i)) return null;
  const type = data.type;
  if (DataType.isUtf8(type)) return new Utf8View(data).get(i);
  if (DataType.isList(type)) {
    const out: unknown[] = [];
    for (let j = data.valueOffsets[i]; j < data.valueOffsets[i + 1]; j++)
      out.push(valueAt(data.children[0], j));
    return out;
  }
  if (DataType.isFixedSizeList(type)) {
    const out: unknown[] = [];
    for (let j = 0; j < type.listSize; j++) out.push(valueAt(data.children[0], i * type.listSize + j));
    return out;
  }
  if (DataType.isBool(type)) {
    const bit = data.offset + i;
    return (data.values[bit >> 3] & (1 << (bit & 7))) !== 0;
  }
  return data.values[i];
}

/** {@link valueAt} of a column, for whoever reads many. */
export function valueReader(data: Data): (i: number) => unknown {
  if (!DataType.isUtf8(data.type)) return i => valueAt(data, i);
  const view = new Utf8View(data);
  return i => (isNull(data, i) ? null : view.get(i));
}

/** All values of a column as plain JavaScript. */
export function valuesOf(data: Data): unknown[] {
  const read = valueReader(data);
  return Array.from({ length: data.length }, (_, i) => read(i));
}

/** The rows of a batch as plain objects. For tests, examples and small data. */
export function rowsOf(batch: RecordBatch): Record<string, unknown>[] {
  const columns = batch.schema.fields.map((f, i) => [f.name, valuesOf(batch.data.children[i])] as const);
  return Array.from({ length: batch.numRows }, (_, r) =>
    Object.fromEntries(columns.map(([name, v]) => [name, v[r]])),
  );
}
