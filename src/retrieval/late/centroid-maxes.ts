/** MaxSim over centroids and shares of passages, by WebAssembly. */
import {
  add,
  addF32,
  addI32V,
  advance,
  andV,
  assemble,
  constV,
  dotS16,
  extendHighS8,
  extendLowS8,
  floatsOfI32,
  get,
  i32,
  kernel,
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
  shrU8,
  storeV,
  swizzle,
  zeroV,
} from '../../wasm/assembler.ts';
import { type Memory, WebAssembly } from '../../wasm/webassembly.ts';
import type { Codebook } from './codebook.ts';
import { shareBytes } from './codec.ts';
import type { Question } from './question.ts';

const LANES = 8;
const LANE_BYTES = 4 * LANES;
const PAGE = 65536;

/**
 * For each of the documents from `docs` to `end`: the greatest products of its tokens' centroids, two vectors of lanes, are
 * added to the vector at `out`. A document without tokens adds nothing.
 */
const maxes = kernel(
  'maxes',
  { docs: 'i32', end: 'i32', firsts: 'i32', codes: 'i32', scores: 'i32', out: 'i32' },
  { at: 'i32', token: 'i32', stop: 'i32', low: 'v128', high: 'v128' },
  undefined,
  v => {
    const row = () => add(get(v.scores), mul(load16U(get(v.token)), i32(LANE_BYTES)));
    return [
      loopWhile(
        ltU(get(v.docs), get(v.end)),
        set(v.at, add(get(v.firsts), shl(load32(get(v.docs)), i32(2)))),
        set(v.token, add(get(v.codes), shl(load32(get(v.at)), i32(1)))),
        set(v.stop, add(get(v.codes), shl(load32(get(v.at), 4), i32(1)))),
        set(v.low, zeroV),
        set(v.high, zeroV),
        // the first token's, whatever they are: products may all be below 0
        loopWhile(
          ltU(get(v.token), get(v.stop)),
          set(v.at, row()),
          set(v.low, loadV(get(v.at))),
          set(v.high, loadV(get(v.at), 16)),
          advance(v.token, 2),
          loopWhile(
            ltU(get(v.token), get(v.stop)),
            set(v.at, row()),
            set(v.low, maxF32(get(v.low), loadV(get(v.at)))),
            set(v.high, maxF32(get(v.high), loadV(get(v.at), 16))),
            advance(v.token, 2),
          ),
        ),
        storeV(get(v.out), addF32(loadV(get(v.out)), addF32(get(v.low), get(v.high)))),
        advance(v.out, 16),
        advance(v.docs, 4),
      ),
    ];
  },
);

const LOW = constV([0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f]);

/**
 * For each of the documents from `docs` to `end`: the product of its share with the question, four parts of a sum, to
 * `out`. Levels are bytes and the question 16 bits a number, those of even places before those of odd ones.
 */
const shared = kernel(
  'shared',
  {
    docs: 'i32',
    end: 'i32',
    shares: 'i32',
    stride: 'i32',
    levels: 'i32',
    question: 'i32',
    scale: 'i32',
    out: 'i32',
  },
  { at: 'i32', stop: 'i32', q: 'i32', sum: 'v128', bytes: 'v128', numbers: 'v128' },
  undefined,
  v => {
    const half = (offset: number) => [
      set(v.sum, addI32V(get(v.sum), dotS16(extendLowS8(get(v.numbers)), loadV(get(v.q), offset)))),
      set(v.sum, addI32V(get(v.sum), dotS16(extendHighS8(get(v.numbers)), loadV(get(v.q), offset + 16)))),
    ];
    return [
      loopWhile(
        ltU(get(v.docs), get(v.end)),
        set(v.at, add(get(v.shares), mul(load32(get(v.docs)), get(v.stride)))),
        set(v.stop, add(get(v.at), get(v.stride))),
        set(v.q, get(v.question)),
        set(v.sum, zeroV),
        loopWhile(
          ltU(get(v.at), get(v.stop)),
          set(v.bytes, loadV(get(v.at))),
          set(v.numbers, swizzle(loadV(get(v.levels)), andV(get(v.bytes), LOW))),
          ...half(0),
          set(v.numbers, swizzle(loadV(get(v.levels)), shrU8(get(v.bytes), i32(4)))),
          ...half(32),
          advance(v.at, 16),
          advance(v.q, 64),
        ),
        storeV(get(v.out), mulF32(floatsOfI32(get(v.sum)), load32Splat(get(v.scale)))),
        advance(v.out, 16),
        advance(v.docs, 4),
      ),
    ];
  },
);

type Shared = (
  docs: number,
  end: number,
  shares: number,
  stride: number,
  levels: number,
  question: number,
  scale: number,
  out: number,
) => void;
type Maxes = (docs: number, end: number, firsts: number, codes: number, scores: number, out: number) => void;

