import * as fs from 'node:fs';
import * as path from 'node:path';
import { faultPoint } from '../../files/fault.ts';
import { checkFields, type StoredField, storedFields } from '../sparse/columns.ts';
import { IndexError } from '../sparse/errors.ts';
import { acquireLock, type Held, heirOf } from '../sparse/lock.ts';
import { chooseMerge } from '../sparse/merge-policy.ts';
import { manifestName, nextFileNumber } from './generations.ts';
import { RowsBuffer } from './rows-buffer.ts';
import type { RowsKind } from './rows-kind.ts';
import { mergeRowsSegments } from './rows-merge.ts';
import type { RowsSegment } from './rows-segment.ts';
import { type KeyedRows, type Prepared, type RowsManifest, segmentBytes } from './rows-types.ts';
import { syncFolder } from './sealed.ts';
import { WritableRows } from './writable-rows.ts';

export interface RowsWriterOptions {
  /** The name under which `rows` gives the key back. */
  keyColumn: string;
  /** Memory for documents not yet in a segment; default 128 MiB. */
  memoryBytes?: number;
  /** Build a fresh index that supersedes all there is when published. */
  replace?: boolean;
  /** Go on from this generation, which was kept and not published, instead of from the live one. */
  from?: number;
}

const encoder = new TextEncoder();
/** Rows between two looks at how much waits. */
const LOOK = 64;

/**
 * Writes an index of keyed rows: `add` and `delete`, then `prepare` (immutable files, synced, nothing visible) and
 * `publish` (the switch). A writer holds the folder's lock from `open`, or from the first change after a publish, to the
 * next `publish`, `abort` or `close`. Calls must not overlap.
 */
export class RowsWriter {
  readonly dir: string;
  private readonly kind: RowsKind;
  private readonly keyColumn: string;
  private readonly memoryBytes: number;
  private replace: boolean;
  private lock: Held | undefined;
  private handedOver = false;
  private base: RowsManifest | undefined;
  private fields: StoredField[] | undefined;
  private segments: WritableRows[] = [];
  private buffer: RowsBuffer | undefined;
  private nextFile = 1;
  private prepared: RowsManifest | undefined;
  private kept: RowsManifest | undefined;
  private from: number | undefined;
  private created: string[] = [];

  private constructor(dir: string, kind: RowsKind, options: RowsWriterOptions) {
    this.dir = dir;
    this.kind = kind;
    this.keyColumn = options.keyColumn;
    this.memoryBytes = options.memoryBytes ?? 128 << 20;
    this.replace = options.replace ?? false;
    this.from = options.from;
  }

  /**
   * Opens the folder for writing, creating it where absent.
   * Throws IndexError 'locked', 'schema' (the index there does not fit and `replace` is not set), 'version', 'corrupt'.
   */
  static open(dir: string, kind: RowsKind, options: RowsWriterOptions): RowsWriter {
    const writer = new RowsWriter(dir, kind, options);
    fs.mkdirSync(dir, { recursive: true });
    writer.begin();
    return writer;
  }

  /** Adds rows; `payload(r)` is what the index holds of row r, copied before the next is asked for. */
  async add(batch: KeyedRows, payload: (row: number) => Uint8Array): Promise<void> {
    this.begin();
    if (batch.rows === 0) return;
    const fields = storedFields(batch as Parameters<typeof storedFields>[0], this.keyColumn);
    if (this.fields === undefined) this.fields = fields;
    else checkFields(this.fields, fields);
    for (let r = 0; r < batch.rows; r++) {
      if (batch.key.nulls?.[r] === 1)
        throw new IndexError('argument', `key: row ${r} of the batch is null, wanted a unique string`);
      this.buffer ??= new RowsBuffer(this.fields, this.kind.rowBytes);
      this.buffer.add(batch, r, payload(r));
      if (r % LOOK === LOOK - 1 && this.isFull) await this.flush();
    }
    if (this.isFull) await this.flush();
  }

  private get isFull(): boolean {
    const { buffer } = this;
    return (
      buffer !== undefined &&
      (buffer.memoryBytes > this.memoryBytes || buffer.documents >= this.mostDocuments)
    );
  }

