import { ByteDictionary, hashBytes } from '../analysis/byte-dictionary.ts';
import type { Analyzer } from '../analysis/index.ts';
import type { TermStream } from '../analysis/term-stream.ts';
import type { ByteWriter } from './bytes.ts';
import {
  type DocumentBatch,
  isWeights,
  type StoredField,
  type TextColumn,
  type WeightsColumn,
} from './columns.ts';
import { entryOf, type Fields, type TermSpace } from './fields.ts';
import { encodeImpact } from './fields-impacts.ts';
import { FrontCodedWriter } from './front-coded.ts';
import { writePlaces } from './positions.ts';
import { SCRATCH_BYTES, type Scratch } from './scratch.ts';
import { type SegmentMeta, SegmentWriter } from './segment-writer.ts';
import { sortByBytes } from './sort-bytes.ts';
import { type ColumnWriter, columnWriter, TextColumnWriter } from './stored.ts';

function grown<T extends Int32Array | Uint32Array>(old: T, make: (n: number) => T, need: number): T {
  const next = make(Math.max(need, old.length * 2));
  next.set(old);
  return next;
}

/**
 * Documents on their way into a segment, document-major: for each row its distinct terms with counts.
 * Flushing transposes them into postings with two counting passes, so no list grows term by term.
 *
 * Where fields have terms of their own, a term is counted once a space: its code is id · spaces + space,
 * with space 0 for all text and then the fields in order.
 */
export class DocumentBuffer {
  private readonly stream: TermStream;
  private readonly columns: ColumnWriter[];
  private readonly fields: StoredField[];
  private readonly searched: Fields;
  /** Spaces 1.. ; space 0 is all text. */
  private readonly spaces: TermSpace[];
  /** By field: its space's number, 0 where it has none. */
  private readonly spaceOf: number[];
  private readonly keys = new ByteDictionary(1 << 12);
  /** Latest row of each key, -1 where it was deleted. */
  private rowOfKey = new Int32Array(1 << 12);
  private rows = 0;
  private live = 0;
  private rowStart = new Uint32Array(1 << 12);
  private lengths = new Uint32Array(1 << 12);
  private readonly scratch: Scratch;
  private used = 0;
  /** Lengths by space from 1 on. */
  private readonly spaceLengths: Uint32Array[];
  /** With positions: each row's term ids in text order and their places. */
  private tokenStart = new Uint32Array(1 << 12);
  private tokens = new Int32Array(0);
  private places = new Int32Array(0);
  private weights = new Float64Array(64);
  private tokensUsed = 0;
  // Per term: the row that met it last and the slot of its count there.
  private lastRow = new Int32Array(1 << 12).fill(-1);
  private slot = new Int32Array(1 << 12);

  /** @param scratch of the last buffer, which must be written */
  constructor(analyzer: Analyzer, fields: StoredField[], searched: Fields, scratch: Scratch) {
    this.scratch = scratch;
    this.stream = analyzer.stream();
    this.fields = fields;
    this.searched = searched;
    this.spaces = searched.spaces.filter(s => s !== undefined);
    this.spaceOf = searched.spaces.map(s => (s === undefined ? 0 : 1 + this.spaces.indexOf(s)));
    this.spaceLengths = this.spaces.map(() => new Uint32Array(1 << 12));
    this.columns = fields.map(columnWriter);
  }

  /** Rows that would be in the segment. */
  get documents(): number {
    return this.live;
  }

  get memoryBytes(): number {
    let columns = 0;
    for (const column of this.columns) columns += column.memoryBytes;
    // A flush needs the postings once more, in term order.
    return (
      columns +
      this.used * SCRATCH_BYTES +
      this.tokensUsed * 12 +
      this.rows * (24 + 4 * this.spaces.length) +
      this.keys.memoryBytes +
      this.stream.memoryBytes +
      this.lastRow.byteLength * 2
    );
  }

