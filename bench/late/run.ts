/** Late interaction on its own terms: compressed ranking against exact MaxSim, what the stages miss, and how quick. */
import { join } from 'node:path';
import { onnxMultiplier } from '../../operators/search/multiply.ts';
import { LateIndex, LateIndexWriter, lateGenerations } from '../../src/retrieval/late/index.ts';
import { scratchFolder } from '../lib/folders.ts';
import type { BenchOptions, BenchReport } from '../lib/report.ts';
import { interleave } from '../lib/timing.ts';
import { exhaustive } from './exhaustive.ts';
import { type EncoderName, tokensOf } from './tokens.ts';

const K = 10;
const WIDTH = 128;

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const parts: BenchReport[] = [];
  // a hundred thousand texts take MiniLM a quarter of an hour once; their vectors are kept beside
  for (const name of ['default', 'all-MiniLM-L6-v2'] as const) {
    log(name);
    parts.push(await measure(name, quick ? 20_000 : 100_000, quick ? 20 : 40, { quick, log }));
  }
  return {
    tables: parts.flatMap(p => p.tables),
    bars: parts.flatMap(p => p.bars),
    notes: [
      ...new Set(parts.flatMap(p => p.notes)),
      'glosses of WordNet, searched with questions (SQuAD and NQ-open); all-MiniLM-L6-v2 by its int8 graph',
      'exhaustive over floats multiplies all tokens with the question by ONNX Runtime; both run a few of the questions, their time is scaled up',
    ],
    missing: parts.flatMap(p => p.missing),
  };
}

async function measure(
  name: EncoderName,
  rows: number,
  count: number,
  { quick, log }: Pick<BenchOptions, 'quick' | 'log'>,
): Promise<BenchReport> {
  const tokens = await tokensOf(name, 'glosses', rows, log);
  const asked = await tokensOf(name, 'questions', 200, log);
  if (!tokens || !asked)
    return { tables: [], bars: [], notes: [], missing: [`${name}: scripts/distill/fetch.sh`] };
  const scratch = await scratchFolder();
  const product = await onnxMultiplier(1);
  try {
    log('building');
    const started = performance.now();
    const writer = LateIndexWriter.open(scratch.path, {
      keyColumn: 'id',
      from: tokens.dimension,
      dimension: WIDTH,
      memoryBytes: 512 << 20,
      multiply: product.multiply,
    });
    for (let from = 0; from < rows; from += 1024) {
      const to = Math.min(rows, from + 1024);
      const keys = Array.from({ length: to - from }, (_, i) =>
        Buffer.from(String(from + i).padStart(8, '0')),
      );
      await writer.add({
        rows: to - from,
        key: {
          bytes: Buffer.concat(keys),
          offsets: Int32Array.from({ length: to - from + 1 }, (_, i) => i * 8),
        },
        stored: {},
        offsets: tokens.offsets.slice(from, to + 1).map(o => o - tokens.offsets[from]),
        vectors: tokens.rows(from, to),
      });
    }
    await writer.publish((await writer.prepare()).generation);
    await writer.close();
    const built = (performance.now() - started) / 1000;
    log(`built in ${built.toFixed(0)} s`);
    const index = await LateIndex.open(scratch.path, { multiply: product.multiply, cacheBytes: 2 << 30 });
    const { codebook } = lateGenerations.find(scratch.path).settings as { codebook: { centroids: number } };
    const all = await exhaustive(tokens, join(scratch.path, codebookOf(scratch.path)), product.multiply, log);
    const questions = Array.from({ length: count }, (_, q) => asked.rows(q, q + 1));
    log('exact MaxSim');
    const exact = await all.search(questions, K);
    const wide = await all.searchWide(questions, K);
    log('compressed and staged');
    const compressed: string[][] = [];
    const staged: string[][] = [];
    for (const q of questions) {
      compressed.push(index.keys((await index.search(q, { k: K, exact: true })).docs));
      staged.push(index.keys((await index.search(q, { k: K })).docs));
    }
    const overlap = (a: readonly (string | number)[][], b: readonly (string | number)[][]): number => {
      let hits = 0;
      a.forEach((found, q) => {
        const wanted = new Set(b[q].map(Number));
        for (const doc of found) if (wanted.has(Number(doc))) hits++;
      });
      return hits / (count * K);
    };
    const few = questions.slice(0, 5);
    const scale = count / few.length;
    const timed = await interleave(
      [
        {
          name: 'staged',
          run: async () => {
            for (const q of questions) await index.search(q, { k: K });
            return undefined;
          },
        },
        {
          name: 'exhaustive, compressed tokens',
          run: async () => {
            const from = performance.now();
            for (const q of few) await index.search(q, { k: K, exact: true });
            return (performance.now() - from) * scale;
          },
        },
        {
          name: 'exhaustive, floats in memory',
          run: async () => {
            const from = performance.now();
            for (const q of few) await all.search([q], K);
            return (performance.now() - from) * scale;
          },
        },
      ],
      { repeats: quick ? 3 : 5, log },
    );
    const { info } = index;
    index.close();
    const [fast, packed, floats] = timed;
    const perToken = info.bytes / info.tokens;
    return {
      tables: [
        {
          title: `${name}: MaxSim over ${rows.toLocaleString('en-US')} passages, ${info.tokens.toLocaleString('en-US')} tokens, ${count} questions, k ${K}, one thread`,
          columns: ['', 'ms a question', 'to staged'],
          rows: timed.map(t => [t.name, t.median / count, t.median / fast.median]),
        },
        {
          title: `${name}: the 10 best, shared with`,
          columns: ['', `exact MaxSim at ${WIDTH}`, `exact MaxSim at ${tokens.dimension}`],
          rows: [
            [`exact at ${WIDTH}`, 1, overlap(exact, wide)],
            ['compressed, all looked at', overlap(compressed, exact), overlap(compressed, wide)],
            ['compressed, staged', overlap(staged, exact), overlap(staged, wide)],
          ],
        },
        {
          title: `${name}: index`,
          columns: ['', ''],
          rows: [
            ['bytes a token, keys and codebook included', perToken],
            ['centroids', codebook.centroids],
            ['tokens/s built', info.tokens / built],
          ],
        },
      ],
      bars: [
        { name: `${name}: bytes a token, 2 bits`, value: perToken, bound: 'at most', wanted: 40 },
        {
          name: `${name}: top 10 shared with exact MaxSim`,
          value: overlap(staged, exact),
          bound: 'at least',
          wanted: 0.95,
        },
        {
          name: `${name}: staged over exhaustive MaxSim`,
          value: Math.min(packed.median, floats.median) / fast.median,
          bound: 'at least',
          wanted: 10,
          unit: '×',
        },
      ],
      notes: [],
      missing: [],
    };
  } finally {
    await product.close();
    await scratch.remove();
  }
}

function codebookOf(dir: string): string {
  return (lateGenerations.find(dir).settings as { codebook: { file: string } }).codebook.file;
}
