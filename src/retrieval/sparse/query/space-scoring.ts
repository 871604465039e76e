import { IndexError } from '../errors.ts';
import { entryName, entryOf, type TermSpace } from '../fields.ts';
import type { OpenSegment } from '../open-segment.ts';
import type { Collection, PreparedSimilarity, ResolvedSimilarity, TermScorer } from '../similarity/index.ts';
import { vocabularyMean } from './vocabulary.ts';

/** An open index as queries see it. */
export interface QueryHost {
  readonly dir: string;
  readonly segments: readonly OpenSegment[];
  /** N, live documents. */
  readonly documents: number;
  /** Σ l over live documents, of all text (-1) or a field. */
  totalLength(field: number): number;
}

/** A term's numbers over the live documents of all segments. */
export interface SpaceTerm {
  word: string;
  space: TermSpace;
  /** The dictionary's bytes, and the name under which open segments keep the term. */
  entry: Uint8Array;
  name: string;
  documents: number;
  occurrences: number;
}

const encoder = new TextEncoder();

/** Looks a term up; undefined where no live document holds it. */
export function findTerm(host: QueryHost, space: TermSpace, word: string): SpaceTerm | undefined {
  const entry = entryOf(space, encoder.encode(word));
  const name = entryName(space, word);
  let documents = 0;
  let occurrences = 0;
  for (const open of host.segments) {
    const term = open.term(name, entry);
    documents += term.documents;
    occurrences += term.occurrences;
  }
  return documents === 0 ? undefined : { word, space, entry, name, documents, occurrences };
}

/** u(l) for every length documents have in a space. */
export function pivotTable(host: QueryHost, field: number, pivot: (length: number) => number): Float64Array {
  let longest = 0;
  for (const { segment } of host.segments) longest = Math.max(longest, segment.maxLength(field));
  return Float64Array.from({ length: longest + 1 }, (_, length) => pivot(length));
}

export function collectionOf(host: QueryHost, space: TermSpace): Collection {
  const totalLength = host.totalLength(space.field);
  return {
    documents: host.documents,
    totalLength,
    averageLength: host.documents === 0 ? 0 : totalLength / host.documents,
    bits: space.bits,
    vocabularyMean: value => vocabularyMean(host.segments, space.field, value),
  };
}

/** One similarity over one space of an open index. */
export class SpaceScoring {
  readonly key: string;
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly space: TermSpace;
  readonly collection: Collection;
  readonly similarity: PreparedSimilarity;
  readonly pivots: Float64Array;
  private readonly host: QueryHost;
  private readonly scorers = new Map<string, TermScorer>();
  private readonly most = new Map<string, number>();

  constructor(host: QueryHost, resolved: ResolvedSimilarity, space: TermSpace) {
    if ((resolved.name === 'impact') !== (space.kind === 'weights')) {
      throw new IndexError(
        'argument',
        space.kind === 'weights'
          ? `similarity ${resolved.name}: field "${space.name}" holds weights, which "impact" scores`
          : `similarity impact: scores a field of weights, and ${space.name === '' ? 'the text' : `field "${space.name}"`} has none`,
      );
    }
    this.host = host;
    this.name = resolved.name;
    this.parameters = resolved.parameters;
    this.key = `${resolved.key} ${space.field}`;
    this.space = space;
    this.collection = collectionOf(host, space);
    this.similarity = resolved.prepare(this.collection);
    this.pivots = pivotTable(host, space.field, this.similarity.pivot);
  }

  scorer(term: SpaceTerm): TermScorer {
    const kept = this.scorers.get(term.word);
    if (kept !== undefined) return kept;
    if (this.scorers.size >= 1 << 14) {
      this.scorers.clear();
      this.most.clear();
    }
    const scorer = this.similarity.term({
      documents: term.documents,
      occurrences: term.occurrences,
      forEachPosting: visit => {
        for (const open of this.host.segments) open.forEachPosting(term.name, term.entry, visit);
      },
    });
    this.scorers.set(term.word, scorer);
    return scorer;
  }

  /** Bound of what a term adds, before boosts, by absolute value. */
  largest(term: SpaceTerm): number {
    const { weight, add, score } = this.scorer(term);
    if (score === undefined) return Math.abs(weight) + Math.abs(add);
    const kept = this.most.get(term.word);
    if (kept !== undefined) return kept;
    const most = highest(this.host, term, score);
    this.most.set(term.word, most);
    return most;
  }
}

/** The highest of a scorer's contributions, by absolute value, at the best pairs of the term's blocks. */
function highest(host: QueryHost, term: SpaceTerm, score: (tf: number, length: number) => number): number {
  let most = 0;
  for (const open of host.segments) {
    const list = open.postings(term.name, term.entry);
    if (list === undefined) continue;
    const { frontierTf, frontierLength } = list;
    for (let i = 0; i < frontierTf.length; i++)
      most = Math.max(most, Math.abs(score(frontierTf[i], frontierLength[i])));
  }
  return most;
}

/** The scorer with its contributions multiplied; with absent terms counted elsewhere, only what is above that. */
export function weighted(scorer: TermScorer, boost: number, absent: number): TermScorer {
  if (boost === 1 && absent === 0) return scorer;
  const { score } = scorer;
  return {
    ...scorer,
    weight: scorer.weight * boost,
    add: scorer.add * boost - absent,
    absent: undefined,
    score: score === undefined ? undefined : (tf, length) => score(tf, length) * boost - absent,
  };
}
