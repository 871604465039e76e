/** Products of compressed tokens with a question's, eight of the question's tokens at a time, by WebAssembly. */
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
} from '../sparse/kernels/assembler.ts';
import { type Memory, WebAssembly } from '../sparse/kernels/webassembly.ts';
import type { Codebook } from './codebook.ts';
import { shareBytes, shareOf, tokensOf, widthOf } from './codec.ts';
import { norms, sizes } from './gains.ts';
import type { Question } from './question.ts';
import { STATES, windowOf } from './trellis.ts';

/** Tokens of the question that go together: two vectors of four floats. */
const LANES = 8;
const LANE_BYTES = 4 * LANES;
const PAGE = 65536;
/** Where tables are that no question changes: values of states, sizes of gains, norms of gains. */
const SIZES = 4 * STATES;
const NORMS = SIZES + 4 * 256;
const FREE = NORMS + 4 * 256;

/**
 * For each of n tokens, to `out`: the products of its residual, number by number, times its size, with its centroid's and
 * its passage's, times its norm. What is greatest of each lane, to `best`.
 */
const products = (d: number, bits: number) =>
  kernel(
    'products',
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
      low: 'v128',
      high: 'v128',
      lowest: 'v128',
      highest: 'v128',
      factor: 'v128',
    },
    undefined,
    v => {
      const width = widthOf({ dimension: d, bits: bits as 1 | 2 });
      const number = (c: number) => {
        const { byte, shift, mask } = windowOf(c, d, bits);
        const two = load16U(get(v.numbers), byte);
        // the state times 4, for its value's address
        const state = shift >= 2 ? shrU(two, i32(shift - 2)) : shl(two, i32(2 - shift));
        return [
          set(v.factor, load32Splat(and(state, i32(mask << 2)))),
          set(v.low, addF32(get(v.low), mulF32(get(v.factor), loadV(get(v.tokens), c * LANE_BYTES)))),
          set(v.high, addF32(get(v.high), mulF32(get(v.factor), loadV(get(v.tokens), c * LANE_BYTES + 16)))),
        ];
      };
      const whole = (sum: (typeof v)['low'], offset: number) =>
        set(
          sum,
          addF32(
            mulF32(get(sum), get(v.factor)),
            addF32(loadV(get(v.at), offset), loadV(get(v.share), offset)),
          ),
        );
      return [
        set(v.codes, get(v.payload)),
        set(v.end, add(get(v.payload), shl(get(v.n), i32(1)))),
        set(v.gains, get(v.end)),
        set(v.numbers, add(get(v.end), get(v.n))),
        set(v.lowest, loadV(get(v.best))),
        set(v.highest, loadV(get(v.best), 16)),
        loopWhile(
          ltU(get(v.codes), get(v.end)),
          set(v.low, zeroV),
          set(v.high, zeroV),
          ...Array.from({ length: d }, (_, c) => number(c)).flat(),
          set(v.gain, shl(load8U(get(v.gains)), i32(2))),
          set(v.at, add(get(v.scores), mul(load16U(get(v.codes)), i32(LANE_BYTES)))),
          set(v.factor, load32Splat(get(v.gain), SIZES)),
          whole(v.low, 0),
          whole(v.high, 16),
          set(v.factor, load32Splat(get(v.gain), NORMS)),
          set(v.low, mulF32(get(v.low), get(v.factor))),
          set(v.high, mulF32(get(v.high), get(v.factor))),
          set(v.lowest, maxF32(get(v.lowest), get(v.low))),
          set(v.highest, maxF32(get(v.highest), get(v.high))),
          storeV(get(v.out), get(v.low)),
          storeV(get(v.out), get(v.high), 16),
          advance(v.out, LANE_BYTES),
          advance(v.codes, 2),
          advance(v.gains, 1),
          advance(v.numbers, width),
        ),
        storeV(get(v.best), get(v.lowest)),
        storeV(get(v.best), get(v.highest), 16),
      ];
    },
  );

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
    module = new WebAssembly.Module(assemble([products(d, bits)]));
    modules.set(name, module);
  }
  return module;
}

