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
  load32,
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
} from '../../wasm/assembler.ts';
import { type Memory, WebAssembly } from '../../wasm/webassembly.ts';
import { halfTable } from '../dense/half.ts';
import type { Codebook } from './codebook.ts';
import { levelBytes, tokensOf } from './codec.ts';
import type { Question } from './question.ts';

/** Tokens of the question that go together: two vectors of four floats. */
const LANES = 8;
const LANE_BYTES = 4 * LANES;
/** Bytes of the 256 entries of one byte of levels. */
const ENTRIES = 256 * LANE_BYTES;
const PAGE = 65536;

/**
 * For each of n tokens: its centroid's products, and the entries of its bytes added to them in order, times its factor, to
 * `out`. What is greatest of each lane, to `best`.
 */
const products = kernel(
  'products',
  {
    payload: 'i32',
    n: 'i32',
    width: 'i32',
    scores: 'i32',
    table: 'i32',
    factors: 'i32',
    out: 'i32',
    best: 'i32',
  },
  {
    codes: 'i32',
    end: 'i32',
    halves: 'i32',
    levels: 'i32',
    stop: 'i32',
    fours: 'i32',
    entry: 'i32',
    word: 'i32',
    at: 'i32',
    low: 'v128',
    high: 'v128',
    lowest: 'v128',
    highest: 'v128',
    factor: 'v128',
  },
  undefined,
  v => {
    const added = (address: ReturnType<typeof get>, offset: number) => [
      set(v.at, address),
      set(v.low, addF32(get(v.low), loadV(get(v.at), offset))),
      set(v.high, addF32(get(v.high), loadV(get(v.at), offset + 16))),
    ];
    // entries are 32 bytes: a byte of the word, times 32
    const ofByte = (i: number) =>
      i === 0
        ? shl(and(get(v.word), i32(255)), i32(5))
        : and(shrU(get(v.word), i32(8 * i - 5)), i32(255 << 5));
    return [
      set(v.codes, get(v.payload)),
      set(v.end, add(get(v.payload), shl(get(v.n), i32(1)))),
      set(v.halves, get(v.end)),
      set(v.levels, add(get(v.end), shl(get(v.n), i32(1)))),
      set(v.lowest, loadV(get(v.best))),
      set(v.highest, loadV(get(v.best), 16)),
      loopWhile(
        ltU(get(v.codes), get(v.end)),
        set(v.at, add(get(v.scores), mul(load16U(get(v.codes)), i32(LANE_BYTES)))),
        set(v.low, loadV(get(v.at))),
        set(v.high, loadV(get(v.at), 16)),
        set(v.entry, get(v.table)),
        set(v.stop, add(get(v.levels), get(v.width))),
        set(v.fours, add(get(v.levels), and(get(v.width), i32(-4)))),
        loopWhile(
          ltU(get(v.levels), get(v.fours)),
          set(v.word, load32(get(v.levels))),
          ...[0, 1, 2, 3].flatMap(i => added(add(get(v.entry), ofByte(i)), i * ENTRIES)),
          advance(v.entry, 4 * ENTRIES),
          advance(v.levels, 4),
        ),
        loopWhile(
          ltU(get(v.levels), get(v.stop)),
          ...added(add(get(v.entry), shl(load8U(get(v.levels)), i32(5))), 0),
          advance(v.entry, ENTRIES),
          advance(v.levels, 1),
        ),
        set(v.factor, load32Splat(add(get(v.factors), shl(load16U(get(v.halves)), i32(2))))),
        set(v.low, mulF32(get(v.low), get(v.factor))),
        set(v.high, mulF32(get(v.high), get(v.factor))),
        set(v.lowest, maxF32(get(v.lowest), get(v.low))),
        set(v.highest, maxF32(get(v.highest), get(v.high))),
        storeV(get(v.out), get(v.low)),
        storeV(get(v.out), get(v.high), 16),
        advance(v.out, LANE_BYTES),
        advance(v.codes, 2),
        advance(v.halves, 2),
      ),
      storeV(get(v.best), get(v.lowest)),
      storeV(get(v.best), get(v.highest), 16),
    ];
  },
);

