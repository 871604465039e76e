/**
 * Documents until all have come: in memory while they fit, else cut by a hash of the title into partitions on disk.
 * At the end each partition is joined by itself and its rows written in the order their titles first appeared; the
 * partitions are then merged by that order, a small batch of each in memory at a time.
 */
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import {
  batchOf,
  columnData,
  concatBatches,
  int32Data,
  numbers,
  retainedBytes,
  selectColumns,
  takeRows,
  utf8View,
  valueAt,
} from '../../src/arrow/index.ts';
import { murmur3 } from '../shape/hash.ts';
import { readSpill, SpillWriter } from './spill.ts';
import { type MergeNames, mergeTitles, SEQUENCE } from './title-groups.ts';

/** Partitions at a level: each holds a file buffer while rows come and a batch while they are merged. */
const PARTITIONS = 32;
/** Partitions that do not fit are cut again, by another hash, so many times; then they go as they are. */
const DEEPEST = 3;
/** A batch that comes out has at most about so many rows and bytes. */
const ROWS_OUT = 1024;
const BYTES_OUT = 1 << 20;

type Told = Parameters<typeof mergeTitles>[4];

/** Rows that go: those with these values, among rows that came before `before`. */
interface Deleted {
  readonly columns: readonly string[];
  readonly values: ReadonlyMap<string, number>;
}

export class TitleState {
  readonly #names: MergeNames;
  readonly #output: Schema;
  readonly #budget: number;
  readonly #folder: () => Promise<string>;
  #held: RecordBatch[] = [];
  #bytes = 0;
  #sequence = 0;
  #partitions: Partitions | undefined;
  #deleted: { columns: string[]; values: Map<string, number> }[] = [];
  readonly #told: Told | undefined;

  /**
   * @param output columns that come out. @param budget bytes of rows to hold. @param folder for what does not fit.
   * @param told called with the rows of each title, in order
   */
  constructor(names: MergeNames, output: Schema, budget: number, folder: () => Promise<string>, told?: Told) {
    this.#told = told;
    this.#names = names;
    this.#output = output;
    this.#budget = budget;
    this.#folder = folder;
  }

