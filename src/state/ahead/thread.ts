/** The thread that puts entries into a ledger while the run goes on. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ByteWriter } from '../../arrow/byte-writer.ts';
import { faultPoint } from '../fault.ts';
import { isEmpty, putPiece } from '../put-piece.ts';
import { eachInTurn, MOST_ENTRIES } from '../sorted-entries.ts';
import { inOrder, SortedRuns } from '../sorted-runs.ts';
import { openStore } from '../store.ts';
import type { FromFiller, ToFiller } from './protocol.ts';

/** Bytes that are sorted at once; what is more goes through runs on disk. */
const AT_ONCE = 32 << 20;
/** Bytes that one transaction puts. */
const PART_BYTES = 4 << 20;

const port = parentPort as MessagePort;
const say = (message: FromFiller): void => port.postMessage(message);
const { path, scratch } = workerData as { path: string; scratch: string };
const store = openStore(path);
const runs = new SortedRuns(scratch);
const waiting = new ByteWriter(4 << 20);
/** Entries that wait. */
let count = 0;
let failed = false;

// all there is: few entries at once, many by runs
function put(): void {
  const piece = waiting.bytes.subarray(0, waiting.used);
  if (!runs.empty && piece.length > 0) runs.add(piece);
  const empty = isEmpty(store);
  for (const part of runs.empty ? inOrder(piece, PART_BYTES) : runs.merged())
    store.transactionSync(() => putPiece(store, part, empty, true));
  runs.close();
  waiting.used = 0;
  count = 0;
}

function take(entries: Uint8Array): void {
  faultPoint('ahead-thread');
  let more = 0;
  eachInTurn(Buffer.from(entries.buffer, entries.byteOffset, entries.length), () => more++);
  if (waiting.used + entries.length > AT_ONCE || count + more > MOST_ENTRIES) {
    if (waiting.used > 0) runs.add(waiting.bytes.subarray(0, waiting.used));
    waiting.used = 0;
    count = 0;
  }
  count += more;
  waiting.put(entries);
  say({ taken: entries.length });
}

async function end(how: 'keep' | 'drop'): Promise<void> {
  try {
    if (how === 'keep') {
      put();
      await store.flushed;
    }
    runs.close();
    await store.close();
    say({ ended: true });
  } finally {
    // whatever happened, the thread is over, which ends every wait for it
    port.close();
  }
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
