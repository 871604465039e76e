import { type Memory, WebAssembly } from '../../wasm/webassembly.ts';
import { contribution } from './contribution.ts';
import {
  ENTRY_BYTES,
  IMPACT_SCALE,
  instantiate,
  type Kernels,
  STATE,
  WINDOW,
  WINDOW_BITS,
} from './kernels/kernels.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import type { TermScorer } from './similarity/index.ts';

const PAGE = 1 << 16;
/** Galloping look-ups read this far behind a list at most. */
const SLACK = 4 * WINDOW;
const MAX_IMPACT = 0xffff;
/** Scorers that give more than this are left to the general search. */
export const MAX_CONTRIBUTION = MAX_IMPACT / IMPACT_SCALE - 1;

/**
 * One term's postings in one segment with their impacts for one similarity: contributions in units of
 * 1/128, rounded up. Places (document numbers within a window), impacts and counts lie in the arena.
 */
export interface ImpactList {
  readonly size: number;
  /** Address of the places, 16 bits each. */
  readonly docs: number;
  /** Impacts (16 bits each) lie this many bytes behind their places. */
  readonly delta: number;
  /** Address of the counts: tf, at most 255, a byte each. */
  readonly tfs: number;
  /** Three numbers a window that holds postings: its number, index of the first posting, highest impact. */
  readonly windows: Int32Array;
  /** The highest impact. */
  readonly best: number;
  /** The k-th highest impact, for the k last asked for. */
  reached: { k: number; impact: number } | undefined;
}

/**
 * Memory of the kernels: working space, then impact lists one after the other, up to a number of bytes.
 * When it is full everything is dropped at once; what queries come back to is soon built again.
 */
export class ImpactArena {
  readonly kernels: Kernels;
  readonly sums: number;
  readonly pairs: number;
  /** Working space of 64 Ki numbers of 32 bits. */
  readonly counts: number;
  private readonly state: number;
  private readonly start: number;
  private readonly limit: number;
  private readonly memory: Memory;
  /** How often all lists were dropped: those of before are gone. */
  dropped = 0;
  private entries = 0;
  private entriesBytes = 0;
  private used: number;
  private arrays = new Map<object, number>();
  // Views of the memory, made anew when it grows.
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  private f64!: Float64Array;

