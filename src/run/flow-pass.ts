/**
 * One flow of a run against the ledger: how much of it there is to do, one pass over that, and one over every row where
 * the first found that it must.
 */
import type { PlanContext, Report, SourceInstance } from '../define/index.ts';
import type { EventHub } from '../events/index.ts';
import type { Flow, PlannedStep } from '../plan/types.ts';
import { readCommits } from '../state/index.ts';
import type { Committing } from './committing.ts';
import { openContext } from './context.ts';
import { stepError } from './errors.ts';
import { runFlow } from './flow.ts';
import type { FlowControl } from './flow-control.ts';
import { type Besides, noteBesides } from './incremental/besides.ts';
import { flowName } from './incremental/flow-memory.ts';
import { FlowChanges } from './incremental/flow-run.ts';
import { decide, type FlowDecision } from './incremental/flow-state.ts';
import { changedSources } from './incremental/own-sources.ts';
import { outputSignatures } from './incremental/places.ts';
import type { Surroundings } from './incremental/remembered.ts';
import type { KeptState } from './kept-state.ts';

export interface PassOptions {
  readonly run: string;
  /** Bytes that the pipeline may take. */
  readonly memory: number;
  readonly folder: string;
  readonly ctx: PlanContext;
  readonly full: boolean;
  readonly recheck: boolean | undefined;
  /** By source step, ids of rows to work on again. */
  readonly redo: ReadonlyMap<string, ReadonlySet<number | string>> | undefined;
  readonly control: FlowControl;
  readonly committing: Committing;
  readonly state: KeptState;
  readonly hub: EventHub;
  /** When the run began, or the flow before it ended, as `performance.now()`. */
  readonly since: number;
  /** What else there is in the plan. */
  readonly around: Surroundings;
  /** Drops what a pass has put aside and counted, before another pass. */
  readonly forget: (flow: Flow) => Promise<void>;
  /** Called with what a pass knows of the ledger, before it begins. */
  readonly begins: (changes: FlowChanges) => void;
}

const TWO_ROWS = 'two rows give one key, and which of them stays depends on all rows';
const ROWS_AGAIN = 'a step needs rows again that it does not remember';

/** Runs a flow of which nothing is remembered. */
export async function passWithout(
  flow: Flow,
  { control, committing, forget }: Pick<PassOptions, 'control' | 'committing' | 'forget'>,
): Promise<void> {
  try {
    if ((await runFlow(flow, control)) === 'done') return;
    await forget(flow);
    await runFlow(flow, control, undefined, true);
  } catch (error) {
    if (!(await committing.isRecorded(flowName(flow)))) committing.unfinished = [];
    throw error;
  }
}

/** Runs what there is to do of a flow. */
export async function pass(flow: Flow, o: PassOptions): Promise<void> {
  const { control, committing, state, hub, folder, ctx } = o;
  const name = flowName(flow);
  const ledger = await state.ledger();
  const decision = async (): Promise<FlowDecision> =>
    decide(flow, ledger, await readCommits(folder), o.full, ctx, o.around);
  const first = await decision();
  warnOfSources(flow, first, o);
  for (const { step, message } of first.warnings) control.warn(step, message);
  const { run, full, redo, recheck } = o;
  const common = { flow, ledger, folder, run, full, steps: o.around.steps };
  let changes = new FlowChanges({ ...common, decision: first, redo, recheck });
  o.begins(changes);
  try {
    if (await changes.nothingChanged(step => openSource(step, control))) {
      hub.emit({ type: 'flow', flow: name, mode: 'nothing', reasons: [] });
      const reports: Readonly<Record<string, Report>> = first.state?.reports ?? {};
      for (const [step, report] of Object.entries(reports)) control.report(step, report);
      for (const step of flow.steps) control.meter(step.id).close();
      return;
    }
    hub.emit({ type: 'flow', flow: name, mode: first.mode, reasons: first.reasons });
    await changes.begin(o.memory);
    let outcome = await runFlow(flow, control, changes);
    while (outcome === 'again') {
      const keepsRows = changes.allRows;
      await changes.abort();
      await o.forget(flow);
      const reasons = [{ text: changes.needsAllRows ? TWO_ROWS : ROWS_AGAIN }];
      // commits on the way have changed what is known
      const now = await decision();
      const whole: FlowDecision = now.mode === 'full' ? now : { ...now, mode: 'replay', reasons };
      hub.emit({ type: 'flow', flow: name, mode: whole.mode, reasons });
      changes = new FlowChanges({ ...common, decision: whole });
      o.begins(changes);
      await changes.begin(o.memory);
      outcome = await runFlow(flow, control, changes, keepsRows);
    }
  } catch (error) {
    if (!(await committing.isRecorded(name))) {
      committing.unfinished = [];
      await changes.abort();
    }
    throw error;
  }
  const step = flow.steps[0].id;
  await committing.settleLetters(step, changes);
  await committing.after(step, 'the next run does not know that nothing changed', async () => {
    const outputs = await outputSignatures(flow, ctx);
    const took = besides(flow, o);
    await Promise.all([
      ledger.setMeta(`outputs:${name}`, outputs),
      noteBesides(ledger, name, changes.decision.mode, took),
    ]);
  });
}

function besides(flow: Flow, { control, since }: PassOptions): Besides {
  const meters = flow.steps.map(s => control.meter(s.id));
  const seconds = (performance.now() - since) / 1000;
  const opening = (Math.min(...meters.map(m => m.openedAt ?? since)) - since) / 1000;
  const busy = Math.max(...meters.map(m => m.busyMs)) / 1000;
  return { opening, rest: Math.max(0, seconds - opening - busy) };
}

function warnOfSources(flow: Flow, { state, mode }: FlowDecision, { control, around }: PassOptions): void {
  if (mode === 'full') return;
  for (const { id, op } of changedSources(flow.steps, state, around.sources ?? new Map()))
    control.warn(
      id,
      `the code of ${op.name} has changed, its version ${op.version} has not: what it did before stays; raise the version, or run with --full`,
    );
}

async function openSource(step: PlannedStep, run: FlowControl): Promise<SourceInstance> {
  if (step.op.shape !== 'source') throw new Error(`${step.id} is not a source`);
  try {
    return await step.op.open(step.params, openContext(step, run));
  } catch (error) {
    throw stepError(step.id, error);
  }
}
