/**
 * An executor that asks the cache first: only rows whose read columns are new to the step are worked on. Where the
 * step's code runs, here or in workers, makes no difference to it.
 */
import { type Data, type RecordBatch, Schema } from 'apache-arrow';
import {
  batchOf,
  columnData,
  concatData,
  encodeRows,
  HASH_BYTES,
  hashRows,
  int32,
  int32Data,
  numbers,
  RowDecoder,
  schemaOf,
  takeData,
  takeRows,
} from '../arrow/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Cache } from '../state/index.ts';
import type { MapOutput } from './assemble.ts';
import { assembler } from './assemble.ts';
import type { ChainInput, ChainResult, Letter } from './chain.ts';
import { isCostly, tokensOf } from './cost.ts';
import type { Executor } from './executor.ts';

// a hidden column: the place of a row in the batch of rows to work on
const AT = '__at';

/** The step as its executor gets it: with the place of each row carried through. */
export function carryPlaces(step: PlannedStep): PlannedStep {
  const output = { ...step.output, [AT]: int32() };
  return { ...step, output, outputSchema: schemaOf(output), passes: { ...step.passes, [AT]: AT } };
}

/** Numbers of a run: rows found in the cache and rows worked on. */
export interface CacheCounts {
  hits: number;
  misses: number;
}

/**
 * @param step the step as planned
 * @param inner works through rows of `carryPlaces(step)`
 * @param fingerprint of the step's rows, with what it reads besides them
 * @param anew works on every row, whatever is kept, and keeps the new results
 */
export function cachedExecutor(
  step: PlannedStep,
  inner: Executor,
  cache: Cache,
  fingerprint: string,
  counts: CacheCounts,
  anew = false,
): Executor {
  const { op, params } = step;
  if (op.shape !== 'map' || op.rows === 'group') throw new Error(`${op.name} cannot be cached`);
  const reads = Object.keys(op.reads(params));
  const passed = new Set(Object.values(step.passes));
  // as the plan knows them: it knows where paths of parameters start from
  const written = Object.entries(step.output).filter(([name]) => !passed.has(name));
  const prefix = Buffer.from(fingerprint.slice(0, 24), 'hex');
  const assemble = assembler(step);

  const run = async (input: ChainInput): Promise<ChainResult> => {
    if (!('batch' in input)) throw new Error('a cached step takes rows');
    const { batch } = input;
    const started = performance.now();
    const hashes = hashRows(batch, reads);
    const decoder = new RowDecoder(written.map(([, c]) => c.type));
    // for each input row: how many rows it gives, -1 while it is to be worked on
    const sizes = new Int32Array(batch.numRows);
    const misses: number[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const value = anew ? undefined : cache.peek(keyAt(prefix, hashes, row));
      if (value) sizes[row] = decoder.add(value);
      else {
        sizes[row] = -1;
        misses.push(row);
      }
    }
    counts.hits += batch.numRows - misses.length;
    counts.misses += misses.length;
    const looked = performance.now() - started;
    const todo = Int32Array.from(misses);
    const worked = misses.length ? await inner.run({ batch: withPlaces(takeRows(batch, todo)) }) : undefined;
    const after = performance.now();

    const fresh = worked?.batch;
    const places = fresh ? numbers(fresh, AT) : new Int32Array(0);
    const freshDatas = written.map(([name]) => fresh && columnData(fresh, name));
    const failed = new Set((worked?.letters ?? []).flatMap(l => (l.row ? [numbers(l.row, AT)[0]] : [])));
    const starts = new Int32Array(misses.length + 1);
    for (const place of places) starts[place + 1]++;
    for (let i = 0; i < misses.length; i++) starts[i + 1] += starts[i];
    for (let i = 0; i < misses.length; i++) {
      sizes[misses[i]] = starts[i + 1] - starts[i];
      if (failed.has(i)) continue;
      const value = encodeRows(fresh ? (freshDatas as Data[]) : [], starts[i], starts[i + 1]);
      cache.put(keyAt(prefix, hashes, misses[i]), value);
    }
    await cache.flush();

    const found = decoder.finish();
    const isMiss = new Int32Array(batch.numRows).fill(-1);
    misses.forEach((row, i) => {
      isMiss[row] = i;
    });
    const out = merge(sizes, isMiss, starts, found, fresh ? (freshDatas as Data[]) : undefined);
    const columns = Object.fromEntries(written.map(([name], i) => [name, out.datas[i]]));
    // rows of `same` that failed are not there: the others stand for themselves
    const through =
      op.rows === 'same' && out.parent.length < batch.numRows ? takeRows(batch, out.parent) : batch;
    const result = out.parent.length
      ? assemble(through, outputOf(op.rows, out.parent, columns)).batch
      : undefined;
    const gone = (worked?.gone ?? []).map(withoutPlaces);
    if (step.wantsGone) {
      const none = [...sizes.keys()].filter(row => sizes[row] === 0 && isMiss[row] < 0);
      if (none.length) gone.push(takeRows(batch, Int32Array.from(none)));
    }
    const tokens = isCostly(step) ? (tokensOf(step, batch) ?? Number.NaN) : undefined;
    const busy = (worked?.counts[0]?.busyMs ?? 0) + looked + performance.now() - after;
    return {
      batch: result,
      gone,
      letters: (worked?.letters ?? []).map((l): Letter => ({ ...l, row: l.row && withoutPlaces(l.row) })),
      counts: [{ rowsIn: batch.numRows, rowsOut: result?.numRows ?? 0, busyMs: busy, batches: 1, tokens }],
    };
  };
  return { width: inner.width, run, close: () => inner.close() };
}

function keyAt(prefix: Buffer, hashes: Uint8Array, row: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + HASH_BYTES);
  key.set(prefix);
  key.set(hashes.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES), prefix.length);
  return key;
}

function withPlaces(batch: RecordBatch): RecordBatch {
  const fields = [...batch.schema.fields, ...schemaOf({ [AT]: int32() }).fields];
  const places = int32Data(Int32Array.from({ length: batch.numRows }, (_, i) => i));
  return batchOf(new Schema(fields), batch.numRows, [...batch.data.children, places]);
}
function withoutPlaces(batch: RecordBatch): RecordBatch {
  const at = batch.schema.fields.findIndex(f => f.name === AT);
  if (at < 0) return batch;
  const others = <T>(all: readonly T[]): T[] => all.filter((_, i) => i !== at);
  return batchOf(new Schema(others(batch.schema.fields)), batch.numRows, others(batch.data.children));
}

/** Puts rows that were found and rows that were worked out into the order of the input. */
function merge(
  sizes: Int32Array,
  isMiss: Int32Array,
  starts: Int32Array,
  found: readonly Data[],
  fresh: readonly Data[] | undefined,
): { parent: Int32Array; datas: Data[] } {
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const parent = new Int32Array(total);
  const order = new Int32Array(total);
  const offset = found[0]?.length ?? 0;
  let at = 0;
  let nextFound = 0;
  for (let row = 0; row < sizes.length; row++) {
    const miss = isMiss[row];
    for (let i = 0; i < sizes[row]; i++, at++) {
      parent[at] = row;
      order[at] = miss < 0 ? nextFound++ : offset + starts[miss] + i;
    }
  }
  const datas = found.map((data, i) => takeData(fresh ? concatData([data, fresh[i]]) : data, order));
  return { parent, datas };
}

function outputOf(rows: string, parent: Int32Array, columns: Record<string, Data>): MapOutput {
  if (rows === 'explode') return { parent, columns };
  if (rows === 'filter') return { keep: parent, columns };
  return { columns };
}
