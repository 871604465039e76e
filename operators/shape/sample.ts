import type { RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import { columnData, concatBatches, takeRows, valueAt } from '../../src/arrow/index.ts';
import { type Change, operator, type StreamInstance, UserError } from '../../src/define/index.ts';
import { unitHash } from './hash.ts';
import { Smallest } from './smallest.ts';

export const sample = operator({
  name: 'sample',
  version: 1,
  shape: 'stream',
  summary: 'Keeps a random part of the rows: a fraction, or a number of them.',
  description: `Which rows are kept depends on their keys and the seed alone, by a hash: not on their order, on other columns or on
how often the sample is taken, so two runs over a corpus that grew keep the same old rows.

\`fraction\` keeps each row whose hash is below it, at once; the share comes out near the fraction, not exactly so (for n
rows within about √n of it). \`rows\` keeps exactly that many (all, where there are fewer): those of the smallest hashes,
a uniform sample without replacement; it gives them, in the order they came, when all rows have been seen, and holds no
more than twice that many meanwhile.`,
  params: z.strictObject({
    fraction: z.number().gt(0).max(1).optional().describe('share of the rows to keep, above 0 and up to 1'),
    rows: z.int().positive().optional().describe('number of rows to keep, exactly'),
    seed: z.int().default(0).describe('another seed gives another sample'),
  }),
  check: p =>
    (p.fraction === undefined) === (p.rows === undefined) ? ['with.rows: give either fraction or rows'] : [],
  reads: () => ({}),
  writes: () => ({}),
  holds: p => p.rows !== undefined,
  examples: [
    {
      title: 'All of them',
      with: { fraction: 1 },
      in: [{ doc_id: 'a' }, { doc_id: 'b' }],
      out: [{ doc_id: 'a' }, { doc_id: 'b' }],
    },
    {
      title: 'At most three rows',
      with: { rows: 3 },
      in: [
        { doc_id: 'a', text: 'one' },
        { doc_id: 'b', text: 'two' },
      ],
      out: [
        { doc_id: 'a', text: 'one' },
        { doc_id: 'b', text: 'two' },
      ],
    },
  ],
  open: (p, ctx) => {
    const key = ctx.keys[0] ?? [];
    return p.rows === undefined ? byFraction(p.fraction ?? 1, p.seed, key) : byNumber(p.rows, p.seed, key);
  },
});

function byFraction(fraction: number, seed: number, key: readonly string[]): StreamInstance {
  return {
    process: ({ deletes, upserts }) => {
      const kept = upserts && takeRows(upserts, below(upserts, fraction, seed, key));
      return [{ deletes, upserts: kept?.numRows ? kept : undefined }];
    },
  };
}

function below(batch: RecordBatch, fraction: number, seed: number, key: readonly string[]): Int32Array {
  const columns = key.map(name => columnData(batch, name));
  const keep = new Int32Array(batch.numRows);
  let kept = 0;
  for (let i = 0; i < batch.numRows; i++) if (unitHash(columns, i, seed) < fraction) keep[kept++] = i;
  return keep.slice(0, kept);
}

function byNumber(rows: number, seed: number, key: readonly string[]): StreamInstance {
  const best = new Smallest(rows);
  let held: RecordBatch[] = [];
  // where each held row stands: its number in the stream, in step with the rows of `held`
  let numbers: number[] = [];
  let seen = 0;

  /** Drops held rows that are out of the sample by now. */
  const compact = (): void => {
    if (held.length === 0) return;
    const all = concatBatches(held);
    const stays = best.numbers();
    const keep: number[] = [];
    numbers.forEach((number, i) => {
      if (stays.has(number)) keep.push(i);
    });
    held = keep.length ? [takeRows(all, Int32Array.from(keep))] : [];
    numbers = keep.map(i => numbers[i]);
  };
  const take = (batch: RecordBatch): void => {
    const columns = key.map(name => columnData(batch, name));
    const keep: number[] = [];
    for (let i = 0; i < batch.numRows; i++, seen++)
      if (best.offer(unitHash(columns, i, seed), seen)) keep.push(i);
    if (keep.length === 0) return;
    held.push(takeRows(batch, Int32Array.from(keep)));
    for (const i of keep) numbers.push(seen - batch.numRows + i);
    if (numbers.length > 2 * rows || held.length > 64) compact();
  };
  /** Rows to be deleted: fine as long as no row was dropped for them. */
  const drop = (deletes: RecordBatch): void => {
    if (held.length === 0) return;
    const names = deletes.schema.fields.map(f => f.name);
    const text = (batch: RecordBatch, i: number): string =>
      JSON.stringify(names.map(name => String(valueAt(columnData(batch, name), i))));
    const gone = new Set(Array.from({ length: deletes.numRows }, (_, i) => text(deletes, i)));
    compact();
    const [batch] = held;
    const hit = numbers.filter((_, i) => gone.has(text(batch, i)));
    if (hit.length === 0) return;
    if (best.dropped)
      throw new UserError(
        'sample: a row of the sample was deleted, and rows that could stand in for it are gone',
        {
          help: 'run with --full',
        },
      );
    best.remove(new Set(hit));
    compact();
  };
  return {
    process: ({ deletes, upserts }) => {
      if (deletes?.numRows) drop(deletes);
      if (upserts?.numRows) take(upserts);
      return [];
    },
    end: (): Change[] => {
      compact();
      return held.map(upserts => ({ upserts }));
    },
  };
}
