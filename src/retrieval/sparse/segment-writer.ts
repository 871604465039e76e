import { ByteWriter } from './bytes.ts';
import type { StoredField } from './columns.ts';
import { type Fields, fieldOfEntry, type Layout } from './fields.ts';
import { FrontCodedWriter } from './front-coded.ts';
import { PositionsEncoder, Spool } from './positions.ts';
import { PostingsEncoder } from './postings.ts';
import { SectionWriter } from './section-file.ts';
import type { ColumnWriter } from './stored.ts';

export const SEGMENT_KIND = 'segment';
/** Documents between two entries of the forward index's offsets. */
export const FORWARD_STRIDE = 16;
/**
 * Varints a term carries in the dictionary: df, cf - df, postings offset / 4, postings length / 4, and with
 * positions their offset and length (0 where a field's terms have none of their own).
 */
export const TERM_FIELDS = 4;
export const TERM_FIELDS_POSITIONS = 6;

/** What a segment file says of itself. */
export interface SegmentMeta {
  documents: number;
  rows: number;
  terms: number;
  /** Sum of the document lengths in terms. */
  totalLength: number;
  maxLength: number;
  fields: StoredField[];
  /** Absent in version 1. */
  searched?: Layout;
  /** By field: Σ l and the highest l of its own terms; zeros where it has none. */
  fieldLengths?: { total: number; max: number }[];
}

/**
 * Writes one immutable segment. Documents are numbered in ascending byte order of their keys, so that
 * document order breaks ties, and a document's place in the stored columns is its own number (`row`).
 * Call in this order: keys and lengths, terms in ascending byte order, forward lists, columns, finish.
 */
export class SegmentWriter {
  readonly path: string;
  private readonly out: SectionWriter;
  private readonly terms = new FrontCodedWriter();
  private readonly encoder = new PostingsEncoder();
  private readonly postings = new ByteWriter(1 << 20);
  private readonly forward = new ByteWriter(1 << 16);
  private readonly fields: StoredField[];
  private readonly searched: Fields;
  private readonly positions: Spool | undefined;
  private readonly positionsEncoder = new PositionsEncoder();
  private fieldLengths: (Uint32Array | undefined)[] = [];
  /** Lengths for the postings of weighted terms, which score without any. */
  private zeros: Uint32Array = new Uint32Array(0);
  private lengths: Uint32Array = new Uint32Array(0);
  private rows = 0;
  private postingsAt = 0;
  private forwardOffsets: Float64Array = new Float64Array(0);
  private forwardAt = 0;
  private forwardDoc = 0;

  constructor(path: string, fields: StoredField[], searched: Fields) {
    this.path = path;
    this.fields = fields;
    this.searched = searched;
    if (searched.layout.positions) this.positions = new Spool(`${path}.positions.tmp`);
    this.out = new SectionWriter(path, SEGMENT_KIND);
  }

  /**
   * Keys in order, with each document's length in terms, its row in the stored columns, and its length in
   * every field that has terms of its own.
   */
  documents(
    keys: FrontCodedWriter,
    lengths: Uint32Array,
    rowOf: Uint32Array,
    rows: number,
    fieldLengths: (Uint32Array | undefined)[],
  ): void {
    this.lengths = lengths;
    this.fieldLengths = fieldLengths;
    this.zeros = new Uint32Array(
      this.searched.layout.fields.some(f => f.kind === 'weights') ? lengths.length : 0,
    );
    this.rows = rows;
    this.out.section('keys.data', keys.data.view());
    this.out.section('keys.index', keys.index());
    this.out.section('lengths', lengths);
    this.out.section('rows', rowOf);
    fieldLengths.forEach((own, f) => {
      if (own !== undefined) this.out.section(`lengths.${f}`, own);
    });
    this.out.begin('postings');
  }

