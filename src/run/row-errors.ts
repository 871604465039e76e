/** A row's error is not the batch's: halve and try again, down to the row, and put aside the rows that fail. */
import type { RecordBatch } from 'apache-arrow';
import { columnData, isNull, sliceRows, takeRows } from '../arrow/index.ts';

/** A row that could not be processed. */
export interface RowFailure {
  /** A batch of one row. */
  readonly row: RecordBatch;
  readonly error: unknown;
}

/**
 * Runs `work` over a batch. Where it throws, the batch is halved until single rows fail; the outputs of the rest come
 * in order. @param fatal whether an error is the step's and not a row's: it is thrown on.
 */
export async function halving<T>(
  batch: RecordBatch,
  work: (part: RecordBatch) => T | Promise<T>,
  fatal: (error: unknown) => boolean,
): Promise<{ parts: { input: RecordBatch; output: T }[]; failures: RowFailure[] }> {
  const parts: { input: RecordBatch; output: T }[] = [];
  const failures: RowFailure[] = [];
  const visit = async (part: RecordBatch): Promise<void> => {
    try {
      parts.push({ input: part, output: await work(part) });
    } catch (error) {
      if (fatal(error)) throw error;
      if (part.numRows <= 1) {
        failures.push({ row: part, error });
        return;
      }
      const middle = part.numRows >> 1;
      await visit(sliceRows(part, 0, middle));
      await visit(sliceRows(part, middle, part.numRows));
    }
  };
  await visit(batch);
  return { parts, failures };
}

/** The first row and column where a column that must not be null is, or undefined. */
export function firstNull(
  batch: RecordBatch,
  names: readonly string[],
): { row: number; column: string } | undefined {
  for (const column of names) {
    const data = columnData(batch, column);
    if (data.nullCount === 0) continue;
    for (let row = 0; row < data.length; row++) if (isNull(data, row)) return { row, column };
  }
  return undefined;
}

/** Parts a batch into the rows without nulls in `names` and, one by one, those with. */
export function splitNulls(
  batch: RecordBatch,
  names: readonly string[],
): { clean: RecordBatch | undefined; failures: RowFailure[] } {
  if (!firstNull(batch, names)) return { clean: batch, failures: [] };
  const keep: number[] = [];
  const failures: RowFailure[] = [];
  const columns = names.map(name => [name, columnData(batch, name)] as const);
  for (let row = 0; row < batch.numRows; row++) {
    const column = columns.find(([, data]) => isNull(data, row));
    if (!column) keep.push(row);
    else
      failures.push({
        row: takeRows(batch, Int32Array.of(row)),
        error: new Error(`column "${column[0]}" is null`),
      });
  }
  return { clean: keep.length ? takeRows(batch, Int32Array.from(keep)) : undefined, failures };
}
