import { IndexError } from './errors.ts';
import type { Layout } from './fields.ts';
import { checkWeight } from './fields-impacts.ts';

/** UTF-8 strings: row r is `bytes[offsets[r]..offsets[r + 1])`; `nulls[r]` = 1 marks a null. */
export interface TextColumn {
  offsets: Int32Array;
  bytes: Uint8Array;
  nulls?: Uint8Array;
}

/** A column kept beside the postings and given back with a hit. `nulls[r]` = 1 marks a null. */
export type StoredColumn =
  | ({ type: 'utf8' } & TextColumn)
  | { type: 'int32'; values: Int32Array; nulls?: Uint8Array }
  | { type: 'float64'; values: Float64Array; nulls?: Uint8Array }
  | { type: 'bool'; values: Uint8Array; nulls?: Uint8Array };

export type StoredType = StoredColumn['type'];

/** Terms with weights: row r has `terms` and `weights` from `offsets[r]` to `offsets[r + 1]`. */
export interface WeightsColumn {
  offsets: Int32Array;
  terms: TextColumn;
  weights: Float32Array | Float64Array;
  nulls?: Uint8Array;
}

/** Rows to index, column by column. */
export interface DocumentBatch {
  rows: number;
  /** The unit key, unique and not null; adding a key again replaces the row. */
  key: TextColumn;
  /** The text that is analysed, of an index with one text field; a null is an empty text. */
  text?: TextColumn;
  /** What is searched, by field: text that is analysed, or terms with weights. */
  fields?: Record<string, TextColumn | WeightsColumn>;
  stored: Record<string, StoredColumn>;
}

export interface StoredField {
  name: string;
  type: StoredType;
}

function checkText(where: string, rows: number, column: TextColumn): void {
  if (column.offsets.length < rows + 1) {
    throw new IndexError(
      'argument',
      `${where}: ${column.offsets.length} offsets for ${rows} rows, wanted ${rows + 1}`,
    );
  }
  checkNulls(where, rows, column.nulls);
  if (rows > 0 && column.offsets[rows] > column.bytes.length) {
    throw new IndexError(
      'argument',
      `${where}: offsets run to ${column.offsets[rows]}, but there are ${column.bytes.length} bytes`,
    );
  }
}

function checkNulls(where: string, rows: number, nulls: Uint8Array | undefined): void {
  if (nulls !== undefined && nulls.length < rows) {
    throw new IndexError('argument', `${where}: ${nulls.length} null marks for ${rows} rows`);
  }
}

function checkWeights(where: string, rows: number, column: WeightsColumn, bits: 8 | 16): void {
  const items = column.offsets[rows];
  if (column.offsets.length < rows + 1) {
    throw new IndexError(
      'argument',
      `${where}: ${column.offsets.length} offsets for ${rows} rows, wanted ${rows + 1}`,
    );
  }
  checkNulls(where, rows, column.nulls);
  if (column.weights.length < items) {
    throw new IndexError('argument', `${where}: ${items} terms and ${column.weights.length} weights`);
  }
  checkText(where, items, column.terms);
  for (let i = column.offsets[0]; i < items; i++) {
    if (column.terms.nulls?.[i] === 1)
      throw new IndexError('argument', `${where}: item ${i} is a term that is null`);
    checkWeight(column.weights[i], bits, `${where}: item ${i}`);
  }
}

export const isWeights = (column: TextColumn | WeightsColumn): column is WeightsColumn => 'weights' in column;

/** The searched columns of a batch in the order of the fields. Throws IndexError 'argument'. */
export function searchedColumns(batch: DocumentBatch, layout: Layout): (TextColumn | WeightsColumn)[] {
  const texts = layout.fields.filter(f => f.kind === 'text').length;
  return layout.fields.map(field => {
    const column =
      batch.fields?.[field.name] ?? (field.kind === 'text' && texts === 1 ? batch.text : undefined);
    const where = `field "${field.name}"`;
    if (column === undefined)
      throw new IndexError('argument', `${where}: the batch has no such column in "fields"`);
    if (isWeights(column) !== (field.kind === 'weights'))
      throw new IndexError(
        'argument',
        `${where}: wanted ${field.kind === 'text' ? 'text' : 'terms with weights'}`,
      );
    if (isWeights(column)) checkWeights(where, batch.rows, column, field.kind === 'weights' ? field.bits : 8);
    else checkText(where, batch.rows, column);
    return column;
  });
}

/** Checks that a batch is well formed, but for what is searched. Throws IndexError 'argument'. */
export function checkBatch(batch: DocumentBatch): void {
  const { rows } = batch;
  checkText('key', rows, batch.key);
  for (let r = 0; r < rows; r++) {
    if (batch.key.nulls?.[r] === 1) {
      throw new IndexError('argument', `key: row ${r} of the batch is null, wanted a unique string`);
    }
  }
  for (const [name, column] of Object.entries(batch.stored)) {
    const where = `stored column "${name}"`;
    if (column.type === 'utf8') checkText(where, rows, column);
    else {
      checkNulls(where, rows, column.nulls);
      if (column.values.length < rows) {
        throw new IndexError('argument', `${where}: ${column.values.length} values for ${rows} rows`);
      }
    }
  }
}

/** The names and types of a batch's stored columns, by name; the key column is kept once, as the key. */
export function storedFields(batch: DocumentBatch, keyColumn: string): StoredField[] {
  return Object.entries(batch.stored)
    .filter(([name]) => name !== keyColumn)
    .map(([name, column]) => ({ name, type: column.type }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Throws IndexError 'schema' where a batch's columns differ from the index's. */
export function checkFields(wanted: readonly StoredField[], found: readonly StoredField[]): void {
  const show = (fields: readonly StoredField[]) =>
    fields.map(f => `${f.name} ${f.type}`).join(', ') || 'none';
  if (show(wanted) === show(found)) return;
  throw new IndexError(
    'schema',
    `stored columns: the batch has ${show(found)}; the index has ${show(wanted)}; ` +
      'give the same columns, or build the index again with replace',
  );
}
