/** A question's tokens against centroids and compressed tokens. */
import type { Codebook } from './codebook.ts';
import { factorOf, levelBytes, tokensOf } from './codec.ts';

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
  /** Centroids no token of the question has this cosine to are passed over at first. */
  readonly threshold: number;
  /** Passages that are scored by all their centroids; a quarter of them by their tokens. */
  readonly candidates: number;
}

/**
 * By the number of hits. Wider than PLAID's (1, 2 or 4 cells; 256, 1,024 or 4,096 candidates), which are for vectors that
 * ColBERT trained apart: those of other encoders lie closer together, and one cell missed a fifth of the best.
 */
export const stagesFor = (k: number): StageOptions =>
  k <= 10
    ? { cells: 4, threshold: 0.3, candidates: 1024 }
    : k <= 100
      ? { cells: 4, threshold: 0.3, candidates: 2048 }
      : { cells: 8, threshold: 0.25, candidates: Math.max(4 * k, 4096) };

export const lengthsOf = (vectors: Float32Array, d: number): Float64Array =>
  Float64Array.from({ length: vectors.length / d }, (_, q) => {
    let squares = 0;
    for (let c = q * d; c < (q + 1) * d; c++) squares += vectors[c] ** 2;
    return Math.sqrt(squares);
  });

/** Scores compressed tokens: products with centroids are there, those with levels are sums of one entry a byte. */
export class Residuals {
  private readonly question: Question;
  private readonly book: Codebook;
  private readonly width: number;
  /** bytes × 256 × count. */
  private readonly table: Float32Array;
  private readonly best: Float32Array;
  private readonly sums: Float32Array;

  constructor(question: Question, book: Codebook) {
    const { count, tokens } = question;
    const { dimension: d, bits, levels } = book;
    this.question = question;
    this.book = book;
    this.width = levelBytes(book);
    this.table = new Float32Array(this.width * 256 * count);
    this.best = new Float32Array(count);
    this.sums = new Float32Array(count);
    const perByte = 8 / bits;
    const mask = (1 << bits) - 1;
    for (let b = 0; b < this.width; b++) {
      for (let value = 0; value < 256; value++) {
        const at = (b * 256 + value) * count;
        for (let i = 0; i < perByte && b * perByte + i < d; i++) {
          const c = b * perByte + i;
          const level = levels[(c << bits) + ((value >> (i * bits)) & mask)];
          for (let q = 0; q < count; q++) this.table[at + q] += level * tokens[q * d + c];
        }
      }
    }
  }

  /** MaxSim of a payload, in floats. */
  score(payload: Uint8Array): number {
    const { best, sums, table, width } = this;
    const { count, scores } = this.question;
    const n = tokensOf(payload.length, this.book);
    best.fill(Number.NEGATIVE_INFINITY);
    for (let t = 0; t < n; t++) {
      const base = (payload[2 * t] | (payload[2 * t + 1] << 8)) * count;
      for (let q = 0; q < count; q++) sums[q] = scores[base + q];
      const from = 4 * n + t * width;
      for (let b = 0; b < width; b++) {
        const at = ((b << 8) | payload[from + b]) * count;
        for (let q = 0; q < count; q++) sums[q] += table[at + q];
      }
      const factor = factorOf(payload, n, t);
      for (let q = 0; q < count; q++) {
        const score = sums[q] * factor;
        if (score > best[q]) best[q] = score;
      }
    }
    let sum = 0;
    for (let q = 0; q < count; q++) sum += best[q];
    return sum;
  }
}
