/**
 * Fits token vectors so that the mean of a text's token vectors points where the teacher's vector of the text does.
 * Plain arithmetic in one thread, so the same inputs give the same bytes on every machine.
 */
import type { TokenRows } from '../../src/models/token-rows.ts';

export interface FitOptions {
  readonly epochs: number;
  /** Adam's step, falling to a tenth over the run. */
  readonly rate: number;
  /** How strongly vectors are held where they began. */
  readonly hold: number;
  readonly batch: number;
  readonly seed: number;
  log?(message: string): void;
}

/** A generator of 32-bit numbers (mulberry32). */
export function random32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export function shuffled(n: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const next = random32(seed);
  for (let i = n - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * Minimises 1 - cos(mean of token vectors, target) by Adam over the tokens that occur, in place.
 * @param table tokens × d
 * @param targets rows × d, unit vectors
 */
export function fitTable(
  table: Float32Array,
  d: number,
  rows: TokenRows,
  targets: Float32Array,
  options: FitOptions,
): void {
  const start = table.slice();
  const first = new Float32Array(table.length);
  const second = new Float32Array(table.length);
  const steps = new Int32Array(table.length / d);
  const gradient = new Float32Array(table.length);
  const touched: number[] = [];
  const marked = new Uint8Array(table.length / d);
  const mean = new Float32Array(d);
  const total = options.epochs * Math.ceil(rows.rows / options.batch);
  let step = 0;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = shuffled(rows.rows, options.seed + epoch);
    let loss = 0;
    for (let at = 0; at < order.length; at += options.batch) {
      const rate = options.rate * (1 - (0.9 * step++) / total);
      for (let b = at; b < Math.min(order.length, at + options.batch); b++) {
        const r = order[b];
        const [from, to] = [rows.offsets[r], rows.offsets[r + 1]];
        if (from === to) continue;
        mean.fill(0);
        for (let t = from; t < to; t++) {
          const row = rows.ids[t] * d;
          for (let c = 0; c < d; c++) mean[c] += table[row + c];
        }
        let [norm, dot] = [0, 0];
        for (let c = 0; c < d; c++) {
          norm += mean[c] * mean[c];
          dot += mean[c] * targets[r * d + c];
        }
        norm = Math.sqrt(norm);
        if (norm < 1e-6) continue;
        const cosine = dot / norm;
        loss += 1 - cosine;
        // d(1 - cos)/d(sum), times the number of tokens: a long text pulls each of its tokens as much as a short one
        const scale = (to - from) / norm / options.batch;
        for (let c = 0; c < d; c++) mean[c] = (cosine * (mean[c] / norm) - targets[r * d + c]) * scale;
        for (let t = from; t < to; t++) {
          const id = rows.ids[t];
          const row = id * d;
          if (!marked[id]) {
            marked[id] = 1;
            touched.push(id);
          }
          for (let c = 0; c < d; c++) gradient[row + c] += mean[c] / (to - from);
        }
      }
      for (const id of touched) {
        marked[id] = 0;
        const n = ++steps[id];
        const [c1, c2] = [1 - 0.9 ** n, 1 - 0.999 ** n];
        const row = id * d;
        for (let i = row; i < row + d; i++) {
          const g = gradient[i] + options.hold * (table[i] - start[i]);
          gradient[i] = 0;
          first[i] = 0.9 * first[i] + 0.1 * g;
          second[i] = 0.999 * second[i] + 0.001 * g * g;
          table[i] -= (rate * (first[i] / c1)) / (Math.sqrt(second[i] / c2) + 1e-8);
        }
      }
      touched.length = 0;
    }
    options.log?.(`epoch ${epoch + 1}: mean loss ${(loss / rows.rows).toFixed(4)}`);
  }
}
