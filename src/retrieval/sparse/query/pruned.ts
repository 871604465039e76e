import type { OpenSegment } from '../open-segment.ts';
import { type SearchMemory, searchSegment } from '../search.ts';
import type { TopK } from '../top-k.ts';
import type { CompiledQuery, LeafScore, TermLeaf } from './compile.ts';
import { listOf } from './compile.ts';

type SpaceScore = Extract<LeafScore, { kind: 'space' }>;

/** A query that is a sum of terms of one space under one similarity. */
export interface Bag {
  scores: { score: SpaceScore; count: number }[];
  /** Whether bounds may be used. */
  prune: boolean;
}

/** The query as a bag, where it is one and its score is the plain sum. */
export function asBag(query: CompiledQuery): Bag | undefined {
  const { root, members, scoring } = query;
  if (root.must.length + root.not.length > 0 || members.length !== 1 || scoring.combine !== 'single')
    return undefined;
  if (!root.should.every(leaf => leaf.kind === 'term')) return undefined;
  const scores = (root.should as TermLeaf[]).flatMap(leaf =>
    leaf.scores.map(score => ({ score, count: leaf.count })),
  );
  const first = scores[0]?.score;
  if (first === undefined || first.kind !== 'space') return undefined;
  const { similarity } = first.scoring;
  if (similarity.document !== undefined || similarity.cosine !== undefined) return undefined;
  if (!scores.every(({ score }) => score.kind === 'space' && score.scoring === first.scoring))
    return undefined;
  const prune =
    similarity.prunable &&
    query.exact &&
    members[0].constant === 0 &&
    scores.every(({ score }) => score.boost > 0);
  return { scores: scores as Bag['scores'], prune };
}

/** Searches one segment through the cursors of plain search. `excluded`: documents that cannot be hits. */
export function searchBag(
  bag: Bag,
  constant: number,
  open: OpenSegment,
  excluded: Uint8Array | undefined,
  memory: SearchMemory,
  top: TopK,
): void {
  const cursors = [];
  for (const { score, count } of bag.scores) {
    const list = listOf(open, score.term);
    if (list === undefined) continue;
    const cursor = memory.cursor(cursors.length);
    cursor.open(list, score.scorer, count, `${score.scoring.key} ${score.boost}`, score.scoring.pivots);
    cursors.push(cursor);
  }
  if (cursors.length === 0) return;
  const { scoring } = bag.scores[0].score;
  searchSegment(
    {
      documents: open.segment.meta.documents,
      firstDocument: open.firstDocument,
      lengths: open.segment.fieldLengths(scoring.space.field),
      deleted: excluded,
      cursors,
      pivots: scoring.pivots,
      prune: bag.prune,
      finish: constant === 0 ? undefined : sum => sum + constant,
    },
    memory,
    top,
  );
}
