import { hasBit } from './bitmap.ts';
import { TermCursor } from './term-cursor.ts';
import type { TopK } from './top-k.ts';

/** Documents scored together: their sums fit the first-level cache (32 KiB). */
const WINDOW = 4096;

/** What the search of one segment needs. */
export interface SegmentQuery {
  /** Documents in the segment. */
  documents: number;
  /** Number of its first document in the index. */
  firstDocument: number;
  lengths: Uint32Array;
  deleted: Uint8Array | undefined;
  cursors: TermCursor[];
  /** u(l) by length. */
  pivots: Float64Array;
  /** Whether bounds may be used. */
  prune: boolean;
  /** From a document's sum to its score. */
  finish: ((sum: number, doc: number) => number) | undefined;
}

/** Working memory of a search, used again by the next one. */
export class SearchMemory {
  readonly scores = new Float64Array(WINDOW);
  readonly marks = new Int32Array(WINDOW / 32);
  readonly candidates = new Int32Array(WINDOW);
  private readonly cursors: TermCursor[] = [];

  cursor(i: number): TermCursor {
    this.cursors[i] ??= new TermCursor();
    return this.cursors[i];
  }
}

/**
 * Offers the best documents of a segment to `top`. Works window by window over the document numbers: the
 * terms whose bounds in the window together stay below the current k-th score only complete candidates,
 * the others make them (MaxScore, Turtle & Flood 1995, over block maxima as in Ding & Suel 2011). Exact:
 * a document is passed over only where its bound is below the threshold, so ties still compete.
 */
export function searchSegment(query: SegmentQuery, memory: SearchMemory, top: TopK): void {
  const { documents, lengths, pivots, prune } = query;
  const { scores, marks, candidates } = memory;
  const order = query.cursors.slice();
  const terms = order.length;
  // reach[i]: the sum of the bounds of the i lowest terms.
  const reach = new Float64Array(terms + 1);
  for (let base = 0; base < documents; base += WINDOW) {
    const end = Math.min(documents, base + WINDOW);
    const threshold = top.threshold;
    for (let t = 0; t < terms; t++) order[t].enter(base, end);
    let optional = 0;
    if (prune) {
      sortByBound(order);
      for (let t = 0; t < terms; t++) reach[t + 1] = reach[t] + order[t].bound;
      while (optional < terms && reach[optional + 1] < threshold) optional++;
      if (optional === terms) continue;
    }
    for (let t = optional; t < terms; t++) {
      if (order[t].bound !== 0) order[t].accumulate(base, end, lengths, pivots, scores, marks);
    }
    let count = collect(
      marks,
      scores,
      prune ? threshold - reach[optional] : Number.NEGATIVE_INFINITY,
      candidates,
    );
    for (let t = optional - 1; t >= 0 && count > 0; t--) {
      if (order[t].bound === 0) continue;
      count = order[t].probe(base, candidates, count, threshold, reach[t], lengths, pivots, scores);
    }
    offer(query, base, candidates, count, scores, top);
    scores.fill(0);
  }
}

/** Insertion sort: few terms, mostly in order from the window before. */
function sortByBound(order: TermCursor[]): void {
  for (let i = 1; i < order.length; i++) {
    const moving = order[i];
    let at = i;
    while (at > 0 && order[at - 1].bound > moving.bound) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = moving;
  }
}

/** Lists and clears the marked places whose sum is at least `floor`. */
function collect(marks: Int32Array, scores: Float64Array, floor: number, candidates: Int32Array): number {
  let count = 0;
  for (let w = 0; w < marks.length; w++) {
    let bits = marks[w];
    if (bits === 0) continue;
    marks[w] = 0;
    while (bits !== 0) {
      const at = w * 32 + 31 - Math.clz32(bits & -bits);
      bits &= bits - 1;
      if (scores[at] >= floor) candidates[count++] = at;
    }
  }
  return count;
}

function offer(
  query: SegmentQuery,
  base: number,
  candidates: Int32Array,
  count: number,
  scores: Float64Array,
  top: TopK,
): void {
  const { deleted, finish, firstDocument } = query;
  for (let c = 0; c < count; c++) {
    const doc = base + candidates[c];
    if (hasBit(deleted, doc)) continue;
    const score = finish === undefined ? scores[candidates[c]] : finish(scores[candidates[c]], doc);
    if (score >= top.threshold) top.offer(firstDocument + doc, score);
  }
}