let module: object | undefined;

/** Greatest number of a question in 16 bits: 128 products with a byte stay within 32. */
const GREATEST = 8191;

/** Centroids of the tokens of all documents, and shares, in memory of their own. Not for two searches at once. */
export class CentroidMaxes {
  private readonly memory: Memory;
  private readonly run: { readonly maxes: Maxes; readonly shared: Shared };
  private readonly book: Codebook;
  private readonly documents: number;
  private readonly tokens: number;
  /** Bytes of a share, filled up to whole vectors; 0 where there are none. */
  readonly stride: number;
  /** Where things are, in bytes: first tokens at 0. */
  private readonly at: { codes: number; shares: number; levels: number; question: number; room: number };
  private question: Question | undefined;

  constructor(documents: number, tokens: number, book: Codebook) {
    module ??= new WebAssembly.Module(assemble([maxes, shared]));
    this.documents = documents;
    this.tokens = tokens;
    this.book = book;
    this.stride = (shareBytes(book) + 15) & ~15;
    const codes = 4 * (documents + 1);
    const shares = (codes + 2 * tokens + 15) & ~15;
    const levels = shares + documents * this.stride;
    const question = levels + 16;
    this.at = { codes, shares, levels, question, room: question + 4 * this.stride + 16 };
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(this.at.room / PAGE) + 1 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.run = exports as { maxes: Maxes; shared: Shared };
  }

  /** First token of each document, and how many there are in all. Valid until the next search. */
  get firsts(): Uint32Array {
    return new Uint32Array(this.memory.buffer, 0, this.documents + 1);
  }

  /** Centroid of each token. Valid until the next search. */
  get codes(): Uint16Array {
    return new Uint16Array(this.memory.buffer, this.at.codes, this.tokens);
  }

  /** Share of each document, `stride` bytes each. Valid until the next search. */
  get shares(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.at.shares, this.documents * this.stride);
  }

  /** MaxSim over centroids and shares. */
  scored(docs: Uint32Array, question: Question): Float32Array {
    const { count, scores } = question;
    const blocks = Math.ceil(count / LANES);
    const many = scores.length / count;
    const { at } = this;
    const list = at.room + blocks * many * LANE_BYTES;
    const out = (list + 4 * docs.length + 15) & ~15;
    this.reserve(out + 16 * docs.length);
    if (this.question !== question) this.load(question, many);
    const floats = new Float32Array(this.memory.buffer, out, 4 * docs.length);
    new Uint32Array(this.memory.buffer, list, docs.length).set(docs);
    const end = list + 4 * docs.length;
    if (this.stride > 0)
      this.run.shared(list, end, at.shares, this.stride, at.levels, at.question, at.room - 16, out);
    else floats.fill(0);
    for (let block = 0; block < blocks; block++)
      this.run.maxes(list, end, 0, at.codes, at.room + block * many * LANE_BYTES, out);
    const sums = new Float32Array(docs.length);
    for (let i = 0, j = 0; i < docs.length; i++, j += 4)
      sums[i] = floats[j] + floats[j + 1] + floats[j + 2] + floats[j + 3];
    return sums;
  }

  private load(question: Question, many: number): void {
    const { count, scores, tokens } = question;
    const { at, stride, book } = this;
    const { buffer } = this.memory;
    const table = new Float32Array(buffer, at.room, Math.ceil(count / LANES) * many * LANES);
    table.fill(0);
    for (let first = 0; first < count; first += LANES) {
      const lanes = Math.min(LANES, count - first);
      for (let c = 0, to = first * many; c < many; c++, to += LANES)
        for (let q = 0; q < lanes; q++) table[to + q] = scores[c * count + first + q];
    }
    this.question = question;
    if (!book.shares) return;
    const d = book.dimension;
    const sum = new Float64Array(2 * stride);
    for (let i = 0; i < tokens.length; i++) sum[i % d] += tokens[i];
    const most = (numbers: ArrayLike<number>) => Math.max(1e-30, ...Array.from(numbers, Math.abs));
    const [level, number] = [most(book.shares), most(sum)];
    new Int8Array(buffer, at.levels, 16).set(book.shares.map(x => Math.round((127 * x) / level)));
    const places = new Int16Array(buffer, at.question, 2 * stride);
    // 32 numbers of 16 bytes: the 16 of low halves, then those of high ones
    for (let c = 0; c < 2 * stride; c++)
      places[(c >> 5) * 32 + (c & 1) * 16 + ((c & 31) >> 1)] = Math.round((GREATEST * sum[c]) / number);
    new Float32Array(buffer, at.room - 16, 1)[0] = ((level / 127) * number) / GREATEST;
  }

  private reserve(bytes: number): void {
    const lacking = bytes - this.memory.buffer.byteLength;
    if (lacking > 0) this.memory.grow(Math.ceil(lacking / PAGE));
  }
}
