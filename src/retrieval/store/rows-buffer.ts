import { ByteWriter, compareBytes } from '../sparse/bytes.ts';
import type { StoredField } from '../sparse/columns.ts';
import { type ColumnWriter, columnWriter, TextColumnWriter } from '../sparse/stored.ts';
import { writeSegment } from './rows-segment.ts';
import type { KeyedRows } from './rows-types.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Bytes of JavaScript's own a row: its key as a string and its place in the map. */
const ROW_OVERHEAD = 120;

/** Documents that are not in a segment yet. Of equal keys the last one stays. */
export class RowsBuffer {
  private readonly fields: StoredField[];
  private readonly rowBytes: number | null;
  private readonly columns: ColumnWriter[];
  private readonly places = new Map<string, number>();
  private readonly keys = new ByteWriter(1 << 16);
  private readonly payload = new ByteWriter(1 << 16);
  private readonly keyEnds: number[] = [0];
  private readonly payloadEnds: number[] = [0];
  private rows = 0;

  constructor(fields: StoredField[], rowBytes: number | null) {
    this.fields = fields;
    this.rowBytes = rowBytes;
    this.columns = fields.map(columnWriter);
  }

  get documents(): number {
    return this.places.size;
  }

  get memoryBytes(): number {
    const columns = this.columns.reduce((sum, c) => sum + c.memoryBytes, 0);
    return columns + this.keys.bytes.length + this.payload.bytes.length + this.rows * ROW_OVERHEAD;
  }

  add(batch: KeyedRows, row: number, payload: Uint8Array): void {
    const { bytes, offsets } = batch.key;
    const [start, end] = [offsets[row], offsets[row + 1]];
    this.keys.put(bytes, start, end);
    this.keyEnds.push(this.keys.length);
    this.payload.put(payload);
    this.payloadEnds.push(this.payload.length);
    this.columns.forEach((column, c) => {
      column.append(batch.stored[this.fields[c].name], row);
    });
    this.places.set(decoder.decode(bytes.subarray(start, end)), this.rows++);
  }

  hasKey(key: string): boolean {
    return this.places.has(key);
  }
  deleteKey(key: string): boolean {
    return this.places.delete(key);
  }

  /** Deletes the rows whose value in a stored utf8 column is wanted. */
  deleteBy(column: string, wanted: ReadonlySet<string>): number {
    const writer = this.columns[this.fields.findIndex(f => f.name === column)];
    if (!(writer instanceof TextColumnWriter)) return 0;
    const matching = writer.rowsWith(wanted);
    let deleted = 0;
    if (matching.size > 0) {
      for (const [key, row] of this.places) if (matching.has(row) && this.places.delete(key)) deleted++;
    }
    return deleted;
  }

  /** Writes the documents as a segment. */
  async flush(path: string, kind: string) {
    const key = this.keys.bytes;
    const ends = this.keyEnds;
    const order = Uint32Array.from(this.places.values()).sort((a, b) =>
      compareBytes(key, ends[a], ends[a + 1], key, ends[b], ends[b + 1]),
    );
    return writeSegment(path, kind, {
      documents: order.length,
      key: (d, keys) => keys.add(key, ends[order[d]], ends[order[d] + 1]),
      rowOf: order,
      payload: d => this.payload.bytes.subarray(this.payloadEnds[order[d]], this.payloadEnds[order[d] + 1]),
      rowBytes: this.rowBytes,
      columns: this.columns,
      fields: this.fields,
      rows: this.rows,
    });
  }
}
