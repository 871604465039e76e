/** A run of a plan as its caller sees it: options, events, taps, an abort and a result. */
import type { RecordBatch } from 'apache-arrow';
import { UserError } from '../define/index.ts';
import { EventHub, type Observable, type RunEvent, type RunResult, tapOf } from '../events/index.ts';
import type { Plan } from '../plan/types.ts';
import type { CacheLimits } from '../state/index.ts';
import type { CommitEvery } from './checkpoint.ts';
import type { MaxCost } from './cost.ts';
import { AbortError } from './errors.ts';
import { execute } from './execute.ts';
import { StepMeter } from './meter.ts';

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
   * False keeps no ledger: everything is done and nothing remembered, as for a sample. What the ledger has stays as it
   * is, and the next run sees by what sinks hold which of them this one wrote. Default true.
   */
  readonly incremental?: boolean;
  /**
   * Where the plan is a part of a pipeline. Flows that are there whole go on from the ledger; of those that are cut
   * everything is done and nothing remembered, as with `incremental: false`.
   */
  readonly partOf?: PartOf;
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

/** What a plan is a part of. */
export interface PartOf {
  /** Ids of all steps of the pipeline. */
  readonly steps: readonly string[];
  /** Steps of the plan whose flows lack steps. */
  readonly cut: readonly string[];
}

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
  const onSignal = (): void => abort(stoppedBy(options.signal?.reason));
  if (options.signal?.aborted) onSignal();
  else options.signal?.addEventListener('abort', onSignal, { once: true });

  const steps = plan.flows.flatMap(f => f.steps);
  const meters = new Map(steps.map(s => [s.id, new StepMeter(s)]));
  const taps = new Map<string, Set<(batch: RecordBatch) => void>>();

  const result = Promise.resolve()
    .then(() => execute(plan, options, { hub, signal: controller.signal, abort, meters, taps }))
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

/** Why a signal fired, as the run tells it. */
function stoppedBy(reason: unknown): UserError {
  if (reason instanceof UserError) return reason;
  if (typeof reason === 'string' && reason !== '') return new AbortError(reason);
  // `abort()` without a reason says nothing that is worth telling
  const plain =
    !(reason instanceof Error) || (reason.name === 'AbortError' && reason instanceof DOMException);
  return new AbortError(plain ? undefined : `the run was stopped: ${reason.message}`, { cause: reason });
}
