/** Batches of columnar files as batches of the pinned columns: names, keys, drift and row errors, column by column. */
import { type Data, DataType, makeData, Precision, type RecordBatch, type Schema } from 'apache-arrow';
import {
  batchOf,
  dataOf,
  describe,
  isNull,
  sameType,
  takeData,
  typeName,
  Utf8Builder,
  valueAt,
} from '../../../src/arrow/index.ts';
import { type Decoded, type RecordError, UserError } from '../../../src/define/index.ts';
import type { Field, Layout, LayoutParams } from './layout.ts';
import { layoutOf, type Observed } from './layout.ts';
import { dataByName, plainFields, plainOf } from './normal.ts';
import { lateField } from './rows.ts';

/** Where a batch stands in its file. */
export interface BatchPlace {
  readonly file: string;
  readonly name: string;
  /** Number of the first row (0-based). */
  readonly row: number;
}

/** The layout for files with this schema, and what of it cannot be read. */
export function columnarLayout(
  params: LayoutParams,
  schema: Schema | undefined,
  where: string,
): { layout: Layout; left: string[] } {
  const { plain, left } = plainFields(schema?.fields ?? []);
  const observed = new Map<string, Observed>();
  for (const [name, { column }] of plain) observed.set(name, column);
  return { layout: layoutOf(params, observed, where), left };
}

const allNull = (field: Field, rows: number): Data =>
  dataOf(field.type.type, new Array<null>(rows).fill(null));

// types read from files are not of the classes Float64 and Int64, only alike
const isDouble = (type: DataType): boolean => DataType.isFloat(type) && type.precision === Precision.DOUBLE;
const isLong = (type: DataType): boolean => DataType.isInt(type) && type.bitWidth === 64 && type.isSigned;

/** The data as the wanted type where every value fits: whole numbers widen, nothing else changes. */
function widen(data: Data, wanted: DataType): Data | undefined {
  if (sameType(data.type, wanted)) return data;
  if (DataType.isFloat(data.type)) return isDouble(wanted) ? numbersAs(data, wanted) : undefined;
  if (!DataType.isInt(data.type)) return undefined;
  if (isDouble(wanted) || isLong(wanted)) return numbersAs(data, wanted);
  const wider = DataType.isInt(wanted) && wanted.bitWidth > data.type.bitWidth && wanted.isSigned;
  return wider ? numbersAs(data, wanted) : undefined;
}

function numbersAs(data: Data, wanted: DataType): Data {
  const values = new (wanted.ArrayType as unknown as Float64ArrayConstructor)(data.length);
  const big = isLong(wanted);
  for (let i = 0; i < data.length; i++)
    values[i] = (big ? BigInt(data.values[i] as number) : Number(data.values[i])) as number;
  return makeData({
    type: wanted,
    length: data.length,
    nullCount: data.nullCount,
    nullBitmap: data.nullCount > 0 ? data.nullBitmap : undefined,
    data: values,
  } as never);
}

/** A key column as text: whole numbers become text. */
function keyData(data: Data): Data | undefined {
  if (DataType.isUtf8(data.type)) return data;
  if (!DataType.isInt(data.type)) return undefined;
  const builder = new Utf8Builder(data.length, data.length * 12);
  for (let i = 0; i < data.length; i++)
    if (isNull(data, i)) builder.pushNull();
    else builder.push(String(data.values[i]));
  return builder.finish();
}

/** What is wrong with the value at row `i` of a key column. */
function keyProblem(data: Data, i: number): string | undefined {
  if (isNull(data, i)) return 'found null, wanted a value';
  return DataType.isUtf8(data.type) && data.valueOffsets[i] === data.valueOffsets[i + 1]
    ? 'the key is empty'
    : undefined;
}

