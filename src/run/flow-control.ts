/** What a flow has of its run, besides what its stages share. */
import type { Report, SinkInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { CommittedSink } from '../state/index.ts';
import type { CommitEvery } from './checkpoint.ts';
import type { RunContext } from './context.ts';
import type { Budget } from './cost.ts';
import type { Executor } from './executor.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import type { Outlet } from './outlet.ts';
import type { Ack } from './packet.ts';

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
