/** Worker threads that work through a chain of steps, each with its own copy; pieces go to the one with least to do. */
import { encodeBatch } from '../../arrow/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { ChainInput, ChainResult } from '../chain.ts';
import type { RunContext } from '../context.ts';
import type { Executor } from '../executor.ts';
import { decodeResult } from './codec.ts';
import type { WireResult } from './protocol.ts';
import { Thread } from './thread.ts';

// one piece in work and one on the way, so that a worker never waits for the main thread's answer
const PIECES_PER_WORKER = 2;

export async function workerExecutor(steps: readonly PlannedStep[], run: RunContext): Promise<Executor> {
  const threads = Array.from(
    { length: steps[0].parallel },
    () =>
      new Thread({
        registryUrl: run.registryUrl,
        root: run.root,
        steps,
        role: 'chain',
        signal: run.signal,
        warn: run.warn,
      }),
  );
  const close = async (): Promise<void> => {
    const folders = await Promise.all(threads.map(t => t.close()));
    run.tempFolders.push(...folders.flat());
  };
  try {
    await Promise.all(threads.map(t => t.ready));
  } catch (error) {
    await Promise.allSettled(threads.map(t => t.close(0)));
    throw error;
  }
  return {
    width: threads.length * PIECES_PER_WORKER,
    run: async (input: ChainInput): Promise<ChainResult> => {
      const thread = threads.reduce((a, b) => (b.open < a.open ? b : a));
      if ('batch' in input) {
        const batch = encodeBatch(input.batch);
        return decodeResult((await thread.call({ call: 'batch', batch }, [batch])) as WireResult);
      }
      const raw = exact(input.raw);
      const call = { call: 'raw' as const, raw, meta: input.meta };
      return decodeResult((await thread.call(call, [raw.buffer as ArrayBuffer])) as WireResult);
    },
    close,
  };
}

// what is transferred leaves this thread whole, so a view of a larger or pooled buffer is copied first
const exact = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
