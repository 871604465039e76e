import { ImpactArena, MAX_CONTRIBUTION } from './impact-arena.ts';
import { type ImpactQuery, ImpactSearch, type ImpactTerm } from './impact-search.ts';
import { IMPACT_SCALE } from './kernels/kernels.ts';
import type { OpenSegment } from './open-segment.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import type { KeptImpacts, ScoredTerm } from './scoring.ts';
import type { TopK } from './top-k.ts';

interface QueryTerm extends ScoredTerm {
  queryFrequency: number;
}

/** Searches segments by impacts that are kept between queries, within a number of bytes. */
export class SegmentImpacts {
  private readonly limit: number;
  private arena: ImpactArena | undefined;
  private searcher: ImpactSearch | undefined;
  private readonly query = new OpenQuery();

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Offers the best documents of a segment to `top`. For similarities that can be pruned and whose scores
   * are plain sums. False, with nothing offered, where impacts do not fit memory or 16 bits.
   */
  search(
    open: OpenSegment,
    kept: KeptImpacts,
    terms: readonly QueryTerm[],
    pivots: Float64Array,
    top: TopK,
  ): boolean {
    if (this.limit < ImpactArena.LEAST_BYTES) return false;
    this.arena ??= new ImpactArena(this.limit);
    this.searcher ??= new ImpactSearch(this.arena);
    for (const term of terms) if (term.largest > MAX_CONTRIBUTION) return false;
    if (!this.ready(this.arena, open, kept, terms, pivots)) return false;
    const found: OpenTerm[] = [];
    for (const term of terms) {
      const list = kept.lists.get(term.word);
      if (!list) continue;
      if (list.best > MAX_CONTRIBUTION * IMPACT_SCALE) return false;
      found.push({ list, scorer: term.scorer, queryFrequency: term.queryFrequency, term });
    }
    if (found.length === 0) return true;
    this.query.terms = found;
    this.query.documents = open.segment.meta.documents;
    this.query.firstDocument = open.firstDocument;
    this.query.lengths = open.segment.lengths;
    this.query.pivots = pivots;
    this.query.deleted = open.tombstones?.bits;
    this.query.gone = open.tombstones?.documents ?? 0;
    this.query.open = open;
    return this.searcher.search(this.query, top);
  }

  /** Builds the lists that are not kept; where old ones had to go for them, all. */
  private ready(
    arena: ImpactArena,
    open: OpenSegment,
    kept: KeptImpacts,
    terms: readonly QueryTerm[],
    pivots: Float64Array,
  ): boolean {
    const { lists } = kept;
    for (;;) {
      if (kept.dropped !== arena.dropped) {
        lists.clear();
        kept.dropped = arena.dropped;
      }
      let bytes = 0;
      for (const { word, text } of terms) {
        if (lists.has(word)) continue;
        const postings = open.postings(word, text);
        if (postings === undefined) lists.set(word, null);
        else bytes += ImpactArena.bytesFor(postings);
      }
      if (bytes === 0) return true;
      const { lengths } = open.segment;
      if (!arena.reserve(bytes + lengths.byteLength + pivots.byteLength + 16)) return false;
      if (kept.dropped !== arena.dropped) continue;
      for (const { word, text, scorer } of terms) {
        if (lists.has(word)) continue;
        const postings = open.postings(word, text) as PostingsList;
        lists.set(word, arena.build(postings, scorer, lengths, pivots));
      }
      return true;
    }
  }
}

interface OpenTerm extends ImpactTerm {
  term: QueryTerm;
}

/** The query of one segment; one object, filled for each. */
class OpenQuery implements ImpactQuery {
  terms: OpenTerm[] = [];
  documents = 0;
  firstDocument = 0;
  lengths: Uint32Array = new Uint32Array(0);
  pivots: Float64Array = new Float64Array(0);
  deleted: Uint8Array | undefined;
  gone = 0;
  open: OpenSegment | undefined;
  private readonly docs = new Int32Array(BLOCK_DOCS);
  private readonly tfs = new Int32Array(BLOCK_DOCS);

  frequency(term: number, index: number): number {
    const { word, text } = this.terms[term].term;
    const list = this.open?.postings(word, text) as PostingsList;
    list.decode(Math.floor(index / BLOCK_DOCS), this.docs, this.tfs);
    return this.tfs[index % BLOCK_DOCS];
  }
}
