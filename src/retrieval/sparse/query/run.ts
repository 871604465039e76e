import { hasBit } from '../bitmap.ts';
import type { OpenSegment } from '../open-segment.ts';
import type { TopK } from '../top-k.ts';
import type { CompiledQuery } from './compile.ts';
import { combined, finishers, type Range, shares } from './finish.ts';
import { MARKS } from './nodes.ts';
import { NO_DOCUMENT, WINDOW } from './postings-window.ts';
import type { SegmentQuery } from './segment-query.ts';

/** A segment to search: its nodes' builder and the documents that cannot be hits. */
export interface Searched {
  open: OpenSegment;
  nodes: SegmentQuery;
  excluded: Uint8Array | undefined;
}

/** Calls `take` with every hit of a segment, its number there and the members' scores, in ascending order. */
function eachHit(
  query: CompiledQuery,
  { open, nodes, excluded }: Searched,
  segments: readonly OpenSegment[],
  take: (doc: number, scores: number[]) => void,
): void {
  const members = query.members.length;
  const root = nodes.node(query.root);
  const finish = finishers(query, open, segments);
  const marks = new Int32Array(MARKS);
  const sums = new Float64Array(members * WINDOW);
  const { documents } = open.segment.meta;
  let base = root.next(0);
  while (base < documents && base !== NO_DOCUMENT) {
    const end = Math.min(documents, base + WINDOW);
    root.window(base, end, marks, sums);
    for (let w = 0; w < MARKS; w++) {
      let bits = marks[w];
      while (bits !== 0) {
        const at = w * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const doc = base + at;
        if (hasBit(excluded, doc)) continue;
        const scores = new Array<number>(members);
        for (let m = 0; m < members; m++) scores[m] = finish[m](sums[m * WINDOW + at], doc);
        take(doc, scores);
      }
    }
    marks.fill(0);
    sums.fill(0);
    base = root.next(end);
  }
}

/** Offers every hit to `top`. The scores of a mean wait until the members' ranges are known. */
export function runQuery(
  query: CompiledQuery,
  searched: readonly Searched[],
  segments: readonly OpenSegment[],
  top: TopK,
): void {
  const { scoring } = query;
  if (scoring.combine !== 'mean') {
    for (const one of searched) {
      const { firstDocument } = one.open;
      eachHit(query, one, segments, (doc, scores) => {
        const score =
          scores.length === 1 && scoring.combine === 'single'
            ? scores[0]
            : combined(shares(scoring, scores, []));
        if (score >= top.threshold) top.offer(firstDocument + doc, score);
      });
    }
    return;
  }
  const docs: number[] = [];
  const held: number[] = [];
  const ranges = emptyRanges(query);
  for (const one of searched) {
    const { firstDocument } = one.open;
    eachHit(query, one, segments, (doc, scores) => {
      docs.push(firstDocument + doc);
      held.push(...scores);
      widen(ranges, scores);
    });
  }
  const members = query.members.length;
  docs.forEach((doc, i) => {
    const score = combined(shares(scoring, held.slice(i * members, (i + 1) * members), ranges));
    if (score >= top.threshold) top.offer(doc, score);
  });
}

/** The members' ranges over all hits. */
export function rangesOf(
  query: CompiledQuery,
  searched: readonly Searched[],
  segments: readonly OpenSegment[],
): Range[] {
  const ranges = emptyRanges(query);
  for (const one of searched) eachHit(query, one, segments, (_, scores) => widen(ranges, scores));
  return ranges;
}

const emptyRanges = (query: CompiledQuery): Range[] =>
  query.members.map(() => ({ min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }));

function widen(ranges: Range[], scores: readonly number[]): void {
  scores.forEach((score, m) => {
    if (score < ranges[m].min) ranges[m].min = score;
    if (score > ranges[m].max) ranges[m].max = score;
  });
}
