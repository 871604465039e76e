import { emptyBitmap, setBit } from '../bitmap.ts';
import { compareBytes } from '../bytes.ts';
import type { StoredField } from '../columns.ts';
import { IndexError } from '../errors.ts';
import type { FrontCodedReader } from '../front-coded.ts';
import { type ColumnReader, NumberColumnReader, type StoredValue, TextColumnReader } from '../stored.ts';
import type { Filter, FilterValue } from './types.ts';

/** What a filter looks at of an open segment, of whatever kind of index. */
export interface Filtered {
  /** The live document with a key, or -1. */
  find(key: Uint8Array): number;
  readonly segment: {
    readonly meta: { readonly documents: number; readonly rows: number };
    readonly keys: FrontCodedReader;
    /** The stored row of each document. */
    readonly rows: Uint32Array;
    column(name: string): ColumnReader | undefined;
  };
}

/** One column's condition. */
interface Condition {
  column: string;
  /** Wanted values; undefined for a range. */
  values: readonly FilterValue[] | undefined;
  min: string | number | undefined;
  max: string | number | undefined;
}

const encoder = new TextEncoder();

/** Checks a filter against the columns of an index. Throws IndexError 'argument'. */
export function checkFilter(filter: Filter, keyColumn: string, columns: readonly StoredField[]): Condition[] {
  return Object.entries(filter).map(([column, wanted]) => {
    const wrong = (what: string, help?: string) =>
      new IndexError('argument', `filter.${column}: ${what}`, undefined, help);
    const type = column === keyColumn ? 'utf8' : columns.find(c => c.name === column)?.type;
    if (type === undefined) {
      const known = [keyColumn, ...columns.map(c => c.name)].join(', ');
      throw wrong(
        `the index stores no such column; it stores ${known}`,
        `add \`store: [${column}]\` to the step that builds the index, as index.dense, and run it again`,
      );
    }
    const kind = type === 'utf8' ? 'string' : type === 'bool' ? 'boolean' : 'number';
    const check = (value: unknown): void => {
      if (value !== null && (typeof value !== kind || Number.isNaN(value)))
        throw wrong(`is ${JSON.stringify(value)}, the column holds ${type}`, `wanted values of ${type}`);
    };
    if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
      const { min, max, ...rest } = wanted as { min?: string | number; max?: string | number };
      if (Object.keys(rest).length > 0 || (min === undefined && max === undefined))
        throw wrong('wanted a value, a list of values, or { min, max }');
      if (kind === 'boolean') throw wrong('true and false have no order; wanted one of them');
      for (const bound of [min, max]) if (bound !== undefined) check(bound ?? Number.NaN);
      return { column, values: undefined, min, max };
    }
    const values = (Array.isArray(wanted) ? wanted : [wanted]) as FilterValue[];
    for (const value of values) check(value);
    return { column, values, min: undefined, max: undefined };
  });
}

/** The documents of a segment that meet all conditions, as a bitmap. */
export function filterBits(open: Filtered, conditions: readonly Condition[], keyColumn: string): Uint8Array {
  const { documents } = open.segment.meta;
  let met: Uint8Array | undefined;
  for (const condition of conditions) {
    const bits = emptyBitmap(documents);
    if (condition.column === keyColumn) keys(open, condition, bits);
    else stored(open, condition, bits);
    if (met === undefined) met = bits;
    else for (let i = 0; i < met.length; i++) met[i] &= bits[i];
  }
  return met ?? emptyBitmap(documents).fill(0xff);
}

function keys(open: Filtered, condition: Condition, bits: Uint8Array): void {
  if (condition.values !== undefined) {
    for (const value of condition.values) {
      const doc = value === null ? -1 : open.find(encoder.encode(String(value)));
      if (doc >= 0) setBit(bits, doc);
    }
    return;
  }
  const min = condition.min === undefined ? undefined : encoder.encode(String(condition.min));
  const max = condition.max === undefined ? undefined : encoder.encode(String(condition.max));
  const cursor = open.segment.keys.cursor();
  // Keys are sorted, and a document's number is its key's.
  if (min === undefined) cursor.next();
  else cursor.seek(min, 0, min.length);
  let more = !cursor.done;
  while (more) {
    if (max !== undefined && compareBytes(cursor.text, 0, cursor.length, max, 0, max.length) > 0) return;
    setBit(bits, cursor.ordinal);
    more = cursor.next();
  }
}

function stored(open: Filtered, condition: Condition, bits: Uint8Array): void {
  const column = open.segment.column(condition.column);
  const { rows } = open.segment;
  const mark = (holds: (row: number) => boolean): void => {
    for (let doc = 0; doc < rows.length; doc++) if (holds(rows[doc])) setBit(bits, doc);
  };
  const { values } = condition;
  if (column instanceof NumberColumnReader) {
    const wanted = values && new Set(values.map(v => (v === null ? null : Number(v))));
    const min = Number(condition.min ?? Number.NEGATIVE_INFINITY);
    const max = Number(condition.max ?? Number.POSITIVE_INFINITY);
    mark(row => {
      const value = column.nulls?.[row] === 1 ? null : column.values[row];
      return wanted === undefined ? value !== null && value >= min && value <= max : wanted.has(value);
    });
  } else if (column instanceof TextColumnReader) {
    if (values !== undefined && !values.includes(null)) {
      const matching = column.rowsWith(new Set(values.map(String)));
      if (matching.size > 0) mark(row => matching.has(row));
      return;
    }
    const wanted = values && new Set<StoredValue>(values);
    const inRange = rangeOf(condition);
    // Rows in their own order, so that a compressed block is opened once.
    const holds = new Uint8Array(open.segment.meta.rows);
    for (let row = 0; row < holds.length; row++) {
      const value = column.value(row);
      const met = wanted === undefined ? typeof value === 'string' && inRange(value) : wanted.has(value);
      holds[row] = met ? 1 : 0;
    }
    mark(row => holds[row] === 1);
  }
}

function rangeOf({ min, max }: Condition): (value: string) => boolean {
  const low = min === undefined ? undefined : Buffer.from(String(min));
  const high = max === undefined ? undefined : Buffer.from(String(max));
  return value => {
    const bytes = Buffer.from(value);
    return (
      (low === undefined || Buffer.compare(bytes, low) >= 0) &&
      (high === undefined || Buffer.compare(bytes, high) <= 0)
    );
  };
}
