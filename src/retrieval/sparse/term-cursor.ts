import { contribution } from './contribution.ts';
import { GRID, GRID_SHIFT, toGrid } from './grid.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import { addMarked, addUnmarked, type ScoredPostings, seekDocument } from './scored-postings.ts';
import type { TermScorer } from './similarity/index.ts';

/** Postings walked in the time of one look-up. */
const WALK = 8;

/** One query term over one segment: its postings, how it scores, and where it stands. */
export class TermCursor {
  list!: PostingsList;
  scorer!: TermScorer;
  /** How often the query repeats the term. */
  queryFrequency = 1;
  /** First block whose last document is not before the window. */
  block = 0;
  /** Upper bound of a contribution in the window. */
  bound = 0;
  blockBounds: Float64Array = new Float64Array(0);
  /** The eager form of the list, where it is kept. */
  private scored: ScoredPostings | undefined;
  private decoded = -1;
  private size = 0;
  private position = 0;
  private readonly docs = new Int32Array(BLOCK_DOCS);
  private readonly tfs = new Int32Array(BLOCK_DOCS);

  /** Puts the cursor at the start of a list. `key` names similarity and term statistics for the bounds. */
  open(
    list: PostingsList,
    scorer: TermScorer,
    queryFrequency: number,
    key: string,
    pivots: Float64Array,
  ): void {
    this.list = list;
    this.scorer = scorer;
    this.queryFrequency = queryFrequency;
    this.block = 0;
    this.decoded = -1;
    this.position = 0;
    if (list.bounds?.key !== key) list.bounds = { key, ...blockBounds(list, scorer, pivots) };
    this.blockBounds = list.bounds.blocks;
    this.scored = list.scored?.key === key ? list.scored : undefined;
  }

  get maxBound(): number {
    return (this.list.bounds?.max ?? 0) * this.queryFrequency;
  }

  /** Moves to the window [base, end) and sets `bound`; 0 where the list has no block in it. */
  enter(base: number, end: number): void {
    const { last } = this.list;
    const { blocks } = this.list;
    let b = this.block;
    while (b < blocks && last[b] < base) b++;
    this.block = b;
    let bound = 0;
    while (b < blocks && (b === 0 || last[b - 1] + 1 < end)) {
      if (this.blockBounds[b] > bound) bound = this.blockBounds[b];
      if (last[b] >= end) break;
      b++;
    }
    this.bound = bound * this.queryFrequency;
  }

  /** Adds the contributions of all postings in the window and marks their documents. */
  accumulate(
    base: number,
    end: number,
    lengths: Uint32Array,
    pivots: Float64Array,
    scores: Float64Array,
    marks: Int32Array,
  ): void {
    if (this.scored !== undefined) {
      const from = seekDocument(this.scored.docs, this.position, base);
      this.position = addMarked(this.scored, from, base, end, this.queryFrequency, scores, marks);
      return;
    }
    const { last, blocks } = this.list;
    const { docs, tfs, queryFrequency } = this;
    const { weight, k, add, score } = this.scorer;
    let b = this.block;
    while (b < blocks) {
      if (b !== this.decoded) this.decode(b);
      const { size } = this;
      let i = this.position;
      while (i < size && docs[i] < base) i++;
      if (score === undefined) {
        for (; i < size; i++) {
          const doc = docs[i];
          if (doc >= end) break;
          const tf = tfs[i];
          const at = doc - base;
          const part = (weight * tf) / (tf + k * pivots[lengths[doc]]) + add;
          scores[at] += (part + GRID_SHIFT - GRID_SHIFT) * queryFrequency;
          marks[at >>> 5] |= 1 << at;
        }
      } else {
        for (; i < size; i++) {
          const doc = docs[i];
          if (doc >= end) break;
          const at = doc - base;
          scores[at] += toGrid(score(tfs[i], lengths[doc])) * queryFrequency;
          marks[at >>> 5] |= 1 << at;
        }
      }
      this.position = i;
      if (i < size || last[b] >= end - 1) break;
      b++;
    }
    this.block = b;
  }

