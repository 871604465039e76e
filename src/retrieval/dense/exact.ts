/** Exact search over blocks of vectors: a fast product finds candidates, and their scores are worked out anew. */
import { Lowest } from '../lowest.ts';
import { hasBit } from '../sparse/bitmap.ts';

/**
 * Dot products of stored vectors with queries: `rows` × `queries`, row-major. Float arithmetic in any order.
 * @param vectors rows × dimension; @param queries dimension × queries (transposed)
 */
export type Multiply = (
  vectors: Float32Array,
  rows: number,
  queries: Float32Array,
  count: number,
  dimension: number,
) => Float32Array | Promise<Float32Array>;

/** A plain loop: what is used where nothing quicker is given. */
export const plainMultiply: Multiply = (vectors, rows, queries, count, dimension) => {
  const out = new Float32Array(rows * count);
  for (let r = 0; r < rows; r++) {
    const row = r * dimension;
    const to = r * count;
    for (let c = 0; c < dimension; c++) {
      const x = vectors[row + c];
      const from = c * count;
      for (let q = 0; q < count; q++) out[to + q] += x * queries[from + q];
    }
  }
  return out;
};

/**
 * The score of a hit: a dot product in double precision, in a fixed order, so that it is the same however it was found. Four
 * sums side by side: a processor adds them at the same time.
 */
export function exactDot(
  vectors: ArrayLike<number>,
  at: number,
  query: ArrayLike<number>,
  from: number,
  d: number,
): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let e = 0;
  let i = 0;
  for (; i + 3 < d; i += 4) {
    a += vectors[at + i] * query[from + i];
    b += vectors[at + i + 1] * query[from + i + 1];
    c += vectors[at + i + 2] * query[from + i + 2];
    e += vectors[at + i + 3] * query[from + i + 3];
  }
  for (; i < d; i++) a += vectors[at + i] * query[from + i];
  return a + b + (c + e);
}

const ROUNDING = 2 ** -23;

/** How far a float product can be from the exact one: d roundings of terms that sum to at most |x|·|q|. */
export const errorBound = (dimension: number, xNorm: number, qNorm: number): number =>
  (dimension + 2) * ROUNDING * xNorm * qNorm;

/** The length of the longest of some vectors, one after the other. */
export function longest(vectors: Float32Array, dimension: number): number {
  let largest = 0;
  for (let at = 0; at < vectors.length; at += dimension) {
    let squares = 0;
    for (let c = at; c < at + dimension; c++) squares += vectors[c] * vectors[c];
    if (squares > largest) largest = squares;
  }
  return Math.sqrt(largest);
}

/** Rows as columns: d × rows. */
export function transposed(vectors: Float32Array, rows: number, d: number): Float32Array {
  const out = new Float32Array(rows * d);
  for (let r = 0; r < rows; r++) for (let c = 0; c < d; c++) out[c * rows + r] = vectors[r * d + c];
  return out;
}

/** Gathers, for each query, the documents that may be among the k best. */
export class Candidates {
  private readonly k: number;
  private readonly heaps: Lowest[];
  private readonly limits: number[];
  private readonly docs: number[][];
  private readonly approximate: number[][];
  /** A score below `floors[q]` cannot be among the best. */
  private readonly floors: Float64Array;
  private readonly slack: Float64Array;

  /** @param slack twice the error of an approximate score, one a query */
  constructor(queries: number, k: number, slack: Float64Array) {
    this.k = k;
    this.slack = slack;
    this.heaps = Array.from({ length: queries }, () => new Lowest(k));
    this.limits = new Array(queries).fill(4 * k + 1024);
    this.docs = Array.from({ length: queries }, () => []);
    this.approximate = Array.from({ length: queries }, () => []);
    this.floors = new Float64Array(queries).fill(Number.NEGATIVE_INFINITY);
  }

  /** Looks through scores, rows × queries, of documents from `first` on; `allowed` is over the segment's own numbers. */
  scan(
    scores: Float32Array,
    rows: number,
    first: number,
    local: number,
    allowed: Uint8Array | undefined,
  ): void {
    const { floors } = this;
    const count = floors.length;
    for (let r = 0, at = 0; r < rows; r++) {
      if (allowed !== undefined && !hasBit(allowed, local + r)) {
        at += count;
        continue;
      }
      for (let q = 0; q < count; q++, at++) {
        const score = scores[at];
        if (score >= floors[q]) this.take(q, first + r, score);
      }
    }
  }

  /** Looks at one document. */
  offer(q: number, doc: number, score: number): void {
    if (score >= this.floors[q]) this.take(q, doc, score);
  }

  private take(q: number, doc: number, score: number): void {
    const docs = this.docs[q];
    docs.push(doc);
    this.approximate[q].push(score);
    const heap = this.heaps[q];
    heap.offer(score);
    this.floors[q] = heap.value - this.slack[q];
    // what the rising floor has left behind is dropped now and then
    if (docs.length > this.limits[q]) {
      this.prune(q);
      // equal scores stay, however many: the next look is at twice as many
      this.limits[q] = Math.max(4 * this.k + 1024, 2 * this.docs[q].length);
    }
  }

  private prune(q: number): void {
    const floor = this.floors[q];
    const docs: number[] = [];
    const approximate: number[] = [];
    this.approximate[q].forEach((score, i) => {
      if (score < floor) return;
      docs.push(this.docs[q][i]);
      approximate.push(score);
    });
    this.docs[q] = docs;
    this.approximate[q] = approximate;
  }

  /** The documents that may be among the k best of a query. */
  of(q: number): number[] {
    this.prune(q);
    return this.docs[q];
  }
}
