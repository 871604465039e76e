/** Chooses how far an approximate search must look, by measuring on a sample. */
import { random } from '../random.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import { decodeVectors } from './codec.ts';
import type { ApproximateOptions, DenseSettings } from './dense-writer.ts';
import { exactDot } from './exact.ts';
import { askedFor, Graph } from './graph.ts';

const NEAREST = 10;
/** Queries of each kind. */
const QUERIES = 128;
const LADDER = [
  16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
];
const BLOCK = 4096;

/** Documents of a segment that its graph is measured with before they are put in. */
export class HeldOut {
  /** Ascending. */
  readonly documents: readonly number[];
  readonly vectors: Float32Array;
  private readonly dimension: number;

  constructor(documents: readonly number[], vectors: Float32Array, dimension: number) {
    this.documents = documents;
    this.vectors = vectors;
    this.dimension = dimension;
  }

  has(document: number): boolean {
    return this.documents.includes(document);
  }

  /** Of a block of vectors, from document `from` on, those that are not held out. */
  without(block: Float32Array, from: number): { documents: number[]; vectors: Float32Array } {
    const { dimension: d } = this;
    const all = Array.from({ length: block.length / d }, (_, r) => from + r);
    const documents = all.filter(doc => !this.has(doc));
    if (documents.length === all.length) return { documents, vectors: block };
    const vectors = new Float32Array(documents.length * d);
    documents.forEach((doc, i) => {
      vectors.set(block.subarray((doc - from) * d, (doc - from + 1) * d), i * d);
    });
    return { documents, vectors };
  }
}

const vectorOf = (segment: RowsSegment, settings: DenseSettings, at: number): Float32Array =>
  decodeVectors(segment.readPayload(at, at + 1), 1, settings.precision, settings.dimension);

/** Takes documents at random, the same of the same segment. */
export function heldOut(segment: RowsSegment, settings: DenseSettings): HeldOut {
  const { dimension: d } = settings;
  const count = segment.meta.documents;
  const next = random(count);
  const chosen = new Set<number>();
  while (chosen.size < Math.min(QUERIES, count)) chosen.add(Math.floor(next() * count));
  const documents = [...chosen].sort((a, b) => a - b);
  const vectors = new Float32Array(documents.length * d);
  documents.forEach((doc, i) => {
    vectors.set(vectorOf(segment, settings, doc), i * d);
  });
  return new HeldOut(documents, vectors, d);
}

/**
 * The fewest candidates with which a graph finds the share `recall` of the 10 nearest, by more than the sample's standard
 * error. It is measured with 256 queries of two kinds, each of which must reach it. One is documents that are not in the
 * graph yet: new texts like those that are. The other lies between two vectors of any subjects (.8 and .6 of them), as
 * questions lie beside passages.
 * @param path the graph of all documents but those held out
 */
export async function searchFor(
  segment: RowsSegment,
  settings: DenseSettings,
  options: ApproximateOptions,
  path: string,
  held: HeldOut,
): Promise<{ search: number; recall: number }> {
  const { dimension: d } = settings;
  const kinds = await Promise.all(
    [held.vectors, between(segment, settings)].map(async queries => ({
      queries,
      best: await nearest(segment, settings, queries, held),
    })),
  );
  const shareOf = shares(segment, settings);
  // as many candidates are looked at as hits are asked for; one mapping of the file serves them all
  const graph = new Graph(path, d, options, 1);
  let reached = { search: LADDER[0], recall: 0 };
  for (const search of LADDER) {
    const reaching = kinds.map(kind => {
      const near = graph.search(kind.queries, Math.max(search, askedFor(NEAREST)));
      return meanOf(
        kind.best.map((best, q) => shareOf(best, near.docs(q).slice(0, askedFor(NEAREST)), kind, q)),
      );
    });
    reached = { search, recall: Number(Math.min(...reaching.map(({ mean }) => mean)).toFixed(4)) };
    if (reaching.every(({ mean, error }) => mean - error >= options.recall || mean === 1)) break;
  }
  return reached;
}

interface Scored {
  readonly doc: number;
  readonly score: number;
}

/**
 * Says which share of the nearest was found. What scores as the last of them is as good as that one: of equal vectors a
 * graph may give any.
 */
function shares(segment: RowsSegment, settings: DenseSettings) {
  const vectors = new Map<number, Float32Array>();
  const { dimension: d } = settings;
  return (
    best: readonly Scored[],
    found: readonly number[],
    { queries }: { readonly queries: Float32Array },
    query: number,
  ): number => {
    const last = best[best.length - 1].score;
    const scores = new Map(best.map(({ doc, score }) => [doc, score]));
    const ties = best.filter(({ score }) => score === last).length;
    let above = 0;
    let equal = 0;
    for (const doc of found) {
      let score = scores.get(doc);
      if (score === undefined && equal < ties) {
        let vector = vectors.get(doc);
        if (vector === undefined) {
          vector = vectorOf(segment, settings, doc).slice();
          vectors.set(doc, vector);
        }
        score = exactDot(vector, 0, queries, query * d, d);
      }
      if (score === undefined || score < last) continue;
      if (score > last) above++;
      else equal++;
    }
    return (above + Math.min(equal, ties)) / best.length;
  };
}

/** The mean of some numbers and its standard error. */
function meanOf(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / values.length / values.length) };
}

/** Queries between two documents of any subjects. */
function between(segment: RowsSegment, settings: DenseSettings): Float32Array {
  const { dimension: d } = settings;
  const { documents } = segment.meta;
  const next = random(documents + 1);
  const queries = new Float32Array(QUERIES * d);
  for (let q = 0; q < QUERIES; q++) {
    const a = vectorOf(segment, settings, Math.floor(next() * documents));
    const b = vectorOf(segment, settings, Math.floor(next() * documents));
    for (let i = 0; i < d; i++) queries[q * d + i] = 0.8 * a[i] + 0.6 * b[i];
  }
  return queries;
}

/** The documents nearest to each query of those that are not held out, by looking at all. */
async function nearest(
  segment: RowsSegment,
  settings: DenseSettings,
  queries: Float32Array,
  held: HeldOut,
): Promise<Scored[][]> {
  const { dimension: d, precision } = settings;
  const count = queries.length / d;
  const best = Array.from({ length: count }, () => [] as Scored[]);
  for (let from = 0; from < segment.meta.documents; from += BLOCK) {
    const to = Math.min(segment.meta.documents, from + BLOCK);
    const block = decodeVectors(segment.readPayload(from, to), to - from, precision, d);
    const { documents, vectors } = held.without(block, from);
    for (let q = 0; q < count; q++) {
      const found = best[q];
      for (let r = 0; r < documents.length; r++) {
        const score = exactDot(vectors, r * d, queries, q * d, d);
        if (found.length === NEAREST && score <= found[NEAREST - 1].score) continue;
        let at = found.length;
        while (at > 0 && found[at - 1].score < score) at--;
        found.splice(at, 0, { doc: documents[r], score });
        if (found.length > NEAREST) found.pop();
      }
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  return best;
}
