/** Rates and the time left, from the counts of progress events. */
import type { StepMetrics } from '../events/types.ts';

interface Sample {
  readonly at: number;
  readonly rows: number;
  readonly done: number;
}

/** A rate is taken over this many milliseconds: shorter flickers, longer lags. */
const WINDOW_MS = 4000;

/** Rates of the steps of a run. */
export class Rates {
  readonly #samples = new Map<string, Sample[]>();

  /** Takes the numbers of one progress event at `elapsedMs` of the run. */
  add(elapsedMs: number, steps: readonly StepMetrics[]): void {
    for (const m of steps) {
      const kept = this.#samples.get(m.id) ?? [];
      kept.push({ at: elapsedMs, rows: Math.max(m.rowsIn, m.rowsOut), done: m.progress?.done ?? 0 });
      while (kept.length > 2 && kept[1].at < elapsedMs - WINDOW_MS) kept.shift();
      this.#samples.set(m.id, kept);
    }
  }

  /** Rows a second of a step, over the last few seconds; 0 where nothing is known yet. */
  rowsPerSecond(step: string): number {
    return this.#slope(step, s => s.rows);
  }

  /** Milliseconds a source needs for the rest at its present pace; undefined where that is not known, or nothing is left. */
  leftMs(m: StepMetrics): number | undefined {
    if (!m.progress || m.state === 'done') return undefined;
    const perSecond = this.#slope(m.id, s => s.done);
    const rest = m.progress.total - m.progress.done;
    return perSecond > 0 && rest > 0 ? (rest / perSecond) * 1000 : undefined;
  }

  #slope(step: string, value: (s: Sample) => number): number {
    const kept = this.#samples.get(step);
    if (!kept || kept.length < 2) return 0;
    const first = kept[0];
    const last = kept[kept.length - 1];
    const ms = last.at - first.at;
    return ms <= 0 ? 0 : ((value(last) - value(first)) / ms) * 1000;
  }
}

/** Shares of a step's time: working, waiting for input, waiting for room behind it. They add up to 1, or are all 0. */
export function shares(m: Pick<StepMetrics, 'busyMs' | 'waitInMs' | 'waitOutMs'>): [number, number, number] {
  const all = m.busyMs + m.waitInMs + m.waitOutMs;
  return all <= 0 ? [0, 0, 0] : [m.busyMs / all, m.waitInMs / all, m.waitOutMs / all];
}