  /** Adds row `r` of a batch, whose searched columns are `columns`; an earlier row with its key is replaced. */
  add(batch: DocumentBatch, columns: readonly (TextColumn | WeightsColumn)[], r: number): void {
    const row = this.rows;
    if (row + 1 >= this.rowStart.length) {
      this.rowStart = grown(this.rowStart, n => new Uint32Array(n), 0);
      this.lengths = grown(this.lengths, n => new Uint32Array(n), 0);
      this.tokenStart = grown(this.tokenStart, n => new Uint32Array(n), 0);
      this.spaceLengths.forEach((old, s) => {
        this.spaceLengths[s] = grown(old, n => new Uint32Array(n), 0);
      });
    }
    const { key } = batch;
    const from = key.offsets[r];
    const to = key.offsets[r + 1];
    const before = this.keys.size;
    const keyId = this.keys.intern(key.bytes, from, to, hashBytes(key.bytes, from, to));
    if (keyId >= this.rowOfKey.length) this.rowOfKey = grown(this.rowOfKey, n => new Int32Array(n), 0);
    if (keyId === before || this.rowOfKey[keyId] < 0) this.live++;
    this.rowOfKey[keyId] = row;

    this.lengths[row] = 0;
    let place = 0;
    for (let f = 0; f < columns.length; f++) {
      const column = columns[f];
      const space = this.spaceOf[f];
      if (isWeights(column)) {
        this.spaceLengths[space - 1][row] = column.nulls?.[r] === 1 ? 0 : this.weigh(row, space, column, r);
        continue;
      }
      const length =
        column.nulls?.[r] === 1
          ? 0
          : this.stream.analyze(column.bytes, column.offsets[r], column.offsets[r + 1]);
      this.count(row, length, 0);
      if (space > 0) {
        this.count(row, length, space);
        this.spaceLengths[space - 1][row] = length;
      }
      if (this.searched.layout.positions) this.keepPlaces(length, place);
      this.lengths[row] += length;
      place += length + 1;
    }
    this.rows = row + 1;
    this.rowStart[this.rows] = this.used;
    this.tokenStart[this.rows] = this.tokensUsed;
    for (let c = 0; c < this.columns.length; c++)
      this.columns[c].append(batch.stored[this.fields[c].name], r);
  }

  /** Whether a key is live. */
  hasKey(source: Uint8Array, start: number, end: number): boolean {
    const id = this.keys.find(source, start, end, hashBytes(source, start, end));
    return id >= 0 && this.rowOfKey[id] >= 0;
  }

  /** Removes a key; true where it was live. */
  deleteKey(source: Uint8Array, start: number, end: number): boolean {
    const id = this.keys.find(source, start, end, hashBytes(source, start, end));
    if (id < 0 || this.rowOfKey[id] < 0) return false;
    this.rowOfKey[id] = -1;
    this.live--;
    return true;
  }

  /** Removes the live rows whose value in a stored utf8 column is wanted; gives their number. */
  deleteBy(column: string, wanted: ReadonlySet<string>): number {
    const writer = this.columns[this.fields.findIndex(f => f.name === column)];
    if (!(writer instanceof TextColumnWriter)) return 0;
    const rows = writer.rowsWith(wanted);
    let deleted = 0;
    for (let id = 0; id < this.keys.size; id++) {
      if (this.rowOfKey[id] < 0 || !rows.has(this.rowOfKey[id])) continue;
      this.rowOfKey[id] = -1;
      deleted++;
    }
    this.live -= deleted;
    return deleted;
  }

