/** The stages before the last (PLAID, Santhanam et al. 2022), over all segments of an index together. */

import { Lowest } from '../lowest.ts';
import { emptyBitmap } from '../sparse/bitmap.ts';
import type { Question, StageOptions } from './question.ts';
import type { SegmentLists } from './segment-lists.ts';

/** A segment of an index as the stages see it. */
export interface Part {
  readonly lists: SegmentLists;
  readonly documents: number;
  readonly allowed: Uint8Array | undefined;
  /** How many are allowed. */
  readonly count: number;
}

/** Documents of a segment that may be among the best, ascending, with their MaxSim over centroids. */
export interface Candidates {
  readonly docs: Uint32Array;
  readonly scores: Float32Array;
}

/** A list longer than this part of what is looked at is one of a common word. */
const COMMON = 8;

/** What may be among the `k` best of each part. */
export function candidatesOf(
  parts: readonly Part[],
  question: Question,
  stages: StageOptions,
  k: number,
): Candidates[] {
  const wanted = Math.max(stages.candidates >> 2, k + 8);
  let found: Uint32Array[];
  // of few documents, looking at all is as quick and misses none
  if (parts.reduce((sum, p) => sum + p.count, 0) <= wanted)
    found = parts.map(p => Uint32Array.from(p.lists.all(p.allowed)));
  else {
    const most = stages.candidates * 16;
    let cells = stages.cells;
    for (;;) {
      found = nearOf(parts, question, cells, most, stages.candidates);
      const total = found.reduce((sum, docs) => sum + docs.length, 0);
      if (total >= wanted || cells >= question.scores.length / question.count) break;
      cells *= 2;
    }
  }
  const scores = parts.map((p, i) => p.lists.scored(found[i], question));
  if (scores.reduce((sum, own) => sum + own.length, 0) <= stages.candidates)
    return found.map((docs, i) => ({ docs, scores: scores[i] }));
  return best(scores, found, stages.candidates);
}

/** Documents with a token at one of the `cells` centroids nearest to a token of the question. */
function nearOf(
  parts: readonly Part[],
  question: Question,
  cells: number,
  most: number,
  enough: number,
): Uint32Array[] {
  const { count, scores } = question;
  const centroids = scores.length / count;
  const taken = new Map<number, number>();
  const top = new Int32Array(Math.min(cells, centroids));
  for (let q = 0; q < count; q++) {
    let n = 0;
    let lowest = Number.NEGATIVE_INFINITY;
    for (let c = 0, i = q; c < centroids; c++, i += count) {
      const score = scores[i];
      if ((n === top.length && score <= lowest) || !isUsed(parts, c)) continue;
      let at = n < top.length ? n++ : n - 1;
      for (; at > 0 && scores[top[at - 1] * count + q] < score; at--) top[at] = top[at - 1];
      top[at] = c;
      lowest = scores[top[n - 1] * count + q];
    }
    for (let i = 0; i < n; i++)
      taken.set(top[i], Math.max(taken.get(top[i]) ?? -Infinity, scores[top[i] * count + q]));
  }
  const seen = parts.map(p => emptyBitmap(p.documents));
  const sizes = new Int32Array(parts.length);
  let found = 0;
  const size = (c: number) => parts.reduce((sum, p) => sum + p.lists.countAt(c), 0);
  const mark = (c: number) =>
    parts.forEach((p, i) => {
      const more = p.lists.mark(c, seen[i], p.allowed);
      sizes[i] += more;
      found += more;
    });
  // what scores most comes first, and enough is enough; lists of common words, which hold nearly all passages, come last:
  // what is best has other words of the question too
  const order = [...taken].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([c]) => c);
  for (const c of order) if (found < most && size(c) <= most / COMMON) mark(c);
  for (const c of order) if (found < enough && size(c) > most / COMMON) mark(c);
  return seen.map((bits, i) => {
    const out = new Uint32Array(sizes[i]);
    let at = 0;
    for (let b = 0; b < bits.length; b++)
      for (let rest = bits[b], d = b * 8; rest !== 0; rest >>= 1, d++) if (rest & 1) out[at++] = d;
    return out;
  });
}

function isUsed(parts: readonly Part[], centroid: number): boolean {
  for (const p of parts) if (p.lists.countAt(centroid) > 0) return true;
  return false;
}

/** The `n` documents of all parts with the greatest scores; ties go to the lower numbers. */
function best(scores: readonly Float32Array[], docs: readonly Uint32Array[], n: number): Candidates[] {
  const lowest = new Lowest(n);
  for (const own of scores) for (const score of own) lowest.offer(score);
  const floor = lowest.value;
  let ties = n;
  for (const own of scores) for (const score of own) if (score > floor) ties--;
  return docs.map((own, p) => {
    const out = new Uint32Array(own.length);
    const kept = new Float32Array(own.length);
    let found = 0;
    for (let i = 0; i < own.length; i++) {
      const score = scores[p][i];
      if (score < floor || (score === floor && ties-- <= 0)) continue;
      kept[found] = score;
      out[found++] = own[i];
    }
    return { docs: out.subarray(0, found), scores: kept.subarray(0, found) };
  });
}
