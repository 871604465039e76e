/** What a run would do, before it does: sources are held against the ledger, the rest is told from the last run. */

import { rm } from 'node:fs/promises';
import type { RecordBatch } from 'apache-arrow';
import type { PlanContext, SourceInstance } from '../../define/index.ts';
import type { Flow, Plan, PlannedStep } from '../../plan/types.ts';
import {
  type Entries,
  idBytes,
  type Ledger,
  NoEntries,
  readCommits,
  stateFolderOf,
  TABLE,
  tableKey,
} from '../../state/index.ts';
import { Chain } from '../chain.ts';
import { openContext, planContext, type RunContext } from '../context.ts';
import { type Estimate, isCostly, tokensOf } from '../cost.ts';
import { besidesRows } from './besides.ts';
import { countChildren } from './children.ts';
import { type FlowMode, flowName, type Reason } from './flow-memory.ts';
import { decide, type FlowDecision, remembersRows, rootOf, takesChanges } from './flow-state.ts';
import type { FlowWarning } from './guesses.ts';
import { placesOf } from './places.ts';
import type { Records } from './records.ts';
import { surroundingsOf } from './remembered.ts';
import { type DiffCounts, SourceDiff } from './source-diff.ts';
import { SourceParts } from './source-parts.ts';
import { costOf, isAsItWas, stepsBefore, whole } from './step-cost.ts';
import { ledgerAsRunsFindIt } from './waiting.ts';

type Surroundings = Pick<RunContext, 'root' | 'signal' | 'warn' | 'tempFolders'>;

/** Rows that come to a step, at a source those it gives; absent where nothing tells them. */
export type RowCounts = Partial<Readonly<DiffCounts>>;

export interface StepPreview {
  readonly id: string;
  readonly op: string;
  /**
   * Rows at a source are counted, elsewhere estimated from how many rows the last run over all rows made of each; deleted
   * ones of sinks that take changes are counted, but where a stream stands before them.
   */
  readonly counted: boolean;
  readonly rows: RowCounts;
  /** Rows the step would work on; absent behind a step of which no run has told how many rows it makes of each. */
  readonly work?: number;
  /** Seconds, from the rate of the last run over all rows; absent where there was none. */
  readonly seconds?: number;
  /**
   * For steps that call a model or an endpoint: what it would work on. Rows whose results are in the cache do not count
   * where that is known: where a row comes by again and the step is as it was.
   */
  readonly cost?: Estimate;
}
export interface FlowPreview {
  readonly flow: string;
  readonly mode: FlowMode | 'nothing';
  readonly reasons: readonly Reason[];
  /** What a run would warn of before it begins. */
  readonly warnings: readonly FlowWarning[];
  readonly steps: readonly StepPreview[];
  /** Those of the step that takes longest, and what a run takes besides rows, to open and to commit. */
  readonly seconds?: number;
}

/** Previews each flow of a plan. Reads the sources that changed; writes nothing. */
export async function previewRun(
  plan: Plan,
  options: { stateFolder?: string; full?: boolean; signal?: AbortSignal } = {},
): Promise<FlowPreview[]> {
  const folder = options.stateFolder ?? stateFolderOf(plan.root, plan.name);
  const ledger = await ledgerAsRunsFindIt(folder);
  try {
    return await previewFlows(plan, ledger, folder, options);
  } finally {
    await ledger.close();
  }
}

/** As {@link previewRun}, with the ledger of its state folder. */
export async function previewFlows(
  plan: Plan,
  ledger: Ledger,
  folder: string,
  options: { full?: boolean; signal?: AbortSignal; partOf?: { readonly steps: readonly string[] } },
): Promise<FlowPreview[]> {
  const run: Surroundings = {
    root: plan.root,
    signal: options.signal ?? new AbortController().signal,
    warn: () => undefined,
    tempFolders: [],
  };
  try {
    return await eachFlow(plan, ledger, folder, options, run);
  } finally {
    for (const temp of run.tempFolders) await rm(temp, { recursive: true, force: true });
  }
}

