/** Small batches from plain rows, for tests and examples. */
import type { RecordBatch } from 'apache-arrow';
import {
  batchFromRows,
  bool,
  type Column,
  type Columns,
  columnOf,
  float64,
  int32,
  int64,
  list,
  nullable,
  utf8,
} from '../arrow/index.ts';

/** A row as plain data: absent values are null. */
export type Row = Readonly<Record<string, unknown>>;

/** Columns by name: a column, or its name such as `'utf8'`, `'list<utf8>'`, `'float32?'`. */
export type ColumnNames = Readonly<Record<string, string | Column>>;

/**
 * A batch from plain rows. Columns are those named in `columns` and, for the others, guessed from the values: text,
 * whole number (int32; int64 where it does not fit or is a bigint), fraction (float64), boolean, list of these;
 * nullable where a value is null or absent.
 *
 * @example rows([{ doc_id: 'a', text: 'one two' }])
 * @example rows({ score: 'float32' }, [{ doc_id: 'a', score: 1 }])
 * @throws TypeError where a value is not of its column's type, or a column's name or values say no type.
 */
export function rows(values: readonly Row[]): RecordBatch;
export function rows(columns: ColumnNames, values: readonly Row[]): RecordBatch;
export function rows(first: ColumnNames | readonly Row[], second?: readonly Row[]): RecordBatch {
  const values = (second ?? first) as readonly Row[];
  return batchFromRows(columnsOfRows(values, second ? (first as ColumnNames) : {}), values);
}

/** The columns that {@link rows} makes: the given ones in their order of appearance in the rows, then the others. */
export function columnsOfRows(values: readonly Row[], given: ColumnNames = {}): Columns {
  const names = new Set<string>();
  for (const row of values) for (const name of Object.keys(row)) names.add(name);
  for (const name of Object.keys(given)) names.add(name);
  return Object.fromEntries(
    [...names].map(name => [
      name,
      Object.hasOwn(given, name)
        ? named(name, given[name])
        : guessed(
            name,
            values.map(r => r[name]),
          ),
    ]),
  );
}

function named(name: string, of: string | Column): Column {
  if (typeof of !== 'string') return of;
  const column = columnOf(of);
  if (!column)
    throw new TypeError(`column "${name}": "${of}" names no type; wanted such as utf8, list<utf8>, int32?`);
  return column;
}

function guessed(name: string, values: readonly unknown[]): Column {
  const there = values.filter(v => v !== null && v !== undefined);
  const column = guess(name, there);
  return there.length < values.length || there.length === 0 ? nullable(column) : column;
}

function guess(name: string, there: readonly unknown[]): Column {
  if (there.every(v => typeof v === 'string')) return utf8();
  if (there.every(v => typeof v === 'boolean')) return bool();
  if (there.every(v => typeof v === 'bigint')) return int64();
  if (there.every(v => typeof v === 'number')) {
    if (!there.every(Number.isInteger)) return float64();
    return there.every(v => v === ((v as number) | 0)) ? int32() : int64();
  }
  if (there.every(Array.isArray)) return list(guess(name, (there as unknown[][]).flat()));
  throw new TypeError(
    `column "${name}": its values are of several types or of none known; name its type in columns`,
  );
}
