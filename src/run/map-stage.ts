/**
 * A stage of `map` steps: takes packets, has them worked through (several at once where the executor is wide), and
 * sends the results on, in the order they came or as they get done.
 */

import { renameColumns } from '../arrow/index.ts';
import { breathe } from '../define/breathe.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { ChainInput, ChainResult } from './chain.ts';
import { type Channel, END } from './channel.ts';
import { type RunContext, receive } from './context.ts';
import type { Executor } from './executor.ts';
import type { Outlet } from './outlet.ts';
import type { Packet } from './packet.ts';
import { Rebatcher } from './rebatch.ts';

/** Adds a result's counts to the meters of its steps and puts its letters where they belong: await what it gives. */
export function account(
  result: ChainResult,
  steps: readonly PlannedStep[],
  run: RunContext,
  outer: boolean,
): Promise<void> | undefined {
  result.counts.forEach((count, i) => {
    const meter = run.meter(steps[i].id);
    meter.rowsIn += count.rowsIn;
    meter.batchesIn += count.batches;
    meter.busyMs += count.busyMs;
    meter.tokens += count.tokens ?? 0;
    // the last step's output is counted where it goes out
    if (i < steps.length - 1 || !outer) {
      meter.rowsOut += count.rowsOut;
      meter.batchesOut += count.batches;
    }
  });
  return result.letters.length ? run.letters(result.letters) : undefined;
}

/** What goes on of a packet, given what its rows became. */
export function outcome(packet: Packet, result: ChainResult | undefined, renames: Renames): Packet {
  const gone = [...(packet.gone ?? []), ...(result?.gone ?? [])];
  return {
    upserts: result?.batch,
    deletes: packet.deletes && renames(packet.deletes),
    gone: gone.length ? gone : undefined,
    acks: packet.acks,
    barrier: packet.barrier,
  };
}
type Renames = (deletes: NonNullable<Packet['deletes']>) => NonNullable<Packet['deletes']>;

/**
 * A queue of results in work: at most `width` at once, and at most as many finished ones waiting for their turn.
 * Ordered, the results come out as the pieces went in.
 */
export class InFlight<T> {
  readonly #ordered: boolean;
  readonly #limit: number;
  #running = 0;
  readonly #queue: Promise<T>[] = [];
  readonly #done: T[] = [];
  #waiting: (() => void)[] = [];
  #failure: { error: unknown } | undefined;

