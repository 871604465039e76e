/** What a run would do, before it does: sources are held against the ledger, the rest is told from the last run. */

import type { RecordBatch } from 'apache-arrow';
import type { SourceInstance } from '../../define/index.ts';
import type { Flow, Plan, PlannedStep } from '../../plan/types.ts';
import { JournalWriter, Ledger, readCommits, stateFolderOf } from '../../state/index.ts';
import { Chain } from '../chain.ts';
import { openContext, planContext, type RunContext } from '../context.ts';
import { type Cost, isCostly, tokensOf } from '../cost.ts';
import { type FlowMode, flowName, type Reason } from './flow-memory.ts';
import { decide, type FlowDecision, remembersRows } from './flow-state.ts';
import type { Records } from './records.ts';
import { surroundingsOf } from './remembered.ts';
import { type DiffCounts, SourceDiff } from './source-diff.ts';
import { SourceParts } from './source-parts.ts';

type Surroundings = Pick<RunContext, 'root' | 'signal' | 'warn' | 'tempFolders'>;

export interface StepPreview {
  readonly id: string;
  readonly op: string;
  /** Rows at a source are counted, elsewhere estimated from how many rows the last full run made of each. */
  readonly counted: boolean;
  readonly rows: DiffCounts;
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
  readonly steps: readonly StepPreview[];
  readonly seconds?: number;
}

/** Previews each flow of a plan. Reads the sources that changed; writes nothing. */
export async function previewRun(
  plan: Plan,
  options: { stateFolder?: string; full?: boolean; signal?: AbortSignal } = {},
): Promise<FlowPreview[]> {
  const folder = options.stateFolder ?? stateFolderOf(plan.root, plan.name);
  const ledger = await Ledger.open(folder);
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
  options: { full?: boolean; signal?: AbortSignal },
): Promise<FlowPreview[]> {
  const ctx = planContext(plan.root);
  const run: Surroundings = {
    root: plan.root,
    signal: options.signal ?? new AbortController().signal,

    warn: () => undefined,
    tempFolders: [],
  };
  const previews: FlowPreview[] = [];
  let earlier = false;
  for (const flow of plan.flows) {
    const decision = await decide(
      flow,
      ledger,
      await readCommits(folder),
      options.full ?? false,
      ctx,
      surroundingsOf(plan.flows),
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
  const journal = new JournalWriter('/dev/null');
  const steps: StepPreview[] = [];
  let untouched = decision.skippable;
  // rows that would go through: 1 for a source's row, grown by what each step made of its rows last time
  const through = new Map<string, number>();
  // the tokens of a source's rows, as each costly step counts them, for the rows that would go through
  const tokens = new Map<string, number>();
  const costly = flow.steps.filter(isCostly);
  let fromSources = 0;
  for (const step of flow.steps) {
    if (step.op.shape === 'source') {
      const count = remembersRows(flow) ? sourceCounts : partCounts;
      const found = new Map<string, number>();
      const { counts, differs } = await count(step, decision, ledger, journal, run, batch => {
        for (const c of costly) found.set(c.id, (found.get(c.id) ?? 0) + tokensOf(c, batch));
      });
      untouched &&= !differs;
      const work = counts.added + counts.changed + (decision.mode === 'changes' ? 0 : counts.kept);
      through.set(step.id, work);
      fromSources += work;
      // rows that are as they were are not read: they count as those that were
      const times = work / Math.max(1, counts.added + counts.changed);
      for (const [id, n] of found) tokens.set(id, (tokens.get(id) ?? 0) + n * times);
      steps.push(told(step, decision, counts, work, true));
    } else {
      const rows = step.from.reduce((sum, id) => sum + (through.get(id) ?? 0), 0);
      const before = decision.state?.work[step.id];
      const grown =
        before && before.rowsIn > 0 && step.op.shape !== 'sink'
          ? (rows * before.rowsOut) / before.rowsIn
          : rows;
      through.set(step.id, Math.round(grown));
      const counts = {
        added: 0,
        changed: Math.round(rows),
        deleted: 0,
        kept: Math.max(0, (before?.rowsIn ?? 0) - Math.round(rows)),
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
      rows: { added: 0, changed: 0, deleted: 0, kept: s.rows.kept + s.rows.changed },
    }));
    return { flow: flowName(flow), mode: 'nothing', reasons: [], steps: idle, seconds: 0 };
  }
  const known = steps.every(s => s.seconds !== undefined);
  const seconds = known ? Math.max(0, ...steps.map(s => s.seconds as number)) : undefined;
  return { flow: flowName(flow), mode: decision.mode, reasons: decision.reasons, steps, seconds };
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
  rows: DiffCounts,
  work: number,
  counted: boolean,
): StepPreview {
  const before = decision.state?.work[step.id];
  const seconds = before && before.rowsIn > 0 ? (before.busySeconds * work) / before.rowsIn : undefined;
  return { id: step.id, op: step.op.name, counted, rows, work, seconds };
}

async function sourceCounts(
  step: PlannedStep,
  decision: FlowDecision,
  ledger: Ledger,
  journal: JournalWriter,
  run: Surroundings,
  seen: (batch: RecordBatch) => void,
): Promise<{ counts: DiffCounts; differs: boolean }> {
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
    nextId: decision.state?.nextId[step.id] ?? 0,
    run: '',
  });
  const instance = await step.op.open(step.params, openContext(step, run));
  try {
    const parts = await instance.parts?.();
    const differs = fresh || !parts || diff.differs(parts);
    const read = diff.toRead(parts);
    if (!read || read.size > 0) {
      for await (const { batch, part, records } of decoded(step, instance, read, diff)) {
        const taken = diff.take(batch, part, records);
        if (taken.batch) seen(taken.batch);
        journal.forget();
      }
    }
    diff.finish(parts);
    return { counts: diff.counts, differs };
  } finally {
    await instance.close?.();
  }
}

/** Where no row is remembered: the rows of parts that changed are counted, those of others as in the last run. */
async function partCounts(
  step: PlannedStep,
  decision: FlowDecision,
  ledger: Ledger,
  journal: JournalWriter,
  run: Surroundings,
  seen: (batch: RecordBatch) => void,
): Promise<{ counts: DiffCounts; differs: boolean }> {
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
    return { counts: { added, changed, deleted: 0, kept: Math.max(0, before - rows) }, differs };
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
