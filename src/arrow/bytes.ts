/**
 * What a batch really holds in memory. A slice of a batch keeps its whole parent alive, so channels count distinct
 * backing ArrayBuffers, not the `byteLength` of views.
 */
import type { Data, RecordBatch } from 'apache-arrow';
import { batchOf } from './build.ts';
import { takeData } from './gather.ts';

// a batch has few buffers: looking through a list is faster than making a set
function collect(data: Data, into: ArrayBufferLike[]): void {
  add(data.values?.buffer, into);
  add(data.valueOffsets?.buffer, into);
  add(data.nullBitmap?.buffer, into);
  for (const child of data.children) collect(child, into);
}
function add(buffer: ArrayBufferLike | undefined, into: ArrayBufferLike[]): void {
  if (buffer?.byteLength && !into.includes(buffer)) into.push(buffer);
}

// kept on the batch itself: a WeakMap of every batch is work for the garbage collector
const KNOWN: unique symbol = Symbol('retained bytes');

/** Bytes that stay alive as long as this batch does: the sizes of its distinct ArrayBuffers. */
export function retainedBytes(batch: RecordBatch & { [KNOWN]?: number }): number {
  const before = batch[KNOWN];
  if (before !== undefined) return before;
  const buffers: ArrayBufferLike[] = [];
  for (const child of batch.data.children) collect(child, buffers);
  let total = 0;
  for (const buffer of buffers) total += buffer.byteLength;
  batch[KNOWN] = total;
  return total;
}

function usedOf(data: Data): number {
  let total = 0;
  if (data.valueOffsets) {
    total += (data.length + 1) * 4;
    const items = data.length ? data.valueOffsets[data.length] - data.valueOffsets[0] : 0;
    if (data.children.length) {
      const child = data.children[0];
      return total + (child.length ? (usedOf(child) * items) / child.length : 0);
    }
    total += items;
  } else if (data.values)
    total += Math.ceil(data.length * (data.values.BYTES_PER_ELEMENT ?? 1) * widthOf(data));
  if (data.nullCount > 0) total += data.length >> 3;
  for (const child of data.children) total += usedOf(child);
  return total;
}

// Bool packs eight rows a byte
const widthOf = (data: Data): number => (data.type.typeId === 6 ? 1 / 8 : 1);

/** Bytes that the rows of this batch need by themselves. */
export const usedBytes = (batch: RecordBatch): number =>
  batch.data.children.reduce((sum, child) => sum + usedOf(child), 0);

/**
 * The batch itself, or a copy in buffers of its own where it keeps alive more than twice what it needs (and the
 * waste is worth a copy): what goes into a channel or a state must not drag a large parent along.
 */
export function compact(batch: RecordBatch): RecordBatch {
  const retained = retainedBytes(batch);
  if (retained < 16_384 || retained < 2 * usedBytes(batch)) return batch;
  return copyBatch(batch);
}

/** A copy of the batch in exact buffers of its own. */
export function copyBatch(batch: RecordBatch): RecordBatch {
  const all = Int32Array.from({ length: batch.numRows }, (_, i) => i);
  return batchOf(
    batch.schema,
    batch.numRows,
    batch.data.children.map(d => takeData(d, all)),
  );
}

/** Rows `[start, end)` of a batch in buffers of their own where the slice is small beside its parent. */
export const sliceRows = (batch: RecordBatch, start: number, end: number): RecordBatch =>
  start === 0 && end === batch.numRows ? batch : compact(batch.slice(start, end));
