import { Null } from 'apache-arrow';
import type { Column, Columns } from '../../src/arrow/index.ts';

/** A column that is read whatever its type is, nulls included: Arrow's Null type stands for any. */
export const anyColumn = (): Column => ({ type: new Null(), nullable: true });

/** Columns that are read whatever their types are. */
export const anyColumns = (names: readonly string[]): Columns =>
  Object.fromEntries(names.map(name => [name, anyColumn()]));
