/** Further stored columns that a search gives back: their types, and whether the index has them. */
import { type Column, columnOf, nullable, typeName, utf8 } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';
import { checkFilter, type Filter, IndexError, type StoredField } from '../../src/retrieval/sparse/index.ts';

/** The columns that a search adds, each with nulls allowed. */
export function further(columns: Readonly<Record<string, string>>): Record<string, Column> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, type]) => {
      const column = columnOf(type);
      if (!column) throw new TypeError(`no type ${type}; wanted one such as ${typeName(utf8().type)}`);
      return [name, nullable(column)];
    }),
  );
}

/** @throws UserError where the index does not store a column that is asked for, or stores another type. */
export function checkColumns(
  index: { readonly info: { readonly columns: readonly { readonly name: string; readonly type: string }[] } },
  columns: Readonly<Record<string, string>>,
  shown: string,
): void {
  for (const [name, type] of Object.entries(columns)) {
    const stored = index.info.columns.find(c => c.name === name);
    if (stored?.type === type) continue;
    const known = index.info.columns.map(c => `${c.name} (${c.type})`).join(', ');
    throw new UserError(
      stored
        ? `with.columns.${name}: the index stores it as ${stored.type}, not ${type}`
        : `with.columns.${name}: the index at ${shown} does not store it; it stores ${known}`,
      stored ? {} : { help: 'add it to "store" of the step that builds the index, and build it again' },
    );
  }
}

/** @throws UserError where a condition names a column that is not stored, or wants a value of another type. */
export function checkConditions(
  index: { readonly info: { readonly keyColumn: string; readonly columns: readonly StoredField[] } },
  filter: Filter,
): void {
  try {
    checkFilter(filter, index.info.keyColumn, index.info.columns);
  } catch (error) {
    if (!(error instanceof IndexError)) throw error;
    throw new UserError(`with.${error.message}`, { help: error.help, cause: error });
  }
}
