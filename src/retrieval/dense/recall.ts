/** Chooses how far an approximate search must look, by measuring on a sample. */
import { random } from '../random.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import { decodeVectors } from './codec.ts';
import type { ApproximateOptions, DenseSettings } from './dense-writer.ts';
import { exactDot } from './exact.ts';
import { askedFor, Graph } from './graph.ts';

const NEAREST = 10;
const QUERIES = 128;
/** How far down its list a vector's neighbour is taken. */
const NEIGHBOUR = 20;
const LADDER = [16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
const BLOCK = 4096;

/**
 * The fewest candidates with which a graph finds the share `recall` of the 10 nearest, measured on 128 queries of two
 * kinds, each of which must reach it: between a vector and its 20th neighbour, as another text of the same subject lies;
 * and between two vectors of any subjects (.8 and .6 of them), as questions lie beside passages.
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
        const near = new Set(found[q]);
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
    decodeVectors(segment.readPayload(at, at + 1), 1, precision, d);
  const graph = new Graph(path, d, options, LADDER[4]);
  const queries = new Float32Array(QUERIES * d);
  for (let q = 0; q < QUERIES; q++) {
    const a = vector(Math.floor(next() * documents));
    const near = q < QUERIES / 2;
    const b = near
      ? vector(graph.search(a.slice(), NEIGHBOUR + 1)[0].at(-1) ?? 0)
      : vector(Math.floor(next() * documents));
    for (let c = 0; c < d; c++) queries[q * d + c] = near ? a[c] + b[c] : 0.8 * a[c] + 0.6 * b[c];
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
