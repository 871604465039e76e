/** Inputs made from the rows of an operator's examples: more of them, none of them, with nulls. */
import type { RecordBatch } from 'apache-arrow';
import { batchFromRows, type Column, type Columns, nullable, rowsOf } from '../arrow/index.ts';
import type { Example } from '../define/index.ts';
import { columnsOfRows, type Row, rows } from './rows.ts';
import { guessKey } from './step.ts';

/** The inputs of an example as batches; none for a source. */
export function exampleInputs(example: Example): RecordBatch[] {
  const given = example.inputs ?? (example.in ? [example.in] : []);
  return given.map(values => rows(namedColumns(example, values), values));
}

/** The column names that an example gives, for the columns that its rows have. */
function namedColumns(example: Example, values: readonly Row[]): Record<string, string> {
  const there = columnsOfRows(values, example.columns);
  const first = example.inputs === undefined || example.inputs[0] === values;
  return Object.fromEntries(
    Object.entries(example.columns ?? {}).filter(([name]) => first || Object.hasOwn(there, name)),
  );
}

const columnsOf = (batch: RecordBatch): Columns =>
  Object.fromEntries(
    batch.schema.fields.map((f, i): [string, Column] => [
      f.name,
      { type: f.type, nullable: batch.data.children[i].nullCount > 0 },
    ]),
  );

/** The rows over and over, with keys that differ: a text key gets `~1`, `~2` and so on behind it. */
export function repeated(batch: RecordBatch, times: number): RecordBatch {
  const columns = columnsOf(batch);
  const key = guessKey(columns).filter(name => String(columns[name].type) === 'Utf8');
  const values = rowsOf(batch);
  const all = Array.from({ length: times }, (_, time) =>
    time === 0
      ? values
      : values.map(row => ({
          ...row,
          ...Object.fromEntries(key.map(name => [name, row[name] === null ? null : `${row[name]}~${time}`])),
        })),
  );
  return batchFromRows(columns, all.flat());
}

/** The same columns without rows. */
export const emptied = (batch: RecordBatch): RecordBatch => batchFromRows(columnsOf(batch), []);

/** The batch with a null in one row of a column. */
export function withNull(batch: RecordBatch, column: string, row: number): RecordBatch {
  const columns = columnsOf(batch);
  const values = rowsOf(batch).map((r, i) => (i === row ? { ...r, [column]: null } : r));
  return batchFromRows({ ...columns, [column]: nullable(columns[column]) }, values);
}
