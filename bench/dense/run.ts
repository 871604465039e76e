/** Exact and approximate search of vectors against their peers, and the memory that a large index takes to build. */
import { join } from 'node:path';
import { onnxMultiplier } from '../../operators/search/multiply.ts';
import { DenseIndex, type Precision } from '../../src/retrieval/dense/index.ts';
import { scratchFolder } from '../lib/folders.ts';
import type { BenchOptions, BenchReport } from '../lib/report.ts';
import { median, type Timed } from '../lib/timing.ts';
import { measureExact } from './exact.ts';
import { measureGraphs } from './graphs.ts';
import { BATCH, blockOf, build, DIMENSION, K } from './indexes.ts';
import { measureMemory } from './memory.ts';
import { clustered, encoded } from './vectors.ts';

const PRECISIONS = ['f32', 'f16', 'int8'] as const;
const MIB = 2 ** 20;

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const rows = quick ? 20_000 : 100_000;
  const count = quick ? 128 : 256;
  const asked = quick ? 512 : 1024;
  const many = quick ? 100_000 : 1_000_000;
  const scratch = await scratchFolder();
  const product = await onnxMultiplier(1);
  const opened: DenseIndex[] = [];
  const open = async (name: string): Promise<DenseIndex> => {
    const index = await DenseIndex.open(join(scratch.path, name), {
      multiply: product.multiply,
      cacheBytes: 1 << 30,
    });
    opened.push(index);
    return index;
  };
  try {
    log(`int8: ${many.toLocaleString('en-US')} vectors in a process of its own`);
    const memory = await measureMemory(many);
    const texts = encoded('glosses', rows, DIMENSION);
    const questions = encoded('questions', asked, DIMENSION);
    const real = texts && questions ? { vectors: texts, queries: questions } : undefined;
    const made = { vectors: clustered(rows, DIMENSION, 1), queries: clustered(asked, DIMENSION, 2) };
    const { vectors, queries } = real ?? made;

    const sizes: (string | number)[][] = [];
    const indexes = {} as Record<Precision, DenseIndex>;
    for (const precision of PRECISIONS) {
      log(`${precision}: building`);
      const seconds = await build(join(scratch.path, precision), rows, blockOf(vectors), { precision });
      indexes[precision] = await open(precision);
      sizes.push([precision, rows / seconds, indexes[precision].info.bytes / rows]);
    }
    const common = { vectors, queries, folder: scratch.path, log };
    const few = queries.subarray(0, count * DIMENSION);
    const exact = await measureExact({ ...common, queries: few, indexes, repeats: quick ? 3 : 5 });
    const other = real && made;
    const graphs = await measureGraphs({ ...common, other, open, rounds: quick ? 10 : 8 });
    sizes.push(['f32 and graph', ...graphs.built]);

    const rate = (t: Timed, queries: number): number => (queries / median(t.cpu)) * 1000;
    const [f32] = exact.timed;
    return {
      tables: [
        {
          title: `search of ${rows.toLocaleString('en-US')} × ${DIMENSION}, one thread, batches of ${BATCH}, k ${K}`,
          columns: ['', 'queries/s of processor time', 'to f32'],
          rows: [
            ...exact.timed.map(t => [t.name, rate(t, count)] as const),
            ...graphs.timed.map(t => [t.name, rate(t, BATCH)] as const),
          ].map(([name, speed]) => [name, speed, speed / rate(f32, count)]),
        },
        {
          title: 'what the graphs find',
          columns: ['', 'recall@10', 'candidates'],
          rows: graphs.recalls,
        },
        { title: 'building', columns: ['', 'rows/s', 'bytes a row'], rows: sizes },
        {
          title: `memory to build ${many.toLocaleString('en-US')} × ${DIMENSION} of int8`,
          columns: ['base MiB', 'peak MiB', 'seconds'],
          rows: [[Math.round(memory.baseBytes / MIB), Math.round(memory.peakBytes / MIB), memory.seconds]],
        },
      ],
      bars: [
        ...exact.bars,
        ...graphs.bars,
        {
          name: `peak, ${many.toLocaleString('en-US')} int8 vectors`,
          value: memory.peakBytes / MIB,
          bound: 'at most',
          wanted: 1024,
          unit: 'MiB',
        },
      ],
      notes: [
        real
          ? 'vectors of all-MiniLM-L6-v2: glosses of WordNet, searched with questions (SQuAD and NQ-open)'
          : 'unit vectors in clusters, made here, with hardly any near ones; queries of the same kind',
        'the graph looks at as many candidates as its sample asked for; its hits are scored again from the f32 vectors',
        `usearch itself searches the same graph file at the same candidates, or at more where it finds less than ours; the two take turns batch by batch; by the clock the ratio is ${graphs.byClock.toFixed(2)}`,
        'the plain loop runs 16 of the queries, its time is scaled up; ratios are of processor time, so that other work on the machine is not in them; FAISS multiplies by BLAS, its quicker way',
      ],
      missing: [
        ...(real ? [] : ['vectors of texts: npx tsx scripts/distill/distill.ts --check']),
        ...exact.missing,
      ],
    };
  } finally {
    for (const index of opened) index.close();
    await product.close();
    await scratch.remove();
  }
}
