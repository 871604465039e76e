/** Bare worker threads that stay warm between repeats. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BareTask } from './bare-worker.ts';

export class BareThreads {
  readonly #workers: readonly Worker[];
  constructor(count: number) {
    this.#workers = Array.from(
      { length: count },
      () => new Worker(new URL('./bare-boot.mjs', import.meta.url), { execArgv: [] }),
    );
  }
  /** One task a thread, all at once. */
  async run(tasks: readonly BareTask[]): Promise<void> {
    await Promise.all(
      tasks.map(async (task, i) => {
        const answer = once(this.#workers[i], 'message');
        this.#workers[i].postMessage(task);
        await answer;
      }),
    );
  }
  async close(): Promise<void> {
    await Promise.all(this.#workers.map(w => w.terminate()));
  }
}
