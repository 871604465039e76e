import { hasBit } from './bitmap.ts';
import { contribution } from './contribution.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import type { TermScorer } from './similarity/index.ts';

/** Contributions kept of the best documents, for a first threshold. */
const BEST = 1000;

/**
 * A term's postings with their contributions worked out for one similarity (the eager scores of BM25S,
 * Lù 2024): 12 bytes a posting, kept for terms that queries come back to.
 */
export class ScoredPostings {
  /** Names similarity and parameters. */
  readonly key: string;
  readonly docs: Int32Array;
  readonly parts: Float64Array;
  /** Postings a document between the first and the last. */
  readonly density: number;
  /** The highest contributions of live documents, descending, at most 1000. */
  private readonly best: Float64Array;

  constructor(
    key: string,
    list: PostingsList,
    scorer: TermScorer,
    lengths: Uint32Array,
    pivots: Float64Array,
    deleted: Uint8Array | undefined,
  ) {
    this.key = key;
    this.docs = new Int32Array(list.size);
    this.parts = new Float64Array(list.size);
    const tfs = new Int32Array(BLOCK_DOCS);
    for (let b = 0, at = 0; b < list.blocks; b++, at += BLOCK_DOCS) {
      const docs = this.docs.subarray(at, at + list.blockSize(b));
      const n = list.decode(b, docs, tfs);
      for (let i = 0; i < n; i++) this.parts[at + i] = contribution(scorer, tfs[i], lengths[docs[i]], pivots);
    }
    this.density = list.size / Math.max(1, this.docs[list.size - 1] - this.docs[0]);
    const live =
      deleted === undefined
        ? this.parts.slice()
        : this.parts.filter((_, i) => !hasBit(deleted, this.docs[i]));
    live.sort();
    this.best = live.slice(-BEST).reverse();
  }

  static bytesFor(size: number): number {
    return size * 12 + Math.min(size, BEST) * 8;
  }

  /** A score that k documents reach by this term alone; -Infinity where it is not known. */
  reachedBy(k: number): number {
    return k <= this.best.length ? this.best[k - 1] : Number.NEGATIVE_INFINITY;
  }
}

/** First index at or after `from` whose document is at least `doc`: gallop, then halve. */
export function seekDocument(docs: Int32Array, from: number, doc: number): number {
  const { length } = docs;
  if (from >= length || docs[from] >= doc) return from;
  let low = from;
  let step = 1;
  while (low + step < length && docs[low + step] < doc) {
    low += step;
    step *= 2;
  }
  let high = Math.min(length, low + step);
  // docs[low] < doc ≤ docs[high]
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (docs[middle] < doc) low = middle;
    else high = middle;
  }
  return high;
}

/** Adds the contributions of `docs[from..]` below `end`, marking their documents; returns where it stopped. */
export function addMarked(
  scored: ScoredPostings,
  from: number,
  base: number,
  end: number,
  queryFrequency: number,
  scores: Float64Array,
  marks: Int32Array,
): number {
  const { docs, parts } = scored;
  const { length } = docs;
  let i = from;
  for (; i < length; i++) {
    const doc = docs[i];
    if (doc >= end) break;
    const at = doc - base;
    scores[at] += parts[i] * queryFrequency;
    marks[at >>> 5] |= 1 << at;
  }
  return i;
}

/** As `addMarked`, for documents that are marked already or do not matter. */
export function addUnmarked(
  scored: ScoredPostings,
  from: number,
  base: number,
  end: number,
  queryFrequency: number,
  scores: Float64Array,
): number {
  const { docs, parts } = scored;
  const { length } = docs;
  let i = from;
  for (; i < length; i++) {
    const doc = docs[i];
    if (doc >= end) break;
    scores[doc - base] += parts[i] * queryFrequency;
  }
  return i;
}
