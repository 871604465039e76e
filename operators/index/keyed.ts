/** What the sinks of vector indexes share: the column that names a row, stored columns, deletes. */
import type { RecordBatch } from 'apache-arrow';
import { DataType } from 'apache-arrow';
import { type Columns, columnData, hasColumn, typeName, valuesOf } from '../../src/arrow/index.ts';
import { type OpenContext, UserError } from '../../src/define/index.ts';
import { HIT_COLUMNS, storable } from './stored.ts';

/** The column that names a row, which an index wants as text. */
export function keyColumn(op: string, given: string | undefined, ctx: OpenContext): string {
  const keys = ctx.keys[0] ?? [];
  if (given === undefined && keys.length !== 1)
    throw new UserError(
      `${op} wants one column that names a row; the input has ${keys.join(', ') || 'none'}`,
      { help: 'name it in with.key' },
    );
  const key = given ?? keys[0];
  const column = ctx.inputs[0]?.[key];
  if (column && !DataType.isUtf8(column.type))
    throw new UserError(`${op} wants a key of text; column "${key}" is ${typeName(column.type)}`);
  return key;
}

/** Columns that an index keeps: those of hits where the input has them, and those asked for. */
export function storedColumns(input: Columns, key: string, store: readonly string[]): string[] {
  for (const name of store) {
    if (!storable(input[name].type))
      throw new UserError(
        `with.store: column "${name}" is ${typeName(input[name].type)}; an index stores text, 32-bit whole numbers, fractions and booleans`,
      );
  }
  return [...new Set([...HIT_COLUMNS, ...store])].filter(
    name =>
      name !== key && Object.hasOwn(input, name) && (store.includes(name) || storable(input[name].type)),
  );
}

/** Values to delete, and the stored column they are of where it is not the key. */
export function deletedValues(deletes: RecordBatch, key: string): [string[], string?] {
  const by = hasColumn(deletes, key) ? key : deletes.schema.fields[0].name;
  const values = valuesOf(columnData(deletes, by)).map(String);
  return by === key ? [values] : [values, by];
}