  constructor(width: number, ordered: boolean) {
    this.#limit = width;
    this.#ordered = ordered;
  }
  get size(): number {
    return this.#queue.length + this.#done.length + (this.#ordered ? 0 : this.#running);
  }
  /** The first error of a piece, or of what takes the results. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }
  /** Whether another piece can be taken in. */
  get room(): boolean {
    return this.#running < this.#limit && this.#queue.length + this.#done.length < 2 * this.#limit;
  }
  add(work: Promise<T>): void {
    this.#running++;
    const settled = work.then(
      value => {
        this.#running--;
        if (!this.#ordered) this.#done.push(value);
        this.#signal();
        return value;
      },
      error => {
        this.#running--;
        this.#failure ??= { error };
        this.#signal();
        throw error;
      },
    );
    settled.catch(() => undefined);
    if (this.#ordered) this.#queue.push(settled);
  }
  #signal(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
  /** What comes out goes nowhere any more: whoever waits for room is woken. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#signal();
  }
  /** Resolves when something has finished, failed, or was taken, since. */
  changed(): Promise<void> {
    if (this.#failure) return Promise.resolve();
    return new Promise(resolve => {
      this.#waiting.push(resolve);
    });
  }
  /** The next result, in order or as done. */
  async next(): Promise<T> {
    if (this.#ordered) {
      const head = this.#queue[0];
      const value = await head;
      this.#queue.shift();
      this.#signal();
      return value;
    }
    while (this.#done.length === 0) {
      if (this.#failure) throw this.#failure.error;
      await this.changed();
    }
    const value = this.#done.shift() as T;
    this.#signal();
    return value;
  }
}

/** Works through a step's (or a worker group's) input until it ends. `steps` are the chain's, in order. */
export async function mapStage(
  steps: readonly PlannedStep[],
  input: Channel<Packet>,
  executor: Executor,
  outlet: Outlet,
  run: RunContext,
): Promise<void> {
  const first = steps[0];
  const rename = renaming(steps);
  const work = async (packet: Packet): Promise<Packet> => {
    if (!packet.upserts?.numRows) return outcome(packet, undefined, rename);
    const piece: ChainInput = { batch: packet.upserts };
    const meter = run.meter(first.id);
    meter.working++;
    const result = await executor.run(piece).finally(() => {
      meter.working--;
    });
    await account(result, steps, run, true);
    return outcome(packet, result, rename);
  };
  const packets = rebatched(first, input, run);

  if (executor.width === 1) {
    for (;;) {
      const next = packets.next();
      const packet = next instanceof Promise ? await next : next;
      if (packet === END) break;
      const sent = outlet.send(await work(packet));
      if (sent) await sent;
      const breath = breathe();
      if (breath) await breath;
    }
    return;
  }

  const flight = new InFlight<Packet>(executor.width, first.order === 'keep');
  let ended = false;
  let failed: { error: unknown } | undefined;
  let wakeEmitter: (() => void) | undefined;
  const nudge = (): void => {
    wakeEmitter?.();
    wakeEmitter = undefined;
  };
  const intake = async (): Promise<void> => {
    try {
      for (;;) {
        while (!flight.room && !flight.failure) await flight.changed();
        if (flight.failure) return;
        const next = packets.next();
        const packet = next instanceof Promise ? await next : next;
        if (packet === END) break;
        flight.add(work(packet));
        nudge();
      }
    } catch (error) {
      failed ??= { error };
    } finally {
      ended = true;
      nudge();
    }
  };
  const emit = async (): Promise<void> => {
    try {
      for (;;) {
        while (flight.size === 0) {
          if (flight.failure) throw flight.failure.error;
          if (ended) return;
          await new Promise<void>(resolve => {
            wakeEmitter = resolve;
          });
        }
        const packet = await flight.next();
        const sent = outlet.send(packet);
        if (sent) await sent;
      }
    } catch (error) {
      failed ??= { error };
      input.fail(error);
      flight.fail(error);
    }
  };
  await Promise.all([intake(), emit()]);
  if (failed) throw (failed as { error: unknown }).error;
}

/** Packets of a channel as the step wants them cut; `next` answers at once where it can. */
export function rebatched(
  step: PlannedStep,
  input: Channel<Packet>,
  run: RunContext,
): { next(): Packet | typeof END | Promise<Packet | typeof END> } {
  const meter = run.meter(step.id);
  if (!step.batch) return { next: () => receive(input, meter) };
  const rebatcher = new Rebatcher(step);
  const ready: Packet[] = [];
  let ended = false;
  let pending: Promise<Packet | typeof END> | undefined;
  const lingerMs = step.batch.lingerMs;
  const next = async (): Promise<Packet | typeof END> => {
    for (;;) {
      const packet = ready.shift();
      if (packet) return packet;
      if (ended) return END;
      pending ??= Promise.resolve(receive(input, meter));
      let got: Packet | typeof END | undefined;
      if (rebatcher.since === undefined) got = await pending;
      else {
        const left = rebatcher.since + lingerMs - performance.now();
        meter.working++;
        got = await within(pending, Math.max(0, left)).finally(() => {
          meter.working--;
        });
        if (got === undefined) {
          ready.push(...rebatcher.linger());
          // what linger keeps back (a run that may go on) waits for the next packet
          if (ready.length === 0) got = await pending;
        }
      }
      if (got === undefined) continue;
      pending = undefined;
      if (got === END) {
        ended = true;
        ready.push(...rebatcher.flush());
      } else ready.push(...rebatcher.push(got));
    }
  };
  return { next: () => ready.shift() ?? next() };
}

/** The promise's value, or undefined after so many milliseconds. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<undefined>(resolve => {
        timer = setTimeout(() => resolve(undefined), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Deletes name rows by key columns: they take the new names of columns that steps rename on the way. */
export function renaming(steps: readonly PlannedStep[]): Renames {
  const names = steps.map(s => s.passes);
  if (names.every(n => Object.entries(n).every(([from, to]) => from === to))) return deletes => deletes;
  return deletes => {
    let batch = deletes;
    for (const passes of names) {
      const known = batch.schema.fields.filter(f => passes[f.name] !== undefined);
      // a key that a step replaces still names the rows by its ancestor's value
      if (known.length)
        batch = renameColumns(batch, Object.fromEntries(known.map(f => [f.name, passes[f.name]])));
    }
    return batch;
  };
}
