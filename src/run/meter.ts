/** Counts and times of one step while it runs. */
import type { StepMetrics } from '../events/types.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Channel } from './channel.ts';
import type { Packet } from './packet.ts';

export class StepMeter {
  readonly step: PlannedStep;
  state: StepMetrics['state'] = 'waiting';
  rowsIn = 0;
  rowsOut = 0;
  /** Of a costly step: tokens of the rows that came; NaN where nothing tells them. */
  tokens = 0;
  batchesIn = 0;
  batchesOut = 0;
  deleted = 0;
  deadLetters = 0;
  skipped = 0;
  busyMs = 0;
  waitInMs = 0;
  waitOutMs = 0;
  openedAt: number | undefined;
  doneAt: number | undefined;
  done = 0;
  total: { amount: number; unit: 'bytes' | 'rows' } | undefined;
  inputs: readonly Channel<Packet>[] = [];
  /** Waits for input and for room behind it that go on now. */
  waitsIn = 0;
  waitsOut = 0;
  /** Pieces in work, or rows that a timer will let go. */
  working = 0;
  /** Waits that ended. */
  hops = 0;

  constructor(step: PlannedStep) {
    this.step = step;
  }
  open(): void {
    this.openedAt = performance.now();
    this.state = 'running';
  }
  close(): void {
    this.doneAt ??= performance.now();
    this.state = 'done';
  }
  /** Counts from nothing: the step works on all its rows again. */
  restart(): void {
    this.rowsIn = this.rowsOut = this.batchesIn = this.batchesOut = 0;
    this.tokens = this.deleted = this.deadLetters = this.skipped = this.done = 0;
    this.doneAt = undefined;
  }
  snapshot(): StepMetrics {
    return {
      id: this.step.id,
      op: this.step.op.name,
      state: this.state,
      parallel: this.step.parallel,
      rowsIn: this.rowsIn,
      rowsOut: this.rowsOut,
      batchesIn: this.batchesIn,
      batchesOut: this.batchesOut,
      deadLetters: this.deadLetters,
      skipped: this.skipped,
      busyMs: this.busyMs,
      waitInMs: this.waitInMs,
      waitOutMs: this.waitOutMs,
      bytesHeld: this.inputs.reduce((sum, c) => sum + c.held, 0),
      progress: this.total && {
        done: Math.min(this.done, this.total.amount),
        total: this.total.amount,
        unit: this.total.unit,
      },
    };
  }
}

/**
 * The step that holds a run up: the one that works longest. In its flow its inputs wait for it and its outputs do not,
 * so it is busy for the largest share of the time; of flows that run one after the other the slowest counts.
 * Undefined where nothing worked for long enough to say.
 */
export function bottleneck(meters: Iterable<StepMeter>): string | undefined {
  let best: string | undefined;
  let longest = 50;
  for (const m of meters) {
    // parallel parts are busy side by side
    const busy = m.busyMs / m.step.parallel;
    if (busy > longest) {
      longest = busy;
      best = m.step.id;
    }
  }
  return best;
}