async function eachFlow(
  plan: Plan,
  ledger: Ledger,
  folder: string,
  options: { full?: boolean; partOf?: { readonly steps: readonly string[] } },
  run: Surroundings,
): Promise<FlowPreview[]> {
  const ctx = planContext(plan.root);
  const previews: FlowPreview[] = [];
  let earlier = false;
  for (const flow of plan.flows) {
    const decision = await decide(
      flow,
      ledger,
      await readCommits(folder),
      options.full ?? false,
      ctx,
      surroundingsOf(plan.flows, undefined, options.partOf?.steps),
    );
    let preview = await previewFlow(flow, decision, ledger, run);
    if (earlier && flow.steps.some(s => (s.after?.length ?? 0) > 0) && preview.mode === 'nothing')
      preview = await previewFlow(flow, whenReadsChange(flow, decision, ctx), ledger, run);
    previews.push(preview);
    earlier ||= preview.mode !== 'nothing';
  }
  return previews;
}

/** What will be decided when an earlier flow has built anew what steps read. */
function whenReadsChange(flow: Flow, decision: FlowDecision, ctx: PlanContext): FlowDecision {
  const live = new Map(decision.live);
  for (const step of flow.steps)
    if (step.op.shape !== 'source' && placesOf(step, 'read', ctx).length > 0) live.delete(step.id);
  const reasons = [{ text: 'the flow before it changes what it reads' }];
  return { ...decision, mode: 'replay', skippable: false, reasons, live };
}

async function previewFlow(
  flow: Flow,
  decision: FlowDecision,
  ledger: Ledger,
  run: Surroundings,
): Promise<FlowPreview> {
  const journal = new NoEntries();
  const steps: StepPreview[] = [];
  let untouched = decision.skippable;
  // rows that would go through: a source's, grown by what each step made of its rows last time
  const through = new Map<string, Through>();
  // ids of source rows that are gone
  const gone = new Map<string, Int32Array>();
  const roots = rootOf(flow);
  // of the sources before each costly step: rows that were read, and their tokens as it counts them
  const costly = flow.steps.filter(isCostly);
  const reads = new Map(costly.map(c => [c.id, { rows: 0, tokens: 0 }]));
  for (const step of flow.steps) {
    if (step.op.shape === 'source') {
      const count = remembersRows(flow) ? sourceCounts : partCounts;
      const behind = costly.filter(c => stepsBefore(flow, c).includes(step));
      const { counts, differs, goOn, deleted } = await count(step, decision, ledger, journal, run, batch => {
        for (const c of behind) {
          const read = reads.get(c.id) as { rows: number; tokens: number };
          read.rows += batch.numRows;
          read.tokens += tokensOf(c, batch) ?? Number.NaN;
        }
      });
      untouched &&= !differs;
      const fewer = decision.mode === 'changes' || decision.mode === 'resume';
      const again = fewer ? Math.max(0, goOn - counts.added - counts.changed) : counts.kept;
      const work = counts.added + counts.changed + again;
      const unread = Math.max(0, work - goOn);
      through.set(step.id, { ...counts, changed: counts.changed + again, kept: counts.kept - again, unread });
      if (deleted) gone.set(step.id, deleted);
      steps.push(told(step, decision, counts, work, true));
    } else {
      const came = sumOf(step.from.map(id => through.get(id)));
      const rows = came.added + came.changed;
      through.set(step.id, grown(came, madeOfEach(step, decision)));
      const root = roots.get(step.op.shape === 'sink' ? step.id : step.from[0]);
      const ids = root === undefined ? undefined : gone.get(root);
      const counts = {
        added: whole(came.added),
        changed: whole(came.changed),
        deleted:
          ids && step.op.shape === 'sink' && step.op.changes && !decision.fresh.has(step.id)
            ? childrenOf(ledger, decision.slots[step.id], ids)
            : whole(came.deleted),
        kept: whole(came.kept),
      };
      const read = reads.get(step.id);
      const cost =
        read &&
        costOf(flow, step, decision, { rows, unread: came.unread, read: read.rows, tokens: read.tokens });
      steps.push({ ...told(step, decision, counts, whole(rows), false), cost });
    }
  }
  if (untouched) {
    const idle = steps.map(s => ({
      ...s,
      work: 0,
      seconds: 0,
      cost: s.cost && { rows: 0, tokens: 0 },
      rows: {
        added: 0,
        changed: 0,
        deleted: 0,
        kept: s.rows.kept === undefined ? undefined : s.rows.kept + (s.rows.changed ?? 0),
      },
    }));
    return {
      flow: flowName(flow),
      mode: 'nothing',
      reasons: [],
      warnings: decision.warnings,
      steps: withKnown(idle, flow, decision, ledger),
      seconds: 0,
    };
  }
  const fewer = decision.mode === 'changes' || decision.mode === 'resume';
  const shown = fewer ? withKnown(steps, flow, decision, ledger) : steps;
  const known = steps.every(s => s.seconds !== undefined);
  const busiest = known ? Math.max(0, ...steps.map(s => s.seconds as number)) : undefined;
  const seconds =
    busiest === undefined ? undefined : busiest + besidesRows(ledger, flowName(flow), decision.mode);
  const { mode, reasons, warnings } = decision;
  return { flow: flowName(flow), mode, reasons, warnings, steps: shown, seconds };
}

