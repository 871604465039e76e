/** The best hundred of each question by words and by vectors. */
import { type Encoder, matMulGraph, Session } from '../../src/models/index.ts';
import { transposed } from '../../src/retrieval/dense/exact.ts';
import type { HitList } from '../../src/retrieval/fusion/index.ts';
import { SparseIndex, SparseIndexWriter } from '../../src/retrieval/sparse/index.ts';
import type { Corpus, Question } from './corpora.ts';

export const DEPTH = 100;
const GROUP = 64;

const column = (values: readonly string[]) => {
  const parts = values.map(v => Buffer.from(v));
  const offsets = new Int32Array(values.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i] + part.length;
  });
  return { bytes: Buffer.concat(parts), offsets };
};

/** By words; `similarity` is that of the pipelines, lucene. */
export async function byWords(
  corpus: Corpus,
  dir: string,
): Promise<{ search(questions: readonly Question[]): HitList[]; close(): void }> {
  const writer = await SparseIndexWriter.open(dir, { analyzer: corpus.analyzer, keyColumn: 'id' });
  await writer.add({
    rows: corpus.keys.length,
    key: column(corpus.keys),
    text: column(corpus.texts),
    stored: {},
  });
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
  const index = await SparseIndex.open(dir);
  return {
    search: questions =>
      questions.map(({ text }) => {
        const { docs, scores } = index.search(text, { k: DEPTH });
        return { keys: index.keys(docs), scores };
      }),
    close: () => index.close(),
  };
}

/** By vectors, all looked at. */
export async function byVectors(
  corpus: Corpus,
  passages: Float32Array,
  encoder: Encoder,
  questions: readonly Question[],
): Promise<HitList[]> {
  const d = encoder.dimension;
  const rows = corpus.keys.length;
  const session = await Session.open(matMulGraph(), { threads: 1 });
  const lists: HitList[] = [];
  const { vectors } = await encoder.encode(
    questions.map(q => q.text),
    { side: 'query' },
  );
  for (let from = 0; from < questions.length; from += GROUP) {
    const n = Math.min(GROUP, questions.length - from);
    const b = transposed(vectors.subarray(from * d, (from + n) * d), n, d);
    const { y } = await session.run({
      a: { type: 'float32', data: passages, shape: [rows, d] },
      b: { type: 'float32', data: b, shape: [d, n] },
    });
    const scores = y.data as Float32Array;
    for (let q = 0; q < n; q++) {
      const own = Float32Array.from({ length: rows }, (_, r) => scores[r * n + q]);
      const floor = Float32Array.from(own).sort()[Math.max(0, rows - DEPTH)];
      const best = [...own.keys()].filter(r => own[r] >= floor).sort((x, y) => own[y] - own[x] || x - y);
      const kept = best.slice(0, DEPTH);
      lists.push({ keys: kept.map(r => corpus.keys[r]), scores: kept.map(r => own[r]) });
    }
  }
  await session.close();
  return lists;
}
