/** Token vectors that are not compressed: every one is looked at, and scores are exact. */
import { Candidates, errorBound, exactDot, type Multiply, transposed } from '../dense/exact.ts';
import { hasBit } from '../sparse/bitmap.ts';
import type { OpenRows } from '../store/rows-index.ts';
import { fromHalves } from './halves.ts';
import { lengthsOf } from './question.ts';

/** Products that are made at once. */
const PRODUCTS = 1 << 20;
/** A token's length is 1, but for what halves round. */
const LONGEST = 1.01;

export class PlainTokens {
  /** tokens × width, all documents one after the other. */
  private readonly vectors: Float32Array;
  /** First token of each document, and how many there are in all. */
  private readonly firsts: Int32Array;
  private readonly segments: readonly OpenRows[];
  private readonly width: number;

  /** @param width numbers of a vector */
  constructor(segments: readonly OpenRows[], width: number) {
    this.segments = segments;
    this.width = width;
    const documents = segments.reduce((sum, s) => sum + s.documents, 0);
    this.firsts = new Int32Array(documents + 1);
    const bytes = segments.reduce((sum, { segment }) => sum + segment.payload.length, 0);
    this.vectors = new Float32Array(bytes / 2);
    let at = 0;
    for (const { segment, first, documents: count } of segments) {
      for (let d = 0; d < count; d++) {
        const [, end] = segment.payloadRange(d, d + 1);
        this.firsts[first + d + 1] = at + end / (2 * width);
      }
      const numbers = fromHalves(segment.readPayload(0, count));
      this.vectors.set(numbers, at * width);
      at += numbers.length / width;
    }
  }

  get tokens(): number {
    return this.firsts[this.firsts.length - 1];
  }

  /** The vectors of a document. */
  of(document: number): Float32Array {
    return this.vectors.subarray(this.firsts[document] * this.width, this.firsts[document + 1] * this.width);
  }

  /**
   * Documents that may be among the `k` best by MaxSim, each with its score in double precision, in a fixed order.
   * @param question tokens × width
   */
  async search(
    question: Float32Array,
    k: number,
    allowed: readonly (Uint8Array | undefined)[],
    multiply: Multiply,
  ): Promise<{ doc: number; score: number }[]> {
    const { width, firsts } = this;
    const lengths = lengthsOf(question, width);
    const count = lengths.length;
    // terms of a sum, and the sum of tokens' greatest: what floats may be wrong by
    const error = lengths.reduce((sum, length) => sum + errorBound(width + count, LONGEST, length), 0);
    const near = new Candidates(1, k, Float64Array.of(2 * error));
    const columns = transposed(question, count, width);
    const most = Math.max(1, Math.floor(PRODUCTS / count));
    for (const [s, { first, documents }] of this.segments.entries())
      for (let from = 0; from < documents; ) {
        let to = from + 1;
        while (to < documents && firsts[first + to + 1] - firsts[first + from] <= most) to++;
        await this.block(first + from, first + to, columns, count, multiply, (doc, score) => {
          if (allowed[s] === undefined || hasBit(allowed[s], doc - first)) near.offer(0, doc, score);
        });
        from = to;
      }
    return near.of(0).map(doc => ({ doc, score: this.score(doc, question, count) }));
  }

  /** MaxSim, in floats, of documents that have tokens. */
  private async block(
    from: number,
    to: number,
    columns: Float32Array,
    count: number,
    multiply: Multiply,
    look: (doc: number, score: number) => void,
  ): Promise<void> {
    const { firsts, width } = this;
    const first = firsts[from];
    const tokens = firsts[to] - first;
    if (tokens === 0) return;
    const vectors = this.vectors.subarray(first * width, firsts[to] * width);
    const products = await multiply(vectors, tokens, columns, count, width);
    const best = new Float32Array(count);
    for (let doc = from; doc < to; doc++) {
      if (firsts[doc] === firsts[doc + 1]) continue;
      best.fill(Number.NEGATIVE_INFINITY);
      for (let t = firsts[doc] - first; t < firsts[doc + 1] - first; t++)
        for (let q = 0, at = t * count; q < count; q++, at++)
          if (products[at] > best[q]) best[q] = products[at];
      let sum = 0;
      for (let q = 0; q < count; q++) sum += best[q];
      look(doc, sum);
    }
  }

  private score(document: number, question: Float32Array, count: number): number {
    const { width, firsts, vectors } = this;
    let sum = 0;
    for (let q = 0; q < count; q++) {
      let greatest = Number.NEGATIVE_INFINITY;
      for (let t = firsts[document]; t < firsts[document + 1]; t++) {
        const dot = exactDot(vectors, t * width, question, q * width, width);
        if (dot > greatest) greatest = dot;
      }
      sum += greatest;
    }
    return sum;
  }
}
