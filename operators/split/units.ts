/** What `split.*` operators share: pieces of texts, and the columns made of them without decoding a string. */
import {
  type Column,
  type Columns,
  int32,
  int32Data,
  type Utf8View,
  utf8,
  utf8DataOf,
} from '../../src/arrow/index.ts';
import type { ExplodeOutput } from '../../src/define/index.ts';
import { twice } from './words.ts';

/** The columns of a unit. */
export const UNIT_COLUMNS = (): Columns => ({
  unit_id: utf8(),
  unit: utf8(),
  text: utf8(),
  start: int32(),
  end: int32(),
});

/** What a split reads: documents, or units whose `start` says where they stand in their document. */
export function splitReads(of: 'documents' | 'units'): Columns {
  const reads: Record<string, Column> = of === 'units' ? { unit_id: utf8() } : { doc_id: utf8() };
  reads.text = utf8();
  if (of === 'units') reads.start = int32();
  return reads;
}

/** A unit's id tells its parent's: what stands before the last mark and number. */
export const unitTells = (of: 'documents' | 'units'): Record<string, string> => ({
  unit_id: of === 'units' ? 'unit_id' : 'doc_id',
});

/** Pieces of a batch's texts: the row each is from, its bytes in the text column, and its UTF-16 offsets. */
export class Pieces {
  count = 0;
  parent = new Int32Array(256);
  from = new Int32Array(256);
  to = new Int32Array(256);
  start = new Int32Array(256);
  end = new Int32Array(256);

  add(parent: number, from: number, to: number, start: number, end: number): void {
    const at = this.count++;
    if (at === this.parent.length) {
      this.parent = twice(this.parent);
      this.from = twice(this.from);
      this.to = twice(this.to);
      this.start = twice(this.start);
      this.end = twice(this.end);
    }
    this.parent[at] = parent;
    this.from[at] = from;
    this.to[at] = to;
    this.start[at] = start;
    this.end[at] = end;
  }
}

/**
 * The units that pieces make. A unit's id is its parent's id, `mark`, and its ordinal in the parent. `base`, where the
 * parents are units themselves, is added to the offsets so that they count in the document.
 */
export function unitsOf(
  pieces: Pieces,
  unit: string,
  mark: string,
  ids: Utf8View,
  texts: Utf8View,
  base?: ArrayLike<number>,
): ExplodeOutput {
  const n = pieces.count;
  const { from, to } = pieces;
  const parent = pieces.parent.slice(0, n);
  const start = pieces.start.slice(0, n);
  const end = pieces.end.slice(0, n);
  if (base)
    for (let i = 0; i < n; i++) {
      start[i] += base[parent[i]];
      end[i] += base[parent[i]];
    }
  const textOffsets = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) textOffsets[i + 1] = textOffsets[i] + to[i] - from[i];
  const text = new Uint8Array(textOffsets[n]);
  for (let i = 0; i < n; i++) text.set(texts.bytes.subarray(from[i], to[i]), textOffsets[i]);
  return {
    parent,
    columns: {
      unit_id: ordinalIds(ids, parent, mark),
      unit: repeated(unit, n),
      text: utf8DataOf(text, textOffsets),
      start: int32Data(start),
      end: int32Data(end),
    },
  };
}

/** `parent id + mark + ordinal` for each row, ordinals counting from 0 within a run of one parent. */
function ordinalIds(ids: Utf8View, parent: Int32Array, mark: string) {
  const n = parent.length;
  const markBytes = Buffer.from(mark);
  const offsets = new Int32Array(n + 1);
  const ordinals = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const p = parent[i];
    const ordinal = i > 0 && parent[i - 1] === p ? ordinals[i - 1] + 1 : 0;
    ordinals[i] = ordinal;
    offsets[i + 1] = offsets[i] + ids.offsets[p + 1] - ids.offsets[p] + markBytes.length + digits(ordinal);
  }
  const bytes = new Uint8Array(offsets[n]);
  for (let i = 0; i < n; i++) {
    let at = offsets[i];
    const idEnd = ids.offsets[parent[i] + 1];
    for (let b = ids.offsets[parent[i]]; b < idEnd; b++) bytes[at++] = ids.bytes[b];
    for (let b = 0; b < markBytes.length; b++) bytes[at++] = markBytes[b];
    let rest = ordinals[i];
    for (let b = offsets[i + 1] - 1; b >= at; b--) {
      bytes[b] = 0x30 + (rest % 10);
      rest = (rest / 10) | 0;
    }
  }
  return utf8DataOf(bytes, offsets);
}

function digits(n: number): number {
  let count = 1;
  for (let rest = n; rest >= 10; rest = (rest / 10) | 0) count++;
  return count;
}

/** A column that says the same in every row. */
function repeated(value: string, rows: number) {
  const one = Buffer.from(value);
  const bytes = Buffer.alloc(one.length * rows, one);
  return utf8DataOf(
    new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    Int32Array.from({ length: rows + 1 }, (_, i) => i * one.length),
  );
}
