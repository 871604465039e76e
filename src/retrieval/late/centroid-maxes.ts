/** MaxSim over the centroids of passages, eight of the question's tokens at a time, by WebAssembly. */
import {
  add,
  addF32,
  advance,
  assemble,
  get,
  i32,
  kernel,
  load16U,
  load32,
  loadV,
  loopWhile,
  ltU,
  maxF32,
  mul,
  set,
  shl,
  storeV,
  zeroV,
} from '../sparse/kernels/assembler.ts';
import { type Memory, WebAssembly } from '../sparse/kernels/webassembly.ts';
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

type Maxes = (docs: number, end: number, firsts: number, codes: number, scores: number, out: number) => void;

let module: object | undefined;

/** Centroids of the tokens of some documents, in memory of their own. Not for two searches at once. */
export class CentroidMaxes {
  private readonly memory: Memory;
  private readonly run: Maxes;
  private readonly documents: number;
  private readonly tokens: number;
  /** Where the question's products are, in bytes. */
  private readonly room: number;
  private question: Question | undefined;

  constructor(documents: number, tokens: number) {
    module ??= new WebAssembly.Module(assemble([maxes]));
    this.documents = documents;
    this.tokens = tokens;
    this.room = (4 * (documents + 1) + 2 * tokens + 15) & ~15;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(this.room / PAGE) + 1 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.run = (exports as { maxes: Maxes }).maxes;
  }

  /** First token of each document, and how many there are in all. Valid until the next search. */
  get firsts(): Uint32Array {
    return new Uint32Array(this.memory.buffer, 0, this.documents + 1);
  }

  /** Centroid of each token. Valid until the next search. */
  get codes(): Uint16Array {
    return new Uint16Array(this.memory.buffer, 4 * (this.documents + 1), this.tokens);
  }

  /** MaxSim over centroids. */
  scored(docs: Uint32Array, question: Question): Float32Array {
    const { count, scores } = question;
    const blocks = Math.ceil(count / LANES);
    const many = scores.length / count;
    const list = this.room + blocks * many * LANE_BYTES;
    const out = (list + 4 * docs.length + 15) & ~15;
    this.reserve(out + 16 * docs.length);
    const floats = new Float32Array(this.memory.buffer);
    if (this.question !== question) {
      floats.fill(0, this.room / 4, list / 4);
      for (let c = 0, i = 0; c < many; c++)
        for (let q = 0; q < count; q++, i++)
          floats[this.room / 4 + ((q >> 3) * many + c) * LANES + (q & 7)] = scores[i];
      this.question = question;
    }
    new Uint32Array(this.memory.buffer, list, docs.length).set(docs);
    floats.fill(0, out / 4, out / 4 + 4 * docs.length);
    for (let block = 0; block < blocks; block++)
      this.run(
        list,
        list + 4 * docs.length,
        0,
        4 * (this.documents + 1),
        this.room + block * many * LANE_BYTES,
        out,
      );
    const sums = new Float32Array(docs.length);
    for (let i = 0, at = out / 4; i < docs.length; i++, at += 4)
      sums[i] = floats[at] + floats[at + 1] + floats[at + 2] + floats[at + 3];
    return sums;
  }

  private reserve(bytes: number): void {
    const lacking = bytes - this.memory.buffer.byteLength;
    if (lacking > 0) this.memory.grow(Math.ceil(lacking / PAGE));
  }
}
