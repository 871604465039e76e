/** What a run tells while it runs and when it ended. Plain data: a lost event costs a number on a screen. */
import type { Json, Report } from '../define/index.ts';

/** How a step is doing. Times are milliseconds summed over its parallel parts since it opened. */
export interface StepMetrics {
  readonly id: string;
  readonly op: string;
  readonly state: 'waiting' | 'opening' | 'running' | 'done';
  readonly parallel: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly batchesIn: number;
  readonly batchesOut: number;
  readonly deadLetters: number;
  readonly skipped: number;
  /** Working. */
  readonly busyMs: number;
  /** Waiting for input. */
  readonly waitInMs: number;
  /** Waiting for room behind it. */
  readonly waitOutMs: number;
  /** Retained bytes in the channels before it. */
  readonly bytesHeld: number;
  /** Share of the source that is read, where the total is known. */
  readonly progress?: { readonly done: number; readonly total: number; readonly unit: 'bytes' | 'rows' };
}

export type RunEvent =
  | {
      readonly type: 'start';
      readonly pipeline: string;
      readonly steps: readonly { id: string; op: string }[];
    }
  | {
      /**
       * How much of a flow is done: everything, every row again, or what changed; and why: where a step is another than
       * it was, `what` of it (`with.words`, `version`, `columns`), as it was and as it is.
       */
      readonly type: 'flow';
      readonly flow: string;
      readonly mode: 'full' | 'replay' | 'resume' | 'changes' | 'nothing';
      readonly reasons: readonly {
        readonly step?: string;
        readonly text: string;
        readonly what?: string;
        readonly old?: Json;
        readonly now?: Json;
      }[];
    }
  | { readonly type: 'open'; readonly step: string; readonly ms: number }
  | {
      readonly type: 'progress';
      readonly elapsedMs: number;
      readonly rssBytes: number;
      readonly steps: readonly StepMetrics[];
      /** Milliseconds spent on commits so far: record, publishing, ledger. */
      readonly commitMs?: number;
      /** Whether a commit is under way. */
      readonly committing?: boolean;
    }
  /** `step` is empty where it is of the run. */
  | { readonly type: 'warning'; readonly step: string; readonly message: string }
  | { readonly type: 'dead-letter'; readonly step: string; readonly where: string; readonly message: string }
  | { readonly type: 'position'; readonly step: string; readonly position: Json }
  | {
      readonly type: 'commit';
      readonly id: string;
      readonly sinks: Readonly<Record<string, Json>>;
      readonly interim?: boolean;
    }
  | { readonly type: 'report'; readonly step: string; readonly report: Report }
  | { readonly type: 'end'; readonly result: RunResult };

/** One step of a {@link RunResult}. */
export interface StepResult {
  readonly id: string;
  readonly op: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  readonly kept: number;
  readonly deadLetters: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly busySeconds: number;
  readonly waitInSeconds: number;
  readonly waitOutSeconds: number;
  readonly summary?: Readonly<Record<string, Json>>;
}

/** What a run gives in the end; `--json` prints it (reports as their data). */
export interface RunResult {
  readonly pipeline: string;
  readonly status: 'ok' | 'failed' | 'aborted';
  readonly seconds: number;
  readonly steps: readonly StepResult[];
  /** Peak resident set size of the process while it ran. */
  readonly peakBytes: number;
  /** Time of commits: record, publishing, ledger; no step's. */
  readonly commitSeconds?: number;
  /** The step whose inputs waited and whose outputs did not. */
  readonly bottleneck?: string;
  readonly reports: Readonly<Record<string, Report>>;
  /** Sinks whose commit is recorded but not published everywhere, since that failed: the next run finishes it. */
  readonly unfinished?: readonly string[];
  readonly error?: { readonly message: string; readonly step?: string; readonly help?: string };
}