type Kernel = (
  payload: number,
  n: number,
  width: number,
  scores: number,
  table: number,
  factors: number,
  out: number,
  best: number,
) => void;

let module: object | undefined;

/** One question's products with any payload of a codebook. Holds memory for both; not for two searches at once. */
export class Products {
  private readonly book: Codebook;
  private readonly memory: Memory;
  private readonly run: Kernel;
  private readonly width: number;
  private bytes: Uint8Array;
  private floats: Float32Array;
  private blocks = 0;
  /** Where things are, in bytes: factors at 0. */
  private at = { best: 0, scores: 0, tables: 0, room: 0 };
  private out = 0;

  constructor(book: Codebook) {
    module ??= new WebAssembly.Module(assemble([products]));
    this.book = book;
    this.width = levelBytes(book);
    this.memory = new WebAssembly.Memory({ initial: 8 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.run = (exports as { products: Kernel }).products;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.floats.set(halfTable());
  }

  /** Makes the tables of a question. */
  load(question: Question): void {
    const { count, scores } = question;
    const { dimension, centroids } = this.book;
    const many = centroids.length / dimension;
    this.blocks = Math.ceil(count / LANES);
    const best = 4 * 65536;
    const from = best + this.blocks * LANE_BYTES;
    const tables = from + this.blocks * many * LANE_BYTES;
    this.at = { best, scores: from, tables, room: tables + this.blocks * this.width * ENTRIES };
    this.reserve(this.at.room);
    const { floats } = this;
    for (let block = 0; block < this.blocks; block++) {
      const first = block * LANES;
      const lanes = Math.min(LANES, count - first);
      for (let c = 0, to = (from + block * many * LANE_BYTES) / 4; c < many; c++, to += LANES)
        for (let q = 0; q < lanes; q++) floats[to + q] = scores[c * count + first + q];
      for (let b = 0; b < this.width; b++) {
        const low = this.half(2 * b, question, first, lanes);
        const high = this.half(2 * b + 1, question, first, lanes);
        let to = (tables + (block * this.width + b) * ENTRIES) / 4;
        for (let value = 0; value < 256; value++, to += LANES)
          for (let q = 0; q < lanes; q++)
            floats[to + q] = low[(value & 15) * LANES + q] + high[(value >> 4) * LANES + q];
      }
    }
  }

  /** Products of the levels of half a byte with tokens of a question: 16 × lanes. */
  private half(place: number, { tokens }: Question, first: number, lanes: number): Float32Array {
    const { dimension: d, bits, levels } = this.book;
    const numbers = 4 / bits;
    const mask = (1 << bits) - 1;
    const out = new Float32Array(16 * LANES);
    for (let i = 0; i < numbers; i++) {
      const c = place * numbers + i;
      if (c >= d) break;
      for (let value = 0; value < 16; value++) {
        const level = levels[(c << bits) + ((value >> (i * bits)) & mask)];
        for (let q = 0; q < lanes; q++) out[value * LANES + q] += level * tokens[(first + q) * d + c];
      }
    }
    return out;
  }

  /** Products of the tokens of a payload: the greatest with each of the question's. Valid until the next call. */
  best(payload: Uint8Array): Float32Array {
    const n = tokensOf(payload.length, this.book);
    const { room } = this.at;
    // 16 bytes: out is a place for whole vectors
    const out = (room + payload.length + 15) & ~15;
    this.reserve(out + n * this.blocks * LANE_BYTES);
    const { bytes, floats, at, width } = this;
    bytes.set(payload, room);
    floats.fill(Number.NEGATIVE_INFINITY, at.best / 4, at.best / 4 + this.blocks * LANES);
    const many = this.book.centroids.length / this.book.dimension;
    for (let block = 0; block < this.blocks; block++)
      this.run(
        room,
        n,
        width,
        at.scores + block * many * LANE_BYTES,
        at.tables + block * width * ENTRIES,
        0,
        out + block * n * LANE_BYTES,
        at.best + block * LANE_BYTES,
      );
    this.out = out;
    return floats.subarray(at.best / 4, at.best / 4 + this.blocks * LANES);
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
