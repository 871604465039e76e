import * as path from 'node:path';
import { hasBit } from './bitmap.ts';
import { ALL_TEXT, entryName, fieldOfEntry, type TermSpace, termStart } from './fields.ts';
import type { SegmentEntry } from './manifest.ts';
import { BLOCK_DOCS, type PostingsList } from './postings.ts';
import { ScoredPostings } from './scored-postings.ts';
import type { SharedSections } from './section-file.ts';
import { Segment, type SegmentTerm } from './segment.ts';
import type { TermScorer } from './similarity/index.ts';
import { Tombstones } from './tombstones.ts';

/** A term's live numbers in one segment. */
interface LiveTerm {
  place: SegmentTerm | undefined;
  documents: number;
  occurrences: number;
}

const ABSENT: LiveTerm = { place: undefined, documents: 0, occurrences: 0 };
const KEPT_TERMS = 1 << 16;

/** A segment open for search: its deletes applied, terms and postings kept between queries. */
export class OpenSegment {
  readonly segment: Segment;
  readonly tombstones: Tombstones | undefined;
  readonly firstDocument: number;
  private readonly terms = new Map<string, LiveTerm>();
  private readonly lists = new Map<number, PostingsList>();
  private listBytes = 0;
  private readonly cacheBytes: number;
  private norms: { key: string; values: Float64Array } | undefined;
  private readonly keyCursor;
  private readonly termCursor;

  constructor(
    dir: string,
    entry: SegmentEntry,
    firstDocument: number,
    cacheBytes: number,
    shared?: SharedSections,
  ) {
    this.segment = new Segment(path.join(dir, entry.file), shared);
    this.firstDocument = firstDocument;
    this.cacheBytes = cacheBytes;
    try {
      this.tombstones =
        entry.tombstones === undefined ? undefined : Tombstones.read(path.join(dir, entry.tombstones.file));
      this.keyCursor = this.segment.keys.cursor();
      this.termCursor = this.segment.terms.cursor();
    } catch (error) {
      this.segment.close();
      throw error;
    }
  }

  /** The key of a document, a copy. */
  key(doc: number): Uint8Array {
    this.keyCursor.at(doc);
    return this.keyCursor.text.slice(0, this.keyCursor.length);
  }

  /** The live document with a key, or -1. */
  find(key: Uint8Array): number {
    if (!this.keyCursor.seek(key, 0, key.length)) return -1;
    const doc = this.keyCursor.ordinal;
    return this.tombstones?.has(doc) ? -1 : doc;
  }

  term(word: string, text: Uint8Array): LiveTerm {
    const kept = this.terms.get(word);
    if (kept !== undefined) return kept;
    if (this.terms.size >= KEPT_TERMS) this.terms.clear();
    let term = ABSENT;
    const place = this.segment.findTerm(text, this.termCursor);
    if (place !== undefined) {
      term = {
        place,
        documents: place.documents - (this.tombstones?.documentsOf(place.ordinal) ?? 0),
        occurrences: place.occurrences - (this.tombstones?.occurrencesOf(place.ordinal) ?? 0),
      };
    }
    this.terms.set(word, term);
    return term;
  }

  /** A term's postings; undefined where the segment has no live one. */
  postings(word: string, text: Uint8Array): PostingsList | undefined {
    const { place, documents } = this.term(word, text);
    if (place === undefined || documents === 0) return undefined;
    const kept = this.lists.get(place.ordinal);
    if (kept !== undefined) return kept;
    const list = this.segment.postings(place);
    list.sourceBytes = place.length;
    this.listBytes += list.memoryBytes + place.length;
    this.evict();
    this.lists.set(place.ordinal, list);
    return list;
  }

  /** The eager scores of a list, made at its second use where the cache has room for them. */
  scored(
    list: PostingsList,
    key: string,
    scorer: TermScorer,
    pivots: Float64Array,
  ): ScoredPostings | undefined {
    if (list.scored?.key === key) return list.scored;
    if (list.scored !== undefined) {
      this.listBytes -= ScoredPostings.bytesFor(list.size);
      list.scored = undefined;
      list.uses = 0;
    }
    const bytes = ScoredPostings.bytesFor(list.size);
    if (list.uses++ === 0 || bytes > this.cacheBytes / 4) return undefined;
    this.listBytes += bytes;
    list.scored = new ScoredPostings(key, list, scorer, this.segment.lengths, pivots, this.tombstones?.bits);
    this.evict();
    return list.scored;
  }

  /** The longest kept goes first: a map gives its entries in the order they were put in. */
  private evict(): void {
    for (const [ordinal, old] of this.lists) {
      if (this.listBytes <= this.cacheBytes) break;
      this.lists.delete(ordinal);
      this.listBytes -= old.memoryBytes + old.sourceBytes;
      if (old.scored !== undefined) this.listBytes -= ScoredPostings.bytesFor(old.size);
    }
  }

  forEachPosting(word: string, text: Uint8Array, visit: (tf: number, length: number) => void): void {
    const list = this.postings(word, text);
    if (list === undefined) return;
    const docs = new Int32Array(BLOCK_DOCS);
    const tfs = new Int32Array(BLOCK_DOCS);
    const lengths = this.segment.fieldLengths(fieldOfEntry(text));
    for (let b = 0; b < list.blocks; b++) {
      const n = list.decode(b, docs, tfs);
      for (let i = 0; i < n; i++) {
        if (!hasBit(this.tombstones?.bits, docs[i])) visit(tfs[i], lengths[docs[i]]);
      }
    }
  }

  /** tf of a term in a document, 0 where it is absent. */
  frequency(text: Uint8Array, doc: number): number {
    const place = this.segment.findTerm(text, this.termCursor);
    if (place === undefined) return 0;
    let frequency = 0;
    this.segment.documentTerms(doc, (ordinal, tf) => {
      if (ordinal === place.ordinal) frequency = tf;
    });
    return frequency;
  }

  /** Euclidean norm of each document's weights in a space, with df over all segments; kept for one similarity. */
  cosineNorms(
    key: string,
    weight: (tf: number, documents: number) => number,
    segments: readonly OpenSegment[],
    space: TermSpace = ALL_TEXT,
  ): Float64Array {
    const name = `${key} ${space.field}`;
    if (this.norms?.key === name) return this.norms.values;
    const values = new Float64Array(this.segment.meta.documents);
    const docs = new Int32Array(BLOCK_DOCS);
    const tfs = new Int32Array(BLOCK_DOCS);
    const cursor = this.segment.terms.cursor();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    // Terms come in byte order everywhere, so the sums do not depend on how segments are cut.
    while (cursor.next()) {
      const text = cursor.text.slice(0, cursor.length);
      const field = fieldOfEntry(text);
      if (field > space.field) break;
      if (field < space.field) continue;
      const word = entryName(space, decoder.decode(text.subarray(termStart(text))));
      let documents = 0;
      for (const open of segments) documents += open.term(word, text).documents;
      const place = this.term(word, text).place;
      if (documents === 0 || place === undefined) continue;
      const list = this.segment.postings(place);
      for (let b = 0; b < list.blocks; b++) {
        const n = list.decode(b, docs, tfs);
        for (let i = 0; i < n; i++) values[docs[i]] += weight(tfs[i], documents) ** 2;
      }
    }
    for (let doc = 0; doc < values.length; doc++) values[doc] = Math.sqrt(values[doc]);
    this.norms = { key: name, values };
    return values;
  }

  close(): void {
    this.segment.close();
  }
}