  /**
   * Adds this term to candidates (ascending documents `base + candidates[i]`) and drops those that cannot
   * reach `threshold` with the `rest` that is still to come. Returns how many are left.
   */
  probe(
    base: number,
    candidates: Int32Array,
    count: number,
    threshold: number,
    rest: number,
    lengths: Uint32Array,
    pivots: Float64Array,
    scores: Float64Array,
  ): number {
    if (this.scored !== undefined) return this.probeScored(base, candidates, count, threshold, rest, scores);
    const { last, blocks } = this.list;
    const { docs, tfs, queryFrequency, blockBounds } = this;
    let b = this.block;
    let kept = 0;
    for (let c = 0; c < count; c++) {
      const at = candidates[c];
      const doc = base + at;
      while (b < blocks && last[b] < doc) b++;
      if (b === blocks) {
        if (scores[at] + rest >= threshold) candidates[kept++] = at;
        continue;
      }
      if (scores[at] + blockBounds[b] * queryFrequency + rest < threshold) continue;
      if (b !== this.decoded) this.decode(b);
      let low = this.position;
      // Gallop, then halve: candidates are often close together.
      let step = 1;
      while (low + step < this.size && docs[low + step] <= doc) {
        low += step;
        step *= 2;
      }
      let high = Math.min(this.size - 1, low + step);
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if (docs[middle] <= doc) low = middle;
        else high = middle - 1;
      }
      this.position = low;
      if (docs[low] === doc)
        scores[at] += contribution(this.scorer, tfs[low], lengths[doc], pivots) * queryFrequency;
      if (scores[at] + rest >= threshold) candidates[kept++] = at;
    }
    this.block = b;
    return kept;
  }

  private probeScored(
    base: number,
    candidates: Int32Array,
    count: number,
    threshold: number,
    rest: number,
    scores: Float64Array,
  ): number {
    const scored = this.scored as ScoredPostings;
    const { docs, parts } = scored;
    const { queryFrequency } = this;
    const first = base + candidates[0];
    const last = base + candidates[count - 1];
    let i = seekDocument(docs, this.position, first);
    let kept = 0;
    // Walking the list costs a fraction of a look-up: do that where candidates lie close.
    if ((last - first) * scored.density < count * WALK) {
      this.position = addUnmarked(scored, i, base, last + 1, queryFrequency, scores);
      for (let c = 0; c < count; c++) {
        const at = candidates[c];
        if (scores[at] + rest >= threshold) candidates[kept++] = at;
      }
      return kept;
    }
    const bound = this.bound;
    for (let c = 0; c < count; c++) {
      const at = candidates[c];
      if (scores[at] + bound + rest < threshold) continue;
      const doc = base + at;
      i = seekDocument(docs, i, doc);
      if (i < docs.length && docs[i] === doc) scores[at] += parts[i] * queryFrequency;
      if (scores[at] + rest >= threshold) candidates[kept++] = at;
    }
    this.position = i;
    return kept;
  }

  private decode(block: number): void {
    this.size = this.list.decode(block, this.docs, this.tfs);
    this.decoded = block;
    this.position = 0;
  }
}

/** The best score each block can hold: one grid step above the best of its frontier, for rounding. */
function blockBounds(
  list: PostingsList,
  scorer: TermScorer,
  pivots: Float64Array,
): { max: number; blocks: Float64Array } {
  const blocks = new Float64Array(list.blocks);
  let max = 0;
  for (let b = 0; b < list.blocks; b++) {
    let best = 0;
    for (let i = list.frontierStart[b]; i < list.frontierStart[b + 1]; i++) {
      best = Math.max(best, contribution(scorer, list.frontierTf[i], list.frontierLength[i], pivots));
    }
    blocks[b] = best + GRID;
    if (blocks[b] > max) max = blocks[b];
  }
  return { max, blocks };
}
