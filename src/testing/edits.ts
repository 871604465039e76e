/** Edits of a table, for the rules over operators that take changes. */
import { type RecordBatch, Schema } from 'apache-arrow';
import { batchOf, columnData, takeRows } from '../arrow/index.ts';

/** Whole numbers below `n`, the same in every run. */
export function numbersBelow(seed: number): (n: number) => number {
  let x = seed;
  return n => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
}

/** The row's key with the values of another row: a changed row. */
export function mixed(batch: RecordBatch, row: number, other: number, key: readonly string[]): RecordBatch {
  const [own, theirs] = [takeRows(batch, Int32Array.of(row)), takeRows(batch, Int32Array.of(other))];
  const datas = batch.schema.fields.map(f => columnData(key.includes(f.name) ? own : theirs, f.name));
  return batchOf(new Schema(batch.schema.fields), 1, datas);
}

/** The columns that name rows. */
export const keysOf = (batch: RecordBatch, key: readonly string[]): RecordBatch =>
  batchOf(
    new Schema(batch.schema.fields.filter(f => key.includes(f.name))),
    batch.numRows,
    batch.schema.fields.filter(f => key.includes(f.name)).map(f => columnData(batch, f.name)),
  );
