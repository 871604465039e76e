/** What the four writers share: a target, rows counted, deletes honoured, publish by rename. */
import type { RecordBatch } from 'apache-arrow';
import type { Change, OpenContext, SinkInstance } from '../../src/define/index.ts';
import { Deletes } from './deletes.ts';
import { Rebatch } from './rebatch.ts';
import { Target } from './target.ts';

/** A format: how rows become bytes. One for each file that is written. */
export interface Format {
  /** Before the first row: a header. */
  start?(target: Target): void | Promise<void>;
  rows(batch: RecordBatch, target: Target): void | Promise<void>;
  /** After the last row: a footer. */
  end?(target: Target): void | Promise<void>;
  /** Frees what it holds. */
  close?(): void | Promise<void>;
}

/** The format, given batches whose borders depend on the rows alone. */
export function rebatched(format: Format): Format {
  const gather = new Rebatch();
  return {
    start: target => format.start?.(target),
    rows: async (batch, target) => {
      for (const full of gather.add(batch)) await format.rows(full, target);
    },
    end: async target => {
      for (const rest of gather.end()) await format.rows(rest, target);
      await format.end?.(target);
    },
    close: () => format.close?.(),
  };
}

/** A pass over a finished file that leaves rows out: reads `from`, writes what stays, gives its number of rows. */
export type Rewrite = (from: Target, to: Target, deletes: Deletes) => Promise<number>;

/** The sink that writes one file. */
export async function fileSink(
  path: string,
  ctx: OpenContext,
  format: () => Format | Promise<Format>,
  rewrite: Rewrite,
  options: { compress?: boolean } = {},
): Promise<SinkInstance> {
  let target = await Target.open(path, ctx, options);
  const deletes = new Deletes();
  let rows = 0;
  let open: Format;
  try {
    open = await format();
    await open.start?.(target);
  } catch (error) {
    await target.abort();
    throw error;
  }
  return {
    write: async (change: Change) => {
      if (change.deletes) deletes.add(change.deletes, rows);
      if (change.upserts && change.upserts.numRows > 0) {
        await open.rows(change.upserts, target);
        rows += change.upserts.numRows;
      }
    },
    prepare: async () => {
      await open.end?.(target);
      await target.finish();
      if (deletes.some && rows > 0) {
        const whole = target;
        target = await Target.open(path, ctx, options);
        try {
          rows = await rewrite(whole, target, deletes);
          await target.finish();
        } finally {
          await whole.abort();
        }
      }
      return target.prepared(rows);
    },
    abort: () => target.abort(),
    close: () => open.close?.(),
  };
}
