import { hasBit } from './bitmap.ts';
import { ByteReader, ByteWriter, compareBytes } from './bytes.ts';
import type { StoredField } from './columns.ts';
import { type Fields, fieldOfEntry } from './fields.ts';
import { type FrontCodedCursor, FrontCodedWriter } from './front-coded.ts';
import { type PositionsList, skipPlaces } from './positions.ts';
import { BLOCK_DOCS, PostingsList } from './postings.ts';
import { readForwardList, type Segment, type SegmentTerm, termOf } from './segment.ts';
import { FORWARD_STRIDE, type SegmentMeta, SegmentWriter } from './segment-writer.ts';
import { columnWriter } from './stored.ts';

/** A segment to merge with its deleted documents (a bitmap). */
export interface MergeInput {
  segment: Segment;
  deleted: Uint8Array | undefined;
}

/** Reads a section front to back through a window of a mebibyte. */
class WindowReader {
  private buffer = new Uint8Array(0);
  private window: Uint8Array = this.buffer;
  private start = 0;
  private readonly length: number;
  private readonly read: (offset: number, target: Uint8Array) => void;

  constructor(length: number, read: (offset: number, target: Uint8Array) => void) {
    this.length = length;
    this.read = read;
  }

  /** Bytes [offset, offset + length) as a view, good until the next call; offsets must not fall. */
  get(offset: number, length: number): Uint8Array {
    if (offset < this.start || offset + length > this.start + this.window.length) {
      const size = Math.min(this.length - offset, Math.max(length, 1 << 20));
      // the same bytes again where they do: a new array each time would wait for the garbage collector
      if (size > this.buffer.length) this.buffer = new Uint8Array(size);
      this.window = this.buffer.subarray(0, size);
      this.start = offset;
      this.read(offset, this.window);
    }
    return this.window.subarray(offset - this.start, offset - this.start + length);
  }
}

/**
 * Merges segments into one, dropping deleted documents: keys, terms and postings stream by; in memory are
 * a number a document and a term, the dictionary, and stored columns of numbers.
 */
