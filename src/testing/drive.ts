/** Opens an operator of any shape, feeds it and closes it, in one thread. */
import type { RecordBatch } from 'apache-arrow';
import { columnData, concatBatches, rowsOf, takeRows, valueAt } from '../arrow/index.ts';
import {
  type Change,
  type Changes,
  type Closable,
  type Json,
  nullableNames,
  type OpenContext,
  type Report,
  UserError,
} from '../define/index.ts';
import { assembler, columnsToBatch } from '../run/assemble.ts';
import { cutPoints, keyString } from '../run/groups.ts';
import { plainKey } from '../run/incremental/key-text.ts';
import { firstNull } from '../run/row-errors.ts';
import type { TestedStep } from './step.ts';

/** What an operator is fed with. */
export interface Feed {
  readonly inputs: readonly (readonly RecordBatch[])[];
  /** Instead of the batches of a single input. */
  readonly changes?: readonly Change[];
  readonly batchRows?: number;
}

export interface Driven {
  readonly batches: RecordBatch[];
  readonly report?: Report;
  readonly token?: Json;
  /** Rows after all changes, where there were deletes. */
  readonly result?: Record<string, unknown>[];
}

/** Runs the step. `close` is awaited whatever happens. */
export async function drive(step: TestedStep, ctx: OpenContext, feed: Feed): Promise<Driven> {
  const { op, params } = step;
  switch (op.shape) {
    case 'source':
      return closing(await op.open(params, ctx), async source => {
        const batches: RecordBatch[] = [];
        for await (const chunk of source.scan()) {
          let batch = chunk.batch;
          let errors = chunk.errors ?? [];
          if (chunk.raw) {
            if (!source.decode) throw new Error(`operator ${op.name} gives raw pieces and has no decode`);
            ({ batch, errors = [] } = await source.decode(chunk.raw, chunk.meta ?? null));
          }
          if (errors.length > 0) throw new UserError(`${errors[0].where}: ${errors[0].message}`);
          if (batch?.numRows) batches.push(batch);
        }
        return { batches };
      });
    case 'map': {
      const assemble = assembler(step);
      return closing(await op.open(params, ctx), async map => {
        const batches: RecordBatch[] = [];
        const pieces = cut(feed.inputs[0], feed.batchRows, op.batchBy?.(params) ?? []);
        for (const batch of pieces) {
          refuseNulls(step, batch, 0);
          batches.push(assemble(batch, await map.process(batch)).batch);
        }
        return { batches };
      });
    }
    case 'stream':
      return closing(await op.open(params, ctx), async stream => {
        const given: Change[] = [];
        for (const [input, change] of changesOf(feed, [])) {
          if (change.upserts) refuseNulls(step, change.upserts, input);
          await collect(await stream.process(change, input), given);
        }
        if (stream.end) await collect(await stream.end(), given);
        return applied(given, step.key);
      });
    case 'join':
      return closing(await op.open(params, ctx), async join => {
        const on = op.on(params);
        const whole = feed.inputs.map(batches => concatBatches(batches));
        whole.forEach((batch, i) => {
          refuseNulls(step, batch, i);
        });
        const batches: RecordBatch[] = [];
        for (const inputs of joined(op.name, whole, on, op.missing(params), feed.batchRows)) {
          const { columns } = await join.process(inputs);
          batches.push(columnsToBatch(op.name, step.output, step.outputSchema, columns));
        }
        return { batches };
      });
    case 'sink': {
      const sink = await op.open(params, ctx);
      return closing(sink, async () => {
        try {
          for (const [, change] of changesOf(feed, op.batchBy?.(params) ?? [])) {
            if (change.upserts) refuseNulls(step, change.upserts, 0);
            await sink.write(change);
          }
          const { token } = await sink.prepare();
          await op.publish?.(params, token, ctx);
          return { batches: [], token, report: await sink.report?.() };
        } catch (error) {
          await sink.abort?.();
          throw error;
        }
      });
    }
    case 'rx':
      throw new Error(`operator ${op.name} is of shape rx: run it in a pipeline`);
  }
}