/** Steps with what they keep, where the ledger has their rows; so do maps that give them one row for each. */
function withKnown(
  steps: readonly StepPreview[],
  flow: Flow,
  decision: FlowDecision,
  ledger: Ledger,
): StepPreview[] {
  if (!remembersRows(flow)) return [...steps];
  const roots = rootOf(flow);
  const known = new Map<string, number>();
  for (const step of flow.steps.toReversed()) {
    const { rows } = steps.find(s => s.id === step.id) as StepPreview;
    const before = decision.work[step.id];
    const stream = takesChanges(step) && roots.get(step.id) !== undefined;
    if (stream || (step.op.shape === 'sink' && step.op.changes)) {
      const held = rowsAt(ledger, decision.slots[step.id]);
      // where rows that changed are not known, neither are those that did not
      if (rows.changed !== undefined && rows.deleted !== undefined)
        known.set(step.id, Math.max(0, held - rows.changed - rows.deleted));
    } else if (step.op.shape === 'map' && before && before.rowsIn > 0 && before.rowsIn === before.rowsOut) {
      const next = flow.steps.find(s => s.from.length === 1 && s.from[0] === step.id && known.has(s.id));
      if (next) known.set(step.id, known.get(next.id) as number);
    }
  }
  return steps.map(s => ({ ...s, rows: { ...s.rows, kept: known.get(s.id) ?? s.rows.kept } }));
}

/** Rows that the ledger has at a sink or stream. */
function rowsAt(ledger: Ledger, slot: number): number {
  let all = 0;
  for (const { value } of ledger.entries(TABLE.children, slot)) all += countChildren(value);
  return all;
}

function told(
  step: PlannedStep,
  decision: FlowDecision,
  rows: RowCounts,
  work: number | undefined,
  counted: boolean,
): StepPreview {
  const before = decision.work[step.id];
  const rate = before && before.rowsIn > 0 ? before.busySeconds / before.rowsIn : undefined;
  const seconds = rate === undefined || work === undefined ? undefined : rate * work;
  return { id: step.id, op: step.op.name, counted, rows, work, seconds };
}

/** Rows on their way, not whole numbers; NaN where nothing tells them. */
interface Through extends Readonly<DiffCounts> {
  /** Of those that changed: rows that are as they were, and were not read. */
  readonly unread: number;
}

/** How many rows a step makes of each: what it made in the last run over all rows; NaN where no run has told. */
function madeOfEach(step: PlannedStep, decision: FlowDecision): number {
  const { op, id } = step;
  const { rowsIn = 0, rowsOut = 0, bad = 0 } = decision.work[id] ?? {};
  // rows that were put aside may go through where the step is another
  const went = decision.state && !isAsItWas(step, decision) ? rowsIn - bad : rowsIn;
  if (went > 0) return rowsOut / went;
  return op.shape === 'map' && op.rows === 'same' ? 1 : Number.NaN;
}
function grown(rows: Through, by: number): Through {
  // of no rows none come, whatever is made of each
  const times = (n: number): number => (n === 0 ? 0 : n * by);
  return each(name => times(rows[name]));
}
const sumOf = (all: readonly (Through | undefined)[]): Through =>
  each(name => all.reduce((sum, t) => sum + (t?.[name] ?? 0), 0));
const each = (of: (name: keyof Through) => number): Through => ({
  added: of('added'),
  changed: of('changed'),
  deleted: of('deleted'),
  kept: of('kept'),
  unread: of('unread'),
});

