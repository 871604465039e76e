/**
 * Fast hashes of a batch's rows, for the ledger: what changed since the last run, held against what was. A value has
 * 128 bits of MurmurHash3, a row those of its values' hashes in the order of their columns' names. Where rows of
 * others must not be able to pass for one another (a cache, duplicates), {@link hashRows} is the one to take.
 */
import { hash } from 'node:crypto';
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { MURMUR_BYTES, MURMUR_MOST, murmurInto, murmurRows } from '../wasm/murmur.ts';
import { columnData, isNull } from './access.ts';
import { ByteWriter } from './byte-writer.ts';
import { HASH_BYTES } from './hash.ts';
import { valueWriter } from './value-bytes.ts';

export { MURMUR_BYTES };

/** Of a null: no hash of a value. */
const NULL = 0xff;

/** The hashes of one batch; those of a column are taken once. */
export class Fingerprints {
  readonly #batch: RecordBatch;
  readonly #columns = new Map<string, Uint8Array>();

  constructor(batch: RecordBatch) {
    this.#batch = batch;
  }

  /** The hashes of a column's values: that of row i is bytes `[16 i, 16 (i + 1))`. */
  values(column: string): Uint8Array {
    let found = this.#columns.get(column);
    if (!found) {
      found = ofColumn(columnData(this.#batch, column), this.#batch.numRows);
      this.#columns.set(column, found);
    }
    return found;
  }

  /** The hashes of rows over some columns, whatever their order: that of row i is bytes `[12 i, 12 (i + 1))`. */
  rows(columns: readonly string[]): Uint8Array {
    const n = this.#batch.numRows;
    const values = [...columns].sort().map(name => this.values(name));
    const out = new Uint8Array(n * HASH_BYTES);
    murmurRows(values, n, HASH_BYTES, out);
    return out;
  }
}

/** Where n pieces of one width begin, and the last of them ends. */
function everyNth(n: number, width: number): Int32Array {
  const offsets = new Int32Array(n + 1);
  for (let i = 0; i <= n; i++) offsets[i] = i * width;
  return offsets;
}

/** Hashes as words of four bytes: a view. */
export const hashWords = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

function ofColumn(data: Data, n: number): Uint8Array {
  const out = new Uint8Array(n * MURMUR_BYTES);
  if (DataType.isUtf8(data.type) || DataType.isBinary(data.type))
    ofPieces(data.values as Uint8Array, data.valueOffsets as Int32Array, n, out);
  else if (DataType.isInt(data.type) || DataType.isFloat(data.type)) {
    const typed = data.values as Int32Array;
    const width = typed.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
    ofPieces(bytes, everyNth(n, width), n, out);
  } else {
    const bytes = new ByteWriter();
    const write = valueWriter(data, bytes);
    const offsets = new Int32Array(n + 1);
    for (let row = 0; row < n; row++) {
      write(row);
      offsets[row + 1] = bytes.used;
    }
    ofPieces(bytes.bytes, offsets, n, out);
  }
  if (data.nullCount > 0)
    for (let row = 0; row < n; row++)
      if (isNull(data, row)) out.fill(NULL, row * MURMUR_BYTES, (row + 1) * MURMUR_BYTES);
  return out;
}

/** The hashes of pieces of `bytes`, 16 bytes each: piece i reaches from `bounds[2 i]` to `bounds[2 i + 1]`. */
export function fingerprints(bytes: Uint8Array, bounds: Int32Array): Uint8Array {
  const n = bounds.length / 2;
  const out = new Uint8Array(n * MURMUR_BYTES);
  ofPieces(bytes, bounds, n, out, 2);
  return out;
}

// a piece of many megabytes is digested first
function ofPieces(bytes: Uint8Array, bounds: Int32Array, n: number, out: Uint8Array, step: 1 | 2 = 1): void {
  const long = (i: number): boolean => bounds[i * step + 1] - bounds[i * step] > MURMUR_MOST;
  for (let from = 0; from < n; ) {
    let to = from;
    while (to < n && !long(to)) to++;
    const some = bounds.subarray(from * step);
    if (to > from) murmurInto(bytes, some, step, to - from, out, from * MURMUR_BYTES);
    if (to < n) {
      const piece = bytes.subarray(bounds[to * step], bounds[to * step + 1]);
      out.set(Buffer.from(hash('sha256', piece, 'hex'), 'hex').subarray(0, MURMUR_BYTES), to * MURMUR_BYTES);
    }
    from = to + 1;
  }
}
