/** Cells: one column that takes plain values, checks them against its type and builds Arrow data. */
import {
  Bool,
  type Data,
  type DataType,
  FixedSizeList,
  type Int32,
  Int64,
  List,
  makeData,
  Utf8,
} from 'apache-arrow';
import { describe, Utf8Builder, Validity } from '../../../src/arrow/index.ts';

/** A column in the making. `problem` is asked first for every column of a row, so a refused row leaves no trace. */
export interface Cell {
  /** What is wrong with a value that is not null, or undefined. */
  problem(value: unknown): string | undefined;
  push(value: unknown): void;
  pushNull(): void;
  finish(): Data;
}

const found = (value: unknown, wanted: string): string => `found ${describe(value)}, wanted ${wanted}`;

class TextCell implements Cell {
  readonly #builder: Utf8Builder;
  constructor(rows: number, bytes: number) {
    this.#builder = new Utf8Builder(rows, bytes);
  }
  problem(value: unknown): string | undefined {
    return typeof value === 'string' ? undefined : found(value, 'utf8');
  }
  push(value: unknown): void {
    this.#builder.push(value as string);
  }
  pushNull(): void {
    this.#builder.pushNull();
  }
  finish(): Data {
    return this.#builder.finish();
  }
}

/** A key: text, or a whole number as text; never empty. */
class KeyCell extends TextCell {
  override problem(value: unknown): string | undefined {
    if (typeof value === 'string') return value === '' ? 'the key is empty' : undefined;
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) return undefined;
    if (Number.isInteger(value))
      return `${value} is above 2^53, where numbers are not exact: write it as text`;
    return found(value, 'utf8 or a whole number');
  }
  override push(value: unknown): void {
    super.push(typeof value === 'string' ? value : String(value));
  }
}

/** Anything, kept as its JSON text. */
class JsonCell extends TextCell {
  override problem(): undefined {
    return undefined;
  }
  override push(value: unknown): void {
    super.push(JSON.stringify(value));
  }
}

type Numbers = Int32Array | Float64Array | Float32Array | BigInt64Array | Int8Array | Uint8Array;
type NumbersType = new (n: number) => Numbers;

class NumberCell implements Cell {
  readonly #type: DataType;
  readonly #name: string;
  #values: Numbers;
  #rows = 0;
  #validity: Validity | undefined;
  readonly #whole: boolean;
  readonly #big: boolean;
  readonly #low: number;
  readonly #high: number;

