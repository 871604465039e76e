/** A search thread: opens the index over the sections that all threads share and answers tasks. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { IndexError } from '../errors.ts';
import { type SearchResult, SparseIndex } from '../sparse-index.ts';
import type { Failed, Found, Task, ThreadData } from './messages.ts';

const { dir, generation, cacheBytes, sections } = workerData as ThreadData;
const index = SparseIndex.openShared(dir, generation, cacheBytes, sections);
const port = parentPort as MessagePort;

function packed(id: number, results: readonly SearchResult[]): Found {
  const starts = new Int32Array(results.length + 1);
  results.forEach(({ docs }, i) => {
    starts[i + 1] = starts[i] + docs.length;
  });
  const total = starts[results.length];
  const found = { id, starts, docs: new Int32Array(total), scores: new Float64Array(total) };
  results.forEach(({ docs, scores }, i) => {
    found.docs.set(docs, starts[i]);
    found.scores.set(scores, starts[i]);
  });
  return found;
}

port.on('message', ({ id, queries, options }: Task) => {
  try {
    const found = packed(
      id,
      queries.map(query => index.search(query, options)),
    );
    port.postMessage(found, [found.starts.buffer, found.docs.buffer, found.scores.buffer]);
  } catch (error) {
    const { message } = error as Error;
    const known = error instanceof IndexError ? { code: error.code, file: error.file } : {};
    port.postMessage({ id, error: { message, ...known } } satisfies Failed);
  }
});
port.postMessage('ready');