/** One question's products with any payload of a codebook. Holds memory for both; not for two searches at once. */
export class Products {
  private readonly book: Codebook;
  private readonly memory: Memory;
  private readonly run: Kernel;
  private readonly share: Float32Array;
  private question: Question | undefined;
  private bytes: Uint8Array;
  private floats: Float32Array;
  private blocks = 0;
  /** Where things are, in bytes. */
  private at = { best: 0, shares: 0, scores: 0, tokens: 0, room: 0 };
  private out = 0;

  constructor(book: Codebook) {
    this.book = book;
    this.share = new Float32Array(book.dimension);
    this.memory = new WebAssembly.Memory({ initial: 8 });
    const module = moduleFor(book.dimension, book.bits);
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.run = (exports as { products: Kernel }).products;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.floats.set(book.values);
    const [size, norm] = [sizes(book.greatest), norms()];
    for (let gain = 0; gain < 256; gain++) {
      this.floats[SIZES / 4 + gain] = size[gain & 15];
      this.floats[NORMS / 4 + gain] = norm[gain >> 4];
    }
  }

  /** Takes a question. */
  load(question: Question): void {
    const { count, scores, tokens } = question;
    const { dimension: d, centroids } = this.book;
    const many = centroids.length / d;
    this.question = question;
    this.blocks = Math.ceil(count / LANES);
    const shares = FREE + this.blocks * LANE_BYTES;
    const from = shares + this.blocks * LANE_BYTES;
    const own = from + this.blocks * many * LANE_BYTES;
    this.at = { best: FREE, shares, scores: from, tokens: own, room: own + this.blocks * d * LANE_BYTES };
    this.reserve(this.at.room);
    const { floats } = this;
    floats.fill(0, shares / 4, from / 4);
    for (let block = 0; block < this.blocks; block++) {
      const first = block * LANES;
      const lanes = Math.min(LANES, count - first);
      for (let c = 0, to = (from + block * many * LANE_BYTES) / 4; c < many; c++, to += LANES)
        for (let q = 0; q < lanes; q++) floats[to + q] = scores[c * count + first + q];
      for (let c = 0, to = (own + block * d * LANE_BYTES) / 4; c < d; c++, to += LANES)
        for (let q = 0; q < LANES; q++) floats[to + q] = q < lanes ? tokens[(first + q) * d + c] : 0;
    }
  }

  /** Products of the tokens of a payload: the greatest with each of the question's. Valid until the next call. */
  best(payload: Uint8Array): Float32Array {
    const { dimension: d, centroids } = this.book;
    const n = tokensOf(payload.length, this.book);
    const { room } = this.at;
    // 16 bytes: out is a place for whole vectors; the last number's window may look a byte beyond
    const out = (room + payload.length + 31) & ~15;
    this.reserve(out + n * this.blocks * LANE_BYTES);
    const { bytes, floats, at } = this;
    bytes.set(payload, room);
    this.loadShare(payload);
    floats.fill(Number.NEGATIVE_INFINITY, at.best / 4, at.best / 4 + this.blocks * LANES);
    const many = centroids.length / d;
    for (let block = 0; block < this.blocks; block++)
      this.run(
        room + shareBytes(this.book),
        n,
        at.scores + block * many * LANE_BYTES,
        at.shares + block * LANE_BYTES,
        at.tokens + block * d * LANE_BYTES,
        out + block * n * LANE_BYTES,
        at.best + block * LANE_BYTES,
      );
    this.out = out;
    return floats.subarray(at.best / 4, at.best / 4 + this.blocks * LANES);
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
    return this.floats[this.out / 4 + (((q / LANES) | 0) * n + t) * LANES + (q % LANES)];
  }

  private reserve(bytes: number): void {
    const lacking = bytes - this.memory.buffer.byteLength;
    if (lacking <= 0) return;
    this.memory.grow(Math.ceil(lacking / PAGE));
    this.bytes = new Uint8Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
  }
}
