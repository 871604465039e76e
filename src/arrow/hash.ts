/**
 * Hashes of rows: what a row is, in 12 bytes (96 bits of SHA-256: two of a billion rows share one with a chance of
 * about 10⁻¹¹). Values are written as type-blind bytes with their lengths, so no two different rows read alike.
 */
import { hash } from 'node:crypto';
import type { RecordBatch } from 'apache-arrow';
import { columnData } from './access.ts';
import { ByteWriter } from './byte-writer.ts';
import { valueWriter } from './value-bytes.ts';

/** Bytes of a row's hash. */
export const HASH_BYTES = 12;

/** Writes the first bytes of the SHA-256 of `bytes` into `out`. A digest as text costs a third of one as a buffer. */
function digestInto(bytes: Uint8Array, out: Uint8Array, at: number, length: number): void {
  const digest = hash('sha256', bytes, 'binary');
  for (let i = 0; i < length; i++) out[at + i] = digest.charCodeAt(i);
}

const scratch = new ByteWriter();

/**
 * The hashes of a batch's rows over some columns: row i is bytes `[12 i, 12 (i + 1))`. The columns count in the order
 * of their names, so that the order in a file does not.
 */
export function hashRows(batch: RecordBatch, columns: readonly string[]): Uint8Array {
  const writers = [...columns].sort().map(name => valueWriter(columnData(batch, name), scratch));
  const hashes = new Uint8Array(batch.numRows * HASH_BYTES);
  for (let row = 0; row < batch.numRows; row++) {
    scratch.used = 0;
    for (const write of writers) write(row);
    digestInto(scratch.bytes.subarray(0, scratch.used), hashes, row * HASH_BYTES, HASH_BYTES);
  }
  return hashes;
}