  /** Documents of which the writer's memory holds a graph. */
  private get graphDocuments(): number {
    const { graph } = this.kind;
    return graph === undefined ? 0 : Math.floor(this.memoryBytes / graph.rowBytes);
  }

  /** Documents of a segment at most: memory must hold its graph, where it holds any that is worth it. */
  private get mostDocuments(): number {
    const { graph } = this.kind;
    const most = this.graphDocuments;
    return graph === undefined || most < graph.fewest ? Number.POSITIVE_INFINITY : most;
  }

  /**
   * Deletes the rows whose key (or whose value in the stored utf8 column `by`) is among `values`.
   * Returns how many rows were deleted.
   */
  async delete(values: string[], by?: string): Promise<number> {
    this.begin();
    let deleted = 0;
    if (by !== undefined && by !== this.keyColumn) {
      if (this.fields === undefined) return 0;
      if (this.fields.find(f => f.name === by)?.type !== 'utf8') {
        const known = this.fields.filter(f => f.type === 'utf8').map(f => f.name);
        throw new IndexError(
          'argument',
          `delete by "${by}": wanted the key column or a stored utf8 column, there are ${[this.keyColumn, ...known].join(', ')}`,
        );
      }
      const wanted = new Set(values);
      deleted = this.buffer?.deleteBy(by, wanted) ?? 0;
      for (const segment of this.segments) deleted += segment.deleteBy(by, wanted);
      return deleted;
    }
    for (const value of values) {
      if (this.buffer?.deleteKey(value)) deleted++;
      const key = encoder.encode(value);
      for (const segment of this.segments) if (segment.deleteKey(key, key.length)) deleted++;
    }
    return deleted;
  }

  /** For each key, 1 where a live row has it. */
  has(values: readonly string[]): Uint8Array {
    this.begin();
    return Uint8Array.from(values, value => {
      if (this.buffer?.hasKey(value)) return 1;
      const key = encoder.encode(value);
      return this.segments.some(s => s.hasKey(key, key.length)) ? 1 : 0;
    });
  }

  /** Writes all that was added and deleted as a new generation that no reader sees until `publish`. */
  async prepare(settings?: Readonly<Record<string, unknown>>): Promise<Prepared> {
    this.begin();
    await this.flush();
    await this.merge();
    await this.gather();
    const generation = this.kind.generations.nextNumber(this.dir);
    for (const segment of this.segments) {
      const file = await segment.writeDeletes(this.dir, generation);
      if (file !== undefined) this.created.push(file);
    }
    const live = this.segments.filter(s => s.liveDocuments > 0);
    for (const segment of live) await this.addGraph(segment);
    const manifest: RowsManifest = {
      generation,
      keyColumn: this.keyColumn,
      fields: this.fields ?? [],
      documents: live.reduce((sum, s) => sum + s.liveDocuments, 0),
      settings: settings ?? this.kind.settings,
      segments: live.map(s => s.entry),
    };
    faultPoint('sink-prepare');
    await syncFolder(this.dir);
    await this.kind.generations.write(this.dir, manifest);
    faultPoint('sink-prepared');
    this.prepared = manifest;
    this.handedOver = false;
    return {
      generation,
      documents: manifest.documents,
      segments: manifest.segments.length,
      bytes: segmentBytes(manifest),
    };
  }

  /**
   * Keeps a prepared generation without publishing it: `abort` and `close` leave its files, a writer opened `from` it
   * goes on there, and more changes may follow. The generation that was kept before it is dropped.
   */
  async keep(generation: number): Promise<void> {
    if (this.prepared?.generation !== generation)
      throw new IndexError(
        'generation',
        `${this.dir}: generation ${generation} is not the one that was prepared`,
      );
    const before = this.kept ?? (this.from === undefined ? undefined : this.base);
    this.kept = this.prepared;
    this.prepared = undefined;
    this.handedOver = false;
    this.created = [];
    if (before === undefined) return;
    fs.rmSync(path.join(this.dir, manifestName(before.generation)), { force: true });
    faultPoint('sink-keep');
    const needed = this.kind.generations.kept(this.dir);
    for (const file of this.kind.generations.filesOf(before))
      if (!needed.has(file)) fs.rmSync(path.join(this.dir, file), { force: true });
  }