  constructor(type: DataType, rows: number) {
    this.#type = type;
    this.#name = String(type).toLowerCase();
    this.#values = new (type.ArrayType as NumbersType)(Math.max(16, rows));
    this.#big = type instanceof Int64;
    this.#whole = 'isSigned' in type;
    const bits = this.#big ? 54 : ((type as Int32).bitWidth ?? 0);
    const signed = this.#whole && (type as Int32).isSigned;
    this.#low = signed ? -(2 ** (bits - 1)) : 0;
    this.#high = 2 ** (signed ? bits - 1 : bits) - 1;
  }
  problem(value: unknown): string | undefined {
    if (typeof value === 'number') {
      if (!this.#whole) return undefined;
      if (!Number.isInteger(value)) return found(value, this.#name);
      if (value < this.#low || value > this.#high)
        return `found ${value}, wanted ${this.#name} (${this.#low} to ${this.#high})`;
      return undefined;
    }
    return this.#big && typeof value === 'bigint' ? undefined : found(value, this.#name);
  }
  #room(): void {
    if (this.#rows < this.#values.length) return;
    const wider = new (this.#type.ArrayType as NumbersType)(this.#values.length * 2);
    (wider as Int32Array).set(this.#values as Int32Array);
    this.#values = wider;
  }
  push(value: unknown): void {
    this.#room();
    this.#values[this.#rows] = (this.#big ? BigInt(value as number) : value) as never;
    this.#validity?.set(this.#rows, true);
    this.#rows++;
  }
  pushNull(): void {
    this.#room();
    if (!this.#validity) {
      this.#validity = new Validity(this.#values.length);
      for (let i = 0; i < this.#rows; i++) this.#validity.set(i, true);
    }
    this.#validity.set(this.#rows++, false);
  }
  finish(): Data {
    return makeData({
      type: this.#type,
      length: this.#rows,
      nullCount: this.#validity?.nulls ?? 0,
      nullBitmap: this.#validity?.finish(this.#rows),
      data: this.#values.slice(0, this.#rows),
    } as never);
  }
}

class BoolCell implements Cell {
  readonly #bits: Validity;
  #validity: Validity | undefined;
  #rows = 0;
  constructor(rows: number) {
    this.#bits = new Validity(rows);
  }
  problem(value: unknown): string | undefined {
    return typeof value === 'boolean' ? undefined : found(value, 'bool');
  }
  push(value: unknown): void {
    this.#bits.set(this.#rows, value as boolean);
    this.#validity?.set(this.#rows, true);
    this.#rows++;
  }
  pushNull(): void {
    if (!this.#validity) {
      this.#validity = new Validity(this.#rows);
      for (let i = 0; i < this.#rows; i++) this.#validity.set(i, true);
    }
    this.#bits.set(this.#rows, false);
    this.#validity.set(this.#rows++, false);
  }
  finish(): Data {
    const rows = this.#rows;
    // finish gives no bits where every one is set
    const bits = this.#bits.finish(rows) ?? new Uint8Array((rows + 7) >> 3).fill(255);
    return makeData({
      type: new Bool(),
      length: rows,
      nullCount: this.#validity?.nulls ?? 0,
      nullBitmap: this.#validity?.finish(rows),
      data: bits,
    } as never);
  }
}

/** Lists, of any length or of one; they hold no nulls. */
class ListCell implements Cell {
  readonly #type: List | FixedSizeList;
  readonly #item: Cell;
  readonly #size: number | undefined;
  #offsets: number[] = [0];
  #validity: Validity | undefined;
  #items = 0;
  #rows = 0;
  constructor(type: List | FixedSizeList, rows: number) {
    this.#type = type;
    this.#size = type instanceof FixedSizeList ? type.listSize : undefined;
    this.#item = cellOf(type.children[0].type, rows * (this.#size ?? 2));
  }
  problem(value: unknown): string | undefined {
    if (!Array.isArray(value)) return found(value, 'a list');
    if (this.#size !== undefined && value.length !== this.#size)
      return found(value, `a list of ${this.#size}`);
    for (let i = 0; i < value.length; i++) {
      const wrong =
        value[i] === null || value[i] === undefined
          ? 'found null, wanted a value'
          : this.#item.problem(value[i]);
      if (wrong) return `[${i}]: ${wrong}`;
    }
    return undefined;
  }
  push(value: unknown): void {
    for (const item of value as unknown[]) this.#item.push(item);
    this.#items += (value as unknown[]).length;
    this.#offsets.push(this.#items);
    this.#validity?.set(this.#rows, true);
    this.#rows++;
  }
  pushNull(): void {
    if (!this.#validity) {
      this.#validity = new Validity(this.#rows + 1);
      for (let i = 0; i < this.#rows; i++) this.#validity.set(i, true);
    }
    for (let i = 0; i < (this.#size ?? 0); i++) this.#item.pushNull();
    this.#items += this.#size ?? 0;
    this.#offsets.push(this.#items);
    this.#validity.set(this.#rows++, false);
  }
  finish(): Data {
    return makeData({
      type: this.#type,
      length: this.#rows,
      nullCount: this.#validity?.nulls ?? 0,
      nullBitmap: this.#validity?.finish(this.#rows),
      ...(this.#size === undefined ? { valueOffsets: Int32Array.from(this.#offsets) } : {}),
      child: this.#item.finish(),
    } as never);
  }
}

/** What a value is kept as, where the type does not say it all. */
export type Keep = 'key' | 'json';

/** A cell for a type. @throws Error where sources cannot give that type. */
export function cellOf(type: DataType, rows: number, keep?: Keep, bytes = rows * 32): Cell {
  if (keep === 'key') return new KeyCell(rows, bytes);
  if (keep === 'json') return new JsonCell(rows, bytes);
  if (type instanceof Utf8) return new TextCell(rows, bytes);
  if (type instanceof Bool) return new BoolCell(rows);
  if (type instanceof List || type instanceof FixedSizeList) return new ListCell(type, rows);
  if ('ArrayType' in type && ('isSigned' in type || 'precision' in type)) return new NumberCell(type, rows);
  throw new Error(`a source gives no columns of type ${type}`);
}
