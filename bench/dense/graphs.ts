/** Search by a graph against usearch alone over the same file, at the same recall. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DenseIndex } from '../../src/retrieval/dense/index.ts';
import type { Bar } from '../lib/report.ts';
import { cpuRatio, interleave, ratio, type Timed } from '../lib/timing.ts';
import { BATCH, blockOf, build, DIMENSION, recallOf, searched } from './indexes.ts';
import { Usearch } from './usearch.ts';

const MODEL = { connectivity: 16, expansion: 128, recall: 0.98 };
/** Recalls that count as the same. */
const SAME = 0.001;

export interface Graphs {
  /** A batch each. */
  readonly timed: readonly Timed[];
  /** The ratio to usearch by the clock. */
  readonly byClock: number;
  readonly bars: Bar[];
  /** What was searched, the recall and the candidates. */
  readonly recalls: (string | number)[][];
  readonly built: readonly [rowsPerSecond: number, bytesPerRow: number];
}

export async function measureGraphs(input: {
  readonly vectors: Float32Array;
  readonly queries: Float32Array;
  /** Other vectors and queries, whose recall is measured too. */
  readonly other: { readonly vectors: Float32Array; readonly queries: Float32Array } | undefined;
  readonly folder: string;
  readonly open: (name: string) => Promise<DenseIndex>;
  /** How often all questions are searched. */
  readonly rounds: number;
  readonly log: (message: string) => void;
}): Promise<Graphs> {
  const { vectors, queries, other, folder, open, log } = input;
  const rows = vectors.length / DIMENSION;
  log('building a graph');
  const options = { approximate: MODEL };
  const seconds = await build(join(folder, 'hnsw'), rows, blockOf(vectors), options);
  const index = await open('hnsw');
  const { search } = index.info.graphs[0];
  const truth = await searched(index, queries, true);
  const recall = recallOf(await searched(index, queries), truth);
  const recalls: (string | number)[][] = [['the graph', recall, search]];
  const bars: Bar[] = [{ name: 'recall@10 of the graph', value: recall, bound: 'at least', wanted: 0.98 }];

  if (other) {
    log('building a graph of clustered vectors');
    await build(join(folder, 'clustered'), other.vectors.length / DIMENSION, blockOf(other.vectors), options);
    const second = await open('clustered');
    const best = await searched(second, other.queries, true);
    const value = recallOf(await searched(second, other.queries), best);
    recalls.push(['clustered vectors', value, second.info.graphs[0].search]);
    bars.push({ name: 'recall@10, clustered vectors', value, bound: 'at least', wanted: 0.98 });
  }

  // the writer's own memory holds the graph of so many, so there is one
  const [file] = readdirSync(join(folder, 'hnsw'))
    .filter(name => name.endsWith('.graph'))
    .map(name => join(folder, 'hnsw', name));
  const alone = (candidates: number): { graph: Usearch; recall: number } => {
    const graph = new Usearch(file, MODEL, candidates);
    return { graph, recall: recallOf(graph.found(queries), truth) };
  };
  let peer = alone(search);
  while (peer.recall < recall - SAME && peer.graph.search < 4 * search)
    peer = alone(Math.ceil(peer.graph.search * 1.1));
  recalls.push(['usearch itself', peer.recall, peer.graph.search]);

  log('graph search');
  // turn by turn, each time with other questions than the side before it, whose vectors the cache still holds
  const batches = Math.floor(queries.length / (BATCH * DIMENSION));
  const batch = (turn: number): Float32Array => {
    const at = (turn % batches) * BATCH * DIMENSION;
    return queries.subarray(at, at + BATCH * DIMENSION);
  };
  let [ours, theirs] = [0, batches >> 1];
  const timed = await interleave(
    [
      {
        name: 'hnsw',
        run: async () => {
          await searched(index, batch(ours++));
          return undefined;
        },
      },
      {
        name: 'usearch itself',
        run: () => {
          peer.graph.run(batch(theirs++));
          return undefined;
        },
      },
    ],
    { repeats: input.rounds * batches, warmups: batches, collect: false },
  );
  bars.push({
    name: 'graph over usearch itself',
    value: cpuRatio(timed[1], timed[0]),
    bound: 'at least',
    wanted: 0.9,
    unit: '×',
  });
  return {
    timed,
    byClock: ratio(timed[1], timed[0]),
    bars,
    recalls,
    built: [rows / seconds, index.info.bytes / rows],
  };
}
