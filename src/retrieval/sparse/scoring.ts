import { toGrid } from './grid.ts';
import type { ImpactList } from './impact-arena.ts';
import type { OpenSegment } from './open-segment.ts';
import type { Collection, PreparedSimilarity, ResolvedSimilarity, TermScorer } from './similarity/index.ts';

/** A term of the collection and how it scores. */
export interface ScoredTerm {
  text: Uint8Array;
  word: string;
  /** n, live documents of all segments that hold it */
  documents: number;
  occurrences: number;
  scorer: TermScorer;
  /** What it gives a document that does not hold it, on the grid. */
  absent: number;
  /** Bound of what it adds to a score, in the saturation form. */
  largest: number;
  /** By segment: impacts, where queries came back to the term. */
  readonly impacts: KeptImpacts[];
}

/** A term's impacts in one segment; void where the arena dropped all since. */
export interface KeptImpacts {
  dropped: number;
  /** null where no document of the segment holds the term. */
  list: ImpactList | null;
}

const KEPT_TERMS = 1 << 16;
const encoder = new TextEncoder();

/** One similarity over one open index: what queries share, worked out once. */
export class Scoring {
  /** Names similarity and parameters. */
  readonly key: string;
  readonly similarity: PreparedSimilarity;
  /** u(l) for every length the index has. */
  readonly pivots: Float64Array;
  private readonly segments: readonly OpenSegment[];
  private readonly terms = new Map<string, ScoredTerm | undefined>();

  constructor(
    resolved: ResolvedSimilarity,
    collection: Collection,
    segments: readonly OpenSegment[],
    maxLength: number,
  ) {
    this.key = resolved.key;
    this.similarity = resolved.prepare(collection);
    this.segments = segments;
    this.pivots = new Float64Array(maxLength + 1);
    for (let l = 0; l <= maxLength; l++) this.pivots[l] = this.similarity.pivot(l);
  }

  /** A term by its word; undefined where no live document holds it. */
  term(word: string): ScoredTerm | undefined {
    const kept = this.terms.get(word);
    if (kept !== undefined || this.terms.has(word)) return kept;
    if (this.terms.size >= KEPT_TERMS) this.terms.clear();
    const term = this.look(word);
    this.terms.set(word, term);
    return term;
  }

  private look(word: string): ScoredTerm | undefined {
    const text = encoder.encode(word);
    let documents = 0;
    let occurrences = 0;
    for (const open of this.segments) {
      const term = open.term(word, text);
      documents += term.documents;
      occurrences += term.occurrences;
    }
    if (documents === 0) return undefined;
    const scorer = this.similarity.term({
      documents,
      occurrences,
      forEachPosting: visit => {
        for (const open of this.segments) open.forEachPosting(word, text, visit);
      },
    });
    const absent = toGrid(scorer.absent ?? 0);
    const largest = Math.abs(scorer.weight) + Math.abs(scorer.add) + absent;
    const impacts = this.segments.map(() => ({ dropped: -1, list: null }));
    return { text, word, documents, occurrences, scorer, absent, largest, impacts };
  }
}
