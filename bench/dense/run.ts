/** Exact search against FAISS flat and a plain loop, graphs against usearch itself, in one run and in turn. */
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onnxMultiplier } from '../../operators/search/multiply.ts';
import { DenseIndex, DenseIndexWriter, type Precision } from '../../src/retrieval/dense/index.ts';
import { peersFolder, scratchFolder } from '../lib/folders.ts';
import type { BenchOptions, BenchReport } from '../lib/report.ts';
import { cpuRatio, interleave, ratio, type Side, type Timed } from '../lib/timing.ts';
import { Peer } from './peer.ts';
import { clustered, encoded } from './vectors.ts';

const DIMENSION = 384;
const K = 10;
const BATCH = 64;
const MODEL = { connectivity: 16, expansion: 128, recall: 0.98 };

const require = createRequire(import.meta.url);

/** Writes vectors as an index. */
async function build(
  dir: string,
  vectors: Float32Array,
  options: { precision?: Precision; approximate?: typeof MODEL } = {},
): Promise<number> {
  const started = performance.now();
  const writer = DenseIndexWriter.open(dir, { keyColumn: 'id', dimension: DIMENSION, ...options });
  const rows = vectors.length / DIMENSION;
  for (let from = 0; from < rows; from += 2048) {
    const to = Math.min(rows, from + 2048);
    const keys = Array.from({ length: to - from }, (_, i) => Buffer.from(String(from + i).padStart(8, '0')));
    await writer.add({
      rows: to - from,
      key: {
        bytes: Buffer.concat(keys),
        offsets: Int32Array.from({ length: to - from + 1 }, (_, i) => i * 8),
      },
      stored: {},
      vectors: vectors.subarray(from * DIMENSION, to * DIMENSION),
    });
  }
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
  return (performance.now() - started) / 1000;
}

/** The best by a plain loop over all vectors, query by query. */
function loop(vectors: Float32Array, queries: Float32Array): number[][] {
  const rows = vectors.length / DIMENSION;
  const found: number[][] = [];
  const scores = new Float32Array(rows);
  for (let q = 0; q < queries.length; q += DIMENSION) {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let c = 0; c < DIMENSION; c++) sum += vectors[r * DIMENSION + c] * queries[q + c];
      scores[r] = sum;
    }
    const best: number[] = [];
    for (let r = 0; r < rows; r++) {
      if (best.length === K && scores[r] <= scores[best[K - 1]]) continue;
      let at = best.length;
      while (at > 0 && scores[best[at - 1]] < scores[r]) at--;
      best.splice(at, 0, r);
      if (best.length > K) best.pop();
    }
    found.push(best);
  }
  return found;
}

const searched = async (index: DenseIndex, queries: Float32Array, batch: number, exact = false) => {
  const found: Int32Array[] = [];
  for (let q = 0; q < queries.length / DIMENSION; q += batch) {
    const part = queries.subarray(q * DIMENSION, (q + batch) * DIMENSION);
    const results = await index.search(part, part.length / DIMENSION, { k: K, exact });
    found.push(...results.map(r => r.docs));
  }
  return found;
};

