/** Exact search against FAISS flat and a plain loop, in turn. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DenseIndex, Precision } from '../../src/retrieval/dense/index.ts';
import { peersFolder } from '../lib/folders.ts';
import { Peer } from '../lib/peer.ts';
import type { Bar } from '../lib/report.ts';
import { cpuRatio, interleave, type Side, type Timed } from '../lib/timing.ts';
import { BATCH, DIMENSION, K, searched } from './indexes.ts';

/** Queries of the plain loop, whose time is scaled up. */
const FEW = 16;

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

export async function measureExact(input: {
  readonly indexes: Readonly<Record<Precision, DenseIndex>>;
  readonly vectors: Float32Array;
  readonly queries: Float32Array;
  readonly folder: string;
  readonly repeats: number;
  readonly log: (message: string) => void;
}): Promise<{ timed: readonly Timed[]; bars: Bar[]; missing: string[] }> {
  const { indexes, vectors, queries, folder, repeats, log } = input;
  const count = queries.length / DIMENSION;
  const sides: Side[] = (Object.entries(indexes) as [Precision, DenseIndex][]).map(([precision, index]) => ({
    name: precision,
    run: async () => {
      await searched(index, queries, true);
      return undefined;
    },
  }));
  sides.push({
    name: 'plain loop',
    run: () => {
      const started = performance.now();
      const before = process.cpuUsage();
      loop(vectors, queries.subarray(0, FEW * DIMENSION));
      const { user, system } = process.cpuUsage(before);
      const scale = count / FEW;
      return { ms: (performance.now() - started) * scale, cpuMs: ((user + system) / 1000) * scale };
    },
  });
  const missing: string[] = [];
  const python = join(peersFolder, 'dense', 'bin', 'python');
  let faiss: Peer | undefined;
  if (existsSync(python)) {
    const [v, q] = ['vectors.f32', 'queries.f32'].map(name => join(folder, name));
    writeFileSync(v, vectors);
    writeFileSync(q, queries);
    const script = fileURLToPath(new URL('peer_faiss.py', import.meta.url));
    const peer = new Peer(python, [script, v, q, String(DIMENSION), String(K), String(BATCH)]);
    await peer.answer();
    sides.push({ name: 'FAISS flat', run: () => peer.ask() });
    faiss = peer;
  } else missing.push('FAISS: bench/dense/install-peers.sh');
  log('exact search');
  const timed = await interleave(sides, { repeats, log });
  faiss?.close();
  const of = (name: string): Timed => timed.find(t => t.name === name) as Timed;
  const bars: Bar[] = [];
  const bar = (name: string, over: string, wanted: number): void => {
    bars.push({ name, value: cpuRatio(of(over), of('f32')), bound: 'at least', wanted, unit: '×' });
  };
  if (faiss) bar('exact f32 over FAISS flat', 'FAISS flat', 0.6);
  bar('exact f32 over a plain loop', 'plain loop', 3);
  return { timed, bars, missing };
}
