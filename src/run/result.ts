/** What came of a run, as plain data. */
import { UserError } from '../define/index.ts';
import type { RunResult, StepResult } from '../events/index.ts';
import type { DiffCounts } from './incremental/source-diff.ts';
import type { StepMeter } from './meter.ts';

// the thrown thing itself, for `--debug` and for callers that throw it on
const failures = new WeakMap<RunResult, unknown>();
/** Keeps what a run threw beside its result. */
export const keepFailure = (result: RunResult, failure: unknown): void => void failures.set(result, failure);
/** What a failed run threw; undefined for one that is fine. */
export const failureOf = (result: RunResult): unknown => failures.get(result);

/** What a run threw, as its result tells it. */
export function describeFailure(error: unknown): RunResult['error'] {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof UserError)) return { message };
  const row = (error as { row?: string }).row;
  return { message: row ? `${row}: ${message}` : message, step: error.step, help: error.help };
}

/** What a step did, of its meter. */
export function stepResult(
  meter: StepMeter,
  summary: StepResult['summary'],
  counts: DiffCounts | undefined,
): StepResult {
  const end = meter.doneAt ?? performance.now();
  return {
    id: meter.step.id,
    op: meter.step.op.name,
    rowsIn: meter.rowsIn,
    rowsOut: meter.rowsOut,
    added: counts?.added ?? meter.rowsOut,
    changed: counts?.changed ?? 0,
    deleted: counts?.deleted ?? meter.deleted,
    kept: counts?.kept ?? 0,
    deadLetters: meter.deadLetters,
    skipped: meter.skipped,
    seconds: meter.openedAt === undefined ? 0 : (end - meter.openedAt) / 1000,
    busySeconds: meter.busyMs / 1000,
    waitInSeconds: meter.waitInMs / 1000,
    waitOutSeconds: meter.waitOutMs / 1000,
    summary,
  };
}
