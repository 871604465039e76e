/**
 * One flow: opens its steps, runs every stage at once, and commits its sinks together. The first failure aborts all;
 * every stage and every `close` is awaited before the flow gives its error.
 */
import type {
  Closable,
  JoinInstance,
  Json,
  Report,
  RxInstance,
  SinkInstance,
  SourceInstance,
  StepState,
  StreamInstance,
} from '../define/index.ts';
import { openParams } from '../plan/index.ts';
import type { Flow, PlannedStep } from '../plan/types.ts';
import type { CommittedSink } from '../state/index.ts';
import { carryPlaces } from './cached.ts';
import { Channel } from './channel.ts';
import { Checkpoints, type CommitEvery } from './checkpoint.ts';
import { openContext, planContext, type RunContext } from './context.ts';
import { type Budget, isCostly, spending } from './cost.ts';
import { AbortError, stepError } from './errors.ts';
import { type Executor, mainExecutor } from './executor.ts';
import { flowName } from './incremental/flow-memory.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { takesChanges } from './incremental/flow-state.ts';
import { Overlay } from './incremental/overlay.ts';
import { joinStage } from './join-stage.ts';
import { mapStage } from './map-stage.ts';
import { Outlet } from './outlet.ts';
import { type Ack, AckTracker, type Packet } from './packet.ts';
import { rxStage } from './rx-stage.ts';
import { sinkStage } from './sink-stage.ts';
import { sourceStage } from './source-stage.ts';
import { guardStandstill } from './standstill.ts';
import { streamStage } from './stream-stage.ts';
import { workerSink, workerStream } from './worker/owner.ts';
import { workerExecutor } from './worker/pool.ts';

export interface FlowControl extends RunContext {
  /** Aborts the run because of this error. */
  fail(error: unknown): void;
  /** Wraps the executor of a step whose results are kept; absent where nothing is. */
  cache?(step: PlannedStep, inner: Executor): Promise<Executor>;
  /** What costly steps may spend; absent: without end. */
  readonly budget?: Budget;
  /** Calls back with an outlet once it exists, for taps. */
  outlet(step: string, outlet: Outlet): void;
  /** How often to commit before the end. */
  readonly commitEvery: CommitEvery;
  /**
   * Commits what the sinks have prepared.
   * @param keep for a commit in the middle of the run: has a sink keep what the record names by now
   */
  commit(
    flow: string,
    sinks: readonly CommittedSink[],
    positions: Readonly<Record<string, Ack['position']>>,
    changes: FlowChanges | undefined,
    keep?: (sink: CommittedSink) => void | Promise<void>,
  ): Promise<void>;
  /** Whether the record of a flow's final commit stands: then what its sinks have prepared is not theirs to drop. */
  isRecorded(flow: string): Promise<boolean>;
  report(step: string, report: Report): void;
  summary(step: string, summary: NonNullable<Awaited<ReturnType<SinkInstance['prepare']>>['summary']>): void;
}

/** Steps that run as one: a step alone, or a source's decoding and maps that share worker threads. */
type Group = readonly PlannedStep[];

/**
 * Puts neighbouring worker steps together, so that rows cross between threads once and not once a step.
 * @param sourcesApart rows of sources come back first, to be held against the ledger
 * @param costlyApart rows come back before costly steps, to be counted
 */
export function groupSteps(flow: Flow, sourcesApart: boolean, costlyApart = false): Group[] {
  const alone = (step: PlannedStep): boolean => isCached(step) || (costlyApart && isCostly(step));
  const byId = new Map(flow.steps.map(s => [s.id, s]));
  const grouped = new Set<string>();
  const groups: Group[] = [];
  for (const step of flow.steps) {
    if (grouped.has(step.id)) continue;
    const group = [step];
    grouped.add(step.id);
    const workable =
      step.where === 'worker' &&
      !alone(step) &&
      (step.op.shape === 'map' || (step.op.shape === 'source' && !sourcesApart));
    for (let last = step; workable && last.to.length === 1; ) {
      const next = byId.get(last.to[0]);
      const joins =
        next?.where === 'worker' &&
        next.op.shape === 'map' &&
        next.parallel === step.parallel &&
        next.order === step.order &&
        next.batch === undefined &&
        !alone(next);
      if (!next || !joins) break;
      group.push(next);
      grouped.add(next.id);
      last = next;
    }
    groups.push(group);
  }
  return groups;
}

/** Whether a step's results are kept. */
function isCached({ op, params }: PlannedStep): boolean {
  if (op.shape !== 'map') return false;
  return typeof op.cache === 'function' ? op.cache(params) : op.cache === true;
}

interface Stage {
  readonly steps: Group;
  readonly work: () => Promise<void>;
  readonly outlet: Outlet | undefined;
}

