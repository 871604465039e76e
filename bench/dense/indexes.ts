/** Indexes of vectors as the bench builds and searches them. */
import {
  type DenseIndex,
  DenseIndexWriter,
  type DenseWriterOptions,
} from '../../src/retrieval/dense/index.ts';

export const DIMENSION = 384;
export const K = 10;
/** Queries that are searched together. */
export const BATCH = 64;
const ROWS = 2048;

/** Writes `rows` vectors, `block(from, to)` at a time, as an index. @returns seconds */
export async function build(
  dir: string,
  rows: number,
  block: (from: number, to: number) => Float32Array,
  options: Partial<DenseWriterOptions> = {},
): Promise<number> {
  const started = performance.now();
  const writer = DenseIndexWriter.open(dir, { keyColumn: 'id', dimension: DIMENSION, ...options });
  for (let from = 0; from < rows; from += ROWS) {
    const to = Math.min(rows, from + ROWS);
    const keys = Array.from({ length: to - from }, (_, i) => Buffer.from(String(from + i).padStart(8, '0')));
    const offsets = Int32Array.from({ length: to - from + 1 }, (_, i) => i * 8);
    await writer.add({
      rows: to - from,
      key: { bytes: Buffer.concat(keys), offsets },
      stored: {},
      vectors: block(from, to),
    });
  }
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
  return (performance.now() - started) / 1000;
}

export const blockOf =
  (vectors: Float32Array) =>
  (from: number, to: number): Float32Array =>
    vectors.subarray(from * DIMENSION, to * DIMENSION);

/** The hits of all queries, in batches. */
export async function searched(
  index: DenseIndex,
  queries: Float32Array,
  exact = false,
): Promise<Int32Array[]> {
  const found: Int32Array[] = [];
  for (let q = 0; q < queries.length; q += BATCH * DIMENSION) {
    const part = queries.subarray(q, q + BATCH * DIMENSION);
    const results = await index.search(part, part.length / DIMENSION, { k: K, exact });
    for (const { docs } of results) found.push(docs);
  }
  return found;
}

/** The share of the true hits that was found. */
export function recallOf(found: readonly ArrayLike<number>[], truth: readonly Int32Array[]): number {
  let hits = 0;
  found.forEach((docs, q) => {
    const wanted = new Set(truth[q]);
    for (let i = 0; i < docs.length; i++) if (wanted.has(docs[i])) hits++;
  });
  return hits / (found.length * K);
}
