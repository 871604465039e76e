/** Where equal runs of some columns begin: groups that a re-batcher, a split or a join must not cut. */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { columnData, hasColumn, valueAt } from '../arrow/index.ts';

/** Whether rows a and b of a column hold the same value, without decoding text. */
function sameValue(data: Data, a: number, b: number): boolean {
  if (DataType.isUtf8(data.type)) {
    const offsets = data.valueOffsets as Int32Array;
    const n = offsets[a + 1] - offsets[a];
    if (n !== offsets[b + 1] - offsets[b]) return false;
    const values = data.values as Uint8Array;
    for (let i = 0, p = offsets[a], q = offsets[b]; i < n; i++)
      if (values[p + i] !== values[q + i]) return false;
    return true;
  }
  return valueAt(data, a) === valueAt(data, b);
}

/** Whether row `row` begins a new run of equal values of `columns` (row 0 always does). */
export function runStarter(batch: RecordBatch, columns: readonly string[]): (row: number) => boolean {
  const datas = columns.filter(c => hasColumn(batch, c)).map(c => columnData(batch, c));
  if (datas.length === 0) return () => true;
  return row => row === 0 || datas.some(d => !sameValue(d, row - 1, row));
}

/** The value of the key columns of a row as one string that differs where a value does. */
export function keyString(datas: readonly Data[], row: number): string {
  if (datas.length === 1) {
    const value = valueAt(datas[0], row);
    return typeof value === 'string' ? `s${value}` : `${typeof value}${String(value)}`;
  }
  return JSON.stringify(
    datas.map(d => valueAt(d, row)),
    (_, v) => (typeof v === 'bigint' ? `${v}n` : v),
  );
}

/** Row indices at which to cut a batch into pieces of at most `rows` rows, never inside a run of `columns`. */
export function cutPoints(batch: RecordBatch, rows: number, columns: readonly string[]): number[] {
  const total = batch.numRows;
  if (rows >= total) return [total];
  const starts = columns.length ? runStarter(batch, columns) : () => true;
  const cuts: number[] = [];
  let from = 0;
  while (from < total) {
    let to = Math.min(total, from + rows);
    if (to < total) {
      let back = to;
      while (back > from && !starts(back)) back--;
      if (back > from) to = back;
      else while (to < total && !starts(to)) to++; // a group over the budget travels alone
    }
    cuts.push(to);
    from = to;
  }
  return cuts;
}
