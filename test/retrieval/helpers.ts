import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  type AnalyzerSpec,
  type DocumentBatch,
  type SimilaritySpec,
  SparseIndex,
  SparseIndexWriter,
  type StoredColumn,
  type TextColumn,
} from '../../src/retrieval/index.ts';

export interface Doc {
  key: string;
  text: string | null;
  group?: string | null;
}

export function textColumn(texts: readonly (string | null)[]): TextColumn {
  const encoded = texts.map(t => Buffer.from(t ?? '', 'utf8'));
  const offsets = new Int32Array(texts.length + 1);
  encoded.forEach((bytes, i) => {
    offsets[i + 1] = offsets[i] + bytes.length;
  });
  const nulls = Uint8Array.from(texts, t => (t === null ? 1 : 0));
  return { offsets, bytes: new Uint8Array(Buffer.concat(encoded)), nulls };
}

/** A batch whose stored columns are the text and the group. */
export function batch(docs: readonly Doc[], extra: Record<string, StoredColumn> = {}): DocumentBatch {
  return {
    rows: docs.length,
    key: { ...textColumn(docs.map(d => d.key)), nulls: undefined },
    text: textColumn(docs.map(d => d.text)),
    stored: {
      text: { type: 'utf8', ...textColumn(docs.map(d => d.text)) },
      group: { type: 'utf8', ...textColumn(docs.map(d => d.group ?? null)) },
      ...extra,
    },
  };
}

export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-sparse-'));
}

/** Builds and publishes an index of one call to `add` a part. */
export async function buildIndex(
  dir: string,
  parts: readonly (readonly Doc[])[],
  analyzer: AnalyzerSpec = 'whitespace',
): Promise<void> {
  const writer = await SparseIndexWriter.open(dir, { analyzer, keyColumn: 'id', replace: true });
  for (const part of parts) await writer.add(batch(part));
  const { generation } = await writer.prepare();
  await writer.publish(generation);
}

export async function withIndex<T>(
  parts: readonly (readonly Doc[])[],
  use: (index: SparseIndex, dir: string) => T | Promise<T>,
  analyzer: AnalyzerSpec = 'whitespace',
): Promise<T> {
  const dir = temporaryFolder();
  try {
    await buildIndex(dir, parts, analyzer);
    const index = await SparseIndex.open(dir);
    try {
      return await use(index, dir);
    } finally {
      index.close();
    }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Hits as [key, score], for comparison. */
export function hits(
  index: SparseIndex,
  query: string,
  k: number,
  similarity?: SimilaritySpec,
): [string, number][] {
  const { docs, scores } = index.search(query, { k, similarity });
  return index.keys(docs).map((key, i) => [key, scores[i]]);
}

/** Keys in code point order, as the index breaks ties. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

/** mulberry32: the same numbers for the same seed. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
