/**
 * Entries that go into the ledger while the run that makes them goes on, on a thread: those of steps that it does not
 * know yet. Nobody looks for them before a commit record names the steps; where that never comes, they are removed
 * before the next run over these steps.
 */
import { Worker } from 'node:worker_threads';
import { stateError, withState } from '../errors.ts';
import { faultPoint } from '../fault.ts';
import type { FromFiller, ToFiller } from './protocol.ts';

/** Bytes that may be on their way to the thread. */
const MOST_UNDER_WAY = 4 << 20;

export class Ahead {
  readonly #path: string;
  readonly #scratch: string;
  #worker: Worker | undefined;
  #underWay = 0;
  /** How often it was to settle, and has. */
  #asked = 0;
  #settled = 0;
  #ended = false;
  #failure: unknown;
  #waiting: (() => void)[] = [];

  /**
   * @param path of the store
   * @param scratch a folder for what must be sorted on disk
   */
  constructor(path: string, scratch: string) {
    this.#path = path;
    this.#scratch = scratch;
  }

  /** Takes whole entries; their buffer is gone then. Await it: it waits where many are on their way. */
  async add(entries: Buffer): Promise<void> {
    await withState(this.#path, () => faultPoint('ahead'));
    this.#check();
    const worker = this.#started();
    this.#underWay += entries.length;
    const own = new Uint8Array(entries.buffer as ArrayBuffer, entries.byteOffset, entries.length);
    worker.postMessage({ entries: own } satisfies ToFiller, [own.buffer]);
    while (this.#underWay > MOST_UNDER_WAY && this.#failure === undefined) await this.#news();
    this.#check();
  }
  /** All that was added so far can be read from the store. */
  async settle(): Promise<void> {
    if (!this.#worker || this.#ended) return;
    const until = ++this.#asked;
    this.#worker.postMessage({ settle: true } satisfies ToFiller);
    while (this.#settled < until && this.#failure === undefined) await this.#news();
    this.#check();
  }
  /** All that was added is in the store, on disk. */
  async end(): Promise<void> {
    await this.#close('keep');
    this.#check();
  }
  /** Adds nothing more; what is in the store already stays there. */
  async drop(): Promise<void> {
    await this.#close('drop');
  }

  async #close(how: 'keep' | 'drop'): Promise<void> {
    const worker = this.#worker;
    if (!worker || this.#ended) return;
    // never ended from here: a transaction under way would hold the store's lock for good
    worker.postMessage({ end: how } satisfies ToFiller);
    while (!this.#ended) await this.#news();
  }
  #check(): void {
    if (this.#failure === undefined) return;
    // what has no code is a mistake of ours, and no fault of the disk
    const { code } = this.#failure as { code?: unknown };
    throw code === undefined ? this.#failure : stateError(this.#path, this.#failure);
  }
  #news(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }
  #started(): Worker {
    if (this.#worker) return this.#worker;
    const workerData = { path: this.#path, scratch: this.#scratch };
    const worker = new Worker(new URL('./boot.mjs', import.meta.url), { workerData, execArgv: [] });
    const tell = (): void => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    worker.on('message', (message: FromFiller) => {
      if ('taken' in message) this.#underWay -= message.taken;
      else if ('settled' in message) this.#settled++;
      else if ('ended' in message) this.#ended = true;
      else this.#failure ??= Object.assign(new Error(message.error.message), { code: message.error.code });
      tell();
    });
    worker.on('error', error => {
      this.#failure ??= error;
    });
    worker.on('exit', () => {
      if (!this.#ended) this.#failure ??= new Error('the thread that fills it has ended');
      this.#ended = true;
      tell();
    });
    this.#worker = worker;
    return worker;
  }
}
