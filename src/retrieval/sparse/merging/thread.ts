/** A thread that merges segments, one task after the other. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { IndexError } from '../errors.ts';
import { type MergeFailed, type MergeTask, runMerge } from './task.ts';

const port = parentPort as MessagePort;
port.on('message', async (task: MergeTask) => {
  try {
    port.postMessage(await runMerge(task));
  } catch (error) {
    const { message } = error as Error;
    const known = error instanceof IndexError ? { code: error.code, file: error.file } : {};
    port.postMessage({ error: { message, ...known } } satisfies MergeFailed);
  }
});
