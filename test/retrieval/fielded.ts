/** An index with two fields of text, weighted terms and stored columns, and the documents it is made of. */
import * as fs from 'node:fs';
import fc from 'fast-check';
import {
  type AnalyzerSpec,
  type DocumentBatch,
  SparseIndex,
  SparseIndexWriter,
  type WeightsColumn,
  type WriterOptions,
} from '../../src/retrieval/index.ts';
import { temporaryFolder, textColumn } from './helpers.ts';

export interface FieldedDoc {
  key: string;
  title: string;
  text: string;
  vector: Record<string, number>;
  year: number | null;
  lang: string | null;
}

export const WORDS = ['a', 'b', 'c', 'd', 'e'];
const text = (most: number) => fc.array(fc.constantFrom(...WORDS), { maxLength: most }).map(w => w.join(' '));

/** Weights that 16 bits hold exactly. */
export const weight = fc.constantFrom(0.25, 0.5, 1, 1.5, 2, 3.75);

export const corpus: fc.Arbitrary<FieldedDoc[]> = fc
  .array(
    fc.record({
      title: text(3),
      text: text(8),
      vector: fc.dictionary(fc.constantFrom('x', 'y', 'z', 'a'), weight, { maxKeys: 3 }),
      year: fc.option(fc.integer({ min: 1990, max: 1995 })),
      lang: fc.option(fc.constantFrom('en', 'ko', 'de')),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map(docs => docs.map((doc, i) => ({ key: `k${i}`, ...doc })));

export function weightsColumn(vectors: readonly Record<string, number>[]): WeightsColumn {
  const offsets = new Int32Array(vectors.length + 1);
  const items = vectors.flatMap(v => Object.entries(v));
  vectors.forEach((v, i) => {
    offsets[i + 1] = offsets[i] + Object.keys(v).length;
  });
  return {
    offsets,
    terms: { ...textColumn(items.map(([term]) => term)), nulls: undefined },
    weights: Float64Array.from(items, ([, w]) => w),
  };
}

export function fieldedBatch(docs: readonly FieldedDoc[]): DocumentBatch {
  const nulls = Uint8Array.from(docs, d => (d.year === null ? 1 : 0));
  return {
    rows: docs.length,
    key: { ...textColumn(docs.map(d => d.key)), nulls: undefined },
    fields: {
      title: textColumn(docs.map(d => d.title)),
      text: textColumn(docs.map(d => d.text)),
      vector: weightsColumn(docs.map(d => d.vector)),
    },
    stored: {
      title: { type: 'utf8', ...textColumn(docs.map(d => d.title)) },
      text: { type: 'utf8', ...textColumn(docs.map(d => d.text)) },
      lang: { type: 'utf8', ...textColumn(docs.map(d => d.lang)) },
      year: { type: 'int32', values: Int32Array.from(docs, d => d.year ?? 0), nulls },
    },
  };
}

export interface BuildOptions {
  /** Documents a segment. */
  cut?: number;
  positions?: boolean;
  /** Documents that are added and then deleted. */
  gone?: readonly FieldedDoc[];
  bits?: 8 | 16;
  analyzer?: AnalyzerSpec;
}

/** Builds an index, opens it, and removes it after. */
export async function withFielded<T>(
  docs: readonly FieldedDoc[],
  options: BuildOptions,
  use: (index: SparseIndex) => T | Promise<T>,
): Promise<T> {
  const dir = temporaryFolder();
  const { cut = docs.length, positions = false, gone = [], bits = 16, analyzer = 'whitespace' } = options;
  const writing: WriterOptions = {
    analyzer,
    keyColumn: 'id',
    fields: [
      { name: 'title', kind: 'text' },
      { name: 'text', kind: 'text' },
      { name: 'vector', kind: 'weights', bits },
    ],
    positions,
    memoryBytes: 1,
  };
  try {
    const writer = await SparseIndexWriter.open(dir, writing);
    const all = [...docs, ...gone];
    for (let from = 0; from < all.length; from += cut)
      await writer.add(fieldedBatch(all.slice(from, from + cut)));
    await writer.delete(gone.map(d => d.key));
    await writer.publish((await writer.prepare()).generation);
    const index = await SparseIndex.open(dir);
    try {
      return await use(index);
    } finally {
      index.close();
    }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
