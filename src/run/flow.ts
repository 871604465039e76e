/**
 * One flow: opens its steps, runs every stage at once, and commits its sinks together. The first failure aborts all;
 * every stage and every `close` is awaited before the flow gives its error.
 */
import type { Json } from '../define/index.ts';
import { openParams } from '../plan/index.ts';
import type { Flow, PlannedStep } from '../plan/types.ts';
import type { CommittedSink } from '../state/index.ts';
import { Checkpoints } from './checkpoint.ts';
import { planContext } from './context.ts';
import { AbortError, stepError } from './errors.ts';
import type { FlowControl } from './flow-control.ts';
import { flowName } from './incremental/flow-memory.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { OpenFlow, type Stage } from './open-flow.ts';
import { guardStandstill } from './standstill.ts';
import { groupSteps } from './step-groups.ts';

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
  const name = flowName(planned);
  const open = new OpenFlow(flow, run, changes, keepsRows);
  if (changes?.interruptible) {
    const sinks = flow.steps.filter(s => s.op.shape === 'sink').length;
    open.checkpoints = new Checkpoints(run.commitEvery, sinks, run.signal, () =>
      commitSoFar(name, open, run, changes),
    );
  }
  const failChannels = (): void => open.fail(run.signal.reason ?? new AbortError());
  let failure: { error: unknown } | undefined;
  let done = false;
  let again = false;
  try {
    const stages: Stage[] = [];
    for (const group of groupSteps(flow, changes?.remembersRows ?? false, run.budget !== undefined)) {
      if (run.signal.aborted) throw run.signal.reason;
      stages.push(await open.open(group));
    }
    if (run.signal.aborted) throw run.signal.reason;
    run.signal.addEventListener('abort', failChannels, { once: true });
    const failed = (error: unknown): void => {
      failure ??= { error };
      run.fail(error);
    };
    await work(stages, run, failed);
    if (failure) throw (failure as { error: unknown }).error;
    if (run.signal.aborted) throw run.signal.reason;

    again = changes?.needsAllRows || open.streams.some(s => s.needsAllRows?.());
    if (again && keepsRows) throw new Error('a step needs rows that it was to remember');
    if (!again) {
      const prepared = await prepare(open, run);
      if (run.signal.aborted) throw run.signal.reason;
      await run.commit(name, prepared, open.positions(), changes);
      done = true;
    }
  } catch (error) {
    failure ??= { error };
  } finally {
    run.signal.removeEventListener('abort', failChannels);
    const drop = !done && !(await run.isRecorded(name));
    await open.close(drop, error => {
      failure ??= { error };
    });
  }
  if (failure) throw (failure as { error: unknown }).error;
  return again ? 'again' : 'done';
}

/** Runs all stages at once, to their ends. */
async function work(
  stages: readonly Stage[],
  run: FlowControl,
  failed: (error: unknown) => void,
): Promise<void> {
  const unguard = guardStandstill(
    stages.map(stage => stage.steps.map(s => run.meter(s.id))),
    failed,
  );
  await Promise.all(
    stages.map(async stage => {
      for (const step of stage.steps) run.meter(step.id).open();
      try {
        await stage.work();
        stage.outlet?.close();
      } catch (error) {
        failed(stepError(stage.steps[0].id, error));
      } finally {
        for (const step of stage.steps) run.meter(step.id).close();
      }
    }),
  );
  unguard();
}

/** Has every sink make ready what it wrote. */
async function prepare(open: OpenFlow, run: FlowControl): Promise<CommittedSink[]> {
  const prepared: CommittedSink[] = [];
  for (const { step, instance } of open.sinks) {
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
  return prepared;
}

/** Commits in the middle of a run, while the source waits and every sink has written what came. */
async function commitSoFar(
  name: string,
  open: OpenFlow,
  run: FlowControl,
  changes: FlowChanges,
): Promise<void> {
  const prepared: CommittedSink[] = [];
  const instances = new Map(open.sinks.filter(s => changes.kept.has(s.step.id)).map(s => [s.step.id, s]));
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
  await run.commit(name, prepared, open.positions(), changes, ({ step, token }) =>
    instances.get(step)?.instance.keep?.(token),
  );
}

const committed = (step: PlannedStep, token: Json): CommittedSink => ({
  step: step.id,
  op: step.op.name,
  params: openParams(step.op, step.params),
  token,
});
