/**
 * Builds columns by hand from their declared type: offsets and bytes written straight into buffers. Arrow's own
 * builders take ten times as long for text, and `tableFromArrays` would make strings dictionaries.
 */
import {
  Bool,
  Data,
  type DataType,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import type { Column, Columns } from './types.ts';
import { fixedList, schemaOf } from './types.ts';

/** Bits of validity (1 = there), or undefined where no value is null. */
export class Validity {
  #bits: Uint8Array;
  nulls = 0;
  constructor(rows = 64) {
    this.#bits = new Uint8Array((rows + 7) >> 3);
  }
  /** Marks row `i`; call in order of rows. */
  set(i: number, valid: boolean): void {
    if (i >> 3 >= this.#bits.length) {
      const wider = new Uint8Array(Math.max(16, this.#bits.length * 2, (i >> 3) + 1));
      wider.set(this.#bits);
      this.#bits = wider;
    }
    if (valid) this.#bits[i >> 3] |= 1 << (i & 7);
    else this.nulls++;
  }
  finish(rows: number): Uint8Array | undefined {
    return this.nulls === 0 ? undefined : this.#bits.slice(0, (rows + 7) >> 3);
  }
}

/** Builds a Utf8 column row by row, from strings or from bytes that are UTF-8 already. */
export class Utf8Builder {
  #bytes: Buffer;
  #offsets: Int32Array;
  #used = 0;
  #rows = 0;
  #validity: Validity | undefined;

  constructor(rows = 256, bytes = rows * 32) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(64, bytes));
    this.#offsets = new Int32Array(rows + 1);
  }
  get length(): number {
    return this.#rows;
  }
  /** Bytes of text so far. */
  get byteLength(): number {
    return this.#used;
  }
  #room(bytes: number): void {
    if (this.#used + bytes > this.#bytes.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#used + bytes));
      wider.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = wider;
    }
  }
  #endRow(valid: boolean): void {
    this.#validity?.set(this.#rows, valid);
    this.#rows++;
    if (this.#rows >= this.#offsets.length) {
      const wider = new Int32Array(this.#offsets.length * 2);
      wider.set(this.#offsets);
      this.#offsets = wider;
    }
    this.#offsets[this.#rows] = this.#used;
  }
  push(value: string | null | undefined): void {
    if (value === null || value === undefined) {
      this.pushNull();
      return;
    }
    this.#room(value.length * 3);
    this.#used += this.#bytes.write(value, this.#used);
    this.#endRow(true);
  }
  /** Appends the bytes `source[start, end)` as one row. */
  pushBytes(source: Uint8Array, start = 0, end = source.length): void {
    this.#room(end - start);
    this.#bytes.set(source.subarray(start, end), this.#used);
    this.#used += end - start;
    this.#endRow(true);
  }
  pushNull(): void {
    if (!this.#validity) {
      this.#validity = new Validity(this.#offsets.length);
      for (let i = 0; i < this.#rows; i++) this.#validity.set(i, true);
    }
    this.#endRow(false);
  }
  finish(): Data<Utf8> {
    // an exact copy where more than a quarter of the buffer is empty: retained bytes are what channels count
    const exact = this.#used >= this.#bytes.length * 0.75;
    const values = exact ? this.#bytes.subarray(0, this.#used) : plain(this.#bytes, this.#used);
    return makeData({
      type: new Utf8(),
      length: this.#rows,
      nullCount: this.#validity?.nulls ?? 0,
      nullBitmap: this.#validity?.finish(this.#rows),
      valueOffsets:
        this.#offsets.length > (this.#rows + 1) * 2
          ? this.#offsets.slice(0, this.#rows + 1)
          : this.#offsets.subarray(0, this.#rows + 1),
      data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    });
  }
}

const plain = (bytes: Uint8Array, length: number): Uint8Array => {
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(0, length));
  return copy;
};

/** A Utf8 column from strings. */
export function utf8Data(values: readonly (string | null | undefined)[]): Data<Utf8> {
  const builder = new Utf8Builder(values.length, values.length * 24);
  for (const value of values) builder.push(value);
  return builder.finish();
}

/** A Utf8 column over bytes and offsets that exist already (not copied). `offsets` has rows + 1 entries. */
export const utf8DataOf = (bytes: Uint8Array, offsets: Int32Array): Data<Utf8> =>
  makeData({
    type: new Utf8(),
    length: offsets.length - 1,
    nullCount: 0,
    valueOffsets: offsets,
    data: bytes,
  });

export const int32Data = (values: Int32Array): Data<Int32> =>
  makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values });

export const float64Data = (values: Float64Array): Data<Float64> =>
  makeData({ type: new Float64(), length: values.length, nullCount: 0, data: values });

export const float32Data = (values: Float32Array): Data<Float32> =>
  makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });

/** A List column: row i holds the items `offsets[i]` to `offsets[i + 1]` of `items`. */
export const listData = (offsets: Int32Array, items: Data, type?: List): Data<List> =>
  makeData({
    type: type ?? new List({ name: 'item', type: items.type, nullable: true } as never),
    length: offsets.length - 1,
    nullCount: 0,
    valueOffsets: offsets,
    child: items,
  });

/** A column of vectors: row i holds the items `i · size` to `(i + 1) · size`. */
export const fixedListData = (size: number, items: Data): Data<FixedSizeList> =>
  makeData({
    type: fixedList(size, { type: items.type, nullable: false }).type as FixedSizeList,
    length: size === 0 ? 0 : items.length / size,
    nullCount: 0,
    child: items,
  });

