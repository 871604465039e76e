/** A sink that takes changes shows what a build from nothing shows, whatever comes before, between and in the middle. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { columnsOf, concatBatches, takeRows } from '../arrow/index.ts';
import {
  asEngine,
  type Change,
  type EngineOperator,
  type Example,
  type Json,
  type PlanContext,
  type SinkInstance,
} from '../define/index.ts';
import { type ContextOptions, openContext, planContext, TestFolder } from './context.ts';
import { keysOf, mixed, numbersBelow } from './edits.ts';
import { exampleInputs, repeated } from './generic.ts';
import { onExamples, type Rule, type Tested } from './rule.ts';
import { parseParams, planStep } from './step.ts';

const RUNS = 8;
/** Files that are damaged, at most. */
const DAMAGED = 9;

type Sink = Extract<EngineOperator, { shape: 'sink' }>;
type Rows = ReadonlyMap<number, RecordBatch>;

/** A sink in a folder, over random rows of an example. */
class Trial {
  readonly op: Sink;
  readonly folder: TestFolder;
  readonly ctx: PlanContext;
  readonly pick = numbersBelow(11);
  /** What is to be seen: rows by their place in the example. */
  live = new Map<number, RecordBatch>();
  private readonly params: ReturnType<typeof parseParams>;
  private readonly all: RecordBatch;
  private readonly open: Pick<ContextOptions, 'inputs' | 'keys' | 'warnings'>;
  private readonly key: readonly string[];

  private constructor(
    op: Sink,
    folder: TestFolder,
    params: ReturnType<typeof parseParams>,
    all: RecordBatch,
    open: Trial['open'],
  ) {
    this.op = op;
    this.folder = folder;
    this.ctx = planContext(folder);
    this.params = params;
    this.all = all;
    this.open = open;
    this.key = op.key?.(params as never, open.keys[0]) ?? open.keys[0];
  }

  static async of(tested: Tested, op: Sink, example: Example): Promise<Trial> {
    const params = parseParams(tested.op, example.with);
    const all = repeated(exampleInputs(example)[0], 4);
    const columns = columnsOf(all.schema);
    const folder = await TestFolder.make(undefined, example.files);
    const step = await planStep(op as never, params, [columns], planContext(folder));
    return new Trial(op, folder, params, all, { inputs: [columns], keys: step.inputKeys, warnings: [] });
  }

  /** Random new, changed and deleted rows, and what there is then. */
  edited(): { readonly changes: Change[]; readonly after: Map<number, RecordBatch> } {
    const after = new Map(this.live);
    const changes: Change[] = [];
    for (let n = 0; n <= this.pick(3); n++) {
      const touched = new Map<number, RecordBatch | undefined>();
      for (let i = 0; i <= this.pick(4); i++) {
        const row = this.pick(this.all.numRows);
        const kind = this.pick(3);
        if (kind === 0) touched.set(row, undefined);
        else touched.set(row, mixed(this.all, row, kind === 1 ? row : this.pick(this.all.numRows), this.key));
      }
      const gone = [...touched.keys()].filter(row => touched.get(row) === undefined && after.has(row));
      const upserts = [...touched.values()].flatMap(b => b ?? []);
      for (const [row, batch] of touched) {
        if (batch) after.set(row, batch);
        else after.delete(row);
      }
      changes.push({
        ...(gone.length > 0 && { deletes: this.keys(gone) }),
        ...(upserts.length > 0 && { upserts: concatBatches(upserts) }),
      });
    }
    return { changes, after };
  }

  private keys(rows: readonly number[]): RecordBatch {
    return keysOf(takeRows(this.all, Int32Array.from(rows)), this.key);
  }

  /** Writes, and does with the sink what `work` says; it is closed whatever happens. */
  async sink<T>(
    how: Pick<ContextOptions, 'full' | 'from'>,
    work: (sink: SinkInstance) => Promise<T>,
    folder = this.folder,
  ): Promise<T> {
    const sink = await this.op.open(this.params as never, openContext(folder, { ...this.open, ...how }));
    try {
      return await work(sink);
    } finally {
      await sink.close?.();
    }
  }

  /** Which rows the sink says that it does not have, or has and should not; undefined where it cannot say. */
  async wrongRows(sink: SinkInstance, rows: Rows): Promise<number | undefined> {
    const every = Array.from({ length: this.all.numRows }, (_, row) => row);
    const has = await sink.has?.(this.keys(every));
    return has && every.findIndex(row => (has[row] !== 0) !== rows.has(row));
  }

  async publish(token: Json, folder = this.folder): Promise<void> {
    await this.op.publish?.(this.params as never, token, planContext(folder));
  }
  async current(): Promise<Json | undefined> {
    return this.op.current?.(this.params as never, this.ctx);
  }
  async resumes(token: Json): Promise<boolean> {
    return (await this.op.resumes?.(this.params as never, token, this.ctx)) ?? false;
  }

  /** What is seen, as text. */
  async seen(folder = this.folder): Promise<string> {
    return JSON.stringify(await this.op.readBack?.(this.params as never, planContext(folder)));
  }

  /** What is seen of these rows after a build from nothing. */
  async wanted(rows: Rows): Promise<string> {
    const fresh = await TestFolder.make();
    try {
      await this.build(rows, fresh);
      return await this.seen(fresh);
    } finally {
      await fresh.remove();
    }
  }

  async build(rows: Rows, folder = this.folder): Promise<void> {
    const token = await this.sink(
      { full: true },
      async sink => {
        const upserts = rows.size > 0 ? concatBatches([...rows.values()]) : this.all.slice(0, 0);
        await sink.write({ upserts });
        return (await sink.prepare()).token;
      },
      folder,
    );
    await this.publish(token, folder);
  }

