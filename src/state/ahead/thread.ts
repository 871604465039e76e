/** The thread that puts entries into a ledger while the run goes on. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ByteWriter } from '../../arrow/index.ts';
import { putPiece } from '../put-piece.ts';
import { openStore } from '../store.ts';
import type { FromFiller, ToFiller } from './protocol.ts';

/** Bytes that are sorted and put at once: the more, the fuller the pages of the store. */
const AT_ONCE = 32 << 20;

const port = parentPort as MessagePort;
const say = (message: FromFiller): void => port.postMessage(message);
const store = openStore((workerData as { path: string }).path);
const waiting = new ByteWriter(4 << 20);
let failed = false;

function put(): void {
  const { bytes, used } = waiting;
  if (used > 0) store.transactionSync(() => putPiece(store, bytes.subarray(0, used)));
  waiting.used = 0;
}

function take(entries: Uint8Array): void {
  if (waiting.used > 0 && waiting.used + entries.length > AT_ONCE) put();
  waiting.put(entries);
  say({ taken: entries.length });
}

async function end(how: 'keep' | 'drop'): Promise<void> {
  if (how === 'keep') {
    put();
    await store.flushed;
  }
  await store.close();
  say({ ended: true });
  port.close();
}

function wrong(error: unknown): void {
  failed = true;
  const { message, code } = error as NodeJS.ErrnoException;
  say({ error: { message, code } });
}

port.on('message', (message: ToFiller) => {
  if ('end' in message) {
    void end(failed ? 'drop' : message.end).catch(wrong);
    return;
  }
  if (failed) return;
  try {
    if ('entries' in message) take(message.entries);
    else {
      put();
      say({ settled: true });
    }
  } catch (error) {
    wrong(error);
  }
});
