import * as path from 'node:path';
import { hasBit } from './bitmap.ts';
import { documentsWith } from './documents-with.ts';
import type { FrontCodedCursor } from './front-coded.ts';
import type { SegmentEntry } from './manifest.ts';
import type { Mergeable } from './merge-policy.ts';
import { Segment } from './segment.ts';
import { Tombstones } from './tombstones.ts';

/** A segment as a writer sees it: the immutable file and the deletes gathered over it. */
export class WritableSegment implements Mergeable {
  readonly segment: Segment;
  entry: SegmentEntry;
  tombstones: Tombstones | undefined;
  private dirty = false;
  private readonly cursor: FrontCodedCursor;

  private constructor(segment: Segment, entry: SegmentEntry, tombstones: Tombstones | undefined) {
    this.segment = segment;
    this.entry = entry;
    this.tombstones = tombstones;
    this.cursor = segment.keys.cursor();
  }

  static open(dir: string, entry: SegmentEntry): WritableSegment {
    const segment = new Segment(path.join(dir, entry.file));
    const tombstones =
      entry.tombstones === undefined ? undefined : Tombstones.read(path.join(dir, entry.tombstones.file));
    return new WritableSegment(segment, entry, tombstones);
  }

  get documents(): number {
    return this.segment.meta.documents;
  }

  get liveDocuments(): number {
    return this.documents - (this.tombstones?.documents ?? 0);
  }

  get liveLength(): number {
    return this.segment.meta.totalLength - (this.tombstones?.totalLength ?? 0);
  }

  /** Σ l over live documents of a field's own terms. */
  liveFieldLength(field: number): number {
    const total = this.segment.meta.fieldLengths?.[field]?.total ?? 0;
    return total - (this.tombstones?.fieldLengths[field] ?? 0);
  }

  get bytes(): number {
    return this.entry.bytes;
  }

  deleteKey(source: Uint8Array, start: number, end: number): boolean {
    return this.cursor.seek(source, start, end) && this.deleteDocument(this.cursor.ordinal);
  }

  hasKey(source: Uint8Array, start: number, end: number): boolean {
    return this.cursor.seek(source, start, end) && !this.tombstones?.has(this.cursor.ordinal);
  }

  /** Deletes every key that a newer segment has. */
  deleteKeysOf(newer: WritableSegment): void {
    const theirs = newer.segment.keys.cursor();
    while (theirs.next()) {
      this.deleteKey(theirs.text, 0, theirs.length);
      // Both lists are sorted: past our last key nothing can match.
      if (this.cursor.done) return;
    }
  }

  /** Deletes in `to`, which holds what was live here, all that was deleted here since `before`. */
  passDeletes(before: Uint8Array | undefined, to: WritableSegment): void {
    if (this.tombstones === undefined) return;
    for (let doc = 0; doc < this.documents; doc++) {
      if (!this.tombstones.has(doc) || hasBit(before, doc)) continue;
      this.cursor.at(doc);
      to.deleteKey(this.cursor.text, 0, this.cursor.length);
    }
  }

  /** Deletes the rows whose value in a stored utf8 column is wanted. */
  deleteBy(column: string, wanted: ReadonlySet<string>): number {
    let deleted = 0;
    for (const doc of documentsWith(this.segment, column, wanted)) if (this.deleteDocument(doc)) deleted++;
    return deleted;
  }

  /** Writes the deletes where there are new ones; gives the file's name. */
  async writeTombstones(dir: string, generation: number): Promise<string | undefined> {
    if (!this.dirty || this.tombstones === undefined) return undefined;
    const file = `${this.entry.file.replace(/\.seg$/, '')}.${generation}.del`;
    const bytes = await this.tombstones.write(path.join(dir, file));
    const { documents, totalLength } = this.tombstones;
    this.entry = { ...this.entry, tombstones: { file, bytes, documents, totalLength } };
    this.dirty = false;
    return file;
  }

  close(): void {
    this.segment.close();
  }

  private deleteDocument(doc: number): boolean {
    this.tombstones ??= new Tombstones(this.documents);
    const deleted = this.tombstones.delete(this.segment, doc);
    if (deleted) this.dirty = true;
    return deleted;
  }
}
