import { hasBit } from './bitmap.ts';
import { contribution } from './contribution.ts';
import type { ImpactArena, ImpactList } from './impact-arena.ts';
import { CHUNK, IMPACT_SCALE, WINDOW, WINDOW_BITS } from './kernels/kernels.ts';
import type { TermScorer } from './similarity/index.ts';
import type { TopK } from './top-k.ts';

/** What looking one place up costs against walking one posting, and clearing the sums of a window. */
const LOOK_UP = 24;
const CLEARING = 512;
/** Only terms whose bounds together stay below this share of the floor are left to complete candidates. */
const CAUTION = 0.4;
const MAX_SUM = 0xffff;

export interface ImpactQuery {
  /** Terms; lists, scorers and frequencies have so many entries that count. */
  readonly count: number;
  readonly lists: readonly ImpactList[];
  readonly scorers: readonly TermScorer[];
  /** How often the query repeats each term. */
  readonly frequencies: readonly number[];
  /** Documents in the segment. */
  readonly documents: number;
  /** Number of its first document in the index. */
  readonly firstDocument: number;
  readonly lengths: Uint32Array;
  readonly pivots: Float64Array;
  readonly deleted: Uint8Array | undefined;
  /** How many are deleted. */
  readonly gone: number;
  /** tf of a term's i-th posting, where it is above 254. */
  frequency(term: number, index: number): number;
}

/** Working memory of impact searches, used again by the next one. */
export class ImpactSearch {
  private readonly arena: ImpactArena;
  /** Pairs (document, sum of impacts) that may be among the k best. */
  private found = new Int32Array(1024);
  private foundCount = 0;
  /** The k highest sums: a heap with the lowest at its root. */
  private heap = new Int32Array(16);
  private heapSize = 0;
  private scores = new Float64Array(64);
  private fresh = false;
  // Per term, by rising bound in the window: its number, bound, entry and next entry of `windows`.
  private order = new Int32Array(16);
  private bounds = new Int32Array(16);
  private reach = new Int32Array(17);
  private entry = new Int32Array(16);

  constructor(arena: ImpactArena) {
    this.arena = arena;
  }

  /**
   * Offers the best documents of a segment to `top`, in two phases. First sums of impacts, whole numbers
   * that bound scores from above by less than one unit a term: window by window, the terms whose bounds
   * together stay below the k-th sum (less those units) only complete candidates (MaxScore, Turtle & Flood
   * 1995). Then the few documents that may still be among the best are scored exactly. False, with nothing
   * offered, where sums could pass 16 bits.
   */
  search(query: ImpactQuery, top: TopK): boolean {
    const { count, lists, frequencies, documents, gone } = query;
    let most = 0;
    let units = 0;
    let floor = Math.max(1, Math.ceil(top.threshold * IMPACT_SCALE));
    for (let t = 0; t < count; t++) {
      most += lists[t].best * frequencies[t];
      units += frequencies[t];
      // A document has at least one unit less than its rounded impact, once a repeat.
      const reached = (this.arena.reachedBy(lists[t], top.k + gone) - 1) * frequencies[t];
      if (reached > floor) floor = reached;
    }
    if (most > MAX_SUM) return false;
    this.prepare(count, top.k);
    const windows = Math.ceil(documents / WINDOW);
    const chunks = Math.ceil(Math.min(WINDOW, documents) / CHUNK);
    this.fresh = gone === 0 && top.k <= chunks / 2;
    for (let window = 0; window < windows; window++) floor = this.window(query, window, floor, units, top.k);
    this.score(query, floor, top);
    return true;
  }

  private prepare(terms: number, k: number): void {
    if (terms > this.order.length) {
      this.order = new Int32Array(terms * 2);
      this.bounds = new Int32Array(terms * 2);
      this.reach = new Int32Array(terms * 2 + 1);
      this.entry = new Int32Array(terms * 2);
    }
    for (let t = 0; t < terms; t++) {
      this.order[t] = t;
      this.entry[t] = 0;
    }
    if (k > this.heap.length) this.heap = new Int32Array(k);
    this.heapSize = 0;
    this.foundCount = 0;
  }

