/** Columns of Arrow and Parquet files in the types that flow here: dictionaries, large and dated types made plain. */
import { type Data, DataType, type Field, makeData, type RecordBatch, Utf8, Vector } from 'apache-arrow';
import {
  type Column,
  isNull,
  list,
  nullable,
  takeData,
  typeName,
  Utf8Builder,
  utf8,
} from '../../../src/arrow/index.ts';

/** How a column of a file is read: its type here and what makes it of that type. */
export interface Plain {
  readonly column: Column;
  readonly convert: (data: Data) => Data;
}

const same = (data: Data): Data => data;

const flows = (type: DataType): boolean =>
  DataType.isUtf8(type) ||
  DataType.isBool(type) ||
  (DataType.isInt(type) && (type.isSigned || type.bitWidth < 64)) ||
  (DataType.isFloat(type) && type.precision > 0) ||
  ((DataType.isList(type) || DataType.isFixedSizeList(type)) && flows(type.children[0].type));

/** 64-bit offsets become 32-bit ones: a batch never holds 2 GiB of text. */
function largeToUtf8(data: Data): Data {
  const from = data.valueOffsets as unknown as BigInt64Array;
  const first = data.length > 0 ? Number(from[0]) : 0;
  const last = data.length > 0 ? Number(from[data.length]) : 0;
  const offsets = new Int32Array(data.length + 1);
  for (let i = 0; i <= data.length && data.length > 0; i++) offsets[i] = Number(from[i]) - first;
  return makeData({
    type: new Utf8(),
    length: data.length,
    ...validity(data),
    valueOffsets: offsets,
    data: (data.values as Uint8Array).subarray(first, last),
  });
}

function validity(data: Data): { nullCount: number; nullBitmap?: Uint8Array } {
  if (data.nullCount === 0) return { nullCount: 0 };
  const bits = new Uint8Array((data.length + 7) >> 3);
  for (let i = 0; i < data.length; i++) if (!isNull(data, i)) bits[i >> 3] |= 1 << (i & 7);
  return { nullCount: data.nullCount, nullBitmap: bits };
}

/** Text made of each value by Arrow's own accessors. */
const toText =
  (text: (value: unknown) => string) =>
  (data: Data): Data => {
    const vector = new Vector([data]);
    const builder = new Utf8Builder(data.length, data.length * 24);
    for (let i = 0; i < data.length; i++) {
      const value: unknown = vector.get(i);
      if (value === null || value === undefined) builder.pushNull();
      else builder.push(text(value));
    }
    return builder.finish();
  };

const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));

const isoOf = (value: unknown): string => new Date(Number(value)).toISOString();

function dictionaryToPlain(data: Data): Data {
  const dictionary = data.dictionary as Vector;
  const chunks = dictionary.data as readonly Data[];
  const values = chunks.length === 1 ? chunks[0] : undefined;
  const plain = values ? plainOf(values.type) : undefined;
  if (values && plain && data.nullCount === 0) {
    const rows = new Int32Array(data.length);
    for (let i = 0; i < data.length; i++) rows[i] = Number((data.values as Int32Array)[i]);
    return takeData(plain.convert(values), rows);
  }
  return toText(String)(data);
}

/** How columns of a type are read, or undefined where they cannot be. */
export function plainOf(type: DataType): Plain | undefined {
  const text = (convert: (data: Data) => Data): Plain => ({ column: nullable(utf8()), convert });
  if (flows(type)) return { column: nullable({ type, nullable: true }), convert: same };
  if (DataType.isLargeUtf8(type)) return text(largeToUtf8);
  if (DataType.isDictionary(type)) {
    const values = plainOf(type.dictionary);
    if (!values) return undefined;
    return DataType.isUtf8(values.column.type) ? text(dictionaryToPlain) : undefined;
  }
  if (DataType.isUtf8View(type)) return text(toText(String));
  if (DataType.isDate(type)) return text(toText(v => isoOf(v).slice(0, 10)));
  if (DataType.isTimestamp(type)) return text(toText(isoOf));
  if (DataType.isStruct(type) || DataType.isMap(type)) return text(toText(jsonOf));
  if (DataType.isNull(type))
    return text(data => {
      const builder = new Utf8Builder(data.length, 64);
      for (let i = 0; i < data.length; i++) builder.pushNull();
      return builder.finish();
    });
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    const item = plainOf(type.children[0].type);
    if (!item || DataType.isFixedSizeList(type)) return text(toText(jsonOf));
    const column = nullable(list(item.column));
    return {
      column,
      convert: data =>
        makeData({
          type: column.type,
          length: data.length,
          ...validity(data),
          valueOffsets: Int32Array.from(data.valueOffsets.subarray(0, data.length + 1), Number),
          child: item.convert(data.children[0]),
        } as never),
    };
  }
  return undefined;
}

/** Kinds of the columns of a file by name, and those that cannot be read. */
export function plainFields(fields: readonly Field[]): { plain: Map<string, Plain>; left: string[] } {
  const plain = new Map<string, Plain>();
  const left: string[] = [];
  for (const field of fields) {
    const how = plainOf(field.type);
    if (how) plain.set(field.name, how);
    else left.push(`${field.name} (${typeName(field.type)})`);
  }
  return { plain, left };
}

/** The data of each column of a batch, by name. */
export const dataByName = (batch: RecordBatch): Map<string, Data> =>
  new Map(batch.schema.fields.map((f, i) => [f.name, batch.data.children[i]]));