  async add(batch: RecordBatch): Promise<void> {
    const numbered = withSequence(batch, this.#sequence);
    this.#sequence += batch.numRows;
    this.#held.push(numbered);
    this.#bytes += retainedBytes(numbered);
    if (this.#bytes > this.#budget) await this.#spill();
  }

  delete(rows: RecordBatch): void {
    const columns = rows.schema.fields.map(f => f.name);
    let known = this.#deleted.find(d => d.columns.join('\0') === columns.join('\0'));
    if (!known) {
      known = { columns, values: new Map() };
      this.#deleted.push(known);
    }
    for (let i = 0; i < rows.numRows; i++) known.values.set(keyOf(rows, columns, i), this.#sequence);
  }

  /** Closes what is open; the folder is the engine's to remove. */
  async close(): Promise<void> {
    await this.#partitions?.close();
  }

  async #spill(): Promise<void> {
    if (this.#held.length === 0) return;
    this.#partitions ??= new Partitions(await this.#folder(), 'part', 0, this.#names.title);
    await this.#partitions.add(this.#held);
    this.#held = [];
    this.#bytes = 0;
  }

  /** The joined documents, in order of first appearance. */
  async *end(): AsyncGenerator<RecordBatch> {
    const drop = (batch: RecordBatch): Uint8Array | undefined => droppedRows(batch, this.#deleted);
    if (!this.#partitions) {
      if (this.#held.length === 0) return;
      const merged = mergeTitles(this.#held, this.#names, this.#output, drop, this.#told);
      this.#held = [];
      if (merged) yield merged;
      return;
    }
    await this.#spill();
    const withPlace = new Schema([...this.#output.fields, new Field(SEQUENCE, new Int32(), true)]);
    const runs = await joinPartitions(
      this.#partitions,
      this.#names,
      withPlace,
      this.#budget,
      drop,
      this.#told,
    );
    for await (const batch of byPlace(runs))
      yield selectColumns(
        batch,
        this.#output.fields.map(f => f.name),
      );
  }
}

function withSequence(batch: RecordBatch, from: number): RecordBatch {
  const schema = new Schema([...batch.schema.fields, new Field(SEQUENCE, new Int32(), true)]);
  const places = Int32Array.from({ length: batch.numRows }, (_, i) => from + i);
  return batchOf(schema, batch.numRows, [...batch.data.children, int32Data(places)]);
}

const keyOf = (batch: RecordBatch, columns: readonly string[], row: number): string =>
  JSON.stringify(columns.map(name => String(valueAt(columnData(batch, name), row))));

function droppedRows(batch: RecordBatch, deleted: readonly Deleted[]): Uint8Array | undefined {
  if (deleted.length === 0) return undefined;
  const gone = new Uint8Array(batch.numRows);
  const places = numbers(batch, SEQUENCE);
  for (const { columns, values } of deleted)
    for (let i = 0; i < batch.numRows; i++) {
      const before = values.get(keyOf(batch, columns, i));
      if (before !== undefined && places[i] < before) gone[i] = 1;
    }
  return gone;
}

/** Rows cut into files by a hash of their title; a file is made when its first row comes. */
class Partitions {
  readonly level: number;
  readonly #folder: string;
  readonly #name: string;
  readonly #title: string;
  readonly #files = new Map<number, SpillWriter>();

  constructor(folder: string, name: string, level: number, title: string) {
    this.#folder = folder;
    this.#name = name;
    this.level = level;
    this.#title = title;
  }
  get files(): SpillWriter[] {
    return [...this.#files.values()];
  }
  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0);
  }
  async add(batches: readonly RecordBatch[]): Promise<void> {
    const batch = concatBatches(batches);
    const titles = utf8View(batch, this.#title);
    const rows = Array.from({ length: PARTITIONS }, (): number[] => []);
    for (let i = 0; i < titles.length; i++) {
      const [from, to] = [titles.offsets[i], titles.offsets[i + 1]];
      // rows without a title belong together with nobody: any partition will do
      const hash = from === to ? i : murmur3(titles.bytes, from, to, 7919 * (this.level + 1));
      rows[hash % PARTITIONS].push(i);
    }
    for (const [p, indices] of rows.entries()) {
      if (indices.length === 0) continue;
      let file = this.#files.get(p);
      if (!file) {
        file = await SpillWriter.create(join(this.#folder, `${this.#name}-${p}.arrow`));
        this.#files.set(p, file);
      }
      await file.write(takeRows(batch, Int32Array.from(indices)));
    }
  }
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }
}

/** Joins each partition; gives the paths of files whose rows are in order of their places. */
async function joinPartitions(
  partitions: Partitions,
  names: MergeNames,
  schema: Schema,
  budget: number,
  drop: (batch: RecordBatch) => Uint8Array | undefined,
  told: Told | undefined,
): Promise<string[]> {
  await partitions.close();
  const runs: string[] = [];
  const total = partitions.bytes;
  for (const { path, bytes } of partitions.files) {
    // where a cut left nearly all in one file, it holds one title, and another would not help
    if (bytes > budget && partitions.level < DEEPEST && (partitions.level === 0 || bytes < 0.9 * total)) {
      const inner = new Partitions(dirname(path), basename(path), partitions.level + 1, names.title);
      try {
        for await (const batch of readSpill(path)) await inner.add([batch]);
      } finally {
        await inner.close();
      }
      await rm(path);
      // one file for all of them, so that no more are open at a time than there are partitions
      const out = await SpillWriter.create(`${path}.joined`);
      try {
        const merged = byPlace(await joinPartitions(inner, names, schema, budget, drop, told));
        for await (const batch of merged) await out.write(batch);
      } finally {
        await out.close();
      }
      runs.push(out.path);
      continue;
    }
    const batches: RecordBatch[] = [];
    for await (const batch of readSpill(path)) batches.push(batch);
    await rm(path);
    const merged = mergeTitles(batches, names, schema, drop, told);
    if (!merged) continue;
    const out = await SpillWriter.create(`${path}.joined`);
    const rows = Math.max(1, Math.min(ROWS_OUT, Math.floor(merged.numRows / Math.max(1, bytes / 65_536))));
    try {
      for (let at = 0; at < merged.numRows; at += rows) {
        await out.write(takeRows(merged, span(at, Math.min(at + rows, merged.numRows))));
      }
    } finally {
      await out.close();
    }
    runs.push(out.path);
  }
  return runs;
}

/** The numbers from `from` up to, not including, `to`. */
const span = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i);

/** Merges files that are each in order of their places. */
async function* byPlace(paths: readonly string[]): AsyncGenerator<RecordBatch> {
  const runs: { batches: AsyncGenerator<RecordBatch>; batch: RecordBatch; places: Int32Array; at: number }[] =
    [];
  for (const path of paths) {
    const batches = readSpill(path);
    const { value, done } = await batches.next();
    if (!done) runs.push({ batches, batch: value, places: numbers(value, SEQUENCE) as Int32Array, at: 0 });
  }
  try {
    while (runs.length > 0) {
      const parts: RecordBatch[] = [];
      for (let rows = 0, bytes = 0; rows < ROWS_OUT && bytes < BYTES_OUT && runs.length > 0; ) {
        // the run that is first, and how far it goes on before another is
        let first = 0;
        let limit = Number.POSITIVE_INFINITY;
        for (let r = 1; r < runs.length; r++) {
          const place = runs[r].places[runs[r].at];
          const best = runs[first].places[runs[first].at];
          if (place < best) {
            limit = best;
            first = r;
          } else if (place < limit) limit = place;
        }
        const run = runs[first];
        const from = run.at;
        while (run.at < run.places.length && run.places[run.at] < limit) run.at++;
        const part = takeRows(run.batch, span(from, run.at));
        parts.push(part);
        bytes += retainedBytes(part);
        rows += run.at - from;
        if (run.at < run.places.length) continue;
        const { value, done } = await run.batches.next();
        if (done) runs.splice(first, 1);
        else Object.assign(run, { batch: value, places: numbers(value, SEQUENCE), at: 0 });
      }
      yield concatBatches(parts);
    }
  } finally {
    for (const run of runs) await run.batches.return(undefined);
    for (const path of paths) await rm(path, { force: true });
  }
}