  /** Searches one window; gives the floor as it is then. */
  private window(query: ImpactQuery, window: number, floor: number, units: number, k: number): number {
    const { count, lists, frequencies, documents } = query;
    const { order, bounds, reach, entry, arena } = this;
    const { kernels, sums, pairs } = arena;
    for (let t = 0; t < count; t++) {
      const { windows } = lists[t];
      let e = entry[t];
      while (e < windows.length && windows[e] < window) e += 3;
      entry[t] = e;
      bounds[t] = e < windows.length && windows[e] === window ? windows[e + 2] * frequencies[t] : 0;
    }
    // Insertion sort: few terms, mostly in order from the window before.
    for (let i = 1; i < count; i++) {
      const t = order[i];
      let at = i;
      while (at > 0 && bounds[order[at - 1]] > bounds[t]) {
        order[at] = order[at - 1];
        at--;
      }
      order[at] = t;
    }
    let optional = 0;
    for (let i = 0; i < count; i++) {
      reach[i + 1] = reach[i] + bounds[order[i]];
      if (reach[i + 1] < floor * CAUTION) optional = i + 1;
    }
    if (reach[count] < floor) return floor;
    if (this.fresh) optional = 0;
    while (optional < count && bounds[order[optional]] === 0) optional++;
    for (let i = optional; i < count; i++) this.accumulate(query, order[i]);
    const places = Math.min(WINDOW, documents - (window << WINDOW_BITS));
    if (this.fresh) {
      this.fresh = false;
      floor = Math.max(floor, this.highest(k, places) - units);
    }
    const end = sums + 2 * rounded(places, CHUNK);
    let left = kernels.collect(sums, end, Math.max(1, floor - reach[optional]), pairs);
    for (let i = optional - 1; i >= 0 && left > 0; i--) {
      const t = order[i];
      if (bounds[t] === 0) break;
      left = this.complete(query, t, left, Math.max(1, floor - reach[i]));
    }
    return left === 0 ? floor : this.take(query, window, left, floor, units, k);
  }

  /** A sum that k documents of the window reach: the k-th highest of the maxima of its chunks. */
  private highest(k: number, places: number): number {
    const { kernels, sums, pairs, u16 } = this.arena;
    const all = rounded(places, 8 * CHUNK);
    kernels.maxima(sums, sums + 2 * all, pairs);
    this.heapSize = 0;
    for (let at = pairs / 2, end = at + all / CHUNK; at < end; at++)
      if (this.heapSize < k || u16[at] > this.heap[0]) this.push(u16[at], k);
    this.heapSize = 0;
    return this.heap[0];
  }

  private accumulate({ lists, frequencies }: ImpactQuery, t: number): void {
    const list = lists[t];
    const { kernels, sums } = this.arena;
    const entry = this.entry[t];
    const from = list.docs + 2 * list.windows[entry + 1];
    const to = list.docs + 2 * endOf(list, entry);
    if (frequencies[t] === 1) kernels.accumulate(from, to, list.delta, sums);
    else kernels.accumulateTimes(from, to, list.delta, sums, frequencies[t]);
  }

  /** Adds a term to the candidates and keeps those that reach `floor`; how many are left. */
  private complete(query: ImpactQuery, t: number, left: number, floor: number): number {
    const list = query.lists[t];
    const { kernels, sums, pairs, u16 } = this.arena;
    const first = list.windows[this.entry[t] + 1];
    const end = endOf(list, this.entry[t]);
    if (left * LOOK_UP < end - first + CLEARING) {
      const from = list.docs + 2 * first;
      return kernels.probe(from, list.docs + 2 * end, list.delta, query.frequencies[t], pairs, left, floor);
    }
    this.accumulate(query, t);
    const kept = kernels.gather(sums, pairs, left, floor);
    u16.fill(0, sums / 2, sums / 2 + WINDOW);
    return kept;
  }

