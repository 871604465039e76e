/** What a run would do, before it does: sources are held against the ledger, the rest is told from the last run. */

import { rm } from 'node:fs/promises';
import type { RecordBatch } from 'apache-arrow';
import type { SourceInstance } from '../../define/index.ts';
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
import { type Cost, isCostly, tokensOf } from '../cost.ts';
import { besidesRows } from './besides.ts';
import { countChildren } from './children.ts';
import { type FlowMode, flowName, type Reason } from './flow-memory.ts';
import { decide, type FlowDecision, remembersRows, rootOf, takesChanges } from './flow-state.ts';
import type { FlowWarning } from './guesses.ts';
import type { Records } from './records.ts';
import { surroundingsOf } from './remembered.ts';
import { type DiffCounts, SourceDiff } from './source-diff.ts';
import { SourceParts } from './source-parts.ts';
import { ledgerAsRunsFindIt } from './waiting.ts';

type Surroundings = Pick<RunContext, 'root' | 'signal' | 'warn' | 'tempFolders'>;

/** Rows that come to a step, at a source those it gives. */
export type RowCounts = Readonly<Omit<DiffCounts, 'kept'>> & { readonly kept?: number };

export interface StepPreview {
  readonly id: string;
  readonly op: string;
  /**
   * Rows at a source are counted, elsewhere estimated from how many rows the last full run made of each; deleted ones of
   * sinks that take changes are counted, but where a stream stands before them. `kept` is absent where it is not known.
   */
  readonly counted: boolean;
  readonly rows: RowCounts;
  /** Rows the step would work on. */
  readonly work: number;
  /** Seconds, from the last full run's rate; absent where there was none. */
  readonly seconds?: number;
  /**
   * For steps that call a model or an endpoint: what it would work on. Rows whose results are in the cache do not count
   * where that is known: where a row comes by again and the step is as it was.
   */
  readonly cost?: Cost;
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
    const preview = await previewFlow(flow, decision, ledger, run);
    const after = earlier && flow.steps.some(s => (s.after?.length ?? 0) > 0) && preview.mode === 'nothing';
    // what an earlier flow builds will be another thing by then
    const again: FlowPreview = {
      ...preview,
      mode: 'replay',
      reasons: [{ text: 'the flow before it changes what it reads' }],
    };
    previews.push(after ? again : preview);
    earlier ||= preview.mode !== 'nothing';
  }
  return previews;
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
  // the tokens of a source's rows, as each costly step counts them, for the rows that would go through
  const tokens = new Map<string, number>();
  const costly = flow.steps.filter(isCostly);
  let fromSources = 0;
  for (const step of flow.steps) {
    if (step.op.shape === 'source') {
      const count = remembersRows(flow) ? sourceCounts : partCounts;
      const found = new Map<string, number>();
      const { counts, differs, goOn, deleted } = await count(step, decision, ledger, journal, run, batch => {
        for (const c of costly) found.set(c.id, (found.get(c.id) ?? 0) + tokensOf(c, batch));
      });
      untouched &&= !differs;
      const fewer = decision.mode === 'changes' || decision.mode === 'resume';
      const again = fewer ? Math.max(0, goOn - counts.added - counts.changed) : counts.kept;
      const work = counts.added + counts.changed + again;
      through.set(step.id, { ...counts, changed: counts.changed + again, kept: counts.kept - again });
      if (deleted) gone.set(step.id, deleted);
      fromSources += work;
      // rows that are as they were are not read: they count as those that were
      const times = work / Math.max(1, goOn);
      for (const [id, n] of found) tokens.set(id, (tokens.get(id) ?? 0) + n * times);
      steps.push(told(step, decision, counts, work, true));
    } else {
      const before = decision.state?.work[step.id];
      const came = sumOf(step.from.map(id => through.get(id)));
      const rows = came.added + came.changed;
      const by = before && before.rowsIn > 0 ? before.rowsOut / before.rowsIn : undefined;
      through.set(step.id, grown(came, by));
      const root = roots.get(step.op.shape === 'sink' ? step.id : step.from[0]);
      const ids = root === undefined ? undefined : gone.get(root);
      const counts = {
        added: Math.round(came.added),
        changed: Math.round(came.changed),
        deleted:
          ids && step.op.shape === 'sink' && step.op.changes && !decision.fresh.has(step.id)
            ? childrenOf(ledger, decision.slots[step.id], ids)
            : Math.round(came.deleted),
        kept: Number.isNaN(came.kept) ? undefined : Math.round(came.kept),
      };
      const cost = isCostly(step)
        ? // a text that is cut into many has as many tokens
          {
            rows: Math.round(rows),
            tokens: (tokens.get(step.id) ?? 0) * Math.min(1, rows / Math.max(1, fromSources)),
          }
        : undefined;
      steps.push({
        ...told(step, decision, counts, Math.round(rows), false),
        cost: cost && paid(step, decision, cost),
      });
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
        kept: s.rows.kept === undefined ? undefined : s.rows.kept + s.rows.changed,
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
    const before = decision.state?.work[step.id];
    const stream = takesChanges(step) && roots.get(step.id) !== undefined;
    if (stream || (step.op.shape === 'sink' && step.op.changes)) {
      const held = rowsAt(ledger, decision.slots[step.id]);
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

// where rows that are as they were come by again, their results are in the cache
function paid(step: PlannedStep, decision: FlowDecision, cost: Cost): Cost {
  const { op, params } = step;
  const cached = op.shape === 'map' && (typeof op.cache === 'function' ? op.cache(params) : op.cache);
  const as = decision.state?.steps[step.id]?.rowFingerprint === decision.live.get(step.id)?.fingerprint;
  const again = decision.mode === 'replay' && cached && as;
  return again ? { rows: 0, tokens: 0 } : { rows: cost.rows, tokens: Math.round(cost.tokens) };
}

function told(
  step: PlannedStep,
  decision: FlowDecision,
  rows: RowCounts,
  work: number,
  counted: boolean,
): StepPreview {
  const before = decision.state?.work[step.id];
  const seconds = before && before.rowsIn > 0 ? (before.busySeconds * work) / before.rowsIn : undefined;
  return { id: step.id, op: step.op.name, counted, rows, work, seconds };
}

/** Rows on their way, not whole numbers; those kept are NaN where nothing tells them. */
type Through = Readonly<DiffCounts>;

// a step that had no rows: one row for each, as good a guess as any for what is to do
const grown = ({ added, changed, deleted, kept }: Through, by: number | undefined): Through => ({
  added: added * (by ?? 1),
  changed: changed * (by ?? 1),
  deleted: deleted * (by ?? 1),
  kept: kept === 0 ? 0 : kept * (by ?? Number.NaN),
});
const sumOf = (all: readonly (Through | undefined)[]): Through => ({
  added: all.reduce((sum, t) => sum + (t?.added ?? 0), 0),
  changed: all.reduce((sum, t) => sum + (t?.changed ?? 0), 0),
  deleted: all.reduce((sum, t) => sum + (t?.deleted ?? 0), 0),
  kept: all.reduce((sum, t) => sum + (t?.kept ?? 0), 0),
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
    const differs = fresh || !parts || known.differs(parts);
    let rows = 0;
    if (differs) {
      const read = fresh || !parts ? undefined : known.changed(parts);
      if (!read || read.size > 0)
        for await (const { batch } of decoded(step, instance, read)) {
          rows += batch?.numRows ?? 0;
          if (batch) seen(batch);
        }
    }
    const before = fresh ? 0 : (decision.state?.work[step.id]?.rowsOut ?? 0);
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
