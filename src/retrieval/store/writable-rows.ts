import * as path from 'node:path';
import { documentsWith } from '../sparse/documents-with.ts';
import type { FrontCodedCursor } from '../sparse/front-coded.ts';
import type { Mergeable } from '../sparse/merge-policy.ts';
import { RowsDeletes } from './rows-deletes.ts';
import { RowsSegment } from './rows-segment.ts';
import type { RowsSegmentEntry } from './rows-types.ts';

/** A segment as a writer sees it: the immutable file and the deletes gathered over it. */
export class WritableRows implements Mergeable {
  readonly segment: RowsSegment;
  entry: RowsSegmentEntry;
  deletes: RowsDeletes | undefined;
  private dirty = false;
  private readonly cursor: FrontCodedCursor;

  constructor(dir: string, entry: RowsSegmentEntry, kind: string) {
    this.segment = new RowsSegment(path.join(dir, entry.file), kind);
    this.entry = entry;
    this.deletes = entry.deletes && RowsDeletes.read(path.join(dir, entry.deletes.file));
    this.cursor = this.segment.keys.cursor();
  }
  get documents(): number {
    return this.segment.meta.documents;
  }
  get liveDocuments(): number {
    return this.documents - (this.deletes?.documents ?? 0);
  }
  get bytes(): number {
    return this.entry.bytes;
  }
  hasKey(source: Uint8Array, length: number): boolean {
    return this.cursor.seek(source, 0, length) && !this.deletes?.has(this.cursor.ordinal);
  }
  deleteKey(source: Uint8Array, length: number): boolean {
    return this.cursor.seek(source, 0, length) && this.deleteDocument(this.cursor.ordinal);
  }
  /** Deletes every key that a newer segment has. */
  deleteKeysOf(newer: WritableRows): void {
    const theirs = newer.segment.keys.cursor();
    while (theirs.next()) {
      this.deleteKey(theirs.text, theirs.length);
      if (this.cursor.done) return;
    }
  }
  deleteBy(column: string, wanted: ReadonlySet<string>): number {
    let deleted = 0;
    for (const doc of documentsWith(this.segment, column, wanted)) if (this.deleteDocument(doc)) deleted++;
    return deleted;
  }
  async writeDeletes(dir: string, generation: number): Promise<string | undefined> {
    if (!this.dirty || this.deletes === undefined) return undefined;
    const file = `${this.entry.file.replace(/\.seg$/, '')}.${generation}.del`;
    const bytes = await this.deletes.write(path.join(dir, file));
    this.entry = { ...this.entry, deletes: { file, bytes, documents: this.deletes.documents } };
    this.dirty = false;
    return file;
  }
  close(): void {
    this.segment.close();
  }
  private deleteDocument(document: number): boolean {
    this.deletes ??= new RowsDeletes(this.documents);
    const deleted = this.deletes.add(document);
    if (deleted) this.dirty = true;
    return deleted;
  }
}