  /** The settings of the index that is written onto; undefined where it is built anew or has none. */
  get baseSettings(): Readonly<Record<string, unknown>> | undefined {
    return this.replace ? undefined : this.base?.settings;
  }

  /** As `baseSettings`, where there are rows of that index. */
  get rowSettings(): Readonly<Record<string, unknown>> | undefined {
    return this.segments.length > 0 ? this.baseSettings : undefined;
  }

  /** Names a file beside the segments as made by this writer: `abort` removes it where no generation names it. */
  made(file: string): void {
    this.created.push(file);
  }

  /** Segments of all that was added, each with its deleted documents. */
  async written(): Promise<{ readonly segment: RowsSegment; readonly deleted: Uint8Array | undefined }[]> {
    this.begin();
    await this.flush();
    return this.segments.map(s => ({ segment: s.segment, deleted: s.deletes?.bits }));
  }

  /** Writes every segment anew with other payloads, which `change(segment, document)` gives. */
  async rewrite(
    change: (segment: RowsSegment, document: number) => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    await this.written();
    for (const segment of [...this.segments])
      await this.combine([segment], document => change(segment.segment, document));
  }

  /** Makes a prepared generation the live one; publishing the live generation again does nothing. */
  async publish(generation: number): Promise<void> {
    if (this.lock === undefined && this.kind.generations.readCurrent(this.dir)?.generation === generation)
      return;
    this.begin();
    await this.kind.generations.switchTo(this.dir, generation);
    this.end();
  }

  /**
   * Leaves the prepared generation to `publish(dir, generation)`, on any thread of this process: nobody else gets the
   * lock before. `close` then keeps its files; `abort` still drops them.
   */
  async handOver(): Promise<void> {
    if (this.lock === undefined || this.prepared === undefined)
      throw new IndexError('generation', `${this.dir}: no generation is prepared`);
    this.lock.handOver(heirOf(this.prepared.generation));
    this.handedOver = true;
  }

  /** Forgets what was added since the last publish, removes its files and releases the lock. */
  async abort(): Promise<void> {
    if (this.lock === undefined) return;
    const { generations: all } = this.kind;
    const published = all.readSound(this.dir)?.generation === this.prepared?.generation;
    const kept = all.kept(this.dir, published ? undefined : this.prepared?.generation);
    for (const file of this.created)
      if (!kept.has(file)) fs.rmSync(path.join(this.dir, file), { force: true });
    if (this.prepared !== undefined && !published) {
      fs.rmSync(path.join(this.dir, `manifest.${this.prepared.generation}.json`), { force: true });
    }
    this.end();
  }

  /** As `abort`: whatever was published or handed over stays, whatever was not is dropped. */
  async close(): Promise<void> {
    if (this.handedOver) this.end();
    else await this.abort();
  }

  /** Takes the lock and reads the live generation, unless that is done. */
  private begin(): void {
    if (this.lock !== undefined) return;
    const lock = acquireLock(this.dir);
    try {
      this.base = this.readBase();
      if (!this.replace && this.base !== undefined) this.checkBase(this.base);
      const kept = this.replace ? undefined : this.base;
      // an index without rows has no columns to hold a batch to
      this.fields = kept !== undefined && kept.segments.length > 0 ? kept.fields : undefined;
      this.segments = (kept?.segments ?? []).map(
        entry => new WritableRows(this.dir, entry, this.kind.segmentKind),
      );
      this.nextFile = nextFileNumber(this.dir);
      this.created = [];
    } catch (error) {
      lock.release();
      throw error;
    }
    this.lock = lock;
  }

  /** A fresh build goes ahead over an index it cannot read; anything else does not. */
  private readBase(): RowsManifest | undefined {
    const { generations: all } = this.kind;
    try {
      const on = this.from ?? all.readCurrent(this.dir)?.generation;
      return on === undefined ? undefined : all.read(this.dir, on);
    } catch (error) {
      if (this.replace) return undefined;
      throw error;
    }
  }