async function closing<T extends Closable>(
  instance: T,
  work: (instance: T) => Promise<Driven>,
): Promise<Driven> {
  try {
    return await work(instance);
  } finally {
    await instance.close?.();
  }
}

function cut(
  batches: readonly RecordBatch[],
  rows: number | undefined,
  batchBy: readonly string[],
): readonly RecordBatch[] {
  if (rows === undefined) return batches;
  return batches.flatMap(batch => {
    let from = 0;
    if (batch.numRows === 0) return [batch];
    return cutPoints(batch, rows, batchBy).map(to => {
      const piece = takeRows(
        batch,
        Int32Array.from({ length: to - from }, (_, i) => from + i),
      );
      from = to;
      return piece;
    });
  });
}

function changesOf(feed: Feed, batchBy: readonly string[]): [number, Change][] {
  if (feed.changes) return feed.changes.map(change => [0, change]);
  return feed.inputs.flatMap((batches, input) =>
    cut(batches, feed.batchRows, batchBy).map((upserts): [number, Change] => [input, { upserts }]),
  );
}

async function collect(changes: Changes, into: Change[]): Promise<void> {
  for await (const change of changes) into.push(change);
}

/** Nulls are row errors where a column that is read does not allow them. */
function refuseNulls(step: TestedStep, batch: RecordBatch, input: number): void {
  const { op, params } = step;
  if (op.shape === 'source') return;
  const reads = op.reads(params, input);
  const free = nullableNames(reads);
  const bad = firstNull(
    batch,
    Object.keys(reads).filter(name => !free.has(name)),
  );
  if (!bad) return;
  const key = plainKey(batch, bad.row, step.inputKeys[input]?.filter(name => name !== bad.column) ?? []);
  throw new UserError(`${op.name}: column "${bad.column}" is null in row ${bad.row}${key && ` (${key})`}`);
}

/** Rows after all changes: a delete takes out every row with its values, an upsert replaces the row of its key. */
function applied(changes: readonly Change[], key: readonly string[]): Driven {
  const batches = changes.flatMap(c => (c.upserts ? [c.upserts] : []));
  if (!changes.some(c => c.deletes?.numRows)) return { batches };
  const rows = new Map<string, Record<string, unknown>>();
  for (const { deletes, upserts } of changes) {
    for (const gone of deletes ? rowsOf(deletes) : [])
      for (const [id, row] of rows)
        if (Object.entries(gone).every(([name, value]) => row[name] === value)) rows.delete(id);
    for (const row of upserts ? rowsOf(upserts) : []) rows.set(JSON.stringify(key.map(k => row[k])), row);
  }
  return { batches, result: [...rows.values()] };
}

/** For runs of `keys` join keys at a time, the rows of each input that have them, in the same key order. */
function joined(
  op: string,
  inputs: readonly RecordBatch[],
  on: readonly string[],
  missing: 'drop' | 'partial' | 'fail',
  keys = Number.POSITIVE_INFINITY,
): RecordBatch[][] {
  const byKey = new Map<string, number[][]>();
  inputs.forEach((batch, input) => {
    const datas = on.map(name => columnData(batch, name));
    for (let row = 0; row < batch.numRows; row++) {
      const key = keyString(datas, row);
      let rows = byKey.get(key);
      if (!rows) {
        rows = inputs.map(() => []);
        byKey.set(key, rows);
      }
      rows[input].push(row);
    }
  });
  const whole = [...byKey.values()].filter(rows => {
    const absent = rows.findIndex(r => r.length === 0);
    if (absent < 0 || missing === 'partial') return true;
    if (missing === 'drop') return false;
    const has = rows.findIndex(r => r.length > 0);
    const named = on.map(name => `${name} ${String(valueAt(columnData(inputs[has], name), rows[has][0]))}`);
    throw new UserError(`${op}: input ${absent} has no rows of ${named.join(', ')}`);
  });
  const out: RecordBatch[][] = [];
  for (let at = 0; at < whole.length; at += keys) {
    const run = whole.slice(at, at + keys);
    out.push(inputs.map((batch, i) => takeRows(batch, Int32Array.from(run.flatMap(rows => rows[i])))));
  }
  return out;
}
