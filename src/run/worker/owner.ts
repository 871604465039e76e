/** A sink or stream that lives in a worker of its own: one thread owns its state. */

import { encodeBatch } from '../../arrow/index.ts';
import type { Change, Json, Prepared, Report, SinkInstance, StreamInstance } from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { RunContext } from '../context.ts';
import { decodeChange, encodeChange } from './codec.ts';
import type { WireChange } from './protocol.ts';
import { Thread } from './thread.ts';

async function owner(
  step: PlannedStep,
  role: 'sink' | 'stream',
  run: RunContext,
  full: boolean,
  from?: Json,
): Promise<Thread> {
  const thread = new Thread({
    registryUrl: run.registryUrl,
    full,
    from,
    root: run.root,
    steps: [step],
    role,
    signal: run.signal,
    warn: run.warn,
  });
  try {
    await thread.ready;
  } catch (error) {
    await thread.close(0).catch(() => undefined);
    throw error;
  }
  return thread;
}

const write = (thread: Thread, change: Change, input: number): Promise<unknown> => {
  const { wire, transfer } = encodeChange(change);
  return thread.call({ call: 'write', change: wire, input }, transfer);
};

const closeInto = async (thread: Thread, run: RunContext): Promise<void> => {
  run.tempFolders.push(...(await thread.close()));
};

export async function workerSink(
  step: PlannedStep,
  run: RunContext,
  full: boolean,
  from?: Json,
): Promise<SinkInstance> {
  const thread = await owner(step, 'sink', run, full, from);
  return {
    write: async change => {
      await write(thread, change, 0);
    },
    has: async keys => {
      const bytes = encodeBatch(keys);
      return (await thread.call({ call: 'has', keys: bytes }, [bytes])) as Uint8Array | undefined;
    },
    prepare: async () => (await thread.call({ call: 'prepare' })) as Prepared,
    keep: async token => {
      await thread.call({ call: 'keep', token });
    },
    report: async () => (await thread.call({ call: 'report' })) as Report | undefined,
    abort: async () => {
      await thread.call({ call: 'abort' });
    },
    close: () => closeInto(thread, run),
  };
}

export async function workerStream(step: PlannedStep, run: RunContext): Promise<StreamInstance> {
  const thread = await owner(step, 'stream', run, true);
  return {
    process: async (change, input) =>
      ((await write(thread, change, input)) as WireChange[]).map(decodeChange),
    end: async () => ((await thread.call({ call: 'end' })) as WireChange[]).map(decodeChange),
    close: () => closeInto(thread, run),
  };
}
