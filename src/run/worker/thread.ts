/** One worker thread, seen from the main thread: calls with answers, and a clean word when it dies. */
import { Worker } from 'node:worker_threads';
import { type Json, UserError } from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { StepError } from '../errors.ts';
import { decodeError } from './codec.ts';
import type { Reply, Request, WireError, WorkerSetup } from './protocol.ts';
import { wireStep } from './steps.ts';

// `Omit` over each member of the union, so that a call keeps its own fields
type Call = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

const LEAST_HEAP_MIB = 512;
// how long a call may still take once the run was aborted
const ABORT_GRACE_MS = 2000;

export interface ThreadOptions {
  readonly registryUrl: string;
  readonly root: string;
  readonly steps: readonly PlannedStep[];
  readonly role: WorkerSetup['role'];
  /** What a sink's context says; see `OpenContext.full`. */
  readonly full?: boolean;
  /** See `OpenContext.from`. */
  readonly from?: Json;
  /** Told to the steps in the worker; calls that have no answer soon after it fires fail. */
  readonly signal: AbortSignal;
  warn(step: string, message: string): void;
}

export class Thread {
  readonly #worker: Worker;
  readonly #names: string;
  readonly #step: string;
  readonly #calls = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void }
  >();
  readonly #ready: Promise<void>;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => {
    this.#worker.postMessage({ id: -1, call: 'stop' } satisfies Request);
    for (const id of this.#calls.keys()) this.#hurry(id);
  };
  #next = 0;
  #dead: Error | undefined;
  #closing = false;

  constructor(options: ThreadOptions) {
    const modules = options.steps.flatMap(s => (s.op.module ? [s.op.module] : []));
    const setup: WorkerSetup = {
      registryUrl: options.registryUrl,
      modules: [...new Set(modules)],
      root: options.root,
      steps: options.steps.map(wireStep),
      role: options.role,
      full: options.full ?? true,
      from: options.from,
    };
    this.#step = options.steps[0].id;
    this.#names = options.steps.map(s => `"${s.id}"`).join(', ');
    const share = options.steps.reduce((sum, s) => sum + s.memory, 0);
    this.#worker = new Worker(new URL('./boot.mjs', import.meta.url), {
      workerData: setup,
      // a worker inherits the flags of the process; loaders given there would be set up twice
      execArgv: [],
      // batches live outside the JavaScript heap; what a worker may fill its heap with has an end all the same
      resourceLimits: { maxOldGenerationSizeMb: Math.max(LEAST_HEAP_MIB, Math.ceil(share / 2 ** 20)) },
    });
    let ready: () => void = () => undefined;
    let failed: (error: unknown) => void = () => undefined;
    this.#ready = new Promise((resolve, reject) => {
      ready = resolve;
      failed = reject;
    });
    this.#ready.catch(() => undefined);
    this.#worker.on('message', (reply: Reply | { id: -2; ok: false; error: WireError }) => {
      if (reply.id === -1)
        options.warn((reply as { step: string }).step, (reply as { warning: string }).warning);
      else if (reply.id === -2) {
        if ('error' in reply) failed(this.#named(decodeError(reply.error)));
        else ready();
      } else {
        const call = this.#calls.get(reply.id);
        this.#calls.delete(reply.id);
        const answer = reply as { ok: true; value: unknown } | { ok: false; error: WireError };
        if (answer.ok) call?.resolve(answer.value);
        else call?.reject(this.#named(decodeError(answer.error)));
      }
    });
    const die = (why: string, cause?: unknown): void => {
      if (this.#dead || this.#closing) return;
      this.#dead = new StepError(this.#step, `the worker of ${this.#names} ${why}`, {
        cause,
        help: 'run the step with where: "main" to see the error itself, or give it smaller batches',
      });
      failed(this.#dead);
      for (const call of this.#calls.values()) call.reject(this.#dead);
      this.#calls.clear();
    };
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      die(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'ran out of memory' : `died: ${error.message}`, error);
    });
    this.#worker.on('exit', code => die(`ended with code ${code} in the middle of its work`));
    this.#signal = options.signal;
    if (this.#signal.aborted) this.#onAbort();
    else this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Gives a call a last moment: a step that never answers must not hold an aborted run. */
  #hurry(id: number): void {
    setTimeout(() => {
      this.#calls.get(id)?.reject(this.#signal.reason);
      this.#calls.delete(id);
    }, ABORT_GRACE_MS).unref();
  }

  #named(error: Error): Error {
    if (error instanceof StepError) return error;
    const help = error instanceof UserError ? error.help : undefined;
    return new StepError(this.#step, error.message, { help, cause: error });
  }

  /** Resolves when the worker has opened its steps. */
  get ready(): Promise<void> {
    return this.#ready;
  }
  /** Calls that wait for an answer. */
  get open(): number {
    return this.#calls.size;
  }

  call(request: Call, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id }, transfer as ArrayBuffer[]);
      if (this.#signal.aborted) this.#hurry(id);
    });
  }

  /** Closes what is open in it and ends it; a worker that does not answer within `graceMs` is ended all the same. */
  async close(graceMs = 5000): Promise<readonly string[]> {
    if (this.#dead) return [];
    let folders: readonly string[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#ready;
      const late = new Promise<undefined>(resolve => {
        timer = setTimeout(() => resolve(undefined), graceMs);
      });
      folders = ((await Promise.race([this.call({ call: 'close' }), late])) ?? []) as readonly string[];
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', this.#onAbort);
      this.#closing = true;
      await this.#worker.terminate();
    }
    return folders;
  }
}