  private checkBase(base: RowsManifest): void {
    const clash =
      base.keyColumn !== this.keyColumn
        ? `has key column "${base.keyColumn}", this writer has "${this.keyColumn}"`
        : base.segments.length > 0
          ? this.kind.clash(base.settings)
          : undefined;
    if (clash !== undefined) {
      throw new IndexError(
        'schema',
        `${this.dir}: the index ${clash}; use the same, or build it again with replace`,
      );
    }
  }

  private end(): void {
    for (const segment of this.segments) segment.close();
    this.segments = [];
    this.buffer = undefined;
    this.prepared = undefined;
    this.handedOver = false;
    this.kept = undefined;
    this.from = undefined;
    this.created = [];
    // a published fresh build is what later changes build on
    this.replace = false;
    this.lock?.release();
    this.lock = undefined;
  }

  private newFile(): string {
    const name = `segment-${String(this.nextFile++).padStart(6, '0')}.seg`;
    this.created.push(name);
    return name;
  }

  private async flush(): Promise<void> {
    const { buffer } = this;
    if (buffer === undefined) return;
    this.buffer = undefined;
    if (buffer.documents === 0) return;
    const file = this.newFile();
    const { meta, bytes } = await buffer.flush(path.join(this.dir, file), this.kind.segmentKind);
    faultPoint('sink-segment');
    const entry = { file, bytes, documents: meta.documents };
    const added = new WritableRows(this.dir, entry, this.kind.segmentKind);
    for (const segment of this.segments) segment.deleteKeysOf(added);
    this.segments.push(added);
    await this.merge();
  }

  private async merge(): Promise<void> {
    for (;;) {
      const chosen = chooseMerge(this.segments, this.mostDocuments);
      if (chosen.length === 0) return;
      await this.combine(chosen);
    }
  }

  /**
   * Puts what was written since the last generation together, as far as memory holds its graph: memory for rows that
   * wait is free now, and a search goes through fewer graphs.
   */
  private async gather(): Promise<void> {
    const most = this.mostDocuments;
    if (this.kind.graph === undefined || most === Number.POSITIVE_INFINITY) return;
    for (;;) {
      const chosen: WritableRows[] = [];
      let documents = 0;
      for (const segment of this.segments) {
        if (!this.created.includes(segment.entry.file) || segment.entry.graph !== undefined) continue;
        if (segment.liveDocuments === 0 || documents + segment.liveDocuments > most) continue;
        chosen.push(segment);
        documents += segment.liveDocuments;
      }
      if (chosen.length < 2) return;
      await this.combine(chosen);
    }
  }

  /** Puts one segment in the place of several. */
  private async combine(
    chosen: readonly WritableRows[],
    change?: (document: number) => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    const file = this.newFile();
    const { meta, bytes } = await mergeRowsSegments(
      chosen.map(s => ({ segment: s.segment, deleted: s.deletes?.bits })),
      this.fields ?? [],
      path.join(this.dir, file),
      this.kind.segmentKind,
      this.kind.rowBytes,
      change,
    );
    const entry = { file, bytes, documents: meta.documents };
    const merged = new WritableRows(this.dir, entry, this.kind.segmentKind);
    const at = this.segments.indexOf(chosen[0]);
    this.segments = this.segments.flatMap((s, i) => (i === at ? [merged] : chosen.includes(s) ? [] : [s]));
    faultPoint('sink-merge');
    const { filesOf } = this.kind.generations;
    const needed = new Set(
      [this.base, this.kept, this.prepared].flatMap(m => (m === undefined ? [] : filesOf(m))),
    );
    for (const segment of chosen) {
      segment.close();
      // a segment that no generation names was only a step on the way
      if (!needed.has(segment.entry.file))
        fs.rmSync(path.join(this.dir, segment.entry.file), { force: true });
    }
  }

  private async addGraph(segment: WritableRows): Promise<void> {
    const { graph } = this.kind;
    if (graph === undefined || segment.entry.graph !== undefined || segment.documents < graph.fewest) return;
    // rows are counted now and then; one that was written with more memory is looked through instead
    if (segment.documents > this.graphDocuments + LOOK) return;
    const file = segment.entry.file.replace(/\.seg$/, '.graph');
    this.created.push(file);
    const made = await graph.make(segment.segment, path.join(this.dir, file));
    segment.entry = { ...segment.entry, graph: { file, ...made } };
  }
}
