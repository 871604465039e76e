/**
 * Commits in the middle of a flow: when one is due the source sends a barrier and waits; each sink that the barrier
 * has reached has written everything before it; then the flow commits, and all go on.
 */
import type { Barrier, Packet } from './packet.ts';

/** How often a run commits. Whichever comes first; neither: only at its end. */
export interface CommitEvery {
  readonly seconds?: number;
  /** Rows of the source. */
  readonly rows?: number;
}

/** A commit may take this share of the time between two: where it takes longer, they come further apart. */
const MOST_SHARE = 0.05;

export class Checkpoints {
  readonly #every: CommitEvery;
  readonly #sinks: number;
  readonly #signal: AbortSignal;
  readonly #commit: () => Promise<void>;
  #rows = 0;
  #since = performance.now();
  #pauseMs: number;

  /** @param commit prepares all sinks and commits; called while nothing moves */
  constructor(every: CommitEvery, sinks: number, signal: AbortSignal, commit: () => Promise<void>) {
    this.#every = every;
    this.#sinks = sinks;
    this.#signal = signal;
    this.#commit = commit;
    this.#pauseMs = (every.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  }

  /** Counts rows of the source; whether it is time for a commit. */
  due(rows: number): boolean {
    this.#rows += rows;
    return this.#rows >= (this.#every.rows ?? Infinity) || performance.now() - this.#since >= this.#pauseMs;
  }

  /** The packet to send; `done` resolves when the commit is over. */
  begin(): { packet: Packet; done: Promise<void> } {
    let waiting = this.#sinks;
    let postponed = false;
    let settle: { resolve: () => void; reject: (error: unknown) => void };
    const done = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const onAbort = (): void => settle.reject(this.#signal.reason);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const barrier: Barrier = {
      arrive: (_step, waits) => {
        postponed ||= waits === true;
        if (--waiting === 0) {
          if (postponed) {
            this.#rows = 0;
            this.#since = performance.now();
            settle.resolve();
            return done;
          }
          const started = performance.now();
          this.#commit().then(
            () => {
              this.#rows = 0;
              this.#since = performance.now();
              const seconds = this.#every.seconds ?? Number.POSITIVE_INFINITY;
              this.#pauseMs = Math.max(seconds * 1000, (this.#since - started) / MOST_SHARE);
              settle.resolve();
            },
            error => settle.reject(error),
          );
        }
        return done;
      },
    };
    if (this.#signal.aborted) onAbort();
    // a source whose barrier could not be sent does not wait for it: the promise may fail with nobody there
    const settled = (): void => this.#signal.removeEventListener('abort', onAbort);
    done.then(settled, settled);
    return { packet: { acks: [], barrier }, done };
  }
}
