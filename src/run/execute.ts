/** What a run does: its lock, what a former one left, its flows one after the other, and its result. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  type Json,
  type Report,
  UserError,
} from '../define/index.ts';
import type { EventHub, RunResult } from '../events/index.ts';
import type { Flow, Plan } from '../plan/types.ts';
import { DeadLetterBox, recover, StateError, stateFolderOf, sweep, withState } from '../state/index.ts';
import type { CommitEvery } from './checkpoint.ts';
import { Committing } from './committing.ts';
import { planContext } from './context.ts';
import { Budget, checkEstimate, unforeseen } from './cost.ts';
import { AbortError } from './errors.ts';
import type { FlowControl } from './flow-control.ts';
import { pass, passWithout } from './flow-pass.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { ownSources } from './incremental/own-sources.ts';
import { previewFlows } from './incremental/preview.ts';
import { surroundingsOf } from './incremental/remembered.ts';
import { KeptState } from './kept-state.ts';
import { keepLetters } from './letters.ts';
import { bottleneck, type StepMeter } from './meter.ts';
import { peakMemory } from './peak.ts';
import { describeFailure, keepFailure, stepResult } from './result.ts';
import type { RunOptions } from './run.ts';
import { keepTidy } from './tidy.ts';
import { withPipeline } from './with-pipeline.ts';

/** What a run shares with whoever watches it. */
export interface Watched {
  readonly hub: EventHub;
  readonly signal: AbortSignal;
  readonly abort: (reason?: unknown) => void;
  readonly meters: ReadonlyMap<string, StepMeter>;
  readonly taps: ReadonlyMap<string, Set<(batch: RecordBatch) => void>>;
}

const COMMIT_EVERY: CommitEvery = { seconds: 60 };

