import { ByteDictionary, hashBytes } from '../analysis/byte-dictionary.ts';
import type { Analyzer } from '../analysis/index.ts';
import type { TermStream } from '../analysis/term-stream.ts';
import type { DocumentBatch, StoredField } from './columns.ts';
import { FrontCodedWriter } from './front-coded.ts';
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
 */
export class DocumentBuffer {
  private readonly stream: TermStream;
  private readonly columns: ColumnWriter[];
  private readonly fields: StoredField[];
  private readonly keys = new ByteDictionary(1 << 12);
  /** Latest row of each key, -1 where it was deleted. */
  private rowOfKey = new Int32Array(1 << 12);
  private rows = 0;
  private live = 0;
  private rowStart = new Uint32Array(1 << 12);
  private lengths = new Uint32Array(1 << 12);
  private terms = new Int32Array(1 << 16);
  private counts = new Int32Array(1 << 16);
  private used = 0;
  // Per term: the row that met it last and the slot of its count there.
  private lastRow = new Int32Array(1 << 12).fill(-1);
  private slot = new Int32Array(1 << 12);

  constructor(analyzer: Analyzer, fields: StoredField[]) {
    this.stream = analyzer.stream();
    this.fields = fields;
    this.columns = fields.map(columnWriter);
  }

  /** Rows that would be in the segment. */
  get documents(): number {
    return this.live;
  }

  get memoryBytes(): number {
    let columns = 0;
    for (const column of this.columns) columns += column.memoryBytes;
    // A flush needs the postings once more, in term order, and again for the forward lists.
    return (
      columns +
      this.used * 24 +
      this.rows * 24 +
      this.keys.memoryBytes +
      this.stream.memoryBytes +
      this.lastRow.byteLength * 2
    );
  }

  /** Adds row `r` of a batch; an earlier row with its key is replaced. */
  add(batch: DocumentBatch, r: number): void {
    const row = this.rows;
    if (row + 1 >= this.rowStart.length) {
      this.rowStart = grown(this.rowStart, n => new Uint32Array(n), 0);
      this.lengths = grown(this.lengths, n => new Uint32Array(n), 0);
    }
    const { key, text } = batch;
    const from = key.offsets[r];
    const to = key.offsets[r + 1];
    const before = this.keys.size;
    const keyId = this.keys.intern(key.bytes, from, to, hashBytes(key.bytes, from, to));
    if (keyId >= this.rowOfKey.length) this.rowOfKey = grown(this.rowOfKey, n => new Int32Array(n), 0);
    if (keyId === before || this.rowOfKey[keyId] < 0) this.live++;
    this.rowOfKey[keyId] = row;

    const length =
      text.nulls?.[r] === 1 ? 0 : this.stream.analyze(text.bytes, text.offsets[r], text.offsets[r + 1]);
    this.count(row, length);
    this.lengths[row] = length;
    this.rows = row + 1;
    this.rowStart[this.rows] = this.used;
    for (let c = 0; c < this.columns.length; c++)
      this.columns[c].append(batch.stored[this.fields[c].name], r);
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
    const writer = new SegmentWriter(path, this.fields);
    try {
      const docRows = this.writeDocuments(writer);
      const { termDocs, termTfs, starts, order } = this.transpose(docRows);
      const { bytes, offsets } = this.stream.terms;
      for (let o = 0; o < order.length; o++) {
        const id = order[o];
        writer.term(bytes, offsets[id], offsets[id + 1], termDocs, termTfs, starts[o], starts[o + 1]);
      }
      writer.beginForward();
      this.writeForward(writer, docRows, termDocs, termTfs, starts);
      return await writer.finish(this.columns);
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  private count(row: number, length: number): void {
    const { stream } = this;
    const { ids } = stream;
    if (stream.terms.size > this.lastRow.length) {
      const old = this.lastRow.length;
      this.lastRow = grown(this.lastRow, n => new Int32Array(n), stream.terms.size);
      this.lastRow.fill(-1, old);
      this.slot = grown(this.slot, n => new Int32Array(n), this.lastRow.length);
    }
    if (this.used + length > this.terms.length) {
      this.terms = grown(this.terms, n => new Int32Array(n), this.used + length);
      this.counts = grown(this.counts, n => new Int32Array(n), this.terms.length);
    }
    const { lastRow, slot, terms, counts } = this;
    let used = this.used;
    for (let i = 0; i < length; i++) {
      const id = ids[i];
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
    for (let doc = 0; doc < n; doc++) {
      const id = order[doc];
      keys.add(bytes, offsets[id], offsets[id + 1]);
      docRows[doc] = this.rowOfKey[id];
      lengths[doc] = this.lengths[docRows[doc]];
    }
    writer.documents(keys, lengths, new Uint32Array(docRows.buffer), this.rows);
    return docRows;
  }

  private transpose(docRows: Int32Array): {
    termDocs: Int32Array;
    termTfs: Int32Array;
    starts: Uint32Array;
    order: Int32Array;
  } {
    const { terms, counts, rowStart } = this;
    const vocabulary = this.stream.terms;
    const frequency = new Uint32Array(vocabulary.size);
    for (const row of docRows) for (let i = rowStart[row]; i < rowStart[row + 1]; i++) frequency[terms[i]]++;
    let used = 0;
    for (let id = 0; id < frequency.length; id++) if (frequency[id] > 0) used++;
    const ids = new Int32Array(used);
    used = 0;
    for (let id = 0; id < frequency.length; id++) if (frequency[id] > 0) ids[used++] = id;
    const order = sortByBytes(vocabulary.bytes, vocabulary.offsets, ids);
    const starts = new Uint32Array(used + 1);
    for (let o = 0; o < used; o++) {
      starts[o + 1] = starts[o] + frequency[order[o]];
    }
    const next = new Uint32Array(vocabulary.size);
    for (let o = 0; o < used; o++) next[order[o]] = starts[o];
    const termDocs = new Int32Array(starts[used]);
    const termTfs = new Int32Array(starts[used]);
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

  /** Transposes back, so that each document's ordinals come out ascending without a sort. */
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
    const ordinals = new Int32Array(termDocs.length);
    const tfs = new Int32Array(termDocs.length);
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