  /** `limit` bounds all memory of the arena, in bytes. */
  constructor(limit: number) {
    this.sums = 0;
    this.pairs = WINDOW * 2;
    this.counts = this.pairs + WINDOW * 8;
    this.state = this.counts + (MAX_IMPACT + 1) * 4;
    this.start = this.state + STATE.bytes;
    this.used = this.start;
    this.limit = Math.min(Math.floor(limit / PAGE), 65_535) * PAGE;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((this.start + SLACK) / PAGE) });
    this.kernels = instantiate(this.memory);
    this.view();
  }

  static readonly LEAST_BYTES = 2 << 20;

  /**
   * Makes room for `bytes` more, dropping all lists where that is needed; false where there never is
   * enough. Lists of the query that is being prepared must be asked for after this.
   */
  reserve(bytes: number): boolean {
    if (this.grow(bytes)) return true;
    if (this.used === this.start) return false;
    this.clear();
    return this.grow(bytes);
  }

  /** Bytes that building a list takes, working space included. */
  static bytesFor(list: PostingsList): number {
    return list.size * 5 + 64 + (list.words.length + 4) * 4 + (list.blocks + 2) * ENTRY_BYTES * 2;
  }

  /** Drops all lists. */
  clear(): void {
    this.dropped++;
    this.arrays = new Map();
    this.used = this.start;
    this.entriesBytes = 0;
  }

  /**
   * Builds the impacts of a list, which stay until `dropped` changes; `reserve` has made room for them, for the lengths (4 bytes a
   * document) and for the pivots (8 bytes a length).
   */
  build(list: PostingsList, scorer: TermScorer, lengths: Uint32Array, pivots: Float64Array): ImpactList {
    const docs = this.allocate(list.size * 2, 8);
    const delta = this.allocate(list.size * 2, 2) - docs;
    const tfs = this.allocate(list.size, 1);
    this.open(docs, tfs, list);
    if (scorer.score === undefined && list.words.length > 0) {
      this.packed(list, docs, delta, scorer, this.array(lengths), this.array(pivots));
    } else this.plain(list, docs, delta, scorer, lengths, pivots);
    const from = (this.entries + ENTRY_BYTES) / 4;
    const to = this.i32[(this.state + STATE.entry) / 4] / 4 + ENTRY_BYTES / 4;
    const windows = this.i32.slice(from, to);
    let best = 0;
    for (let i = 2; i < windows.length; i += 3) best = Math.max(best, windows[i]);
    return { size: list.size, docs, delta, tfs, windows, best, reached: undefined };
  }

  /** The k-th highest impact of a list; 0 where it has fewer postings. */
  reachedBy(list: ImpactList, k: number): number {
    if (list.reached?.k === k) return list.reached.impact;
    let impact = 0;
    if (k <= list.size) {
      const first = this.counts / 4;
      this.i32.fill(0, first, first + list.best + 1);
      const impacts = list.docs + list.delta;
      this.kernels.histogram(impacts, impacts + list.size * 2, this.counts);
      impact = list.best;
      for (let seen = this.i32[first + impact]; seen < k; seen += this.i32[first + impact]) impact--;
    }
    list.reached = { k, impact };
    return impact;
  }

  /** Copies an array into the arena, once; its address. */
  private array(values: Uint32Array | Float64Array): number {
    const kept = this.arrays.get(values);
    if (kept !== undefined) return kept;
    const at = this.allocate(values.byteLength, 8);
    if (values instanceof Float64Array) this.f64.set(values, at / 8);
    else this.i32.set(values, at / 4);
    this.arrays.set(values, at);
    return at;
  }

  /** Sets the state for a new list: no window yet, entries in working space behind all that is kept. */
  private open(docs: number, tfs: number, list: PostingsList): void {
    const need =
      (Math.min(list.size, Math.ceil((list.last[list.blocks - 1] + 1) / WINDOW)) + 1) * ENTRY_BYTES;
    if (need > this.entriesBytes) {
      this.entries = this.allocate(need, 4);
      this.entriesBytes = need;
    }
    const state = this.state / 4;
    this.i32[state + STATE.docs / 4] = docs;
    this.i32[state + STATE.window / 4] = -1;
    this.i32[state + STATE.entry / 4] = this.entries;
    this.i32[state + STATE.tfs / 4] = tfs;
  }

  private packed(
    list: PostingsList,
    docs: number,
    delta: number,
    scorer: TermScorer,
    lengths: number,
    pivots: number,
  ): void {
    // Encoded words only pass through: they lie behind what is allocated.
    const words = Math.ceil(this.used / 4);
    this.i32.set(list.words, words);
    for (let b = 0; b < list.blocks; b++) {
      const n = list.blockSize(b);
      const gaps = words + list.wordStart[b];
      const gapWidth = list.gapWidth[b];
      const counts = gaps + Math.ceil((n * gapWidth) / 32);
      const before = b === 0 ? -1 : list.last[b - 1];
      this.kernels.block(
        this.state,
        gaps * 4,
        gapWidth,
        counts * 4,
        list.countWidth[b],
        n,
        before,
        delta,
        docs,
        lengths,
        pivots,
        scorer.weight,
        scorer.k,
        scorer.add,
      );
    }
  }

  /** As the kernel `block`, for any scorer. */
  private plain(
    list: PostingsList,
    docs: number,
    delta: number,
    scorer: TermScorer,
    lengths: Uint32Array,
    pivots: Float64Array,
  ): void {
    const { u8, u16, i32 } = this;
    const state = this.state / 4;
    const blockDocs = new Int32Array(BLOCK_DOCS);
    const blockTfs = new Int32Array(BLOCK_DOCS);
    let entry = this.entries / 4;
    let window = -1;
    let index = 0;
    const tfsAt = i32[state + STATE.tfs / 4];
    for (let b = 0; b < list.blocks; b++) {
      const n = list.decode(b, blockDocs, blockTfs);
      for (let i = 0; i < n; i++, index++) {
        const doc = blockDocs[i];
        if (doc >>> WINDOW_BITS !== window) {
          window = doc >>> WINDOW_BITS;
          entry += 3;
          i32[entry] = window;
          i32[entry + 1] = index;
          i32[entry + 2] = 0;
        }
        const part = contribution(scorer, blockTfs[i], lengths[doc], pivots);
        const impact = Math.max(1, Math.ceil(part * IMPACT_SCALE));
        u16[docs / 2 + index] = doc & (WINDOW - 1);
        u16[(docs + delta) / 2 + index] = impact;
        u8[tfsAt + index] = Math.min(blockTfs[i], 255);
        if (impact > i32[entry + 2]) i32[entry + 2] = impact;
      }
    }
    i32[state + STATE.entry / 4] = entry * 4;
  }

  private allocate(bytes: number, align: number): number {
    const at = Math.ceil(this.used / align) * align;
    this.used = at + bytes;
    return at;
  }

  private grow(bytes: number): boolean {
    const need = this.used + bytes + SLACK;
    if (need > this.limit) return false;
    const size = this.memory.buffer.byteLength;
    if (need <= size) return true;
    const wanted = Math.min(this.limit, Math.max(need, size + Math.min(size, 64 << 20)));
    try {
      this.memory.grow(Math.ceil((wanted - size) / PAGE));
    } catch {
      return false;
    }
    this.view();
    return true;
  }

  private view(): void {
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}
