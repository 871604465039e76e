import { type Data, DataType, Null } from 'apache-arrow';
import { type Column, type Columns, typeName } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';

/** A column that is read whatever its type is, nulls included: Arrow's Null type stands for any. */
export const anyColumn = (): Column => ({ type: new Null(), nullable: true });

/** Columns that are read whatever their types are. */
export const anyColumns = (names: readonly string[]): Columns =>
  Object.fromEntries(names.map(name => [name, anyColumn()]));

/** What a column of text or of lists of text holds, for parameters that take either. */
export const isTextList = (data: Data): boolean =>
  DataType.isList(data.type) && DataType.isUtf8(data.type.children[0].type);

/** @throws UserError where a column that a parameter names is of none of the wanted types. */
export function wantType(
  parameter: string,
  name: string,
  column: Column,
  fits: (c: Column) => boolean,
  wanted: string,
): void {
  if (!fits(column))
    throw new UserError(`with.${parameter}: column "${name}" is ${typeName(column.type)}, wanted ${wanted}`);
}
