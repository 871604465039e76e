/** A peer in another process that runs when it is asked to, so that repeats take turns with ours. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Taken } from './timing.ts';

export class Peer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(command: string, args: readonly string[]) {
    // a kernel of BLAS that the environment prescribes would slow it down
    const { OPENBLAS_CORETYPE: _kernel, OPENBLAS_L2_SIZE: _cache, ...env } = process.env;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** The next line that it prints. */
  async answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the peer has ended');
    return JSON.parse(value) as Record<string, unknown>;
  }

  /** Has it do its work once. */
  async ask(): Promise<Taken> {
    this.#child.stdin.write('run\n');
    return (await this.answer()) as unknown as Taken;
  }

  close(): void {
    this.#child.stdin.end();
    this.#reader.close();
  }
}