/** The share of the true hits that was found. */
function recallOf(found: Int32Array[], truth: Int32Array[]): number {
  let hits = 0;
  found.forEach((docs, q) => {
    const wanted = new Set(truth[q]);
    for (const doc of docs) if (wanted.has(doc)) hits++;
  });
  return hits / (found.length * K);
}

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const rows = quick ? 20_000 : 100_000;
  const count = quick ? 128 : 256;
  const missing: string[] = [];
  const bars: BenchReport['bars'][number][] = [];
  const scratch = await scratchFolder();
  const product = await onnxMultiplier(1);
  const opened: DenseIndex[] = [];
  try {
    const real = encoded('glosses', rows, DIMENSION);
    const asked = encoded('questions', count, DIMENSION);
    if (!real || !asked) missing.push('vectors of texts: npx tsx scripts/distill/distill.ts --check');
    const vectors = real && asked ? real : clustered(rows, DIMENSION, 1);
    const queries = real && asked ? asked : clustered(count, DIMENSION, 2);
    const few = queries.subarray(0, 16 * DIMENSION);
    const open = async (name: string): Promise<DenseIndex> => {
      const index = await DenseIndex.open(join(scratch.path, name), {
        multiply: product.multiply,
        cacheBytes: 1 << 30,
      });
      opened.push(index);
      return index;
    };
    const exact: Partial<Record<Precision, DenseIndex>> = {};
    const sizes: (string | number)[][] = [];
    for (const precision of ['f32', 'f16', 'int8'] as const) {
      log(`${precision}: building`);
      const seconds = await build(join(scratch.path, precision), vectors, { precision });
      exact[precision] = await open(precision);
      sizes.push([precision, rows / seconds, (exact[precision] as DenseIndex).info.bytes / rows]);
    }
    const sides: Side[] = (['f32', 'f16', 'int8'] as const).map(precision => ({
      name: precision,
      run: async () => {
        await searched(exact[precision] as DenseIndex, queries, BATCH);
        return undefined;
      },
    }));
    sides.push({
      name: 'plain loop',
      run: () => {
        const started = performance.now();
        loop(vectors, few);
        return ((performance.now() - started) * count) / 16;
      },
    });
    const python = join(peersFolder, 'dense', 'bin', 'python');
    let faiss: Peer | undefined;
    if (existsSync(python)) {
      const [v, q] = ['vectors.f32', 'queries.f32'].map(name => join(scratch.path, name));
      writeFileSync(v, vectors);
      writeFileSync(q, queries);
      const script = fileURLToPath(new URL('peer_faiss.py', import.meta.url));
      faiss = new Peer(python, [script, v, q, String(DIMENSION), String(K), String(BATCH)]);
      await faiss.answer();
      const peer = faiss;
      sides.push({ name: 'FAISS flat', run: async () => (await peer.ask()).ms as number });
    } else missing.push('FAISS: bench/dense/install-peers.sh');
    log('exact search');
    const timed = await interleave(sides, { repeats: quick ? 3 : 5, log });
    faiss?.close();
    const of = (name: string): Timed | undefined => timed.find(t => t.name === name);
    const rate = (t: Timed): number => (count / t.median) * 1000;
    const [f32, plain, peer] = [of('f32') as Timed, of('plain loop') as Timed, of('FAISS flat')];
    if (peer)
      bars.push({
        name: 'exact f32 over FAISS flat',
        value: ratio(peer, f32),
        bound: 'at least',
        wanted: 0.6,
        unit: '×',
      });
    bars.push({
      name: 'exact f32 over a plain loop',
      value: ratio(plain, f32),
      bound: 'at least',
      wanted: 3,
      unit: '×',
    });

    log('building a graph');
    const seconds = await build(join(scratch.path, 'hnsw'), vectors, { approximate: MODEL });
    const graph = await open('hnsw');
    const truth = await searched(exact.f32 as DenseIndex, queries, BATCH);
    const { search } = graph.info.graphs[0];
    const choices = [
      ['recall@10 of the graph', recallOf(await searched(graph, queries, BATCH), truth), search],
    ];
    if (real && asked) {
      log('building a graph of clustered vectors');
      await build(join(scratch.path, 'clustered'), clustered(rows, DIMENSION, 1), { approximate: MODEL });
      const other = await open('clustered');
      const made = clustered(count, DIMENSION, 2);
      const found = await searched(other, made, BATCH);
      const best = await searched(other, made, BATCH, true);
      choices.push(['recall@10, clustered vectors', recallOf(found, best), other.info.graphs[0].search]);
    }
    const { Index } = require('usearch') as {
      Index: new (
        o: object,
      ) => {
        view(path: string): void;
        search(q: Float32Array, k: number, threads: number): unknown;
      };
    };
    const own = new Index({
      dimensions: DIMENSION,
      metric: 'ip',
      quantization: 'f16',
      connectivity: 16,
      expansion_add: 128,
      expansion_search: search,
    });
    own.view(join(scratch.path, 'hnsw', 'segment-000001.graph'));
    log('graph search');
    const graphs = await interleave(
      [
        {
          name: 'hnsw',
          run: async () => {
            await searched(graph, queries, BATCH);
            return undefined;
          },
        },
        {
          name: 'usearch itself',
          run: () => {
            for (let q = 0; q < count; q += BATCH)
              own.search(queries.subarray(q * DIMENSION, (q + BATCH) * DIMENSION), K, 1);
            return undefined;
          },
        },
      ],
      { repeats: quick ? 5 : 9, log },
    );
    for (const [name, value] of choices)
      bars.push({ name: String(name), value: Number(value), bound: 'at least', wanted: 0.98 });
    bars.push({
      name: 'graph over usearch itself',
      value: cpuRatio(graphs[1], graphs[0]),
      bound: 'at least',
      wanted: 0.9,
      unit: '×',
    });
    sizes.push(['f32 and graph', rows / seconds, graph.info.bytes / rows]);
    return {
      tables: [
        {
          title: `search of ${rows.toLocaleString('en-US')} × ${DIMENSION}, one thread, batches of ${BATCH}, k ${K}`,
          columns: ['', 'queries/s', 'to f32'],
          rows: [...timed, ...graphs].map(t => [t.name, rate(t), rate(t) / rate(f32)]),
        },
        { title: 'what the sample chose', columns: ['', 'recall', 'candidates'], rows: choices },
        { title: 'building', columns: ['', 'rows/s', 'bytes a row'], rows: sizes },
      ],
      bars,
      notes: [
        real && asked
          ? 'vectors of all-MiniLM-L6-v2: glosses of WordNet, searched with questions (SQuAD and NQ-open)'
          : 'unit vectors in clusters, made here, with hardly any near ones; queries of the same kind',
        `the graph looks at ${search} candidates, as its sample asked for; its hits are scored again from the f32 vectors`,
        'the plain loop runs 16 of the queries, its time is scaled up; the graph and usearch are compared by processor time',
      ],
      missing,
    };
  } finally {
    for (const index of opened) index.close();
    await product.close();
    await scratch.remove();
  }
}
