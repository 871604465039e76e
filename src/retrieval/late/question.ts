/** A question's tokens against centroids and compressed tokens. */
import type { Codebook } from './codebook.ts';
import { decodeToken, tokensOf } from './codec.ts';
import type { Products } from './products.ts';

export interface Question {
  /** count × dimension. */
  readonly tokens: Float32Array;
  readonly count: number;
  readonly lengths: Float64Array;
  /** centroids × count: dot products. */
  readonly scores: Float32Array;
}

/** How far the stages of a search look. */
export interface StageOptions {
  /** Centroids whose passages are looked at, for each token of the question. */
  readonly cells: number;
  /** Passages that are scored by their tokens, at most: the best by centroids, of 16 times as many that cells give. */
  readonly candidates: number;
}

/**
 * By the number of hits. Wider than PLAID's (1, 2 or 4 cells; 256, 1,024 or 4,096 candidates), which are for vectors that
 * ColBERT trained apart: those of other encoders lie closer together.
 */
export const stagesFor = (k: number): StageOptions => ({
  cells: 64,
  candidates: k <= 100 ? 2048 : Math.max(4 * k, 4096),
});

export const lengthsOf = (vectors: Float32Array, d: number): Float64Array =>
  Float64Array.from({ length: vectors.length / d }, (_, q) => {
    let squares = 0;
    for (let c = q * d; c < (q + 1) * d; c++) squares += vectors[c] ** 2;
    return Math.sqrt(squares);
  });

/** What floats may be wrong by for a token of length 1: far more than they are. */
const FLOATS = 1e-4;

/** Scores compressed tokens: products with centroids are there, those with residuals are summed number by number. */
export class Residuals {
  private readonly question: Question;
  private readonly book: Codebook;
  private readonly products: Products;

  /** @param products of the same codebook; holds this question until it is given another */
  constructor(question: Question, book: Codebook, products: Products) {
    this.question = question;
    this.book = book;
    this.products = products;
    products.load(question);
  }

  /** MaxSim of a payload, in floats. */
  score(payload: Uint8Array): number {
    const best = this.products.best(payload);
    let sum = 0;
    for (let q = 0; q < this.question.count; q++) sum += best[q];
    return sum;
  }

  /**
   * MaxSim of a payload in double precision, in a fixed order: of each token of the question with those that floats say are
   * nearest, as nearly as they can tell.
   */
  exact(payload: Uint8Array): number {
    const { count, tokens, lengths } = this.question;
    const d = this.book.dimension;
    const n = tokensOf(payload.length, this.book);
    const best = this.products.best(payload);
    const vectors = new Map<number, Float32Array>();
    let sum = 0;
    for (let q = 0; q < count; q++) {
      const floor = best[q] - FLOATS * lengths[q];
      let greatest = Number.NEGATIVE_INFINITY;
      for (let t = 0; t < n; t++) {
        if (this.products.of(t, n, q) < floor) continue;
        let vector = vectors.get(t);
        if (vector === undefined) {
          vector = decodeToken(payload, n, t, this.book);
          vectors.set(t, vector);
        }
        let dot = 0;
        for (let c = 0; c < d; c++) dot += tokens[q * d + c] * vector[c];
        if (dot > greatest) greatest = dot;
      }
      sum += greatest;
    }
    return sum;
  }
}