const isNothing = (value: unknown): value is null | undefined => value === null || value === undefined;

function validityOf(values: readonly unknown[]): { nullCount: number; nullBitmap?: Uint8Array } {
  const validity = new Validity(values.length);
  values.forEach((v, i) => {
    validity.set(i, !isNothing(v));
  });
  return { nullCount: validity.nulls, nullBitmap: validity.finish(values.length) };
}

/**
 * A column of the declared type from plain values (null and undefined become null).
 * @throws TypeError naming the index where a value is not of the type.
 */
export function dataOf(type: DataType, values: readonly unknown[]): Data {
  const wrong = (i: number, wanted: string): never => {
    throw new TypeError(`value ${i} is ${describe(values[i])}, wanted ${wanted}`);
  };
  if (type instanceof Utf8) {
    const builder = new Utf8Builder(values.length, values.length * 24);
    values.forEach((v, i) => {
      if (isNothing(v)) builder.pushNull();
      else if (typeof v === 'string') builder.push(v);
      else wrong(i, 'text');
    });
    return builder.finish();
  }
  if (type instanceof List) {
    const item = type.children[0].type;
    const offsets = new Int32Array(values.length + 1);
    const items: unknown[] = [];
    values.forEach((v, i) => {
      if (!isNothing(v)) {
        if (typeof v === 'string' || typeof (v as Iterable<unknown>)[Symbol.iterator] !== 'function')
          wrong(i, 'a list');
        for (const x of v as Iterable<unknown>) items.push(x);
      }
      offsets[i + 1] = items.length;
    });
    return makeData({
      type,
      length: values.length,
      ...validityOf(values),
      valueOffsets: offsets,
      child: dataOf(item, items) as never,
    });
  }
  if (type instanceof FixedSizeList) {
    const size = type.listSize;
    const items: unknown[] = [];
    values.forEach((v, i) => {
      if (isNothing(v)) for (let j = 0; j < size; j++) items.push(null);
      else {
        const row = [...(v as Iterable<unknown>)];
        if (row.length !== size) wrong(i, `a list of ${size}`);
        items.push(...row);
      }
    });
    return makeData({
      type,
      length: values.length,
      ...validityOf(values),
      child: dataOf(type.children[0].type, items) as never,
    });
  }
  if (type instanceof Bool) {
    const bits = new Uint8Array((values.length + 7) >> 3);
    values.forEach((v, i) => {
      if (isNothing(v)) return;
      if (typeof v !== 'boolean') wrong(i, 'true or false');
      if (v) bits[i >> 3] |= 1 << (i & 7);
    });
    return makeData({ type, length: values.length, ...validityOf(values), data: bits });
  }
  const numbers = new (type.ArrayType as new (n: number) => Int32Array | BigInt64Array)(values.length);
  values.forEach((v, i) => {
    if (isNothing(v)) return;
    if (type instanceof Int64) {
      if (typeof v !== 'bigint' && !Number.isSafeInteger(v)) wrong(i, 'an integer');
      numbers[i] = BigInt(v as number) as never;
    } else {
      if (typeof v !== 'number') wrong(i, 'a number');
      if ('bitWidth' in type && !Number.isInteger(v)) wrong(i, 'an integer');
      numbers[i] = v as never;
    }
  });
  return makeData({ type, length: values.length, ...validityOf(values), data: numbers } as never);
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `${typeof value === 'string' ? 'text' : typeof value} ${text.length > 40 ? `${text.slice(0, 37)}...` : text}`;
}

// a struct type a schema, made once
const structs = new WeakMap<Schema, Struct>();

/**
 * A batch from columns that are built: `datas` in the order of the schema's fields. The batch keeps this very schema.
 * @throws Error where a column has not `rows` values.
 */
export function batchOf(schema: Schema, rows: number, datas: readonly Data[]): RecordBatch {
  if (datas.length !== schema.fields.length)
    throw new Error(`got ${datas.length} columns for the ${schema.fields.length} of the schema`);
  for (let i = 0; i < datas.length; i++) {
    if (datas[i].length !== rows)
      throw new Error(`column "${schema.fields[i].name}" has ${datas[i].length} values for ${rows} rows`);
  }
  let type = structs.get(schema);
  if (!type) {
    type = new Struct(schema.fields);
    structs.set(schema, type);
  }
  // The constructor would copy the schema to pad columns of unequal length, which costs more than a whole hop.
  const batch = Object.create(RecordBatch.prototype) as {
    -readonly [K in keyof RecordBatch]: RecordBatch[K];
  };
  batch.schema = schema;
  batch.data = new Data(type, 0, rows, 0, undefined, datas as Data[]);
  (batch as unknown as { _metadata: Map<string, string> })._metadata = new Map();
  return batch as RecordBatch;
}

/** A batch from plain rows, by declared columns; absent values are null. For tests, examples and small data. */
export function batchFromRows(
  columns: Columns,
  rows: readonly Readonly<Record<string, unknown>>[],
): RecordBatch {
  const datas = Object.entries(columns).map(([name, c]: [string, Column]) => {
    try {
      return dataOf(
        c.type,
        rows.map(r => r[name]),
      );
    } catch (cause) {
      throw new TypeError(`column "${name}": ${(cause as Error).message}`);
    }
  });
  return batchOf(schemaOf(columns), rows.length, datas);
}

/** The batch of these columns that has no rows. */
export const emptyBatch = (columns: Columns): RecordBatch => batchFromRows(columns, []);