  async write(sink: SinkInstance, changes: readonly Change[]): Promise<void> {
    for (const change of changes) await sink.write(change);
  }

  async files(): Promise<string[]> {
    const found = await readdir(this.folder.root, { recursive: true, withFileTypes: true });
    return found
      .filter(f => f.isFile())
      .map(f => join(f.parentPath, f.name))
      .sort();
  }
}

const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

async function takesChanges(trial: Trial): Promise<string[]> {
  for (let run = 1; run <= RUNS; run++) {
    const { changes, after } = trial.edited();
    const problem = await trial.sink({ full: run === 1 }, async sink => {
      await trial.write(sink, changes);
      const wrong = await trial.wrongRows(sink, after);
      if (wrong !== undefined && wrong >= 0)
        return `has() is wrong about row ${wrong} before prepare, which is ${after.has(wrong) ? 'there' : 'not there'}`;
      const { token } = await sink.prepare();
      await trial.publish(token);
      await trial.publish(token);
      return same(await trial.current(), token) ? undefined : 'current() is not the token that was published';
    });
    if (problem) return [`after ${run} runs: ${problem}`];
    trial.live = after;
    const [seen, wanted] = [await trial.seen(), await trial.wanted(after)];
    if (seen !== wanted) return [`after ${run} runs with changes it shows ${seen}, a full build ${wanted}`];
  }
  return [];
}

async function abortLeavesNothing(trial: Trial): Promise<string[]> {
  const before = [await trial.seen(), JSON.stringify(await trial.current()), (await trial.files()).join()];
  for (const isPrepared of [false, true]) {
    await trial.sink({ full: false }, async sink => {
      await trial.write(sink, trial.edited().changes);
      if (isPrepared) await sink.prepare();
      await sink.abort?.();
    });
    const after = [await trial.seen(), JSON.stringify(await trial.current()), (await trial.files()).join()];
    const what = ['what is seen', 'current()', 'its files'].find((_, i) => before[i] !== after[i]);
    if (what) return [`abort ${isPrepared ? 'after' : 'before'} prepare changes ${what}`];
  }
  return [];
}

async function goesOnFromKept(trial: Trial): Promise<string[]> {
  if (!trial.op.resumes) return [];
  const seen = await trial.seen();
  const [before, current] = [trial.live, await trial.current()];
  const first = trial.edited();
  const kept = await trial.sink({ full: false }, async sink => {
    await trial.write(sink, first.changes);
    const { token } = await sink.prepare();
    await sink.keep?.(token);
    trial.live = first.after;
    await trial.write(sink, trial.edited().changes);
    await sink.abort?.();
    return token;
  });
  if ((await trial.seen()) !== seen || !same(await trial.current(), current))
    return ['a token that was kept and not published changes what is seen or current()'];
  if (!(await trial.resumes(kept))) return ['resumes() is false of a token that was kept, after an abort'];
  const second = trial.edited();
  const token = await trial.sink({ full: false, from: kept }, async sink => {
    await trial.write(sink, second.changes);
    return (await sink.prepare()).token;
  });
  await trial.publish(token);
  trial.live = second.after;
  if ((await trial.seen()) !== (await trial.wanted(second.after)))
    return [
      `opened from a token that was kept, it does not show those changes and later ones (${before.size} rows before)`,
    ];
  return [];
}

/** A file that is damaged is found by `current`, or does not count; and a build from nothing goes over it. */
async function findsDamage(trial: Trial): Promise<string[]> {
  const [seen, token] = [await trial.seen(), await trial.current()];
  const whole = await TestFolder.make();
  const { root } = trial.folder;
  try {
    await cp(root, whole.root, { recursive: true, preserveTimestamps: true });
    const files = await trial.files();
    for (let n = 0; n < DAMAGED; n++) {
      const file = files[n % files.length];
      const bytes = await readFile(file);
      const how = ['flipped', 'cut off', 'removed'][(n + Math.floor(n / files.length)) % 3];
      if (how === 'flipped') bytes[trial.pick(bytes.length)] ^= 1 << trial.pick(8);
      if (how === 'removed') await rm(file);
      else await writeFile(file, how === 'flipped' ? bytes : bytes.subarray(0, trial.pick(bytes.length)));
      const where = `with ${file.slice(root.length + 1)} ${how}`;
      try {
        if (same(await trial.current(), token) && (await trial.seen()) !== seen)
          return [`${where} current() is as before, and what is seen is not`];
        await trial.build(trial.live);
        if ((await trial.seen()) !== seen) return [`${where} a build from nothing shows something else`];
      } catch (error) {
        return [`${where} it fails: ${(error as Error).message}`];
      }
      await rm(root, { recursive: true });
      await cp(whole.root, root, { recursive: true, preserveTimestamps: true });
    }
    return [];
  } finally {
    await whole.remove();
  }
}

export const sinkTakesChanges: Rule = {
  name: 'a sink that takes changes shows what a full build shows',
  check: tested => {
    const op = asEngine(tested.op);
    if (op.shape !== 'sink' || !op.changes) return [];
    if (!op.readBack || !op.current)
      return [
        'takes changes and does not declare readBack and current, so nothing can be held against a full build',
      ];
    return onExamples(tested, async example => {
      const trial = await Trial.of(tested, op, example);
      try {
        for (const part of [takesChanges, abortLeavesNothing, goesOnFromKept, findsDamage]) {
          const problems = await part(trial);
          if (problems.length > 0) return problems;
        }
        return [];
      } finally {
        await trial.folder.remove();
      }
    });
  },
};
