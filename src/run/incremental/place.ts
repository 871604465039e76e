/** Where in its part a source row stands: the part is read once more, since the ledger has no places of rows. */
import type { RecordBatch } from 'apache-arrow';
import { columnData, valueAt } from '../../arrow/index.ts';
import type { Plan } from '../../plan/types.ts';
import { openContext } from '../context.ts';
import type { Lineage } from './find.ts';

/**
 * @returns the line of the file, from 1; undefined where the source has no lines, or the row is not there any more
 */
export async function lineOf(plan: Plan, row: Lineage, signal: AbortSignal): Promise<number | undefined> {
  const step = plan.flows.flatMap(f => f.steps).find(s => s.id === row.source);
  if (step?.op.shape !== 'source' || row.part === undefined) return undefined;
  const run = { root: plan.root, signal, warn: () => undefined, tempFolders: [] };
  const source = await step.op.open(step.params, openContext(step, run));
  try {
    if (!source.linesOf || !source.decode) return undefined;
    for await (const { raw, meta, part } of source.scan(undefined, new Set([row.part]))) {
      if (!raw || part !== row.part) continue;
      const { batch } = await source.decode(raw, meta ?? null);
      const at = batch ? rowOf(batch, step.key, row.key.map(String)) : -1;
      if (at >= 0) return (await source.linesOf(raw, meta ?? null))[at];
    }
    return undefined;
  } finally {
    await source.close?.();
  }
}

// the first of a key is the one that counts
function rowOf(batch: RecordBatch, names: readonly string[], key: readonly string[]): number {
  const columns = names.map(name => columnData(batch, name));
  for (let row = 0; row < batch.numRows; row++)
    if (columns.every((data, i) => String(valueAt(data, row)) === key[i])) return row;
  return -1;
}
