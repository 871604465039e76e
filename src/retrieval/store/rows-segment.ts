import { compareBytes } from '../sparse/bytes.ts';
import type { StoredField } from '../sparse/columns.ts';
import { type FrontCodedCursor, FrontCodedReader, FrontCodedWriter } from '../sparse/front-coded.ts';
import { type Section, SectionFile, SectionWriter } from '../sparse/section-file.ts';
import { type ColumnReader, type ColumnWriter, columnReader } from '../sparse/stored.ts';

/** What a segment file says of itself. */
export interface RowsMeta {
  documents: number;
  /** Rows of the stored columns. */
  rows: number;
  /** Bytes of each document's payload; null where they differ. */
  rowBytes: number | null;
  fields: StoredField[];
}

/**
 * Writes one immutable segment: documents in ascending byte order of their keys, each with its payload, and stored
 * columns in any order (`rowOf` says which row is a document's).
 */
export async function writeSegment(
  path: string,
  kind: string,
  content: {
    readonly documents: number;
    /** Puts the key of a document into the writer; called in order. */
    key(document: number, keys: FrontCodedWriter): void;
    readonly rowOf: Uint32Array;
    /** Its payload; called in order, one at a time. */
    payload(document: number): Uint8Array | Promise<Uint8Array>;
    readonly rowBytes: number | null;
    readonly columns: readonly ColumnWriter[];
    readonly fields: StoredField[];
    readonly rows: number;
  },
): Promise<{ meta: RowsMeta; bytes: number }> {
  const { documents, rowOf, rowBytes, fields, rows } = content;
  const out = new SectionWriter(path, kind);
  try {
    const keys = new FrontCodedWriter();
    for (let d = 0; d < documents; d++) content.key(d, keys);
    out.section('keys.data', keys.data.view());
    out.section('keys.index', keys.index());
    out.section('rows', rowOf);
    const offsets = rowBytes === null ? new Float64Array(documents + 1) : undefined;
    out.begin('payload');
    for (let d = 0; d < documents; d++) {
      const given = content.payload(d);
      const bytes = given instanceof Uint8Array ? given : await given;
      out.write(bytes);
      if (offsets) offsets[d + 1] = offsets[d] + bytes.length;
    }
    out.end();
    if (offsets) out.section('payload.offsets', offsets);
    content.columns.forEach((column, c) => {
      column.write(out, `column.${c}`);
    });
    const meta: RowsMeta = { documents, rows, rowBytes, fields };
    out.section('meta', new TextEncoder().encode(JSON.stringify(meta)));
    return { meta, bytes: await out.finish() };
  } catch (error) {
    out.abort();
    throw error;
  }
}

/** Reads one segment; keys and columns are loaded and checked when first needed and then stay. */
export class RowsSegment {
  readonly file: SectionFile;
  readonly meta: RowsMeta;
  readonly payload: Section;
  private loadedRows: Uint32Array | undefined;
  private loadedKeys: FrontCodedReader | undefined;
  private loadedOffsets: Float64Array | undefined;
  private readonly columns = new Map<string, ColumnReader>();

  constructor(path: string, kind: string) {
    this.file = new SectionFile(path, kind);
    try {
      this.meta = JSON.parse(new TextDecoder().decode(this.file.load('meta'))) as RowsMeta;
      this.payload = this.file.find('payload');
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  /** The stored row of each document. */
  get rows(): Uint32Array {
    if (this.loadedRows === undefined) {
      const bytes = this.file.load('rows');
      this.loadedRows = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    }
    return this.loadedRows;
  }

  get keys(): FrontCodedReader {
    if (this.loadedKeys === undefined) {
      const index = this.file.load('keys.index');
      this.loadedKeys = new FrontCodedReader(
        this.file.load('keys.data'),
        new Float64Array(index.buffer, index.byteOffset, index.length / 8),
        this.meta.documents,
        0,
      );
    }
    return this.loadedKeys;
  }

  /** Begin of each document's payload, and the end of the last. */
  get offsets(): Float64Array {
    if (this.loadedOffsets === undefined) {
      const bytes = this.file.load('payload.offsets');
      this.loadedOffsets = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    }
    return this.loadedOffsets;
  }

  /** Bytes of the payloads of documents from `from` up to `to`. */
  payloadRange(from: number, to: number): [number, number] {
    const { rowBytes } = this.meta;
    return rowBytes === null ? [this.offsets[from], this.offsets[to]] : [from * rowBytes, to * rowBytes];
  }

  /** Payloads of documents from `from` up to `to`, read from the file. */
  readPayload(from: number, to: number, target?: Uint8Array): Uint8Array {
    const [start, end] = this.payloadRange(from, to);
    const bytes = target?.subarray(0, end - start) ?? new Uint8Array(end - start);
    this.file.readAt(this.payload, start, bytes);
    return bytes;
  }

  column(name: string): ColumnReader | undefined {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    const c = this.meta.fields.findIndex(f => f.name === name);
    if (c < 0) return undefined;
    const reader = columnReader(this.file, this.meta.fields[c], `column.${c}`);
    this.columns.set(name, reader);
    return reader;
  }

  close(): void {
    this.file.close();
  }
}

/** The cursor with the lowest key, or -1 where all are past their end. */
export function lowestCursor(cursors: readonly FrontCodedCursor[]): number {
  let lowest = -1;
  for (let s = 0; s < cursors.length; s++) {
    if (cursors[s].done) continue;
    if (lowest < 0) lowest = s;
    else {
      const [a, b] = [cursors[s], cursors[lowest]];
      if (compareBytes(a.text, 0, a.length, b.text, 0, b.length) < 0) lowest = s;
    }
  }
  return lowest;
}
