import { ByteReader } from './bytes.ts';
import { DEFAULT_LAYOUT, Fields, fieldOfEntry } from './fields.ts';
import { FrontCodedReader } from './front-coded.ts';
import { PositionsList } from './positions.ts';
import { PostingsList } from './postings.ts';
import { type Section, SectionFile, type SharedSections } from './section-file.ts';
import {
  FORWARD_STRIDE,
  SEGMENT_KIND,
  type SegmentMeta,
  TERM_FIELDS,
  TERM_FIELDS_POSITIONS,
} from './segment-writer.ts';
import { type ColumnReader, columnReader } from './stored.ts';

/** A term's place in one segment. */
export interface SegmentTerm {
  ordinal: number;
  /** Documents that hold it, deleted ones included. */
  documents: number;
  occurrences: number;
  offset: number;
  length: number;
  /** The field whose own term it is; -1 for all text. */
  field: number;
  positionsOffset: number;
  positionsLength: number;
}

/** Sections that are read piece by piece and never loaded whole. */
const ON_DISK = /^(column\.|forward\.data$|positions$)/;

function words<T>(bytes: Uint8Array, make: (buffer: ArrayBufferLike, at: number, bytes: number) => T): T {
  return make(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads one segment; parts are loaded and checked when first needed and then stay. */
export class Segment {
  readonly file: SectionFile;
  readonly meta: SegmentMeta;
  private readonly postingsSection: Section;
  private readonly forwardSection: Section;
  readonly fields: Fields;
  private readonly loadedFieldLengths: (Uint32Array | undefined)[] = [];
  private loadedPostings: Uint8Array | undefined;
  private loadedLengths: Uint32Array | undefined;
  private loadedRows: Uint32Array | undefined;
  private loadedKeys: FrontCodedReader | undefined;
  private loadedTerms: FrontCodedReader | undefined;
  private loadedForward: Float64Array | undefined;
  private readonly columns = new Map<string, ColumnReader>();

  constructor(path: string, shared?: SharedSections) {
    this.file = new SectionFile(path, SEGMENT_KIND, shared);
    try {
      this.meta = JSON.parse(new TextDecoder().decode(this.file.load('meta'))) as SegmentMeta;
      this.postingsSection = this.file.find('postings');
      this.forwardSection = this.file.find('forward.data');
      this.fields = new Fields(this.meta.searched ?? DEFAULT_LAYOUT);
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  /** Length of each document in terms. */
  get lengths(): Uint32Array {
    this.loadedLengths ??= words(this.file.load('lengths'), (b, o, n) => new Uint32Array(b, o, n / 4));
    return this.loadedLengths;
  }

  /** Length of each document in a field that has terms of its own; otherwise in all text. */
  fieldLengths(field: number): Uint32Array {
    if (field < 0 || this.fields.spaces[field] === undefined) return this.lengths;
    this.loadedFieldLengths[field] ??= words(
      this.file.load(`lengths.${field}`),
      (b, o, n) => new Uint32Array(b, o, n / 4),
    );
    return this.loadedFieldLengths[field];
  }

  /** The highest length of a field's own terms, or of all text. */
  maxLength(field: number): number {
    return field < 0 ? this.meta.maxLength : (this.meta.fieldLengths?.[field]?.max ?? 0);
  }

  /** Row of each document in the stored columns. */
  get rows(): Uint32Array {
    this.loadedRows ??= words(this.file.load('rows'), (b, o, n) => new Uint32Array(b, o, n / 4));
    return this.loadedRows;
  }

  /** Keys; a key's ordinal is the document's number. */
  get keys(): FrontCodedReader {
    this.loadedKeys ??= this.strings('keys', this.meta.documents, 0);
    return this.loadedKeys;
  }

  get terms(): FrontCodedReader {
    this.loadedTerms ??= this.strings(
      'terms',
      this.meta.terms,
      this.fields.layout.positions ? TERM_FIELDS_POSITIONS : TERM_FIELDS,
    );
    return this.loadedTerms;
  }

  get postingsBytes(): number {
    return this.postingsSection.length;
  }

  /** Bytes that `loadAll` loads. */
  get preloadBytes(): number {
    return this.file.sections.reduce((sum, s) => sum + (ON_DISK.test(s.name) ? 0 : s.length), 0);
  }

  /** Loads all postings into memory. */
  preload(): void {
    this.loadedPostings ??= this.file.load('postings');
  }

  /** Loads all that a search reads, stored columns apart. */
  loadAll(): void {
    this.preload();
    for (let field = -1; field < this.fields.spaces.length; field++) this.fieldLengths(field);
    for (const part of [this.keys, this.terms, this.forwardOffsets, this.rows]) void part;
  }

  /** Opens a term's postings: a view of the loaded section, or a read of its own. */
  postings(term: SegmentTerm): PostingsList {
    const lengths = this.fieldLengths(term.field);
    if (this.loadedPostings !== undefined) {
      return new PostingsList(this.loadedPostings, term.offset, term.length, term.documents, lengths);
    }
    const bytes = new Uint8Array(term.length);
    this.file.readAt(this.postingsSection, term.offset, bytes);
    return new PostingsList(bytes, 0, term.length, term.documents, lengths);
  }

  /** Places of a term; the segment must have positions. */
  positions(term: SegmentTerm): PositionsList {
    const bytes = new Uint8Array(term.positionsLength);
    this.file.readAt(this.file.find('positions'), term.positionsOffset, bytes);
    return new PositionsList(bytes, term.documents);
  }

  /** Raw postings bytes, read in order by a merge. */
  readPostings(offset: number, target: Uint8Array): void {
    this.file.readAt(this.postingsSection, offset, target);
  }

  /** Offset of the forward lists of documents 16i.., and the end. */
  get forwardOffsets(): Float64Array {
    this.loadedForward ??= words(this.file.load('forward.index'), (b, o, n) => new Float64Array(b, o, n / 8));
    return this.loadedForward;
  }

  get forwardBytes(): number {
    return this.forwardSection.length;
  }

  readForward(offset: number, target: Uint8Array): void {
    this.file.readAt(this.forwardSection, offset, target);
  }

  /** Calls `take(ordinal, tf)` for each term of a document. */
  documentTerms(doc: number, take: (ordinal: number, tf: number) => void): void {
    const block = Math.floor(doc / FORWARD_STRIDE);
    const from = this.forwardOffsets[block];
    const bytes = new Uint8Array(this.forwardOffsets[block + 1] - from);
    this.file.readAt(this.forwardSection, from, bytes);
    const reader = new ByteReader(bytes);
    for (let d = block * FORWARD_STRIDE; d < doc; d++) skipForwardList(reader);
    readForwardList(reader, take);
  }

  /** Reader of a stored column, opened once. */
  column(name: string): ColumnReader | undefined {
    const open = this.columns.get(name);
    if (open !== undefined) return open;
    const c = this.meta.fields.findIndex(f => f.name === name);
    if (c < 0) return undefined;
    const reader = columnReader(this.file, this.meta.fields[c], `column.${c}`);
    this.columns.set(name, reader);
    return reader;
  }

  /** Finds a term by its bytes; `cursor` is one over `terms`. */
  findTerm(text: Uint8Array, cursor = this.terms.cursor()): SegmentTerm | undefined {
    if (!cursor.seek(text, 0, text.length)) return undefined;
    return termOf(cursor.ordinal, cursor.payload, fieldOfEntry(text));
  }

  close(): void {
    this.file.close();
  }

  private strings(name: string, count: number, fields: number): FrontCodedReader {
    const data = this.file.load(`${name}.data`);
    const index = words(this.file.load(`${name}.index`), (b, o, n) => new Float64Array(b, o, n / 8));
    return new FrontCodedReader(data, index, count, fields);
  }
}

/** A term's place from its dictionary payload. */
export function termOf(ordinal: number, payload: readonly number[], field: number): SegmentTerm {
  return {
    ordinal,
    documents: payload[0],
    occurrences: payload[0] + payload[1],
    offset: payload[2] * 4,
    length: payload[3] * 4,
    field,
    positionsOffset: payload[4] ?? 0,
    positionsLength: payload[5] ?? 0,
  };
}

/** Reads one forward list. */
export function readForwardList(reader: ByteReader, take: (ordinal: number, tf: number) => void): void {
  const n = reader.varint();
  let ordinal = -1;
  for (let i = 0; i < n; i++) {
    const code = reader.varint();
    ordinal += 1 + Math.floor(code / 2);
    take(ordinal, code & 1 ? reader.varint() + 2 : 1);
  }
}

/** Passes over one, in half the time that reading it takes. */
function skipForwardList(reader: ByteReader): void {
  const n = reader.varint();
  const { bytes } = reader;
  let { at } = reader;
  for (let i = 0; i < n; i++) {
    const counted = bytes[at] & 1;
    while (bytes[at++] >= 0x80);
    if (counted) while (bytes[at++] >= 0x80);
  }
  reader.at = at;
}
