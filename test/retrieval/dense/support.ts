/** Rows of vectors for tests of dense indexes, and a search by plain loops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VectorRows } from '../../../src/retrieval/dense/index.ts';
import type { TextColumn } from '../../../src/retrieval/sparse/index.ts';

export function textColumn(values: readonly string[]): TextColumn {
  const parts = values.map(v => Buffer.from(v));
  const offsets = new Int32Array(values.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i] + part.length;
  });
  return { bytes: Buffer.concat(parts), offsets };
}

export interface Row {
  readonly key: string;
  readonly vector: readonly number[];
  readonly doc?: string;
}

export const vectorRows = (rows: readonly Row[]): VectorRows => ({
  rows: rows.length,
  key: textColumn(rows.map(r => r.key)),
  stored: {
    doc: { type: 'utf8', ...textColumn(rows.map(r => r.doc ?? 'd')) },
    size: { type: 'int32', values: Int32Array.from(rows, r => r.vector.length) },
  },
  vectors: rows.flatMap(r => r.vector),
});

/** The best by plain loops, ties by key; vectors of zeros are near nothing, and nothing is near them. */
export const bestOf = (rows: readonly Row[], query: readonly number[], k: number): [string, number][] =>
  rows
    .filter(r => r.vector.some(x => x !== 0) && query.some(x => x !== 0))
    .map((r): [string, number] => [r.key, r.vector.reduce((sum, x, i) => sum + x * query[i], 0)])
    .sort((a, b) => b[1] - a[1] || Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])))
    .slice(0, k);

/** Runs in a folder that is removed after. */
export async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-dense-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
