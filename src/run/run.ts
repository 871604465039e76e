/** A run of a plan: its flows one after the other, with one abort, one stream of events and one result. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  type Json,
  type Report,
  type SourceInstance,
  UserError,
} from '../define/index.ts';
import { EventHub, type Observable, type RunEvent, type RunResult, tapOf } from '../events/index.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import {
  Cache,
  type CacheLimits,
  type CommitRecord,
  cacheFolderOf,
  commit,
  DeadLetterBox,
  JournalError,
  Ledger,
  readCommits,
  recover,
  removeDeadLetters,
  StateError,
  stateFolderOf,
  sweep,
  takeLock,
  withState,
} from '../state/index.ts';
import { type CacheCounts, cachedExecutor } from './cached.ts';
import type { CommitEvery } from './checkpoint.ts';
import { openContext, planContext } from './context.ts';
import { Budget, checkEstimate, type MaxCost } from './cost.ts';
import { AbortError, stepError } from './errors.ts';
import { type FlowControl, runFlow } from './flow.ts';
import { flowName } from './incremental/flow-memory.ts';
import { FlowChanges } from './incremental/flow-run.ts';
import { decide, type FlowDecision } from './incremental/flow-state.ts';
import { changedSources, ownSources } from './incremental/own-sources.ts';
import { liveFingerprint, outputSignatures } from './incremental/places.ts';
import { previewFlows } from './incremental/preview.ts';
import { surroundingsOf } from './incremental/remembered.ts';
import { keepLetters } from './letters.ts';
import { bottleneck, StepMeter } from './meter.ts';
import type { Outlet } from './outlet.ts';
import { peakMemory } from './peak.ts';
import { describeFailure, keepFailure, stepResult } from './result.ts';
import { Stopwatch } from './stopwatch.ts';
import { keepTidy } from './tidy.ts';

export interface RunOptions {
  /** The module that exports `operators`, for worker threads and recovery. */
  readonly registryUrl: string;
  /** Stops the run when it fires. */
  readonly signal?: AbortSignal;
  /** Where the run keeps its state. Default `.millrace/<pipeline>` under the plan's root. */
  readonly stateFolder?: string;
  /** By source step, ids of rows to work on again: dead letters that are tried anew. */
  readonly redo?: ReadonlyMap<string, ReadonlySet<number>>;
  /** Does everything anew, whatever was done before. */
  readonly full?: boolean;
  /** Reads every file and compares all its rows, though its size and time of change are as they were. */
  readonly recheck?: boolean;
  /**
   * False keeps no ledger: everything is done and nothing remembered, as for a sample or a part of a pipeline.
   * Default true.
   */
  readonly incremental?: boolean;
  /**
   * How often a long run commits before its end, so that one that is killed goes on from there. Readers of what it
   * writes see the old state until the run is over. Default every 60 seconds.
   */
  readonly commitEvery?: CommitEvery;
  /**
   * The most that steps which call a model or an endpoint may work on. A run whose estimate is over it does nothing;
   * one that comes to it on its way fails before the rows that would be over it.
   */
  readonly maxCost?: MaxCost;
  /** What the cache is kept to, looked at once a day after a run that used it. Default 90 days, 32 GiB. */
  readonly cacheLimits?: CacheLimits;
  /** Milliseconds between progress events. Default 120. */
  readonly progressMs?: number;
}

const COMMIT_EVERY: CommitEvery = { seconds: 60 };
const TWO_ROWS = 'two rows give one key, and which of them stays depends on all rows';
const ROWS_AGAIN = 'a step needs rows again that it does not remember';
const SETTLED_STAY = 'dead letters of rows that went through stay on the list';

export interface RunHandle {
  readonly events: Observable<RunEvent>;
  /** The batches a step gives, as they pass. @throws UserError where there is no such step. */
  tap(step: string): Observable<RecordBatch>;
  /** Stops the run: every stage is ended and closed, nothing is published. */
  abort(reason?: string): void;
  /** What came of it; resolves for failed and aborted runs too. */
  readonly result: Promise<RunResult>;
}

/** Starts a run. Nothing has happened yet when it returns, so taps and subscriptions miss nothing. */
export function startRun(plan: Plan, options: RunOptions): RunHandle {
  const hub = new EventHub();
  const controller = new AbortController();
  const abort = (reason?: unknown): void => {
    if (!controller.signal.aborted)
      controller.abort(reason instanceof Error ? reason : new AbortError(reason as string));
  };
  const onSignal = (): void =>
    abort(options.signal?.reason instanceof UserError ? options.signal.reason : undefined);
  if (options.signal?.aborted) onSignal();
  else options.signal?.addEventListener('abort', onSignal, { once: true });

  const steps = plan.flows.flatMap(f => f.steps);
  const meters = new Map(steps.map(s => [s.id, new StepMeter(s)]));
  const taps = new Map<string, Set<(batch: RecordBatch) => void>>();

  const result = Promise.resolve()
    .then(() => execute(plan, options, hub, controller, abort, meters, taps))
    .finally(() => options.signal?.removeEventListener('abort', onSignal));

  return {
    events: hub.events,
    tap: step => {
      if (!meters.has(step)) {
        throw new UserError(`no step "${step}" to tap; the steps are ${steps.map(s => s.id).join(', ')}`);
      }
      return tapOf(listener => {
        const set = taps.get(step) ?? new Set();
        taps.set(step, set);
        set.add(listener);
        return () => set.delete(listener);
      }, result);
    },
    abort: reason => abort(reason),
    result,
  };
}

