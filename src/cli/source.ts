/** Reads a source operator without a run: for looking into files and for evaluating them. */
import type { RecordBatch } from 'apache-arrow';
import { rowsOf } from '../arrow/access.ts';
import { type Columns, columnsOf } from '../arrow/types.ts';
import { type AnyOperator, asEngine, type Params, UserError } from '../define/index.ts';
import { openContext, TestFolder } from '../testing/context.ts';

/** Memory that a source read this way may hold. */
const MEMORY = 256 * 2 ** 20;

/**
 * The batches of a source.
 * @param strict whether a record that cannot be read is an error (else it is passed over)
 * @throws UserError where the source cannot be read with these parameters
 */
export async function* readBatches(
  op: AnyOperator,
  given: Readonly<Record<string, unknown>>,
  root: string,
  strict: boolean,
): AsyncGenerator<RecordBatch> {
  const engine = asEngine(op);
  if (engine.shape !== 'source') throw new Error(`${op.name} is no source`);
  const params = op.params.parse(given) as Params;
  const folder = await TestFolder.make(root);
  const ctx = openContext(folder, { memory: MEMORY, inputs: [], keys: [], warnings: [] });
  const source = await engine.open(params, ctx);
  try {
    for await (const chunk of source.scan()) {
      const decoded =
        chunk.raw && source.decode ? await source.decode(chunk.raw, chunk.meta ?? null) : undefined;
      const wrong = [...(chunk.errors ?? []), ...(decoded?.errors ?? [])][0];
      if (strict && wrong) throw new UserError(`${wrong.where}: ${wrong.message}`);
      const batch = chunk.batch ?? decoded?.batch;
      if (batch && batch.numRows > 0) yield batch;
    }
  } finally {
    await source.close?.();
    await folder.remove();
  }
}

/** The head of a source. */
export interface Sample {
  readonly columns: Columns;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** At most `most` rows from the start of a source. */
export async function sampleRows(
  op: AnyOperator,
  given: Readonly<Record<string, unknown>>,
  root: string,
  most: number,
): Promise<Sample> {
  const rows: Record<string, unknown>[] = [];
  let columns: Columns = {};
  for await (const batch of readBatches(op, given, root, false)) {
    columns = columnsOf(batch.schema);
    const missing = most - rows.length;
    rows.push(...rowsOf(batch.numRows > missing ? batch.slice(0, missing) : batch));
    if (rows.length >= most) break;
  }
  return { columns, rows };
}
