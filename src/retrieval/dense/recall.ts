/** Chooses how far an approximate search must look, by measuring on a sample. */
import { random } from '../random.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import { decodeVectors } from './codec.ts';
import type { ApproximateOptions, DenseSettings } from './dense-writer.ts';
import { exactDot } from './exact.ts';
import { askedFor, Graph } from './graph.ts';

const NEAREST = 10;
const QUERIES = 256;
/** How far down its list a vector's neighbours are taken. */
const NEIGHBOURS = [20, 40];
const LADDER = [
  16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
];
/** Candidates where neighbours of a sampled vector are looked up. */
const LOOKUP = 128;
const BLOCK = 4096;

/**
 * The fewest candidates with which a graph finds the share `recall` of the 10 nearest, measured on 256 queries of two
 * kinds, each of which must reach it. One is as another text of the same subject lies: ⅔ a + ⅔ b − ⅓ c of a vector and
 * its 20th and 40th neighbour. The shares sum to 1 and so do their squares, so of vectors scattered about a centre it is
 * one more of them, no nearer to the centre than they; their plain mean would be, and is found more easily. The other
 * lies between two vectors of any subjects (.8 and .6 of them), as questions lie beside passages.
 */
export async function searchFor(
  segment: RowsSegment,
  settings: DenseSettings,
  options: ApproximateOptions,
  path: string,
): Promise<{ search: number; recall: number }> {
  const queries = sample(segment, settings, options, path);
  const best = await nearest(segment, settings, queries);
  let reached = { search: LADDER[0], recall: 0 };
  for (const search of LADDER) {
    const found = new Graph(path, settings.dimension, options, search).search(queries, askedFor(NEAREST));
    const shares = [0, QUERIES / 2].map(from => {
      let [hits, all] = [0, 0];
      for (let q = from; q < from + QUERIES / 2; q++) {
        const near = new Set(found.docs(q));
        hits += best[q].filter(doc => near.has(doc)).length;
        all += best[q].length;
      }
      return hits / all;
    });
    reached = { search, recall: Math.min(...shares) };
    if (reached.recall >= options.recall) break;
  }
  return reached;
}

function sample(
  segment: RowsSegment,
  settings: DenseSettings,
  options: ApproximateOptions,
  path: string,
): Float32Array {
  const { dimension: d, precision } = settings;
  const { documents } = segment.meta;
  const next = random(documents);
  const vector = (at: number): Float32Array =>
    decodeVectors(segment.readPayload(at, at + 1), 1, precision, d).slice();
  const graph = new Graph(path, d, options, LOOKUP);
  const queries = new Float32Array(QUERIES * d);
  for (let q = 0; q < QUERIES; q++) {
    const a = vector(Math.floor(next() * documents));
    if (q < QUERIES / 2) {
      const near = graph.search(a, NEIGHBOURS[1] + 1).docs(0);
      const [b, c] = NEIGHBOURS.map(n => vector(near[Math.min(n, near.length - 1)] ?? 0));
      for (let i = 0; i < d; i++) queries[q * d + i] = (2 * a[i] + 2 * b[i] - c[i]) / 3;
    } else {
      const b = vector(Math.floor(next() * documents));
      for (let i = 0; i < d; i++) queries[q * d + i] = 0.8 * a[i] + 0.6 * b[i];
    }
  }
  return queries;
}

/** The documents nearest to each query, by looking at all. */
async function nearest(
  segment: RowsSegment,
  settings: DenseSettings,
  queries: Float32Array,
): Promise<number[][]> {
  const { dimension: d, precision } = settings;
  const { documents } = segment.meta;
  const best = Array.from({ length: QUERIES }, () => [] as { doc: number; score: number }[]);
  for (let from = 0; from < documents; from += BLOCK) {
    const to = Math.min(documents, from + BLOCK);
    const vectors = decodeVectors(segment.readPayload(from, to), to - from, precision, d);
    for (let q = 0; q < QUERIES; q++) {
      const found = best[q];
      for (let r = 0; r < to - from; r++) {
        const score = exactDot(vectors, r * d, queries, q * d, d);
        if (found.length === NEAREST && score <= found[NEAREST - 1].score) continue;
        let at = found.length;
        while (at > 0 && found[at - 1].score < score) at--;
        found.splice(at, 0, { doc: from + r, score });
        if (found.length > NEAREST) found.pop();
      }
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  return best.map(found => found.map(({ doc }) => doc));
}