async function execute(
  plan: Plan,
  options: RunOptions,
  hub: EventHub,
  controller: AbortController,
  abort: (reason?: unknown) => void,
  meters: ReadonlyMap<string, StepMeter>,
  taps: ReadonlyMap<string, Set<(batch: RecordBatch) => void>>,
): Promise<RunResult> {
  const steps = plan.flows.flatMap(f => f.steps);
  const started = performance.now();
  const folder = options.stateFolder ?? stateFolderOf(plan.root, plan.name);
  const id = `${new Date().toISOString().replace(/[-:.]/g, '').slice(0, 15)}-${randomBytes(3).toString('hex')}`;
  const box = new DeadLetterBox(join(folder, 'dead-letters', id));
  const reports: Record<string, Report> = {};
  const summaries: Record<string, Readonly<Record<string, Json>>> = {};
  const tempFolders: string[] = [];
  const warned = new Set<string>();
  const memory = peakMemory();
  const ctx = planContext(plan.root);

  const commits = new Stopwatch();
  const progress = (): void => {
    memory.sample();
    hub.emit({
      type: 'progress',
      elapsedMs: performance.now() - started,
      rssBytes: memory.current,
      commitMs: commits.ms(),
      committing: commits.underWay,
      steps: steps.map(s => (meters.get(s.id) as StepMeter).snapshot()),
    });
  };
  const timer = setInterval(progress, options.progressMs ?? 120);
  const leaveTidy = keepTidy(plan.memory);

  const control: FlowControl = {
    isRecorded: async flow => {
      try {
        return (await readCommits(folder))[flow]?.id === id;
      } catch {
        // a file too many is better than one too few
        return true;
      }
    },
    root: plan.root,
    signal: controller.signal,
    registryUrl: options.registryUrl,
    tempFolders,
    meter: step => meters.get(step) as StepMeter,
    warn: (step, message) => {
      if (warned.has(`${step}\n${message}`)) return;
      warned.add(`${step}\n${message}`);
      hub.emit({ type: 'warning', step, message });
    },
    letters: letters => {
      const written = keepLetters(letters, meters, box, step =>
        [...flowChanges.values()].map(c => c.rootOf(step)).find(r => r),
      );
      for (const { step, where, message } of letters) hub.emit({ type: 'dead-letter', step, where, message });
      return written;
    },
    opened: (step, ms) => hub.emit({ type: 'open', step, ms }),
    fail: error => abort(error),
    outlet: (step: string, outlet: Outlet) => {
      // taps may come and go while the flow runs
      outlet.taps.add(batch => {
        for (const listener of taps.get(step) ?? []) listener(batch);
      });
    },
    report: (step, report) => {
      reports[step] = report;
      hub.emit({ type: 'report', step, report });
    },
    summary: (step, summary) => {
      summaries[step] = summary;
    },
    commitEvery: options.commitEvery ?? COMMIT_EVERY,
    budget: options.maxCost && new Budget(options.maxCost),
    commit: (...commit) => commits.time(() => commitFlow(...commit)),
  };
  const commitFlow: FlowControl['commit'] = async (flow, sinks, positions, changes, keep) => {
    await box.settle();
    const interim = keep !== undefined || undefined;
    const ops = new Map(steps.map(s => [s.id, s.op]));
    const told = sinks.flatMap(({ step }) => {
      const report = reports[step];
      return report ? [[step, { data: report.data, text: report.text }] as const] : [];
    });
    const work = Object.fromEntries(
      [...meters.values()].map(m => [
        m.step.id,
        {
          rowsIn: m.rowsIn,
          rowsOut: m.rowsOut,
          busySeconds: m.busyMs / 1000,
          bad: m.deadLetters + m.skipped || undefined,
        },
      ]),
    );
    const commitId = keep ? `${id}/${++interimCommits}` : id;
    const ledgerChanges = await changes?.finish(commitId, Object.fromEntries(told), work, interim);
    const time = new Date().toISOString();
    const replaces = changes?.decision.formerName;
    const record = { id: commitId, time, sinks, positions, ledger: ledgerChanges, replaces, interim };
    if (!interim) unfinished = sinks.map(s => s.step);
    await commit(folder, flow, record, {
      keep,
      publish: async sink => {
        const op = ops.get(sink.step);
        try {
          if (op?.shape === 'sink') await op.publish?.(sink.params, sink.token, ctx);
        } catch (error) {
          throw stepError(sink.step, error);
        }
      },
      ledger: takeChanges,
    });
    unfinished = [];
    for (const [step, position] of Object.entries(positions)) hub.emit({ type: 'position', step, position });
    if (interim)
      await afterCommit(sinks[0]?.step ?? '', SETTLED_STAY, () =>
        withState(folder, () =>
          removeDeadLetters(folder, (l, run) => run !== id && !!changes?.settlesNow(l)),
        ),
      );
    const tokens = Object.fromEntries(sinks.map(s => [s.step, s.token]));
    hub.emit({ type: 'commit', id: commitId, sinks: tokens, interim });
  };

  // what follows a commit costs a later run some work where it fails, and is no failure
  const afterCommit = async (step: string, what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await commits.time(work);
    } catch (error) {
      control.warn(step, `committed, but ${what}: ${(error as Error).message}`);
    }
  };
  // what a pass over a flow has put aside and counted, before another pass
  const forget = async (flow: Plan['flows'][number]): Promise<void> => {
    await box.drop(flow.steps.map(s => s.id));
    for (const step of flow.steps) meters.get(step.id)?.restart();
  };
  let interimCommits = 0;
  // sinks of a commit that is under way
  let unfinished: readonly string[] = [];
  let ledger: Ledger | undefined;
  const openLedger = async (): Promise<Ledger> => {
    const opened = await Ledger.open(folder, { rebuild: true });
    if (opened.damage !== undefined) control.warn('', `${opened.damage}; everything is done anew`);
    return opened;
  };
  const flowChanges = new Map<string, FlowChanges>();
  const takeChanges = async (record: CommitRecord): Promise<void> => {
    if (!record.ledger) return;
    ledger ??= await openLedger();
    const journal = join(folder, record.ledger.journal);
    // Without its journal the ledger either has it already, or stays behind the record: then the flow begins anew.
    if (!existsSync(journal)) return;
    try {
      await ledger.apply(journal, record.ledger.clear, record.ledger.meta, record.ledger.again);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      const [step] = record.sinks;
      control.warn(step?.step ?? '', `${error.message}; the next run does everything anew`);
    }
    await rm(journal, { force: true });
  };
  let cache: Cache | undefined;
  const cacheCounts = new Map<string, CacheCounts>();
  if (options.incremental !== false) {
    control.cache = async (step, inner) => {
      cache ??= await Cache.open(cacheFolderOf(plan.root), message => control.warn(step.id, message));
      const counts = { hits: 0, misses: 0 };
      cacheCounts.set(step.id, counts);
      return cachedExecutor(step, inner, cache, await liveFingerprint(step, ctx), counts, options.full);
    };
  }

  hub.emit({ type: 'start', pipeline: plan.name, steps: steps.map(s => ({ id: s.id, op: s.op.name })) });
  let failure: unknown;
  let unlock: (() => Promise<void>) | undefined;
  try {
    controller.signal.throwIfAborted();
    unlock = await withState(folder, () => takeLock(join(folder, 'lock'), `pipeline "${plan.name}"`));
    const operators = await allOperators(
      steps.map(s => s.op),
      options.registryUrl,
    );
    try {
      await recover(folder, operators, ctx, takeChanges);
    } catch (error) {
      // what cannot be published any more is made anew
      if (!options.full || !(error instanceof UserError) || error instanceof StateError) throw error;
      control.warn('', `the last run could not be finished, everything is done anew: ${error.message}`);
    }
    await withState(folder, () => sweep(folder));
    const own = ownSources(steps, await registryOperators(options.registryUrl));
    const around = surroundingsOf(plan.flows, own);
    if (options.maxCost && options.incremental !== false) {
      ledger ??= await openLedger();
      const { full, signal } = options;
      const flows = await previewFlows(plan, ledger, folder, { full, signal });
      checkEstimate(
        flows.flatMap(f => f.steps),
        options.maxCost,
      );
    }
    for (const flow of plan.flows) {
      controller.signal.throwIfAborted();
      if (options.incremental === false) {
        try {
          if ((await runFlow(flow, control)) === 'again') {
            await forget(flow);
            await runFlow(flow, control, undefined, true);
          }
        } catch (error) {
          if (!(await control.isRecorded(flowName(flow)))) unfinished = [];
          throw error;
        }
        continue;
      }
      ledger ??= await openLedger();
      const name = flowName(flow);
      const decision = await decide(
        flow,
        ledger,
        await readCommits(folder),
        options.full ?? false,
        ctx,
        around,
      );
      for (const { id: step, op } of changedSources(flow.steps, decision.state, own))
        if (decision.mode !== 'full')
          control.warn(
            step,
            `the code of ${op.name} has changed, its version ${op.version} has not: what it did before stays; raise the version, or run with --full`,
          );
      let changes = new FlowChanges(flow, decision, ledger, folder, id, options.redo, options.recheck);
      flowChanges.set(name, changes);
      try {
        if (await changes.nothingChanged(step => openSource(step, control))) {
          hub.emit({ type: 'flow', flow: name, mode: 'nothing', reasons: [] });
          for (const [step, report] of Object.entries(decision.state?.reports ?? {}))
            control.report(step, report);
          for (const step of flow.steps) meters.get(step.id)?.close();
          continue;
        }
        hub.emit({ type: 'flow', flow: name, mode: decision.mode, reasons: decision.reasons });
        let outcome = await runFlow(flow, control, changes);
        for (let keepsRows = false; outcome === 'again'; ) {
          keepsRows = changes.allRows;
          await changes.abort();
          await forget(flow);
          const reasons = [{ text: changes.needsAllRows ? TWO_ROWS : ROWS_AGAIN }];
          // commits on the way have changed what is known
          const now = await decide(
            flow,
            ledger,
            await readCommits(folder),
            options.full ?? false,
            ctx,
            around,
          );
          const whole: FlowDecision = now.mode === 'full' ? now : { ...now, mode: 'replay', reasons };
          hub.emit({ type: 'flow', flow: name, mode: whole.mode, reasons });
          changes = new FlowChanges(flow, whole, ledger, folder, id);
          flowChanges.set(name, changes);
          outcome = await runFlow(flow, control, changes, keepsRows);
        }
        const ran = changes;
        const notes = ledger;
        await afterCommit(flow.steps[0].id, SETTLED_STAY, () =>
          withState(folder, () => removeDeadLetters(folder, (l, run) => run !== id && ran.settles(l))),
        );
        await afterCommit(flow.steps[0].id, 'the next run does not know that nothing changed', async () =>
          notes.setMeta(`outputs:${name}`, await outputSignatures(flow, ctx)),
        );
      } catch (error) {
        if (!(await control.isRecorded(name))) {
          unfinished = [];
          await changes.abort();
        }
        throw error;
      }
    }
  } catch (error) {
    failure = error;
  } finally {
    clearInterval(timer);
    leaveTidy();
    await box.settle().catch(error => {
      failure ??= error;
    });
    if (failure instanceof StateError) failure = failure.of(`pipeline "${plan.name}"`);
    for (const temp of tempFolders) await rm(temp, { recursive: true, force: true }).catch(() => undefined);
    await afterCommit('', 'the cache misses results of this run', async () => {
      if (failure === undefined) await cache?.tidy(options.cacheLimits);
      await cache?.close();
    });
    await ledger?.close();
    await unlock?.();
  }

  progress();
  const seconds = (performance.now() - started) / 1000;
  const aborted = failure instanceof AbortError;
  const result: RunResult = {
    pipeline: plan.name,
    status: failure === undefined ? 'ok' : aborted ? 'aborted' : 'failed',
    seconds,
    steps: steps.map(s => {
      const kept = cacheCounts.get(s.id);
      const counts = kept
        ? { added: kept.misses, changed: 0, deleted: 0, kept: kept.hits }
        : [...flowChanges.values()].map(c => c.counts(s.id)).find(c => c !== undefined);
      return stepResult(meters.get(s.id) as StepMeter, summaries[s.id], counts);
    }),
    peakBytes: memory.peak(),
    commitSeconds: commits.ms() / 1000,
    bottleneck: bottleneck(meters.values()),
    reports,
    unfinished: unfinished.length ? unfinished : undefined,
    error: failure === undefined ? undefined : describeFailure(failure),
  };
  keepFailure(result, failure);
  hub.emit({ type: 'end', result });
  return result;
}

async function openSource(step: PlannedStep, run: FlowControl): Promise<SourceInstance> {
  if (step.op.shape !== 'source') throw new Error(`${step.id} is not a source`);
  try {
    return await step.op.open(step.params, openContext(step, run));
  } catch (error) {
    throw stepError(step.id, error);
  }
}

/** The operators of the plan and of the registry, by name: recovery may need one that the plan no longer has. */
async function allOperators(
  planned: readonly EngineOperator[],
  registryUrl: string,
): Promise<ReadonlyMap<string, EngineOperator>> {
  return new Map([...(await registryOperators(registryUrl)), ...planned].map(op => [op.name, op]));
}

async function registryOperators(registryUrl: string): Promise<ReadonlySet<EngineOperator>> {
  const registry = (await import(registryUrl)) as { operators: readonly AnyOperator[] };
  return new Set(registry.operators.map(asEngine));
}