  /**
   * One dictionary entry with its postings `docs[from..to)`, ascending; `places(i, out)` writes the places
   * of posting from + i.
   */
  term(
    source: Uint8Array,
    start: number,
    end: number,
    docs: Int32Array,
    tfs: Int32Array,
    from: number,
    to: number,
    places?: (i: number, out: ByteWriter) => void,
  ): void {
    const { terms, postings, positions } = this;
    const field = fieldOfEntry(source.subarray(start, end));
    let occurrences = 0;
    for (let i = from; i < to; i++) occurrences += tfs[i];
    const before = postings.length;
    this.encoder.encode(postings, docs, tfs, this.lengthsOf(field), from, to);
    const length = postings.length - before;
    terms.add(source, start, end);
    terms.data.varint(to - from);
    terms.data.varint(occurrences - (to - from));
    terms.data.varint((this.postingsAt + before) / 4);
    terms.data.varint(length / 4);
    if (positions !== undefined) {
      const at = positions.position;
      if (places !== undefined) this.positionsEncoder.encode(positions.out, to - from, places);
      terms.data.varint(places === undefined ? 0 : at);
      terms.data.varint(positions.position - at);
      positions.settle();
    }
    if (postings.length >= 1 << 20) this.drainPostings();
  }

  /** Ends the terms and begins the forward lists. */
  beginForward(): void {
    this.drainPostings();
    this.out.end();
    if (this.positions !== undefined) {
      this.out.begin('positions');
      this.positions.read(bytes => this.out.write(bytes));
      this.out.end();
    }
    this.out.section('terms.data', this.terms.data.view());
    this.out.section('terms.index', this.terms.index());
    this.forwardOffsets = new Float64Array(Math.ceil(this.lengths.length / FORWARD_STRIDE) + 1);
    this.out.begin('forward.data');
  }

  /** The next document's terms: ascending ordinals with their tf. */
  forwardList(ordinals: Int32Array, tfs: Int32Array, from: number, to: number): void {
    const { forward } = this;
    if (this.forwardDoc % FORWARD_STRIDE === 0) {
      this.forwardOffsets[this.forwardDoc / FORWARD_STRIDE] = this.forwardAt + forward.length;
    }
    this.forwardDoc++;
    forward.varint(to - from);
    let previous = -1;
    for (let i = from; i < to; i++) {
      forward.varint((ordinals[i] - previous - 1) * 2 + (tfs[i] > 1 ? 1 : 0));
      if (tfs[i] > 1) forward.varint(tfs[i] - 2);
      previous = ordinals[i];
    }
    if (forward.length >= 1 << 16) this.drainForward();
  }

  /**
   * Ends the forward lists, writes the columns and closes the file. With `fill` the columns are empty yet, and each is
   * written while that fills it.
   */
  async finish(
    columns: ColumnWriter[],
    fill?: (column: ColumnWriter, c: number) => void,
  ): Promise<{ meta: SegmentMeta; bytes: number }> {
    this.drainForward();
    this.out.end();
    this.forwardOffsets[this.forwardOffsets.length - 1] = this.forwardAt;
    this.out.section('forward.index', this.forwardOffsets);
    columns.forEach((column, c) => {
      if (fill !== undefined) {
        column.begin(this.out, `column.${c}`);
        fill(column, c);
      }
      column.write(this.out, `column.${c}`);
    });
    let totalLength = 0;
    let maxLength = 0;
    for (const length of this.lengths) {
      totalLength += length;
      if (length > maxLength) maxLength = length;
    }
    const meta: SegmentMeta = {
      documents: this.lengths.length,
      rows: this.rows,
      terms: this.terms.count,
      totalLength,
      maxLength,
      fields: this.fields,
      searched: this.searched.layout,
      fieldLengths: this.searched.layout.fields.map((_, f) => {
        const own = this.fieldLengths[f] ?? new Uint32Array(0);
        return {
          total: own.reduce((sum, l) => sum + l, 0),
          max: own.reduce((most, l) => Math.max(most, l), 0),
        };
      }),
    };
    this.out.section('meta', new TextEncoder().encode(JSON.stringify(meta)));
    return { meta, bytes: await this.out.finish() };
  }

  abort(): void {
    this.positions?.close();
    this.out.abort();
  }

  private lengthsOf(field: number): Uint32Array {
    if (field < 0) return this.lengths;
    return this.searched.spaces[field]?.kind === 'weights'
      ? this.zeros
      : (this.fieldLengths[field] ?? this.lengths);
  }

  private drainPostings(): void {
    this.out.write(this.postings.view());
    this.postingsAt += this.postings.length;
    this.postings.reset();
  }

  private drainForward(): void {
    this.out.write(this.forward.view());
    this.forwardAt += this.forward.length;
    this.forward.reset();
  }
}
