import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { IndexError } from '../errors.ts';
import type { Query } from '../query/types.ts';
import { checkK, type SearchOptions, type SearchResult, SparseIndex } from '../sparse-index.ts';
import type { Failed, Found, Task, ThreadData } from './messages.ts';

export interface PoolOptions {
  /** Worker threads; default one a processor. */
  threads?: number;
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Memory for impacts that queries come back to, all threads together; default 256 MiB. */
  cacheBytes?: number;
}

/** Queries that go to a thread at once: enough that messages do not count, few enough that threads end together. */
const CHUNK = 32;
/** Tasks a thread has at a time: one in work, one waiting. */
const AHEAD = 2;

interface Call {
  readonly queries: readonly Query[];
  readonly options: SearchOptions;
  readonly results: SearchResult[];
  next: number;
  left: number;
  resolve(results: SearchResult[]): void;
  reject(error: Error): void;
}

interface Given {
  readonly call: Call;
  readonly first: number;
}

/**
 * Batches of queries over worker threads that read one copy of the index: postings, dictionaries, keys and lengths lie in
 * SharedArrayBuffers. Results are those of `SparseIndex.search`, bit for bit. Close it when done.
 */
export class SearchPool {
  /** The index on this thread, over the same memory: rows, keys, explanations. */
  readonly index: SparseIndex;
  readonly threads: number;
  private readonly workers: Worker[];
  private readonly busy: number[];
  private readonly given = new Map<number, Given>();
  private readonly calls: Call[] = [];
  private nextId = 0;
  private failure: Error | undefined;

  private constructor(index: SparseIndex, workers: Worker[]) {
    this.index = index;
    this.workers = workers;
    this.threads = workers.length;
    this.busy = workers.map(() => 0);
    workers.forEach((worker, w) => {
      worker.on('message', (message: Found | Failed) => this.take(w, message));
      worker.on('error', error => this.fail(error as Error));
      worker.on('exit', () => this.fail(new IndexError('closed', `${index.dir}: a search thread has ended`)));
    });
  }

  /** Loads the index into shared memory and starts the threads. Throws as `SparseIndex.open` does. */
  static async open(dir: string, options: PoolOptions = {}): Promise<SearchPool> {
    const { threads = availableParallelism(), generation, cacheBytes = 256 << 20 } = options;
    if (!Number.isInteger(threads) || threads < 1)
      throw new IndexError('argument', `threads is ${threads}, wanted a whole number of at least 1`);
    const sections = new Map<string, SharedArrayBuffer>();
    const index = await SparseIndex.open(dir, { generation, preload: true, cacheBytes: 0, shared: sections });
    const workers: Worker[] = [];
    try {
      index.loadAll();
      const workerData: ThreadData = {
        dir,
        generation: index.info.generation,
        cacheBytes: Math.floor(cacheBytes / threads),
        sections,
      };
      for (let t = 0; t < threads; t++)
        workers.push(new Worker(new URL('./boot.mjs', import.meta.url), { workerData, execArgv: [] }));
      await Promise.all(workers.map(ready));
    } catch (error) {
      index.close();
      await Promise.all(workers.map(w => w.terminate()));
      throw error;
    }
    return new SearchPool(index, workers);
  }

  /** The best documents for each query, in order of the queries. Throws IndexError as `SparseIndex.search` does. */
  search(queries: readonly Query[], options: SearchOptions): Promise<SearchResult[]> {
    checkK(options.k);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (queries.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const results = new Array<SearchResult>(queries.length);
      this.calls.push({ queries, options, results, next: 0, left: queries.length, resolve, reject });
      this.give();
    });
  }

  /** Ends the threads; searches under way are refused. */
  async close(): Promise<void> {
    this.fail(new IndexError('closed', `${this.index.dir}: the pool is closed`));
    await Promise.all(this.workers.map(worker => worker.terminate()));
    this.index.close();
  }

  /** Hands out work, the least busy thread first. */
  private give(): void {
    while (this.calls.length > 0) {
      const call = this.calls[0];
      const least = Math.min(...this.busy);
      if (least >= AHEAD) return;
      const w = this.busy.indexOf(least);
      const share = Math.ceil(call.queries.length / (this.threads * AHEAD));
      const queries = call.queries.slice(call.next, call.next + Math.min(CHUNK, share));
      const id = this.nextId++;
      this.given.set(id, { call, first: call.next });
      call.next += queries.length;
      if (call.next >= call.queries.length) this.calls.shift();
      this.busy[w]++;
      this.workers[w].postMessage({ id, queries, options: call.options } satisfies Task);
    }
  }

  private take(w: number, message: Found | Failed): void {
    const { call, first } = this.given.get(message.id) as Given;
    this.given.delete(message.id);
    this.busy[w]--;
    if ('error' in message) {
      const { code, message: text, file } = message.error;
      const waiting = this.calls.indexOf(call);
      if (waiting >= 0) this.calls.splice(waiting, 1);
      call.reject(code === undefined ? new Error(text) : new IndexError(code, text, file));
    } else {
      const { starts, docs, scores } = message;
      for (let i = 0; i + 1 < starts.length; i++)
        call.results[first + i] = {
          docs: docs.slice(starts[i], starts[i + 1]),
          scores: scores.slice(starts[i], starts[i + 1]),
        };
      call.left -= starts.length - 1;
      if (call.left === 0) call.resolve(call.results);
    }
    this.give();
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const call of new Set([...this.calls, ...[...this.given.values()].map(g => g.call)]))
      call.reject(error);
    this.calls.length = 0;
    this.given.clear();
  }
}

/** Waits until a thread has opened the index. */
function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => {
      worker.off('error', reject);
      resolve();
    });
    worker.once('error', reject);
  });
}
