/** One batch as one exact Arrow IPC stream in one ArrayBuffer: what goes to a worker, transferred, and back. */
import { type RecordBatch, RecordBatchReader, RecordBatchStreamWriter, type Schema } from 'apache-arrow';
import { batchOf } from './build.ts';

/** Encodes a batch; the buffer is exactly its message, never a pooled Buffer, so it can be transferred. */
export function encodeBatch(batch: RecordBatch): ArrayBuffer {
  const writer = new RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  if (bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength)
    return bytes.buffer as ArrayBuffer;
  return bytes.slice().buffer as ArrayBuffer;
}

/** Decodes what {@link encodeBatch} made (the columns are views of the buffer). @throws Error if there is no batch. */
export function decodeBatch(buffer: ArrayBuffer | Uint8Array): RecordBatch {
  const reader = RecordBatchReader.from(buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer));
  reader.open();
  const { value, done } = reader.next();
  if (done || !value) throw new Error('the Arrow message holds no batch');
  return value;
}

/** A batch of the same columns under another schema object (equal types): streams compare schemas by identity. */
export const withSchema = (batch: RecordBatch, schema: Schema): RecordBatch =>
  batch.schema === schema ? batch : batchOf(schema, batch.numRows, batch.data.children);
