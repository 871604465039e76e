import { ImpactArena, MAX_CONTRIBUTION } from './impact-arena.ts';
import { type ImpactQuery, ImpactSearch } from './impact-search.ts';
import { IMPACT_SCALE } from './kernels/kernels.ts';
import type { OpenSegment } from './open-segment.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import type { ScoredTerm } from './scoring.ts';
import type { TopK } from './top-k.ts';

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
   * Offers the best documents of the index's s-th segment to `top`; term i comes `counts[i]` times. For similarities
   * that can be pruned and whose scores are plain sums. False, with nothing offered, where impacts do not fit memory or
   * 16 bits.
   */
  search(
    open: OpenSegment,
    s: number,
    terms: readonly ScoredTerm[],
    counts: readonly number[],
    pivots: Float64Array,
    top: TopK,
  ): boolean {
    if (this.limit < ImpactArena.LEAST_BYTES) return false;
    for (let i = 0; i < terms.length; i++) if (terms[i].largest > MAX_CONTRIBUTION) return false;
    this.arena ??= new ImpactArena(this.limit);
    this.searcher ??= new ImpactSearch(this.arena);
    if (!this.ready(this.arena, open, s, terms, pivots)) return false;
    const { query } = this;
    query.count = 0;
    for (let i = 0; i < terms.length; i++) {
      const { list } = terms[i].impacts[s];
      if (list === null) continue;
      if (list.best > MAX_CONTRIBUTION * IMPACT_SCALE) return false;
      query.lists[query.count] = list;
      query.scorers[query.count] = terms[i].scorer;
      query.terms[query.count] = terms[i];
      query.frequencies[query.count++] = counts[i];
    }
    if (query.count === 0) return true;
    query.documents = open.segment.meta.documents;
    query.firstDocument = open.firstDocument;
    query.lengths = open.segment.lengths;
    query.pivots = pivots;
    query.deleted = open.tombstones?.bits;
    query.gone = open.tombstones?.documents ?? 0;
    query.open = open;
    return this.searcher.search(query, top);
  }

  /** Builds the lists that are not kept; where old ones had to go for them, all. */
  private ready(
    arena: ImpactArena,
    open: OpenSegment,
    s: number,
    terms: readonly ScoredTerm[],
    pivots: Float64Array,
  ): boolean {
    for (;;) {
      const { dropped } = arena;
      let bytes = 0;
      for (let i = 0; i < terms.length; i++) {
        const kept = terms[i].impacts[s];
        if (kept.dropped === dropped) continue;
        const postings = open.postings(terms[i].word, terms[i].text);
        if (postings !== undefined) bytes += ImpactArena.bytesFor(postings);
        else {
          kept.list = null;
          kept.dropped = dropped;
        }
      }
      if (bytes === 0) return true;
      const { lengths } = open.segment;
      if (!arena.reserve(bytes + lengths.byteLength + pivots.byteLength + 16)) return false;
      if (dropped !== arena.dropped) continue;
      for (const { word, text, scorer, impacts } of terms) {
        const kept = impacts[s];
        if (kept.dropped === dropped) continue;
        kept.list = arena.build(open.postings(word, text) as PostingsList, scorer, lengths, pivots);
        kept.dropped = dropped;
      }
      return true;
    }
  }
}

/** The query of one segment; one object, filled for each. */
class OpenQuery implements ImpactQuery {
  count = 0;
  readonly lists: ImpactQuery['lists'][number][] = [];
  readonly scorers: ImpactQuery['scorers'][number][] = [];
  readonly frequencies: number[] = [];
  readonly terms: ScoredTerm[] = [];
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
    const { word, text } = this.terms[term];
    const list = this.open?.postings(word, text) as PostingsList;
    list.decode(Math.floor(index / BLOCK_DOCS), this.docs, this.tfs);
    return this.tfs[index % BLOCK_DOCS];
  }
}
