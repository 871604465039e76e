/**
 * The row id: a hidden column that says from which source row a row comes. Operators do not see it declared and
 * batches carry it through; it is taken off before sinks, streams, taps and dead letters.
 */
import { type RecordBatch, Schema } from 'apache-arrow';
import {
  batchOf,
  type Columns,
  columnData,
  hasColumn,
  int32,
  int32Data,
  numbers,
  schemaOf,
} from '../../arrow/index.ts';
import { UserError } from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';

export const ROW_ID = '__row';

/** One more than the largest id: they are 32-bit numbers with a sign, and streams keep a bit beside them. */
const MOST_IDS = 2 ** 31 - 2;

/** The id itself, where there may be one. @throws UserError where all have been given */
export function givenId(id: number): number {
  if (id < MOST_IDS) return id;
  throw new UserError(
    'this step has given an id to two thousand million rows, of now and of before: there are no more',
    {
      help: 'run with --full: ids begin anew; more rows than that must be parted over several pipelines',
    },
  );
}

/** A batch with the ids of its rows behind its columns. */
export function withRowIds(batch: RecordBatch, ids: Int32Array): RecordBatch {
  const fields = [...batch.schema.fields, ...schemaOf({ [ROW_ID]: int32() }).fields];
  return batchOf(new Schema(fields), batch.numRows, [...batch.data.children, int32Data(ids)]);
}

/** The ids of a batch's rows. */
export const rowIds = (batch: RecordBatch): Int32Array => numbers(batch, ROW_ID) as Int32Array;

/** The batch without the ids. */
export function withoutRowIds(batch: RecordBatch): RecordBatch {
  if (!hasColumn(batch, ROW_ID)) return batch;
  const at = batch.schema.fields.findIndex(f => f.name === ROW_ID);
  return batchOf(
    new Schema(batch.schema.fields.filter((_, i) => i !== at)),
    batch.numRows,
    batch.data.children.filter((_, i) => i !== at),
  );
}

/** A batch of nothing but ids. */
export const idBatch = (ids: Int32Array): RecordBatch =>
  batchOf(schemaOf({ [ROW_ID]: int32() }), ids.length, [int32Data(ids)]);

/** The ids a batch names, or none where it has no id column. */
export const idsIn = (batch: RecordBatch | undefined): Int32Array =>
  batch && hasColumn(batch, ROW_ID)
    ? (columnData(batch, ROW_ID).values as Int32Array).subarray(0, batch.numRows)
    : NONE;
const NONE = new Int32Array(0);

const withId = (columns: Columns): Columns => ({ ...columns, [ROW_ID]: int32() });

/** A map step whose rows carry ids. @param gone whether rows that give nothing must be named */
export function carryIds(step: PlannedStep, gone: boolean): PlannedStep {
  if (step.op.shape !== 'map') return step;
  const output = withId(step.output);
  return {
    ...step,
    output,
    outputSchema: schemaOf(output),
    passes: { ...step.passes, [ROW_ID]: ROW_ID },
    // a source row's rows must stay together, so pieces keep their order
    order: 'keep',
    wantsGone: step.wantsGone || gone,
  };
}