  /** Takes note of a window's candidates; gives the floor as it is then. */
  private take(
    query: ImpactQuery,
    window: number,
    left: number,
    floor: number,
    units: number,
    k: number,
  ): number {
    const { i32 } = this.arena;
    const { deleted } = query;
    const base = window << WINDOW_BITS;
    if (this.foundCount + left > this.found.length / 2) this.makeRoom(left, floor);
    const { found } = this;
    let least = floor;
    let n = this.foundCount * 2;
    for (let p = this.arena.pairs / 4, end = p + left * 2; p < end; p += 2) {
      const sum = i32[p + 1];
      if (sum < least) continue;
      const doc = base + i32[p];
      if (hasBit(deleted, doc)) continue;
      found[n++] = doc;
      found[n++] = sum;
      if (this.heapSize < k || sum > this.heap[0]) {
        this.push(sum, k);
        if (this.heapSize === k && this.heap[0] - units > least) least = this.heap[0] - units;
      }
    }
    this.foundCount = n / 2;
    return least;
  }

  /** Drops what has fallen below the floor, then grows where that was not enough. */
  private makeRoom(more: number, floor: number): void {
    let n = 0;
    for (let i = 0; i < this.foundCount * 2; i += 2) {
      if (this.found[i + 1] < floor) continue;
      this.found[n++] = this.found[i];
      this.found[n++] = this.found[i + 1];
    }
    this.foundCount = n / 2;
    if ((this.foundCount + more) * 2 <= this.found.length) return;
    const grown = new Int32Array((this.foundCount + more) * 4);
    grown.set(this.found.subarray(0, n));
    this.found = grown;
  }

  private push(sum: number, k: number): void {
    const { heap } = this;
    if (this.heapSize < k) {
      let at = this.heapSize++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (heap[parent] <= sum) break;
        heap[at] = heap[parent];
        at = parent;
      }
      heap[at] = sum;
      return;
    }
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= k) break;
      if (child + 1 < k && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= sum) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = sum;
  }

  /** Scores the documents found exactly and offers them, window by window. */
  private score(query: ImpactQuery, floor: number, top: TopK): void {
    const { found, entry } = this;
    for (let t = 0; t < query.count; t++) entry[t] = 0;
    const end = this.foundCount * 2;
    for (let f = 0; f < end; ) {
      const { i32, pairs } = this.arena;
      const window = found[f] >>> WINDOW_BITS;
      let n = 0;
      for (; f < end && found[f] >>> WINDOW_BITS === window; f += 2) {
        if (found[f + 1] < floor) continue;
        i32[pairs / 4 + 2 * n++] = found[f] & (WINDOW - 1);
      }
      if (n > 0) this.scoreWindow(query, window, n, top);
    }
  }

  /** Scores the `n` places that stand in the pairs. */
  private scoreWindow(query: ImpactQuery, window: number, n: number, top: TopK): void {
    const { lists, scorers, frequencies, lengths, pivots, firstDocument } = query;
    const { entry } = this;
    const { kernels, u8, i32, pairs, counts } = this.arena;
    const base = window << WINDOW_BITS;
    if (n > this.scores.length) this.scores = new Float64Array(n * 2);
    const { scores } = this;
    scores.fill(0, 0, n);
    for (let t = 0; t < query.count; t++) {
      const list = lists[t];
      const { windows } = list;
      let e = entry[t];
      while (e < windows.length && windows[e] < window) e += 3;
      entry[t] = e;
      if (e >= windows.length || windows[e] !== window) continue;
      const first = windows[e + 1];
      kernels.lookUp(list.docs + 2 * first, list.docs + 2 * endOf(list, e), pairs, n, counts);
      for (let i = 0; i < n; i++) {
        const at = i32[counts / 4 + i] - 1;
        if (at < 0) continue;
        const kept = u8[list.tfs + first + at];
        const tf = kept < 255 ? kept : query.frequency(t, first + at);
        const length = lengths[base + i32[pairs / 4 + 2 * i]];
        scores[i] += contribution(scorers[t], tf, length, pivots) * frequencies[t];
      }
    }
    for (let i = 0; i < n; i++)
      if (scores[i] >= top.threshold) top.offer(firstDocument + base + i32[pairs / 4 + 2 * i], scores[i]);
  }
}

const rounded = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** Index behind the last posting of a window. */
function endOf(list: ImpactList, entry: number): number {
  return entry + 3 < list.windows.length ? list.windows[entry + 4] : list.size;
}
