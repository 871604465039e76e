/** Keys of rows as text: as the ledger has them at sinks, with the way back, and as people read them. */
import { DataType, type RecordBatch } from 'apache-arrow';
import { type Columns, columnData, hasColumn, valueAt, valueReader } from '../../arrow/index.ts';
import type { Json } from '../../define/index.ts';

const withBigInts = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** One text as it is, another value as text in a list, several as a list; 64-bit numbers are text in it. */
export const keyText = (values: readonly unknown[]): string =>
  values.length > 1
    ? JSON.stringify(values, withBigInts)
    : typeof values[0] === 'string'
      ? values[0]
      : JSON.stringify([String(values[0])]);

/** {@link keyText} of a batch's rows. */
export function keyTexts(batch: RecordBatch, names: readonly string[]): (row: number) => string {
  const read = names.map(name => valueReader(columnData(batch, name)));
  if (read.length > 1) return row => keyText(read.map(of => of(row)));
  const [of] = read;
  return row => {
    const value = of(row);
    return typeof value === 'string' ? value : keyText([value]);
  };
}

/** The values that a {@link keyText} was made of. */
export function keyValues(text: string, key: Columns): unknown[] {
  const columns = Object.values(key);
  if (columns.length === 1 && DataType.isUtf8(columns[0].type)) return [text];
  const values = JSON.parse(text) as unknown[];
  return columns.map(({ type }, i) => {
    const value = values[i];
    if (value === null || DataType.isUtf8(type) || typeof value !== 'string') return value;
    if (DataType.isInt(type) && type.bitWidth === 64) return BigInt(value);
    return DataType.isBool(type) ? value === 'true' : Number(value);
  });
}

/** For people: `doc_id "a", rank 3`. */
export const shownKey = (names: readonly string[], values: readonly unknown[]): string =>
  names.map((name, i) => `${name} ${shownValue(values[i])}`).join(', ');
const shownValue = (value: unknown): string =>
  typeof value === 'bigint' ? String(value) : JSON.stringify(value, withBigInts);

/** {@link shownKey} of a row. */
export const shownKeyOf = (batch: RecordBatch, row: number, names: readonly string[]): string =>
  shownKey(
    names,
    names.map(name => valueAt(columnData(batch, name), row)),
  );

/** For people, without quotes, of the columns that are there: `doc_id a, rank 3`. */
export const plainKey = (batch: RecordBatch, row: number, names: readonly string[]): string =>
  names
    .filter(name => hasColumn(batch, name))
    .map(name => `${name} ${String(valueAt(columnData(batch, name), row))}`)
    .join(', ');

/** The key of a source row as a text that a person types: values one behind the other. */
export const typedKey = (values: readonly Json[]): string => values.map(String).join(', ');
