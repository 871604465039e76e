/** Products of compressed tokens with a question's, up to 16 of the question's tokens at a time, by WebAssembly. */
import {
  add,
  addF32,
  advance,
  and,
  assemble,
  get,
  i32,
  kernel,
  load8U,
  load16U,
  load32Splat,
  loadV,
  loopWhile,
  ltU,
  maxF32,
  mul,
  mulF32,
  set,
  shl,
  shrU,
  storeV,
  zeroV,
} from '../../wasm/assembler.ts';
import { type Memory, WebAssembly } from '../../wasm/webassembly.ts';
import type { Codebook } from './codebook.ts';
import { shareBytes, shareOf, tokensOf, widthOf } from './codec.ts';
import { normIn, sizeIn } from './gains.ts';
import type { Question } from './question.ts';
import { STATES, windowOf } from './trellis.ts';

/** Vectors of four floats that go together, at most. */
const VECTORS = 4;
const PAGE = 65536;
/** Where tables are that no question changes: values of states, sizes of gains, norms of gains. */
const SIZES = 4 * STATES;
const NORMS = SIZES + 4 * 256;
const FREE = NORMS + 4 * 256;

/**
 * For each of n tokens, to `out`: the products of its residual, number by number, times its size, with its centroid's and
 * its passage's, times its norm. What is greatest of each lane, to `best`.
 */
const products = (d: number, bits: number, vectors: number) => {
  const all = Array.from({ length: vectors }, (_, i) => i);
  const rowBytes = 16 * vectors;
  return kernel(
    `products${vectors}`,
    {
      payload: 'i32',
      n: 'i32',
      scores: 'i32',
      share: 'i32',
      tokens: 'i32',
      out: 'i32',
      best: 'i32',
    },
    {
      codes: 'i32',
      end: 'i32',
      gains: 'i32',
      gain: 'i32',
      numbers: 'i32',
      at: 'i32',
      factor: 'v128',
      sum0: 'v128',
      sum1: 'v128',
      sum2: 'v128',
      sum3: 'v128',
      best0: 'v128',
      best1: 'v128',
      best2: 'v128',
      best3: 'v128',
    },
    undefined,
    v => {
      const width = widthOf({ dimension: d, bits: bits as 1 | 2 });
      const sums = [v.sum0, v.sum1, v.sum2, v.sum3];
      const bests = [v.best0, v.best1, v.best2, v.best3];
      const number = (c: number) => {
        const { byte, shift, mask } = windowOf(c, d, bits);
        const two = load16U(get(v.numbers), byte);
        // the state times 4, for its value's address
        const state = shift >= 2 ? shrU(two, i32(shift - 2)) : shl(two, i32(2 - shift));
        return [
          set(v.factor, load32Splat(and(state, i32(mask << 2)))),
          ...all.map(i =>
            set(
              sums[i],
              addF32(get(sums[i]), mulF32(get(v.factor), loadV(get(v.tokens), c * rowBytes + 16 * i))),
            ),
          ),
        ];
      };
      return [
        set(v.codes, get(v.payload)),
        set(v.end, add(get(v.payload), shl(get(v.n), i32(1)))),
        set(v.gains, get(v.end)),
        set(v.numbers, add(get(v.end), get(v.n))),
        ...all.map(i => set(bests[i], loadV(get(v.best), 16 * i))),
        loopWhile(
          ltU(get(v.codes), get(v.end)),
          ...all.map(i => set(sums[i], zeroV)),
          ...Array.from({ length: d }, (_, c) => number(c)).flat(),
          set(v.gain, shl(load8U(get(v.gains)), i32(2))),
          set(v.at, add(get(v.scores), mul(load16U(get(v.codes)), i32(rowBytes)))),
          set(v.factor, load32Splat(get(v.gain), SIZES)),
          ...all.map(i =>
            set(
              sums[i],
              addF32(
                mulF32(get(sums[i]), get(v.factor)),
                addF32(loadV(get(v.at), 16 * i), loadV(get(v.share), 16 * i)),
              ),
            ),
          ),
          set(v.factor, load32Splat(get(v.gain), NORMS)),
          ...all.flatMap(i => [
            set(sums[i], mulF32(get(sums[i]), get(v.factor))),
            set(bests[i], maxF32(get(bests[i]), get(sums[i]))),
            storeV(get(v.out), get(sums[i]), 16 * i),
          ]),
          advance(v.out, rowBytes),
          advance(v.codes, 2),
          advance(v.gains, 1),
          advance(v.numbers, width),
        ),
        ...all.map(i => storeV(get(v.best), get(bests[i]), 16 * i)),
      ];
    },
  );
};

type Kernel = (
  payload: number,
  n: number,
  scores: number,
  share: number,
  tokens: number,
  out: number,
  best: number,
) => void;

const modules = new Map<string, object>();