/** How many rows a sink has of source rows. */
function childrenOf(ledger: Ledger, slot: number, ids: Int32Array): number {
  let all = 0;
  for (const id of ids) {
    const children = ledger.get(tableKey(TABLE.children, slot, idBytes(id)));
    if (children) all += countChildren(children);
  }
  return all;
}

interface SourceCounts {
  readonly counts: DiffCounts;
  readonly differs: boolean;
  /** Rows that were read and go on. */
  readonly goOn: number;
  /** Ids of rows that are gone, where rows are remembered. */
  readonly deleted?: Int32Array;
}

async function sourceCounts(
  step: PlannedStep,
  decision: FlowDecision,
  ledger: Ledger,
  journal: Entries,
  run: Surroundings,
  seen: (batch: RecordBatch) => void,
): Promise<SourceCounts> {
  if (step.op.shape !== 'source') throw new Error(`${step.id} is not a source`);
  const fresh = decision.mode === 'full' || decision.fresh.has(step.id);
  const diff = new SourceDiff({
    ledger,
    journal,
    slot: decision.slots[step.id],
    key: step.key,
    columns: step.output,
    fresh,
    all: false,
    resumes: decision.mode === 'resume',
    // what it refused may be rows now, and rows may be others
    recheck: !isAsItWas(step, decision),
    nextId: decision.state?.nextId[step.id] ?? 0,
    run: '',
  });
  const instance = await step.op.open(step.params, openContext(step, run));
  try {
    const parts = await instance.parts?.();
    const differs = fresh || !parts || diff.differs(parts);
    const read = diff.toRead(parts);
    let goOn = 0;
    if (!read || read.size > 0) {
      for await (const { batch, part, records } of decoded(step, instance, read, diff)) {
        const taken = diff.take(batch, part, records);
        if (!taken.batch) continue;
        goOn += taken.batch.numRows;
        seen(taken.batch);
      }
    }
    const deleted = diff.finish(parts);
    return { counts: diff.counts, differs, goOn, deleted };
  } finally {
    await instance.close?.();
  }
}

/** Where no row is remembered: the rows of parts that changed are counted, those of others as in the last run. */
async function partCounts(
  step: PlannedStep,
  decision: FlowDecision,
  ledger: Ledger,
  journal: Entries,
  run: Surroundings,
  seen: (batch: RecordBatch) => void,
): Promise<SourceCounts> {
  if (step.op.shape !== 'source') throw new Error(`${step.id} is not a source`);
  const fresh = decision.mode === 'full' || decision.fresh.has(step.id);
  const known = new SourceParts({ ledger, journal, slot: decision.slots[step.id], fresh });
  const instance = await step.op.open(step.params, openContext(step, run));
  try {
    const parts = await instance.parts?.();
    const anew = fresh || !isAsItWas(step, decision);
    const differs = anew || !parts || known.differs(parts);
    let rows = 0;
    if (differs) {
      const read = anew || !parts ? undefined : known.changed(parts);
      if (!read || read.size > 0)
        for await (const { batch } of decoded(step, instance, read)) {
          rows += batch?.numRows ?? 0;
          if (batch) seen(batch);
        }
    }
    const before = fresh ? 0 : (decision.work[step.id]?.rowsOut ?? 0);
    const [added, changed] = fresh ? [rows, 0] : [0, rows];
    return { counts: { added, changed, deleted: 0, kept: Math.max(0, before - rows) }, differs, goOn: rows };
  } finally {
    await instance.close?.();
  }
}

async function* decoded(
  step: PlannedStep,
  instance: SourceInstance,
  only: ReadonlySet<string> | undefined,
  diff?: SourceDiff,
): AsyncGenerator<{ batch: RecordBatch | undefined; part: string; records?: Records }> {
  const chain = new Chain({ step: { ...step, onError: 'skip' }, instance }, []);
  for await (const chunk of instance.scan(undefined, only)) {
    const part = chunk.part ?? '';
    if (!chunk.raw) {
      yield { batch: chunk.batch, part };
      continue;
    }
    const { raw, records } = diff ? diff.sift(instance, chunk.raw, part) : { raw: chunk.raw };
    const result = raw && (await chain.run({ raw, meta: chunk.meta ?? null }));
    yield { batch: result?.batch, part, records };
  }
}
