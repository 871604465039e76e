/** MaxSim over every token as it came: what compressed and staged search are measured against. */

import { transposed } from '../../src/retrieval/dense/exact.ts';
import type { Multiply } from '../../src/retrieval/dense/index.ts';
import { projected, readCodebook } from '../../src/retrieval/late/codebook.ts';
import type { Tokens } from './tokens.ts';

/** Passages of one product. */
const BLOCK = 512;

function best(scores: Float64Array, k: number): number[] {
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}

export async function exhaustive(
  tokens: Tokens,
  codebook: string,
  multiply: Multiply,
  log: (line: string) => void,
) {
  const book = readCodebook(codebook);
  const rows = tokens.offsets.length - 1;
  const narrow = new Float32Array(tokens.offsets[rows] * book.dimension);
  log('projecting');
  for (let from = 0; from < rows; from += BLOCK) {
    const to = Math.min(rows, from + BLOCK);
    const part = tokens.rows(from, to);
    const n = tokens.offsets[to] - tokens.offsets[from];
    narrow.set(await projected(part, n, book, multiply), tokens.offsets[from] * book.dimension);
  }
  /** The best of each question; all go together, so vectors are read once. */
  const search = async (
    vectors: (from: number, to: number) => Float32Array,
    d: number,
    questions: readonly Float32Array[],
    k: number,
  ): Promise<number[][]> => {
    const ends = [0];
    for (const q of questions) ends.push(ends[ends.length - 1] + q.length / d);
    const count = ends[questions.length];
    const flat = new Float32Array(count * d);
    questions.forEach((q, i) => {
      flat.set(q, ends[i] * d);
    });
    const columns = transposed(flat, count, d);
    const sums = questions.map(() => new Float64Array(rows));
    const top = new Float32Array(count);
    for (let from = 0; from < rows; from += BLOCK) {
      const to = Math.min(rows, from + BLOCK);
      const base = tokens.offsets[from];
      const scores = await multiply(vectors(from, to), tokens.offsets[to] - base, columns, count, d);
      for (let r = from; r < to; r++) {
        top.fill(Number.NEGATIVE_INFINITY);
        for (let t = tokens.offsets[r] - base; t < tokens.offsets[r + 1] - base; t++)
          for (let q = 0; q < count; q++) if (scores[t * count + q] > top[q]) top[q] = scores[t * count + q];
        for (let i = 0; i < questions.length; i++)
          for (let q = ends[i]; q < ends[i + 1]; q++) sums[i][r] += top[q];
      }
    }
    return sums.map(own => best(own, k));
  };
  return {
    /** At the width of the index. */
    search: async (questions: readonly Float32Array[], k: number): Promise<number[][]> => {
      const d = book.dimension;
      const cut: Float32Array[] = [];
      for (const q of questions)
        cut.push(await projected(q, q.length / tokens.dimension, book, multiply, false));
      return search(
        (from, to) => narrow.subarray(tokens.offsets[from] * d, tokens.offsets[to] * d),
        d,
        cut,
        k,
      );
    },
    /** At the width of the encoder. */
    searchWide: (questions: readonly Float32Array[], k: number): Promise<number[][]> =>
      search(tokens.rows, tokens.dimension, questions, k),
  };
}
