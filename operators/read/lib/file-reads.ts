/**
 * How the plain files of a scan are read. What the system has in memory is read at once: a trip through the thread pool
 * costs several times its copy. Where reads turn out to wait for a disk, they go through the pool, ahead of the work,
 * and are tried at once again after some hundreds.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { breathe } from '../../../src/define/breathe.ts';

/** Bytes of a block of a plain file. */
export const BLOCK_BYTES = 1024 * 1024;

const inPool = { open: promisify(fs.open), read: promisify(fs.read), close: promisify(fs.close) };

/** What a call and its bytes may take out of memory. */
const CALL_MS = 0.1;
const BYTES_PER_MS = 500_000;
/** How much more calls may take in all: a turn of the scheduler or of the collector. */
const SLACK_MS = 5;
/** Calls that go through the pool then. */
const CALLS_IN_POOL = 200;

export class FileReads {
  // buffers go from file to file: made anew for each they would be cleared, and the garbage collector would come for them
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #now: () => number;
  /** What calls took beyond what they may. */
  #late = 0;
  #inPool = 0;

  /** @param now a clock of milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }
  /** Whether files come out of memory as far as is known: reading ahead gains nothing then. */
  get atOnce(): boolean {
    return this.#inPool === 0;
  }

  /** @throws as node:fs does; so do the others */
  async open(path: string): Promise<number> {
    return this.#goesToPool() ? inPool.open(path, 'r') : this.#timed(() => fs.openSync(path, 'r'));
  }
  /** Reads up to the end of a buffer, from a place in the file. @returns bytes read; 0 at its end */
  async read(fd: number, into: Uint8Array<ArrayBuffer>, at: number): Promise<number> {
    return this.#goesToPool()
      ? (await inPool.read(fd, into, 0, into.length, at)).bytesRead
      : this.#timed(
          () => fs.readSync(fd, into, 0, into.length, at),
          bytes => bytes,
        );
  }
  async close(fd: number): Promise<void> {
    return this.#goesToPool() ? inPool.close(fd) : this.#timed(() => fs.closeSync(fd));
  }
  #goesToPool(): boolean {
    if (this.#inPool === 0) return false;
    this.#inPool--;
    return true;
  }
  async #timed<T>(call: () => T, bytesOf: (result: T) => number = () => 0): Promise<T> {
    await breathe();
    const started = this.#now();
    const result = call();
    const may = CALL_MS + bytesOf(result) / BYTES_PER_MS;
    this.#late = Math.max(0, this.#late + this.#now() - started - may);
    if (this.#late > SLACK_MS) {
      this.#inPool = CALLS_IN_POOL;
      this.#late = 0;
    }
    return result;
  }

  /** A buffer of {@link BLOCK_BYTES}. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(BLOCK_BYTES);
  }
  /** Gives a buffer back. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === BLOCK_BYTES) this.#free.push(new Uint8Array(buffer));
  }
}
