/** The pipeline definition: plain data, typed by the operators that exist. */
import type { z } from 'zod';
import type { AnyOperator, Operator } from './operator.ts';

/** How rows are put together again before a step. */
export interface BatchOptions {
  /** At most this many rows. */
  rows?: number;
  /** At most this many bytes of rows, as a number or `'4 MiB'`. */
  bytes?: number | string;
  /** At most this many tokens, padding included: rows × longest row. */
  tokens?: number;
  /** How long to wait for a fuller batch, in milliseconds or `'20ms'`. Default 50 ms. */
  linger?: number | string;
}

/** How a step runs; none of it changes its results. */
export interface StepRun {
  /** The step's name; must be unique. */
  id: string;
  /** The step or steps it takes its rows from. Default: the step above. */
  from?: string | readonly string[];
  /**
   * Sinks that must have committed before this step, and everything it is connected to, starts: what searches an
   * index runs `after` what builds it. Steps joined by `from` make one flow; flows run one after the other.
   */
  after?: string | readonly string[];
  /** Batches in work at once (main thread), or worker threads. Default 1. */
  parallel?: number;
  /** The thread that does the work. Default `main`. */
  where?: 'main' | 'worker';
  batch?: BatchOptions;
  /** `keep` (default) gives batches in the order they came; `free` as they get done. */
  order?: 'keep' | 'free';
  /** What happens to a row that cannot be processed. Default `fail`. */
  onError?: 'fail' | 'dead-letter' | 'skip';
  /** Bytes for this step, as a number or `'512 MiB'`, taken from the run's memory. */
  memory?: number | string;
}

/** A step that calls operator O. */
export type StepOf<O> =
  O extends Operator<infer N, infer S>
    ? StepRun & { op: N } & (Record<string, never> extends z.input<S>
          ? { with?: z.input<S> }
          : { with: z.input<S> })
    : never;

/** A step whose operator is known at run time only: from YAML, or built by code. */
export type AnyStep = StepRun & { op: string; with?: Readonly<Record<string, unknown>> };

/** A pipeline as data. */
export interface PipelineDefinition<S = AnyStep> {
  name: string;
  /** One sentence, for lists. */
  description?: string;
  /** Memory of the run, as a number of bytes or `'2 GiB'`. Default 1 GiB. */
  memory?: number | string;
  /** Operators of your own, beside the built-in ones. */
  operators?: readonly AnyOperator[];
  /** Commands to try once it has run; the command line shows them after a run. */
  next?: readonly string[];
  steps: readonly S[];
}

/** A definition that came out of {@link Definer}. */
export type Pipeline = PipelineDefinition<AnyStep>;

/** `pipeline()` for a set of built-in operators: a wrong name or parameter does not compile. */
export type Definer<Builtin extends AnyOperator> = <const Own extends readonly AnyOperator[] = readonly []>(
  definition: Omit<PipelineDefinition, 'steps' | 'operators'> & {
    operators?: Own;
    steps: readonly StepOf<Builtin | Own[number]>[];
  },
) => Pipeline;

/** Makes `pipeline()` for a registry. The definition stays the object it is; checks come when it is planned. */
export const definer =
  <Builtin extends AnyOperator>(): Definer<Builtin> =>
  definition =>
    definition as unknown as Pipeline;
