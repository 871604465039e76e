import { hasBit } from '../bitmap.ts';
import type { ByteReader } from '../bytes.ts';
import type { OpenSegment } from '../open-segment.ts';
import { type PositionsList, readPlaces, skipPlaces } from '../positions.ts';
import { BLOCK_DOCS, type PostingsList } from '../postings.ts';

/** Counts a phrase in the documents of one segment, in ascending order of documents. */
export interface PhraseMatcher {
  /** How often the phrase stands in each text field of a document that holds all its words. */
  frequencies(doc: number): number[];
}

/** Reads a term's places, document after document. */
class PlacesCursor {
  private readonly list: PostingsList;
  private readonly positions: PositionsList;
  private readonly docs = new Int32Array(BLOCK_DOCS);
  private readonly tfs = new Int32Array(BLOCK_DOCS);
  private block = 0;
  private decoded = -1;
  private posting = 0;
  private reader: ByteReader;
  readonly places: number[] = [];

  constructor(list: PostingsList, positions: PositionsList) {
    this.list = list;
    this.positions = positions;
    this.reader = positions.block(0);
  }

  /** Sets `places` to those of a document that holds the term. */
  read(doc: number): void {
    while (this.list.last[this.block] < doc) this.block++;
    if (this.decoded !== this.block) {
      this.list.decode(this.block, this.docs, this.tfs);
      this.reader = this.positions.block(this.block);
      this.decoded = this.block;
      this.posting = 0;
    }
    while (this.docs[this.posting] < doc) skipPlaces(this.reader, this.tfs[this.posting++]);
    readPlaces(this.reader, this.tfs[this.posting++], this.places);
  }
}

/** By the places that the index keeps. */
export class PositionsMatcher implements PhraseMatcher {
  private readonly cursors = new Map<string, PlacesCursor>();
  private readonly words: readonly string[];
  /** Lengths of the text fields in order, all but the last of which are needed. */
  private readonly lengths: readonly Uint32Array[];

  /** Every word with its postings and the bytes of its dictionary entry. */
  constructor(
    open: OpenSegment,
    words: readonly { word: string; entry: Uint8Array; list: PostingsList }[],
    lengths: readonly Uint32Array[],
  ) {
    this.words = words.map(w => w.word);
    this.lengths = lengths;
    for (const { word, entry, list } of words) {
      if (this.cursors.has(word)) continue;
      const term = open.term(word, entry).place;
      if (term === undefined) throw new Error(`no term ${word}`);
      this.cursors.set(word, new PlacesCursor(list, open.segment.positions(term)));
    }
  }

  frequencies(doc: number): number[] {
    for (const cursor of this.cursors.values()) cursor.read(doc);
    const places = this.words.map(word => (this.cursors.get(word) as PlacesCursor).places);
    const counts = this.lengths.map(() => 0);
    const at = places.map(() => 0);
    let field = 0;
    let end = this.lengths[0][doc];
    for (const start of places[0]) {
      let whole = true;
      for (let w = 1; w < places.length && whole; w++) {
        while (at[w] < places[w].length && places[w][at[w]] < start + w) at[w]++;
        whole = places[w][at[w]] === start + w;
      }
      if (!whole) continue;
      while (start >= end) end += 1 + this.lengths[++field][doc];
      counts[field]++;
    }
    return counts;
  }
}

/** By the stored text, which goes through the analyzer again. */
export class StoredTextMatcher implements PhraseMatcher {
  private readonly open: OpenSegment;
  private readonly words: readonly string[];
  private readonly columns: readonly string[];
  private readonly terms: (text: string) => string[];

  constructor(
    open: OpenSegment,
    words: readonly string[],
    columns: readonly string[],
    terms: (text: string) => string[],
  ) {
    this.open = open;
    this.words = words;
    this.columns = columns;
    this.terms = terms;
  }

  frequencies(doc: number): number[] {
    const { open, words } = this;
    if (hasBit(open.tombstones?.bits, doc)) return this.columns.map(() => 0);
    return this.columns.map(name => {
      const text = open.segment.column(name)?.value(open.segment.rows[doc]);
      if (typeof text !== 'string') return 0;
      const terms = this.terms(text);
      let count = 0;
      for (let i = 0; i + words.length <= terms.length; i++) {
        let w = 0;
        while (w < words.length && terms[i + w] === words[w]) w++;
        if (w === words.length) count++;
      }
      return count;
    });
  }
}
