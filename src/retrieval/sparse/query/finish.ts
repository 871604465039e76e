import type { OpenSegment } from '../open-segment.ts';
import type { ResolvedScoring } from '../similarity/scoring-spec.ts';
import type { CompiledQuery, MemberTotals } from './compile.ts';

/** The score of a member from its sum, for a document of a segment. */
export type Finish = (sum: number, doc: number) => number;

export function finisher(totals: MemberTotals, open: OpenSegment, segments: readonly OpenSegment[]): Finish {
  const { scoring, constant, count } = totals;
  if (scoring === undefined) return sum => sum;
  const { cosine, document } = scoring.similarity;
  if (cosine !== undefined) {
    const norms = open.cosineNorms(scoring.key, cosine.weight, segments, scoring.space);
    return (sum, doc) => (norms[doc] === 0 ? 0 : sum / norms[doc]);
  }
  if (document !== undefined) {
    const lengths = open.segment.fieldLengths(scoring.space.field);
    return (sum, doc) => sum + document(lengths[doc], count);
  }
  return constant === 0 ? sum => sum : sum => sum + constant;
}

export const finishers = (
  query: CompiledQuery,
  open: OpenSegment,
  segments: readonly OpenSegment[],
): Finish[] => query.members.map(totals => finisher(totals, open, segments));

/** Lowest and highest score of a member over the hits of a query. */
export interface Range {
  min: number;
  max: number;
}

/** What each member gives to the score of a hit, in order; `ranges` where the combination needs them. */
export function shares(
  scoring: ResolvedScoring,
  scores: readonly number[],
  ranges: readonly Range[],
): number[] {
  if (scoring.combine === 'single') return [...scores];
  if (scoring.combine === 'sum') return scores.map((score, m) => score * scoring.members[m].weight);
  const all = scoring.members.reduce((sum, member) => sum + member.weight, 0);
  return scores.map((score, m) => {
    const { min, max } = ranges[m];
    const normal = max === min ? 1 : (score - min) / (max - min);
    return (normal * scoring.members[m].weight) / all;
  });
}

/** The shares added in order. */
export const combined = (parts: readonly number[]): number => parts.reduce((sum, part) => sum + part, 0);
