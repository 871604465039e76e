/**
 * How the plain files of a scan are read. What the system has in memory is read at once: a trip through the thread pool
 * costs several times its copy. Where reads turn out to wait for a disk, they go through the pool, ahead of the work.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';

/** Bytes of a block of a plain file. */
export const BLOCK_BYTES = 1024 * 1024;

const inPool = { open: promisify(fs.open), read: promisify(fs.read), close: promisify(fs.close) };

/** What reads out of memory may take: the slack is for a turn of the scheduler or the collector. */
const SLACK_MS = 5;
const CALL_MS = 0.1;
const BYTES_PER_MS = 500_000;

export class FileReads {
  // buffers go from file to file: made anew for each they would be cleared, and the garbage collector would come for them
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #took = 0;
  #allowed = SLACK_MS;

  /** Whether files come out of memory as far as is known: reading ahead gains nothing then. */
  get atOnce(): boolean {
    return this.#took <= this.#allowed;
  }

  /** @throws as node:fs does; so do the others */
  async open(path: string): Promise<number> {
    return this.atOnce ? this.#timed(() => fs.openSync(path, 'r')) : inPool.open(path, 'r');
  }
  /** Reads up to the end of a buffer, from a place in the file. @returns bytes read; 0 at its end */
  async read(fd: number, into: Uint8Array<ArrayBuffer>, at: number): Promise<number> {
    if (this.atOnce) return this.#timed(() => fs.readSync(fd, into, 0, into.length, at), into.length);
    return (await inPool.read(fd, into, 0, into.length, at)).bytesRead;
  }
  async close(fd: number): Promise<void> {
    return this.atOnce ? this.#timed(() => fs.closeSync(fd)) : inPool.close(fd);
  }
  #timed<T>(call: () => T, bytes = 0): T {
    const started = performance.now();
    try {
      return call();
    } finally {
      this.#took += performance.now() - started;
      this.#allowed += CALL_MS + bytes / BYTES_PER_MS;
    }
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