  /** Writes the live rows as a segment. The buffer is used up. */
  async flush(path: string): Promise<{ meta: SegmentMeta; bytes: number }> {
    const writer = new SegmentWriter(path, this.fields, this.searched);
    try {
      const docRows = this.writeDocuments(writer);
      const { termDocs, termTfs, starts, order } = this.transpose(docRows);
      const { bytes, offsets } = this.stream.terms;
      const spaces = this.spaces.length + 1;
      const placed = this.searched.layout.positions
        ? this.transposePlaces(docRows, order, starts, termTfs)
        : undefined;
      for (let o = 0; o < order.length; o++) {
        const id = Math.floor(order[o] / spaces);
        const space = order[o] % spaces;
        const [from, to] = [starts[o], starts[o + 1]];
        if (space === 0) {
          const places =
            placed &&
            ((i: number, out: ByteWriter) =>
              writePlaces(out, placed.places, placed.starts[from + i], placed.starts[from + i + 1]));
          writer.term(bytes, offsets[id], offsets[id + 1], termDocs, termTfs, from, to, places);
        } else {
          const entry = entryOf(this.spaces[space - 1], bytes.subarray(offsets[id], offsets[id + 1]));
          writer.term(entry, 0, entry.length, termDocs, termTfs, from, to);
        }
      }
      writer.beginForward();
      this.writeForward(writer, docRows, termDocs, termTfs, starts);
      return await writer.finish(this.columns);
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  /** Counts the analysed terms of a row in one space. */
  private count(row: number, length: number, space: number): void {
    const { ids } = this.stream;
    this.reserve(length);
    const { lastRow, slot } = this;
    const { terms, counts } = this.scratch;
    const spaces = this.spaces.length + 1;
    let used = this.used;
    for (let i = 0; i < length; i++) {
      const id = ids[i] * spaces + space;
      if (lastRow[id] === row) counts[slot[id]]++;
      else {
        lastRow[id] = row;
        slot[id] = used;
        terms[used] = id;
        counts[used++] = 1;
      }
    }
    this.used = used;
  }

  /** Room for `extra` more terms of a row, and for every code there can be. */
  private reserve(extra: number): void {
    const codes = this.stream.terms.size * (this.spaces.length + 1);
    if (codes > this.lastRow.length) {
      const old = this.lastRow.length;
      this.lastRow = grown(this.lastRow, n => new Int32Array(n), codes);
      this.lastRow.fill(-1, old);
      this.slot = grown(this.slot, n => new Int32Array(n), this.lastRow.length);
    }
    this.scratch.reserve(this.used + extra);
  }

  /** Takes a row's weighted terms, weights of one term summed; gives the number of distinct terms. */
  private weigh(row: number, space: number, column: WeightsColumn, r: number): number {
    const { offsets, bytes } = column.terms;
    const dictionary = this.stream.terms;
    const spaces = this.spaces.length + 1;
    const bits = this.spaces[space - 1].bits ?? 8;
    const from = this.used;
    for (let i = column.offsets[r]; i < column.offsets[r + 1]; i++) {
      const weight = column.weights[i];
      if (weight === 0) continue;
      const [start, end] = [offsets[i], offsets[i + 1]];
      const id = dictionary.intern(bytes, start, end, hashBytes(bytes, start, end));
      this.reserve(1);
      const code = id * spaces + space;
      if (this.lastRow[code] !== row) {
        this.lastRow[code] = row;
        this.slot[code] = this.used;
        this.scratch.terms[this.used++] = code;
        const at = this.used - from;
        if (at > this.weights.length) {
          const wider = new Float64Array(at * 2);
          wider.set(this.weights);
          this.weights = wider;
        }
        this.weights[at - 1] = 0;
      }
      this.weights[this.slot[code] - from] += weight;
    }
    for (let at = from; at < this.used; at++) {
      const code = encodeImpact(this.weights[at - from], bits);
      this.scratch.counts[at] = Number.isNaN(code) ? 2 ** bits - 1 : code;
    }
    return this.used - from;
  }

  /** Keeps the order of the terms analysed last, their places counted from `place` on. */
  private keepPlaces(length: number, place: number): void {
    const need = this.tokensUsed + length;
    if (need > this.tokens.length) {
      this.tokens = grown(this.tokens, n => new Int32Array(n), need);
      this.places = grown(this.places, n => new Int32Array(n), this.tokens.length);
    }
    const { ids } = this.stream;
    for (let i = 0; i < length; i++) {
      this.tokens[this.tokensUsed] = ids[i];
      this.places[this.tokensUsed++] = place + i;
    }
  }

  /** Places in the order of the postings of all text; those of posting p begin at `starts[p]`. */
  private transposePlaces(
    docRows: Int32Array,
    order: Int32Array,
    postings: Uint32Array,
    termTfs: Int32Array,
  ): { places: Int32Array; starts: Uint32Array } {
    const spaces = this.spaces.length + 1;
    const total = postings[order.length];
    const starts = new Uint32Array(total + 1);
    const next = new Uint32Array(this.stream.terms.size);
    let used = 0;
    for (let o = 0; o < order.length; o++) {
      const text = order[o] % spaces === 0;
      if (text) next[order[o] / spaces] = used;
      for (let i = postings[o]; i < postings[o + 1]; i++) {
        starts[i] = used;
        if (text) used += termTfs[i];
      }
    }
    starts[total] = used;
    const places = new Int32Array(used);
    for (const row of docRows) {
      for (let t = this.tokenStart[row]; t < this.tokenStart[row + 1]; t++)
        places[next[this.tokens[t]]++] = this.places[t];
    }
    return { places, starts };
  }

  /** Numbers the live rows by key and writes keys, lengths and rows. Returns the row of each document. */
  private writeDocuments(writer: SegmentWriter): Int32Array {
    const ids = new Int32Array(this.live);
    let n = 0;
    for (let id = 0; id < this.keys.size; id++) if (this.rowOfKey[id] >= 0) ids[n++] = id;
    const { bytes, offsets } = this.keys;
    const order = sortByBytes(bytes, offsets, ids);
    const keys = new FrontCodedWriter();
    const docRows = new Int32Array(n);
    const lengths = new Uint32Array(n);
    const own = this.spaceLengths.map(() => new Uint32Array(n));
    for (let doc = 0; doc < n; doc++) {
      const id = order[doc];
      keys.add(bytes, offsets[id], offsets[id + 1]);
      docRows[doc] = this.rowOfKey[id];
      lengths[doc] = this.lengths[docRows[doc]];
      for (let s = 0; s < own.length; s++) own[s][doc] = this.spaceLengths[s][docRows[doc]];
    }
    const byField = this.spaceOf.map(s => (s === 0 ? undefined : own[s - 1]));
    writer.documents(keys, lengths, new Uint32Array(docRows.buffer), this.rows, byField);
    return docRows;
  }

  private transpose(docRows: Int32Array): {
    termDocs: Int32Array;
    termTfs: Int32Array;
    starts: Uint32Array;
    order: Int32Array;
  } {
    const { rowStart } = this;
    const { terms, counts } = this.scratch;
    const vocabulary = this.stream.terms;
    const spaces = this.spaces.length + 1;
    const codes = vocabulary.size * spaces;
    const frequency = new Uint32Array(codes);
    for (const row of docRows) for (let i = rowStart[row]; i < rowStart[row + 1]; i++) frequency[terms[i]]++;
    let used = 0;
    for (let code = 0; code < codes; code++) if (frequency[code] > 0) used++;
    const order = new Int32Array(used);
    let placed = 0;
    // Space after space, as the entries' first bytes sort.
    for (let space = 0; space < spaces; space++) {
      let n = 0;
      for (let id = 0; id < vocabulary.size; id++) if (frequency[id * spaces + space] > 0) n++;
      const ids = new Int32Array(n);
      n = 0;
      for (let id = 0; id < vocabulary.size; id++) if (frequency[id * spaces + space] > 0) ids[n++] = id;
      for (const id of sortByBytes(vocabulary.bytes, vocabulary.offsets, ids))
        order[placed++] = id * spaces + space;
    }
    const starts = new Uint32Array(used + 1);
    for (let o = 0; o < used; o++) {
      starts[o + 1] = starts[o] + frequency[order[o]];
    }
    const next = new Uint32Array(codes);
    for (let o = 0; o < used; o++) next[order[o]] = starts[o];
    this.scratch.reservePostings(starts[used]);
    const { docs: termDocs, tfs: termTfs } = this.scratch;
    for (let doc = 0; doc < docRows.length; doc++) {
      const row = docRows[doc];
      for (let i = rowStart[row]; i < rowStart[row + 1]; i++) {
        const at = next[terms[i]]++;
        termDocs[at] = doc;
        termTfs[at] = counts[i];
      }
    }
    return { termDocs, termTfs, starts, order };
  }

  /**
   * Transposes back, so that each document's ordinals come out ascending without a sort; into the rows' terms, which
   * are not needed any more.
   */
  private writeForward(
    writer: SegmentWriter,
    docRows: Int32Array,
    termDocs: Int32Array,
    termTfs: Int32Array,
    starts: Uint32Array,
  ): void {
    const begin = new Uint32Array(docRows.length + 1);
    for (let doc = 0; doc < docRows.length; doc++) {
      begin[doc + 1] = begin[doc] + this.rowStart[docRows[doc] + 1] - this.rowStart[docRows[doc]];
    }
    const next = begin.slice();
    const { terms: ordinals, counts: tfs } = this.scratch;
    for (let o = 0; o + 1 < starts.length; o++) {
      for (let i = starts[o]; i < starts[o + 1]; i++) {
        const at = next[termDocs[i]]++;
        ordinals[at] = o;
        tfs[at] = termTfs[i];
      }
    }
    for (let doc = 0; doc < docRows.length; doc++)
      writer.forwardList(ordinals, tfs, begin[doc], begin[doc + 1]);
  }
}