export async function mergeSegments(
  inputs: MergeInput[],
  fields: StoredField[],
  path: string,
  searched: Fields,
): Promise<{ meta: SegmentMeta; bytes: number }> {
  const writer = new SegmentWriter(path, fields, searched);
  try {
    const { maps, source } = mergeDocuments(writer, inputs, searched);
    const ordinals = mergeTerms(writer, inputs, maps, source);
    writer.beginForward();
    mergeForward(writer, inputs, maps, source, ordinals);
    const live = rowMaps(inputs, maps);
    return await writer.finish(fields.map(columnWriter), (column, c) => {
      inputs.forEach(({ segment }, s) => {
        const reader = segment.column(fields[c].name);
        if (reader === undefined) throw new Error(`no column ${fields[c].name}`);
        column.appendFrom(reader, live[s]);
      });
    });
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Merges keys; `maps[s][doc]` is a document's new number or -1, `source[new]` its segment. */
function mergeDocuments(
  writer: SegmentWriter,
  inputs: MergeInput[],
  searched: Fields,
): { maps: Int32Array[]; source: Uint16Array } {
  const cursors = inputs.map(({ segment }) => segment.keys.cursor());
  const maps = inputs.map(({ segment }) => new Int32Array(segment.meta.documents).fill(-1));
  const total = inputs.reduce((sum, { segment }) => sum + segment.meta.documents, 0);
  const source = new Uint16Array(total);
  const lengths = new Uint32Array(total);
  const own = searched.spaces.map(space => (space === undefined ? undefined : new Uint32Array(total)));
  const advance = (s: number): void => {
    while (cursors[s].next()) if (!hasBit(inputs[s].deleted, cursors[s].ordinal)) return;
  };
  for (let s = 0; s < cursors.length; s++) advance(s);
  const keys = new FrontCodedWriter();
  let n = 0;
  for (let s = lowest(cursors); s >= 0; s = lowest(cursors)) {
    const cursor = cursors[s];
    keys.add(cursor.text, 0, cursor.length);
    maps[s][cursor.ordinal] = n;
    source[n] = s;
    for (let f = 0; f < own.length; f++) {
      const of = own[f];
      if (of !== undefined) of[n] = inputs[s].segment.fieldLengths(f)[cursor.ordinal];
    }
    lengths[n++] = inputs[s].segment.lengths[cursor.ordinal];
    advance(s);
  }
  const rowOf = new Uint32Array(n);
  const live = rowMaps(inputs, maps);
  let rows = 0;
  inputs.forEach(({ segment }, s) => {
    for (let doc = 0; doc < maps[s].length; doc++) {
      if (maps[s][doc] < 0) continue;
      rowOf[maps[s][doc]] = live[s][segment.rows[doc]];
      rows++;
    }
  });
  writer.documents(
    keys,
    lengths.slice(0, n),
    rowOf,
    rows,
    own.map(of => of?.slice(0, n)),
  );
  return { maps, source };
}

/** `live[s][row]`: a kept row's new place, rows in their old order, segment after segment. */
function rowMaps(inputs: MergeInput[], maps: Int32Array[]): Int32Array[] {
  let next = 0;
  return inputs.map(({ segment }, s) => {
    const live = new Int32Array(segment.meta.rows).fill(-1);
    for (let doc = 0; doc < maps[s].length; doc++) if (maps[s][doc] >= 0) live[segment.rows[doc]] = 0;
    for (let row = 0; row < live.length; row++) if (live[row] === 0) live[row] = next++;
    return live;
  });
}

/** The cursor with the lowest string, the first of equals; -1 where all are past their end. */
function lowest(cursors: FrontCodedCursor[]): number {
  let best = -1;
  for (let s = 0; s < cursors.length; s++) {
    const cursor = cursors[s];
    if (cursor.done) continue;
    if (best < 0 || compareCursors(cursor, cursors[best]) < 0) best = s;
  }
  return best;
}

function compareCursors(a: FrontCodedCursor, b: FrontCodedCursor): number {
  return compareBytes(a.text, 0, a.length, b.text, 0, b.length);
}

/** Two growing arrays side by side. */
class PostingsBuffer {
  docs = new Int32Array(1024);
  tfs = new Int32Array(1024);
  size = 0;

  reserve(size: number): void {
    if (size <= this.docs.length) return;
    const docs = new Int32Array(Math.max(size, this.docs.length * 2));
    const tfs = new Int32Array(docs.length);
    docs.set(this.docs.subarray(0, this.size));
    tfs.set(this.tfs.subarray(0, this.size));
    this.docs = docs;
    this.tfs = tfs;
  }
}

/** The places of one term's live postings in one segment, copied as they are coded. */
class LivePlaces {
  readonly kept: boolean;
  private readonly segment: Segment;
  private readonly live = new ByteWriter(256);
  private from = new ByteReader(new Uint8Array(0));
  private to = new ByteReader(new Uint8Array(0));
  private posting = 0;
  private list: PositionsList | undefined;

  constructor(segment: Segment) {
    this.segment = segment;
    this.kept = segment.fields.layout.positions;
  }

  open(term: SegmentTerm): void {
    this.list = this.segment.positions(term);
    this.live.reset();
    this.posting = 0;
    this.to = new ByteReader(new Uint8Array(0));
  }

  /** Goes over the next posting and keeps its places where it is live. */
  take(tf: number, live: boolean): void {
    if (this.posting % BLOCK_DOCS === 0 && this.list !== undefined)
      this.from = this.list.block(this.posting / BLOCK_DOCS);
    this.posting++;
    const { at } = this.from;
    skipPlaces(this.from, tf);
    if (live) this.live.put(this.from.bytes, at, this.from.at);
  }

  /** Writes the places of the next live posting. */
  give(tf: number, out: ByteWriter): void {
    if (this.to.at === 0) this.to = new ByteReader(this.live.view());
    const { at } = this.to;
    skipPlaces(this.to, tf);
    out.put(this.to.bytes, at, this.to.at);
  }
}

/** Merges dictionaries and postings; gives the new ordinal of each old one, -1 where a term is gone. */
function mergeTerms(
  writer: SegmentWriter,
  inputs: MergeInput[],
  maps: Int32Array[],
  source: Uint16Array,
): Int32Array[] {
  const places = inputs.map(({ segment }) => new LivePlaces(segment));
  const cursors = inputs.map(({ segment }) => segment.terms.cursor());
  const readers = inputs.map(
    ({ segment }) =>
      new WindowReader(segment.postingsBytes, (at, target) => segment.readPostings(at, target)),
  );
  const ordinals = inputs.map(({ segment }) => new Int32Array(segment.meta.terms).fill(-1));
  const blockDocs = new Int32Array(BLOCK_DOCS);
  const blockTfs = new Int32Array(BLOCK_DOCS);
  let merged = new PostingsBuffer();
  let spare = new PostingsBuffer();
  const part = new PostingsBuffer();
  let ordinal = 0;
  for (const cursor of cursors) cursor.next();
  for (let s = lowest(cursors); s >= 0; s = lowest(cursors)) {
    const text = cursors[s].text.slice(0, cursors[s].length);
    const holders: number[] = [];
    const field = fieldOfEntry(text);
    const placed = field < 0 && places[s].kept;
    merged.size = 0;
    for (let t = s; t < cursors.length; t++) {
      const cursor = cursors[t];
      if (cursor.done || compareBytes(cursor.text, 0, cursor.length, text, 0, text.length) !== 0) continue;
      const place = termOf(cursor.ordinal, cursor.payload, field);
      const bytes = readers[t].get(place.offset, place.length);
      const list = new PostingsList(
        bytes,
        0,
        place.length,
        place.documents,
        inputs[t].segment.fieldLengths(field),
      );
      if (placed) places[t].open(place);
      part.size = 0;
      part.reserve(list.size);
      for (let b = 0; b < list.blocks; b++) {
        const n = list.decode(b, blockDocs, blockTfs);
        for (let i = 0; i < n; i++) {
          const doc = maps[t][blockDocs[i]];
          if (placed) places[t].take(blockTfs[i], doc >= 0);
          if (doc < 0) continue;
          part.docs[part.size] = doc;
          part.tfs[part.size++] = blockTfs[i];
        }
      }
      if (part.size > 0) {
        holders.push(t, cursor.ordinal);
        mergeTwo(merged, part, spare);
        [merged, spare] = [spare, merged];
      }
      cursor.next();
    }
    if (merged.size === 0) continue;
    for (let h = 0; h < holders.length; h += 2) ordinals[holders[h]][holders[h + 1]] = ordinal;
    const { docs, tfs } = merged;
    writer.term(
      text,
      0,
      text.length,
      docs,
      tfs,
      0,
      merged.size,
      placed ? (i, out) => places[source[docs[i]]].give(tfs[i], out) : undefined,
    );
    ordinal++;
  }
  return ordinals;
}

function mergeTwo(a: PostingsBuffer, b: PostingsBuffer, out: PostingsBuffer): void {
  const size = a.size + b.size;
  out.size = 0;
  out.reserve(size);
  let i = 0;
  let j = 0;
  for (let n = 0; n < size; n++) {
    if (j === b.size || (i < a.size && a.docs[i] < b.docs[j])) {
      out.docs[n] = a.docs[i];
      out.tfs[n] = a.tfs[i++];
    } else {
      out.docs[n] = b.docs[j];
      out.tfs[n] = b.tfs[j++];
    }
  }
  out.size = size;
}

function mergeForward(
  writer: SegmentWriter,
  inputs: MergeInput[],
  maps: Int32Array[],
  source: Uint16Array,
  ordinals: Int32Array[],
): void {
  const lists = inputs.map(({ segment }) => new ForwardCursor(segment));
  const buffer = new PostingsBuffer();
  let documents = 0;
  for (const map of maps) for (const doc of map) if (doc >= 0) documents++;
  const position = new Int32Array(inputs.length);
  for (let n = 0; n < documents; n++) {
    const s = source[n];
    while (maps[s][position[s]] !== n) {
      lists[s].next(() => {});
      position[s]++;
    }
    buffer.size = 0;
    lists[s].next((ordinal, tf) => {
      buffer.reserve(buffer.size + 1);
      buffer.docs[buffer.size] = ordinals[s][ordinal];
      buffer.tfs[buffer.size++] = tf;
    });
    position[s]++;
    writer.forwardList(buffer.docs, buffer.tfs, 0, buffer.size);
  }
}

/** Reads a segment's forward lists in document order. */
class ForwardCursor {
  private readonly window: WindowReader;
  private readonly offsets: Float64Array;
  private reader = new ByteReader(new Uint8Array(0));
  private doc = 0;

  constructor(segment: Segment) {
    this.window = new WindowReader(segment.forwardBytes, (at, target) => segment.readForward(at, target));
    this.offsets = segment.forwardOffsets;
  }

  next(take: (ordinal: number, tf: number) => void): void {
    if (this.doc % FORWARD_STRIDE === 0) {
      const block = this.doc / FORWARD_STRIDE;
      const from = this.offsets[block];
      this.reader = new ByteReader(this.window.get(from, this.offsets[block + 1] - from));
    }
    this.doc++;
    readForwardList(this.reader, take);
  }
}
