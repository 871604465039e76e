import * as path from 'node:path';
import { hasBit } from '../sparse/bitmap.ts';
import { compareBytes } from '../sparse/bytes.ts';
import { IndexError } from '../sparse/errors.ts';
import type { FrontCodedCursor } from '../sparse/front-coded.ts';
import { checkFilter, filterBits } from '../sparse/query/filter.ts';
import type { Filter } from '../sparse/query/types.ts';
import type { StoredValue } from '../sparse/stored.ts';
import { RowsDeletes } from './rows-deletes.ts';
import { RowsSegment } from './rows-segment.ts';
import { type RowsManifest, type RowsSegmentEntry, segmentBytes } from './rows-types.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A segment open for search. */
export class OpenRows {
  readonly segment: RowsSegment;
  readonly entry: RowsSegmentEntry;
  readonly deletes: RowsDeletes | undefined;
  readonly first: number;
  private readonly cursor: FrontCodedCursor;

  constructor(dir: string, entry: RowsSegmentEntry, first: number, kind: string) {
    this.segment = new RowsSegment(path.join(dir, entry.file), kind);
    this.entry = entry;
    this.first = first;
    try {
      this.deletes = entry.deletes && RowsDeletes.read(path.join(dir, entry.deletes.file));
      this.cursor = this.segment.keys.cursor();
    } catch (error) {
      this.segment.close();
      throw error;
    }
  }
  get documents(): number {
    return this.segment.meta.documents;
  }
  get live(): number {
    return this.documents - (this.deletes?.documents ?? 0);
  }
  /** The key of a document, a copy. */
  key(document: number): Uint8Array {
    this.cursor.at(document);
    return this.cursor.text.slice(0, this.cursor.length);
  }
  /** The live document with a key, or -1. */
  find(key: Uint8Array): number {
    if (!this.cursor.seek(key, 0, key.length)) return -1;
    return this.deletes?.has(this.cursor.ordinal) ? -1 : this.cursor.ordinal;
  }
}

/** One generation of an index of keyed rows, open for reading: what its kinds share. */
export class RowsIndex {
  readonly dir: string;
  readonly manifest: RowsManifest;
  readonly segments: readonly OpenRows[];

  constructor(dir: string, manifest: RowsManifest, kind: string) {
    this.dir = dir;
    this.manifest = manifest;
    const segments: OpenRows[] = [];
    try {
      let first = 0;
      for (const entry of manifest.segments) {
        segments.push(new OpenRows(dir, entry, first, kind));
        first += entry.documents;
      }
    } catch (error) {
      for (const { segment } of segments) segment.close();
      throw error;
    }
    this.segments = segments;
  }

  get bytes(): number {
    return segmentBytes(this.manifest);
  }

  /** Numbers of all documents that are not deleted, ascending. */
  live(): Int32Array {
    return Int32Array.from(
      this.segments.flatMap(({ first, documents, deletes }) =>
        Array.from({ length: documents }, (_, d) => d)
          .filter(d => !deletes?.has(d))
          .map(d => first + d),
      ),
    );
  }

  segmentOf(document: number): OpenRows {
    for (let s = this.segments.length - 1; s >= 0; s--) {
      const open = this.segments[s];
      if (document >= open.first && document < open.first + open.documents) return open;
    }
    throw new IndexError('argument', `document number ${document}: this index has no such document`);
  }

  /** Stored values of documents (by number), the key column included; all columns where none are named. */
  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[] {
    const { keyColumn, fields } = this.manifest;
    const names = columns ?? [keyColumn, ...fields.map(f => f.name)];
    return Array.from(docs, doc => {
      const open = this.segmentOf(doc);
      const local = doc - open.first;
      const row: Record<string, StoredValue> = {};
      for (const name of names) {
        if (name === keyColumn) row[name] = decoder.decode(open.key(local));
        else {
          const column = open.segment.column(name);
          if (column === undefined) {
            const known = [keyColumn, ...fields.map(f => f.name)].join(', ');
            throw new IndexError(
              'argument',
              `${this.dir}: no column "${name}" is stored; there are ${known}`,
            );
          }
          row[name] = column.value(open.segment.rows[local]);
        }
      }
      return row;
    });
  }

  /** Keys of documents by number. */
  keys(docs: Int32Array | readonly number[]): string[] {
    return Array.from(docs, doc => {
      const open = this.segmentOf(doc);
      return decoder.decode(open.key(doc - open.first));
    });
  }

  /** Whether document a's key sorts before b's, in code point order. */
  before(a: number, b: number): boolean {
    const first = this.segmentOf(a);
    const second = this.segmentOf(b);
    if (first === second) return a < b;
    const key = first.key(a - first.first);
    const other = second.key(b - second.first);
    return compareBytes(key, 0, key.length, other, 0, other.length) < 0;
  }

  /** Which documents of each segment may be hits: live, and meeting the filter. Undefined: all of them. */
  allowed(filter: Filter | undefined): (Uint8Array | undefined)[] {
    const { keyColumn, fields } = this.manifest;
    const conditions = filter && checkFilter(filter, keyColumn, fields);
    return this.segments.map(open => {
      if (conditions === undefined || conditions.length === 0) {
        return open.deletes && Uint8Array.from(open.deletes.bits, b => ~b);
      }
      const bits = filterBits(open, conditions, keyColumn);
      if (open.deletes) for (let i = 0; i < bits.length; i++) bits[i] &= ~open.deletes.bits[i];
      return bits;
    });
  }

  close(): void {
    for (const { segment } of this.segments) segment.close();
  }
}

/** Documents that a bitmap allows. */
export function countAllowed(bits: Uint8Array | undefined, documents: number): number {
  if (bits === undefined) return documents;
  let n = 0;
  for (let d = 0; d < documents; d++) if (hasBit(bits, d)) n++;
  return n;
}
