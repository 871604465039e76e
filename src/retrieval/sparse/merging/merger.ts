import { Worker } from 'node:worker_threads';
import { IndexError } from '../errors.ts';
import { type Merged, type MergeFailed, type MergeTask, runMerge } from './task.ts';

/** Merges one task at a time: on a thread, started when one is first asked for, or here. */
export class Merger {
  private worker: Worker | undefined;

  /** @throws IndexError */
  async merge(task: MergeTask, threaded: boolean): Promise<Merged> {
    if (!threaded) return runMerge(task);
    this.worker ??= new Worker(new URL('./boot.mjs', import.meta.url), { execArgv: [] });
    const { worker } = this;
    worker.ref();
    try {
      return await new Promise<Merged>((resolve, reject) => {
        worker.removeAllListeners();
        worker.on('error', reject);
        worker.on('exit', () =>
          reject(new IndexError('closed', `${task.path}: the thread that merges has ended`)),
        );
        worker.on('message', (message: Merged | MergeFailed) => {
          if (!('error' in message)) return resolve(message);
          const { code, message: text, file } = message.error;
          reject(code === undefined ? new Error(text) : new IndexError(code, text, file));
        });
        worker.postMessage(task);
      });
    } finally {
      worker.unref();
    }
  }

  /** Ends the thread; a merge under way is refused. */
  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}