/** Runs a plan to its end; never rejects for what a user or the data can cause. */
export async function execute(plan: Plan, options: RunOptions, watched: Watched): Promise<RunResult> {
  const { hub, signal, meters } = watched;
  const started = performance.now();
  const steps = plan.flows.flatMap(f => f.steps);
  const folder = options.stateFolder ?? stateFolderOf(plan.root, plan.name);
  const id = `${new Date().toISOString().replace(/[-:.]/g, '').slice(0, 15)}-${randomBytes(3).toString('hex')}`;
  const ctx = planContext(plan.root);
  const box = new DeadLetterBox(join(folder, 'dead-letters', id));
  const reports: Record<string, Report> = {};
  const summaries: Record<string, Readonly<Record<string, Json>>> = {};
  const warn = warner(hub);
  const state = new KeptState({ folder, ctx, warn, anew: options.full ?? false });
  const committing = new Committing({ id, folder, ctx, steps, meters, reports, box, state, hub, warn });
  const passes: FlowChanges[] = [];
  const control: FlowControl = {
    isRecorded: flow => committing.isRecorded(flow),
    root: plan.root,
    signal,
    registryUrl: options.registryUrl,
    tempFolders: [],
    meter: step => meters.get(step) as StepMeter,
    warn,
    letters: letters => {
      const rootOf = (step: string): string | undefined => passes.map(c => c.rootOf(step)).find(r => r);
      const written = keepLetters(letters, meters, box, rootOf);
      for (const { step, where, message } of letters) hub.emit({ type: 'dead-letter', step, where, message });
      return written;
    },
    opened: (step, ms) => hub.emit({ type: 'open', step, ms }),
    fail: error => watched.abort(error),
    // taps may come and go while the flow runs
    outlet: (step, outlet) =>
      void outlet.taps.add(batch => {
        for (const listener of watched.taps.get(step) ?? []) listener(batch);
      }),
    report: (step, report) => {
      reports[step] = report;
      hub.emit({ type: 'report', step, report });
    },
    summary: (step, summary) => {
      summaries[step] = summary;
    },
    commitEvery: options.commitEvery ?? COMMIT_EVERY,
    budget: options.maxCost && new Budget(options.maxCost, options.full),
    cache: options.incremental === false ? undefined : (step, inner) => state.cached(step, inner),
    commit: committing.commit,
  };
  const cut = new Set(options.partOf?.cut);
  const remembers = (flow: Flow): boolean =>
    options.incremental !== false && !flow.steps.some(s => cut.has(s.id));
  const forget = async (flow: Flow): Promise<void> => {
    await box.drop(flow.steps.map(s => s.id));
    for (const step of flow.steps) meters.get(step.id)?.restart();
  };

  const memory = peakMemory();
  const progress = (): void => {
    memory.sample();
    hub.emit({
      type: 'progress',
      elapsedMs: performance.now() - started,
      rssBytes: memory.current,
      commitMs: committing.watch.ms(),
      committing: committing.watch.underWay,
      steps: steps.map(s => (meters.get(s.id) as StepMeter).snapshot()),
    });
  };
  const timer = setInterval(progress, options.progressMs ?? 120);
  const leaveTidy = keepTidy(plan.memory);

  hub.emit({ type: 'start', pipeline: plan.name, steps: steps.map(s => ({ id: s.id, op: s.op.name })) });
  let failure: unknown;
  const work = async (): Promise<void> => {
    let failed: { error: unknown } | undefined;
    const fails = (error: unknown): void => {
      failed ??= { error };
    };
    await runFlows().catch(fails);
    await box.settle().catch(fails);
    for (const temp of control.tempFolders)
      await rm(temp, { recursive: true, force: true }).catch(() => undefined);
    if (failed) throw failed.error;
  };
  const runFlows = async (): Promise<void> => {
    const registry = await registryOperators(options.registryUrl);
    // recovery may need an operator that the plan no longer has
    const operators = new Map([...registry, ...steps.map(s => s.op)].map(op => [op.name, op]));
    try {
      await recover(folder, operators, ctx, record => state.follow(record));
    } catch (error) {
      // what cannot be published any more is made anew
      if (!options.full || !(error instanceof UserError)) throw error;
      warn('', `the last run could not be finished, everything is done anew: ${error.message}`);
    }
    await withState(folder, () => sweep(folder));
    const remembered = plan.flows.filter(remembers);
    if (options.maxCost && remembered.length > 0) {
      const { full, partOf } = options;
      const part = { ...plan, flows: remembered };
      const flows = await previewFlows(part, await state.ledger(), folder, { full, signal, partOf });
      const each = flows.flatMap(f => f.steps);
      checkEstimate(each, options.maxCost);
      for (const { step, text } of unforeseen(each, options.maxCost)) warn(step, text);
    }
    const { full = false, recheck, redo } = options;
    const around = surroundingsOf(plan.flows, ownSources(steps, registry), options.partOf?.steps);
    const begins = (changes: FlowChanges): void => void passes.push(changes);
    let since = started;
    const shared = { run: id, memory: plan.memory, folder, ctx, full, recheck, redo, around };
    for (const flow of plan.flows) {
      signal.throwIfAborted();
      if (remembers(flow))
        await pass(flow, { ...shared, since, control, committing, state, hub, forget, begins });
      else await passWithout(flow, { control, committing, forget });
      since = performance.now();
    }
  };
  try {
    signal.throwIfAborted();
    await withPipeline({ folder, name: plan.name, state, cacheLimits: options.cacheLimits, warn }, work);
  } catch (error) {
    failure = error instanceof StateError ? error.of(`pipeline "${plan.name}"`) : error;
  } finally {
    clearInterval(timer);
    leaveTidy();
  }

  progress();
  const result: RunResult = {
    pipeline: plan.name,
    status: failure === undefined ? 'ok' : failure instanceof AbortError ? 'aborted' : 'failed',
    seconds: (performance.now() - started) / 1000,
    steps: steps.map(s => {
      const kept = state.cacheCounts(s.id);
      const counts = kept
        ? { added: kept.misses, changed: 0, deleted: 0, kept: kept.hits }
        : passes.findLast(c => c.counts(s.id))?.counts(s.id);
      return stepResult(meters.get(s.id) as StepMeter, summaries[s.id], counts);
    }),
    peakBytes: memory.peak(),
    commitSeconds: committing.watch.ms() / 1000,
    bottleneck: bottleneck(meters.values()),
    reports,
    unfinished: committing.unfinished.length ? committing.unfinished : undefined,
    error: failure === undefined ? undefined : describeFailure(failure),
  };
  keepFailure(result, failure);
  hub.emit({ type: 'end', result });
  return result;
}

/** Tells each warning once. */
function warner(hub: EventHub): (step: string, message: string) => void {
  const told = new Set<string>();
  return (step, message) => {
    if (told.has(`${step}\n${message}`)) return;
    told.add(`${step}\n${message}`);
    hub.emit({ type: 'warning', step, message });
  };
}

async function registryOperators(registryUrl: string): Promise<ReadonlySet<EngineOperator>> {
  const registry = (await import(registryUrl)) as { operators: readonly AnyOperator[] };
  return new Set(registry.operators.map(asEngine));
}
