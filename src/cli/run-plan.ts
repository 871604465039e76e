/** Runs a plan as a command does: progress on stderr, Ctrl-C, the first rows of some steps. */
import type { RunResult } from '../events/types.ts';
import type { Plan } from '../plan/types.ts';
import type { RunOptions } from '../run/index.ts';
import type { Io } from './command.ts';
import { follow } from './progress.ts';
import { collectRows, type Row } from './rows.ts';
import { type Interrupt, onInterrupt } from './signals.ts';

export interface PlanRun {
  readonly result: RunResult;
  /** The first rows of the steps asked for. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** Sinks that committed. */
  readonly committed: readonly string[];
  /** What the run threw, for `--debug`. */
  readonly failure: unknown;
  readonly interrupted: Interrupt | undefined;
  /** The exit code of a signal, 0 without one. */
  readonly signalCode: number;
}

export interface PlanRunOptions {
  /** Rows to keep of each of `steps`. */
  readonly show?: { readonly steps: readonly string[]; readonly most: number };
  /** No progress, only warnings. */
  readonly quiet?: boolean;
  readonly stateFolder?: string;
  /** Does everything anew, whatever was done before. */
  readonly full?: boolean;
  /** Compares all rows of files that seem as they were. */
  readonly recheck?: boolean;
  /** How often to commit before the end. */
  readonly commitEvery?: RunOptions['commitEvery'];
  /** What steps that call a model or an endpoint may spend. */
  readonly maxCost?: RunOptions['maxCost'];
  /** By source step, ids of rows that go through again. */
  readonly redo?: ReadonlyMap<string, ReadonlySet<number>>;
  /** A sample of the pipeline: nothing is remembered of it, or taken from what was done before. */
  readonly sample?: boolean;
  /** Where the plan is a part of a pipeline. */
  readonly partOf?: RunOptions['partOf'];
}

export async function runPlan(plan: Plan, io: Io, options: PlanRunOptions = {}): Promise<PlanRun> {
  const [{ registryUrl }, { failureOf, startRun }] = await Promise.all([
    import('../api.ts'),
    import('../run/index.ts'),
  ]);
  const handle = startRun(plan, {
    registryUrl,
    stateFolder: options.stateFolder,
    full: options.full,
    recheck: options.recheck,
    commitEvery: options.commitEvery,
    maxCost: options.maxCost,
    redo: options.redo,
    incremental: !options.sample,
    partOf: options.partOf,
  });
  const committed: string[] = [];
  handle.events.subscribe(event => {
    if (event.type === 'commit' && !event.interim) committed.push(...Object.keys(event.sinks));
  });
  const rows = options.show
    ? collectRows(options.show.steps, options.show.most, step => handle.tap(step))
    : {};
  const screen = follow(plan.name, handle.events, io.screen, io.errStyle, options.quiet);
  const interrupts = onInterrupt(() => {
    screen.stop();
    io.err(`${plan.name}: stopping; Ctrl-C again leaves at once`);
    handle.abort('stopped by Ctrl-C');
  });
  try {
    const result = await handle.result;
    return {
      result,
      rows,
      committed,
      failure: failureOf(result),
      interrupted: interrupts.received,
      signalCode: interrupts.code,
    };
  } finally {
    interrupts.release();
    screen.stop();
  }
}
