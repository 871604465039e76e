/** Rows as JSON lines, from column bytes to file bytes: no object and no string a row. */
import { type Data, DataType, Precision, type RecordBatch } from 'apache-arrow';
import { type Columns, isNull } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';
import { type ByteBuffer, float32Text } from './bytes.ts';

// 0: as it is; 1: \u00XX; else the letter after the backslash
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(1, 0, 32);
for (const [byte, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
  [34, '"'],
  [92, '\\'],
] as const)
  ESCAPES[byte] = letter.charCodeAt(0);
const HEX = '0123456789abcdef';

/** Appends UTF-8 bytes as a JSON string. */
export function putJsonText(out: ByteBuffer, source: Uint8Array, start: number, end: number): void {
  out.room((end - start) * 6 + 2);
  const bytes = out.bytes;
  let at = out.used;
  bytes[at++] = 34;
  for (let i = start; i < end; i++) {
    const b = source[i];
    const letter = ESCAPES[b];
    if (letter === 0) bytes[at++] = b;
    else if (letter > 1) {
      bytes[at++] = 92;
      bytes[at++] = letter;
    } else {
      bytes[at++] = 92;
      bytes[at++] = 117;
      bytes[at++] = 48;
      bytes[at++] = 48;
      bytes[at++] = HEX.charCodeAt(b >> 4);
      bytes[at++] = HEX.charCodeAt(b & 15);
    }
  }
  bytes[at++] = 34;
  out.used = at;
}

/** Appends the value at a row; it is known not to be null. */
type Put = (row: number) => void;

/** Whether the value at a row stands in the line. */
type Stands = (row: number) => boolean;

/** Appends values of a column as JSON; `stands` is false for a value that JSON does not have. */
export function jsonPutter(out: ByteBuffer, data: Data): { put: Put; stands?: Stands } {
  const type = data.type;
  const values = data.values;
  if (DataType.isUtf8(type)) {
    const offsets = data.valueOffsets as Int32Array;
    return { put: row => putJsonText(out, values as Uint8Array, offsets[row], offsets[row + 1]) };
  }
  if (DataType.isBool(type))
    return {
      put: row => {
        const bit = data.offset + row;
        out.ascii((values[bit >> 3] & (1 << (bit & 7))) !== 0 ? 'true' : 'false');
      },
    };
  if (DataType.isInt(type)) return { put: row => out.ascii(String(values[row])) };
  if (DataType.isFloat(type) && type.precision !== Precision.HALF) {
    const text = type.precision === Precision.SINGLE ? float32Text : String;
    // JSON has no NaN and no infinities
    return { put: row => out.ascii(text(values[row])), stands: row => Number.isFinite(values[row]) };
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const items = data.children[0];
    const { put, stands } = jsonPutter(out, items);
    const offsets = data.valueOffsets as Int32Array;
    const size = DataType.isFixedSizeList(type) ? type.listSize : 0;
    return {
      put: row => {
        const from = size > 0 ? row * size : offsets[row];
        const to = size > 0 ? from + size : offsets[row + 1];
        out.byte(91);
        for (let i = from; i < to; i++) {
          if (i > from) out.byte(44);
          if (isNull(items, i) || stands?.(i) === false) out.ascii('null');
          else put(i);
        }
        out.byte(93);
      },
    };
  }
  throw new TypeError(`columns of type ${type} have no JSON form`);
}

const writable = (type: DataType): boolean =>
  DataType.isUtf8(type) ||
  DataType.isBool(type) ||
  DataType.isInt(type) ||
  (DataType.isFloat(type) && type.precision !== Precision.HALF) ||
  ((DataType.isList(type) || DataType.isFixedSizeList(type)) && writable(type.children[0].type));

/** @throws UserError naming the first column that has no text form. */
export function checkWritable(columns: Columns, format: string): void {
  for (const [name, column] of Object.entries(columns))
    if (!writable(column.type))
      throw new UserError(`column "${name}" is ${column.type}, which ${format} cannot hold`, {
        help: 'leave it out with the operator select, or use write.arrow or write.parquet',
      });
}

/** Appends the rows of a batch as lines. Nulls, NaN and infinities are left out; in lists they are null. */
export function putJsonLines(out: ByteBuffer, batch: RecordBatch): void {
  const names = batch.schema.fields.map(f => Buffer.from(`${JSON.stringify(f.name)}:`));
  const datas = batch.data.children;
  const puts = datas.map(d => jsonPutter(out, d));
  const nullable = datas.map(d => d.nullCount > 0);
  for (let row = 0; row < batch.numRows; row++) {
    out.byte(123);
    let first = true;
    for (let c = 0; c < datas.length; c++) {
      if (nullable[c] && isNull(datas[c], row)) continue;
      const { put, stands } = puts[c];
      if (stands?.(row) === false) continue;
      if (first) first = false;
      else out.byte(44);
      out.put(names[c]);
      put(row);
    }
    out.room(2);
    out.bytes[out.used++] = 125;
    out.bytes[out.used++] = 10;
  }
}
