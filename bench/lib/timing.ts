/** Timing of several sides in one run: a warm-up, then repeats that take turns, then medians. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// garbage of one side must not be collected in another's time
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What a side took that times itself: by the clock, and of its processor time where it knows it. */
export interface Taken {
  readonly ms: number;
  readonly cpuMs?: number;
}

/** One side of a comparison: does its work once, and gives the milliseconds where it times itself. */
export interface Side {
  readonly name: string;
  run(): Promise<Taken | number | undefined> | Taken | number | undefined;
}

export interface Timed {
  readonly name: string;
  /** Milliseconds of each repeat, in the order they ran. */
  readonly times: readonly number[];
  readonly median: number;
  /**
   * Processor milliseconds of each repeat, of this process (all its threads) or as the side says: what others do to the
   * machine is not in it.
   */
  readonly cpu: readonly number[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every side `warmups` times unmeasured, then `repeats` times in turn, the order reversed every other time, so
 * that what slows the machine down for a while slows all sides. Garbage is collected before each run, but where `collect`
 * is false: a run of milliseconds would begin with cold caches, which is not how it runs.
 */
export async function interleave(
  sides: readonly Side[],
  options: { repeats: number; warmups?: number; collect?: boolean; log?: (message: string) => void },
): Promise<Timed[]> {
  const once = async (side: Side): Promise<{ ms: number; cpu: number }> => {
    if (options.collect ?? true) collect();
    const before = process.cpuUsage();
    const started = performance.now();
    const own = await side.run();
    const elapsed = performance.now() - started;
    const { user, system } = process.cpuUsage(before);
    const { ms = elapsed, cpuMs = (user + system) / 1000 } =
      typeof own === 'number' ? { ms: own } : (own ?? {});
    return { ms, cpu: cpuMs };
  };
  for (let i = 0; i < (options.warmups ?? 1); i++) for (const side of sides) await once(side);
  const times = sides.map((): number[] => []);
  const cpu = sides.map((): number[] => []);
  for (let i = 0; i < options.repeats; i++) {
    const order = sides.map((_, s) => s);
    if (i % 2 === 1) order.reverse();
    for (const s of order) {
      const taken = await once(sides[s]);
      times[s].push(taken.ms);
      cpu[s].push(taken.cpu);
    }
    options.log?.(
      `repeat ${i + 1} of ${options.repeats}: ${sides.map((s, j) => `${s.name} ${times[j][i].toFixed(0)} ms`).join(', ')}`,
    );
  }
  return sides.map((side, s) => ({
    name: side.name,
    times: times[s],
    median: median(times[s]),
    cpu: cpu[s],
  }));
}

/**
 * Median of the ratios a / b of each repeat: both sides of a pair ran next to each other, so a slow moment of the
 * machine cancels out better than in the ratio of medians.
 */
export const ratio = (a: Timed, b: Timed): number => median(a.times.map((t, i) => t / b.times[i]));

/** The same of processor time. */
export const cpuRatio = (a: Timed, b: Timed): number => median(a.cpu.map((t, i) => t / b.cpu[i]));