/** Brings a batch of a file into the layout. @throws UserError where the file lacks a key column. */
export function toLayout(
  batch: RecordBatch,
  layout: Layout,
  place: BatchPlace,
  warn: (message: string) => void,
): Decoded {
  const rows = batch.numRows;
  const byName = dataByName(batch);
  const bad = new Map<number, string>();
  const mark = (row: number, message: string): void => {
    if (!bad.has(row)) bad.set(row, message);
  };
  const datas: Data[] = [];
  if (layout.made) {
    const builder = new Utf8Builder(rows, rows * 16);
    for (let i = 0; i < rows; i++) builder.push(`${place.name}#${place.row + i + 1}`);
    datas.push(builder.finish());
  }
  for (const field of layout.fields) {
    const found = byName.get(field.field);
    const required = !field.type.nullable;
    if (!found) {
      if (required)
        throw new UserError(`${place.file} has no column "${field.field}"`, {
          help: `its columns are ${[...byName.keys()].join(', ')}`,
        });
      datas.push(allNull(field, rows));
      continue;
    }
    const plain = plainOf(found.type)?.convert(found);
    const data = plain && (field.keep === 'key' ? keyData(plain) : widen(plain, field.type.type));
    if (!data) {
      // another type: rows that hold a value are refused, nulls are nulls
      for (let i = 0; i < rows; i++)
        if (required || !isNull(found, i)) {
          const value = plain ? describe(valueAt(plain, i)) : `a value of type ${typeName(found.type)}`;
          mark(i, `column "${field.field}": found ${value}, wanted ${typeName(field.type.type)}`);
        }
      datas.push(field.keep === 'key' ? emptyText(rows) : allNull(field, rows));
      continue;
    }
    if (field.keep === 'key')
      for (let i = 0; i < rows; i++) {
        const wrong = keyProblem(data, i);
        if (wrong) mark(i, `column "${field.field}": ${wrong}`);
      }
    else if (required && data.nullCount > 0)
      for (let i = 0; i < rows; i++)
        if (isNull(data, i)) mark(i, `column "${field.field}": found null, wanted a value`);
    datas.push(data);
  }
  if (layout.strict) {
    const known = new Set([...layout.fields.map(f => f.field), ...layout.ignored]);
    for (const [name, data] of byName) if (!known.has(name) && plainOf(data.type)) warn(lateField(name));
  }
  if (bad.size === 0) return { batch: batchOf(layout.schema, rows, datas) };
  const stay: number[] = [];
  const errors: RecordError[] = [];
  for (let i = 0; i < rows; i++) {
    const message = bad.get(i);
    if (message === undefined) stay.push(i);
    else errors.push({ where: `${place.file}:${place.row + i + 1}`, message });
  }
  const kept = Int32Array.from(stay);
  return {
    batch: batchOf(
      layout.schema,
      kept.length,
      datas.map(d => takeData(d, kept)),
    ),
    errors,
  };
}

function emptyText(rows: number): Data {
  const builder = new Utf8Builder(rows, 16);
  for (let i = 0; i < rows; i++) builder.push('');
  return builder.finish();
}

/** Bytes of a column's buffers; of any type a file may have. */
const bytesOf = (data: Data): number =>
  (data.values?.byteLength ?? 0) +
  (data.valueOffsets?.byteLength ?? 0) +
  data.children.reduce((sum, child) => sum + bytesOf(child), 0);

/** Bytes of a batch as it came from its file. */
export const batchBytes = (batch: RecordBatch): number =>
  batch.data.children.reduce((sum, child) => sum + bytesOf(child), 0);

/** The batch in slices of about so many bytes. */
export function* cutBatch(batch: RecordBatch, bytes: number): Generator<RecordBatch> {
  if (batch.numRows === 0) return;
  const used = batchBytes(batch);
  const step = used <= bytes ? batch.numRows : Math.max(1, Math.floor((bytes * batch.numRows) / used));
  for (let start = 0; start < batch.numRows; start += step)
    yield start === 0 && step >= batch.numRows
      ? batch
      : batch.slice(start, Math.min(batch.numRows, start + step));
}

/** Where a columnar source stands: so many rows of a file are read. */
export interface RowPosition {
  readonly file: string;
  readonly row: number;
}

export function rowPosition(from: unknown): RowPosition | undefined {
  if (from === undefined || from === null) return undefined;
  const p = from as Partial<RowPosition>;
  if (typeof p.file !== 'string' || typeof p.row !== 'number')
    throw new UserError(`the stored position ${JSON.stringify(from)} is none of this source`, {
      help: 'start over with --full',
    });
  return { file: p.file, row: p.row };
}
