/** MaxSim over every token as it came: what compressed and staged search are measured against. */
import type { Multiply } from '../../src/retrieval/dense/index.ts';
import { projected, readCodebook } from '../../src/retrieval/late/codebook.ts';
import { transposed } from '../../src/retrieval/late/nearest.ts';
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
  const search = async (
    vectors: (from: number, to: number) => Float32Array,
    d: number,
    question: Float32Array,
    k: number,
  ): Promise<number[]> => {
    const count = question.length / d;
    const columns = transposed(question, count, d);
    const sums = new Float64Array(rows);
    const top = new Float32Array(count);
    for (let from = 0; from < rows; from += BLOCK) {
      const to = Math.min(rows, from + BLOCK);
      const base = tokens.offsets[from];
      const scores = await multiply(vectors(from, to), tokens.offsets[to] - base, columns, count, d);
      for (let r = from; r < to; r++) {
        top.fill(Number.NEGATIVE_INFINITY);
        for (let t = tokens.offsets[r] - base; t < tokens.offsets[r + 1] - base; t++)
          for (let q = 0; q < count; q++) if (scores[t * count + q] > top[q]) top[q] = scores[t * count + q];
        for (let q = 0; q < count; q++) sums[r] += top[q];
      }
    }
    return best(sums, k);
  };
  return {
    /** At the width of the index. */
    search: async (question: Float32Array, k: number): Promise<number[]> => {
      const cut = await projected(question, question.length / tokens.dimension, book, multiply, false);
      const d = book.dimension;
      return search(
        (from, to) => narrow.subarray(tokens.offsets[from] * d, tokens.offsets[to] * d),
        d,
        cut,
        k,
      );
    },
    /** At the width of the encoder. */
    searchWide: (question: Float32Array, k: number): Promise<number[]> =>
      search(tokens.rows, tokens.dimension, question, k),
  };
}