function moduleFor(d: number, bits: number): object {
  const name = `${d} ${bits}`;
  let module = modules.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(
      assemble(Array.from({ length: VECTORS }, (_, i) => products(d, bits, i + 1))),
    );
    modules.set(name, module);
  }
  return module;
}

/** One question's products with any payload of a codebook. Holds memory for both; not for two searches at once. */
export class Products {
  private readonly book: Codebook;
  private readonly memory: Memory;
  /** By the vectors that go together. */
  private readonly kernels: Record<string, Kernel>;
  private readonly share: Float32Array;
  private question: Question | undefined;
  private bytes: Uint8Array;
  private floats: Float32Array;
  private blocks = 0;
  /** Tokens of the question that go together. */
  private lanes = 4;
  /** Where things are, in bytes. */
  private at = { best: 0, shares: 0, scores: 0, tokens: 0, room: 0 };
  private out = 0;

  constructor(book: Codebook) {
    this.book = book;
    this.share = new Float32Array(book.dimension);
    this.memory = new WebAssembly.Memory({ initial: 8 });
    const module = moduleFor(book.dimension, book.bits);
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernels = exports as Record<string, Kernel>;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.floats.set(book.values);
    for (let gain = 0; gain < 256; gain++) {
      this.floats[SIZES / 4 + gain] = sizeIn(gain, book.greatest);
      this.floats[NORMS / 4 + gain] = normIn(gain);
    }
  }

  /** Takes a question. */
  load(question: Question): void {
    const { count, scores, tokens } = question;
    const { dimension: d, centroids } = this.book;
    const many = centroids.length / d;
    this.question = question;
    const lanes = 4 * Math.min(VECTORS, Math.ceil(count / 4));
    this.lanes = lanes;
    this.blocks = Math.ceil(count / lanes);
    const rows = 4 * lanes * this.blocks;
    const shares = FREE + rows;
    const from = shares + rows;
    const own = from + many * rows;
    this.at = { best: FREE, shares, scores: from, tokens: own, room: own + d * rows };
    this.reserve(this.at.room);
    const { floats } = this;
    floats.fill(0, shares / 4, this.at.room / 4);
    for (let first = 0; first < count; first += lanes) {
      const end = Math.min(lanes, count - first);
      for (let c = 0, to = from / 4 + first * many; c < many; c++, to += lanes)
        for (let q = 0; q < end; q++) floats[to + q] = scores[c * count + first + q];
      for (let c = 0, to = own / 4 + first * d; c < d; c++, to += lanes)
        for (let q = 0; q < end; q++) floats[to + q] = tokens[(first + q) * d + c];
    }
  }

  /** Products of the tokens of a payload: the greatest with each of the question's. Valid until the next call. */
  best(payload: Uint8Array): Float32Array {
    const { dimension: d, centroids } = this.book;
    const n = tokensOf(payload.length, this.book);
    const { room } = this.at;
    // 16 bytes: out is a place for whole vectors; the last number's window may look a byte beyond
    const out = (room + payload.length + 31) & ~15;
    const { lanes, blocks } = this;
    const row = 4 * lanes;
    this.reserve(out + n * blocks * row);
    const { bytes, floats, at } = this;
    bytes.set(payload, room);
    this.loadShare(payload);
    floats.fill(Number.NEGATIVE_INFINITY, at.best / 4, at.best / 4 + blocks * lanes);
    const many = centroids.length / d;
    const run = this.kernels[`products${lanes / 4}`];
    for (let block = 0; block < blocks; block++)
      run(
        room + shareBytes(this.book),
        n,
        at.scores + block * many * row,
        at.shares + block * row,
        at.tokens + block * d * row,
        out + block * n * row,
        at.best + block * row,
      );
    this.out = out;
    return floats.subarray(at.best / 4, at.best / 4 + blocks * lanes);
  }

  /** Products of the share of a payload with the question's tokens. */
  private loadShare(payload: Uint8Array): void {
    const { book, share, floats, at } = this;
    if (book.shares === undefined || this.question === undefined) return;
    const { tokens, count } = this.question;
    const d = book.dimension;
    shareOf(payload, book, share);
    for (let q = 0; q < count; q++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += share[c] * tokens[q * d + c];
      floats[at.shares / 4 + q] = sum;
    }
  }

  /** The product of token t of n of the last payload with token q of the question. */
  of(t: number, n: number, q: number): number {
    const { lanes } = this;
    return this.floats[this.out / 4 + (((q / lanes) | 0) * n + t) * lanes + (q % lanes)];
  }

  private reserve(bytes: number): void {
    const lacking = bytes - this.memory.buffer.byteLength;
    if (lacking <= 0) return;
    this.memory.grow(Math.ceil(lacking / PAGE));
    this.bytes = new Uint8Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
  }
}
