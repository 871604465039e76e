/**
 * Rows gathered into batches whose borders depend on the rows alone, so that a file has the same bytes however its
 * rows came.
 */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { concatBatches, copyBatch } from '../../src/arrow/index.ts';

/** A batch ends with the row that brings it to so many bytes, or at so many rows. */
const BATCH_BYTES = 2 ** 20;
const BATCH_ROWS = 65_536;

/** Adds the bytes of each row of a column. */
function addBytes(data: Data, into: Float64Array): void {
  const { type } = data;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    for (let i = 0; i < into.length; i++) into[i] += 4 + data.valueOffsets[i + 1] - data.valueOffsets[i];
    return;
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const items = data.children[0];
    const size = DataType.isFixedSizeList(type) ? type.listSize : 0;
    const from = (i: number): number => (size > 0 ? i * size : data.valueOffsets[i]);
    const each = new Float64Array(items.length);
    addBytes(items, each);
    for (let i = 0; i < into.length; i++) {
      into[i] += 4;
      for (let j = from(i); j < from(i + 1); j++) into[i] += each[j];
    }
    return;
  }
  const width = data.values?.BYTES_PER_ELEMENT ?? 1;
  for (let i = 0; i < into.length; i++) into[i] += width;
}

/** Gathers rows. */
export class Rebatch {
  #parts: RecordBatch[] = [];
  #rows = 0;
  #bytes = 0;

  /** Takes rows and gives the batches that are full. */
  *add(batch: RecordBatch): Generator<RecordBatch> {
    const bytes = new Float64Array(batch.numRows);
    for (const data of batch.data.children) addBytes(data, bytes);
    let start = 0;
    for (let i = 0; i < batch.numRows; i++) {
      this.#rows++;
      this.#bytes += bytes[i];
      if (this.#bytes < BATCH_BYTES && this.#rows < BATCH_ROWS) continue;
      this.#parts.push(batch.slice(start, i + 1));
      start = i + 1;
      yield* this.end();
    }
    if (start < batch.numRows) this.#parts.push(start === 0 ? batch : batch.slice(start, batch.numRows));
  }

  /** Gives what is left. */
  *end(): Generator<RecordBatch> {
    const parts = this.#parts;
    this.#parts = [];
    this.#rows = 0;
    this.#bytes = 0;
    // a slice's bitmaps hold its neighbours' bits as well
    if (parts.length > 0) yield parts.length === 1 ? copyBatch(parts[0]) : concatBatches(parts);
  }
}