/**
 * @param changes what the ledger knows of the flow; absent: everything is done and nothing remembered
 * @param keepsRows streams that take changes remember all rows they give
 * @returns `again` where a step needs all rows: nothing is committed, and the flow is to run over every row, or, where
 * it did, with `keepsRows`
 */
export async function runFlow(
  planned: Flow,
  run: FlowControl,
  changes?: FlowChanges,
  keepsRows = false,
): Promise<'done' | 'again'> {
  const flow = changes?.flow ?? planned;
  const channels = new Map(
    flow.edges.map(e => [`${e.from}>${e.to}:${e.input}`, new Channel<Packet>(e.bytes)]),
  );
  const inputsOf = (step: PlannedStep): Channel<Packet>[] =>
    step.from.map((from, i) => channels.get(`${from}>${step.id}:${i}`) as Channel<Packet>);
  for (const step of flow.steps) run.meter(step.id).inputs = inputsOf(step);
  const opened: Closable[] = [];
  const sinks: { step: PlannedStep; instance: SinkInstance; written: (readonly Ack[])[] }[] = [];
  const streams: StreamInstance[] = [];
  let again = false;
  const trackers = new Map<string, AckTracker>();
  // acks are released once what they stand for is committed
  const positions = (): Record<string, Ack['position']> => {
    for (const { written } of sinks)
      for (const acks of written.splice(0)) for (const ack of acks) ack.release();
    const known = [...trackers].flatMap(([id, t]) =>
      t.position === undefined ? [] : [[id, t.position] as const],
    );
    return Object.fromEntries(known);
  };
  // in the middle of the run, while the source waits and every sink has written what came
  const commitSoFar = async (): Promise<void> => {
    const prepared: CommittedSink[] = [];
    const kept = changes?.kept ?? new Set();
    const instances = new Map(sinks.filter(s => kept.has(s.step.id)).map(s => [s.step.id, s]));
    for (const { step, instance } of instances.values()) {
      try {
        const { token } = await instance.prepare();
        const base =
          step.op.shape === 'sink' ? await step.op.current?.(step.params, planContext(run.root)) : null;
        prepared.push({ ...committed(step, token), base: base ?? null });
      } catch (error) {
        throw stepError(step.id, error);
      }
    }
    await run.commit(flowName(planned), prepared, positions(), changes, ({ step, token }) =>
      instances.get(step)?.instance.keep?.(token),
    );
  };
  const checkpoints = changes?.interruptible
    ? new Checkpoints(
        run.commitEvery,
        flow.steps.filter(s => s.op.shape === 'sink').length,
        run.signal,
        commitSoFar,
      )
    : undefined;
  const failChannels = (): void => {
    const error = run.signal.reason ?? new AbortError();
    for (const channel of channels.values()) channel.fail(error);
  };

  const outletOf = (step: PlannedStep): Outlet => {
    const edges = flow.edges.filter(e => e.from === step.id);
    const together = new Set(flow.steps.filter(s => s.from.includes(step.id)).flatMap(s => s.batchBy));
    const outlet = new Outlet(
      edges.map(e => channels.get(`${e.from}>${e.to}:${e.input}`) as Channel<Packet>),
      run.meter(step.id),
      [...together],
    );
    run.outlet(step.id, outlet);
    return outlet;
  };
  const opening = async <T extends Closable>(step: PlannedStep, open: () => T | Promise<T>): Promise<T> => {
    const meter = run.meter(step.id);
    meter.state = 'opening';
    const started = performance.now();
    try {
      const instance = await open();
      opened.push(instance);
      run.opened(step.id, performance.now() - started);
      return instance;
    } catch (error) {
      throw stepError(step.id, error);
    }
  };

  // what a step remembers in a run of which nothing is remembered
  const scratchState = (step: PlannedStep): StepState => {
    const { tempFolder } = openContext(step, run);
    const overlay = new Overlay({ table: 0, slot: step.index, fresh: true, folder: tempFolder });
    opened.push({ close: () => overlay.close() });
    return overlay;
  };
  const openStage = async (group: Group): Promise<Stage> => {
    const [step] = group;
    const { op } = step;
    const outlet = op.shape === 'sink' ? undefined : outletOf(group[group.length - 1]);
    const out = outlet as Outlet;
    const inputs = inputsOf(step);
    const from = changes?.decision.from.get(step.id);
    const state = takesChanges(step) ? (changes?.stream(step.id)?.state ?? scratchState(step)) : undefined;
    const context = openContext(step, run, changes?.isFull(step) ?? true, from, state, keepsRows);
    switch (op.shape) {
      case 'source': {
        const instance = await opening<SourceInstance>(step, () => op.open(step.params, context));
        let executor: Executor | undefined;
        let steps = group;
        if (step.where === 'worker' && (instance.decode || group.length > 1)) {
          executor = await opening(step, () => workerExecutor(group, run));
        } else steps = [step];
        const acks = new AckTracker(step.id);
        trackers.set(step.id, acks);
        return {
          steps: group,
          outlet,
          work: () => sourceStage(step, instance, acks, out, run, executor, steps, changes, checkpoints),
        };
      }
      case 'map': {
        const open = (): Promise<Executor> => {
          const cached = run.cache && isCached(step) ? carryPlaces(step) : undefined;
          const steps = cached ? [cached] : group;
          return step.where === 'worker' ? workerExecutor(steps, run) : mainExecutor(steps[0], run);
        };
        const bare = await opening(step, open);
        const inner = run.budget && isCostly(step) ? spending(step, bare, run.budget) : bare;
        const executor = run.cache && isCached(step) ? await run.cache(step, inner) : inner;
        return { steps: group, outlet, work: () => mapStage(group, inputs[0], executor, out, run) };
      }
      case 'stream': {
        const instance = await opening<StreamInstance>(step, () =>
          step.where === 'worker' && !state ? workerStream(step, run) : op.open(step.params, context),
        );
        streams.push(instance);
        return { steps: group, outlet, work: () => streamStage(step, inputs, instance, out, run, changes) };
      }
      case 'join': {
        const bare = await opening<JoinInstance>(step, () => op.open(step.params, context));
        const { budget } = run;
        const process: JoinInstance['process'] = inputs => {
          budget?.spend(step, inputs[0]);
          return bare.process(inputs);
        };
        const instance = budget && isCostly(step) ? { process } : bare;
        return { steps: group, outlet, work: () => joinStage(step, inputs, instance, out, run) };
      }
      case 'rx': {
        const instance = await opening<RxInstance>(step, () => op.open(step.params, context));
        return { steps: group, outlet, work: () => rxStage(step, inputs[0], instance, out, run) };
      }
      case 'sink': {
        const instance = await opening<SinkInstance>(step, () =>
          step.where === 'worker' ? workerSink(step, run, context.full, from) : op.open(step.params, context),
        );
        const written: (readonly Ack[])[] = [];
        sinks.push({ step, instance, written });
        return {
          steps: group,
          outlet,
          work: () => sinkStage(step, inputs[0], instance, run, written, changes),
        };
      }
    }
  };

  let failure: { error: unknown } | undefined;
  let done = false;
  try {
    const stages: Stage[] = [];
    for (const group of groupSteps(flow, changes?.remembersRows ?? false, run.budget !== undefined)) {
      if (run.signal.aborted) throw run.signal.reason;
      stages.push(await openStage(group));
    }
    if (run.signal.aborted) throw run.signal.reason;
    run.signal.addEventListener('abort', failChannels, { once: true });
    const unguard = guardStandstill(
      stages.map(stage => stage.steps.map(s => run.meter(s.id))),
      error => {
        failure ??= { error };
        run.fail(error);
      },
    );
    await Promise.all(
      stages.map(async stage => {
        for (const step of stage.steps) run.meter(step.id).open();
        try {
          await stage.work();
          stage.outlet?.close();
        } catch (error) {
          const named = stepError(stage.steps[0].id, error);
          failure ??= { error: named };
          run.fail(named);
        } finally {
          for (const step of stage.steps) run.meter(step.id).close();
        }
      }),
    );
    unguard();
    if (failure) throw (failure as { error: unknown }).error;
    if (run.signal.aborted) throw run.signal.reason;

    again = changes?.needsAllRows || streams.some(s => s.needsAllRows?.());
    if (again && keepsRows) throw new Error('a step needs rows that it was to remember');
    const prepared: CommittedSink[] = [];
    for (const { step, instance } of again ? [] : sinks) {
      const started = performance.now();
      try {
        const { token, summary } = await instance.prepare();
        prepared.push(committed(step, token));
        if (summary) run.summary(step.id, summary);
        const report = await instance.report?.();
        if (report) run.report(step.id, report);
      } catch (error) {
        throw stepError(step.id, error);
      }
      run.meter(step.id).busyMs += performance.now() - started;
    }
    if (run.signal.aborted) throw run.signal.reason;
    if (!again) {
      await run.commit(flowName(planned), prepared, positions(), changes);
      done = true;
    }
  } catch (error) {
    failure ??= { error };
  } finally {
    run.signal.removeEventListener('abort', failChannels);
    const closing = async (step: () => void | Promise<void> | undefined): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failure ??= { error };
      }
    };
    if (!done && !(await run.isRecorded(flowName(planned))))
      for (const { instance } of sinks) await closing(() => instance.abort?.());
    for (const instance of opened.reverse()) await closing(() => instance.close?.());
    await closing(() => changes?.close());
  }
  if (failure) throw (failure as { error: unknown }).error;
  return again ? 'again' : 'done';
}

const committed = (step: PlannedStep, token: Json): CommittedSink => ({
  step: step.id,
  op: step.op.name,
  params: openParams(step.op, step.params),
  token,
});
