import * as fs from 'node:fs';
import * as path from 'node:path';
import { faultPoint } from '../../files/fault.ts';
import { type Analyzer, type AnalyzerSpec, createAnalyzer } from '../analysis/index.ts';
import { DocumentBuffer } from './buffer.ts';
import {
  checkBatch,
  checkFields,
  type DocumentBatch,
  type StoredField,
  searchedColumns,
  storedFields,
} from './columns.ts';
import { IndexError } from './errors.ts';
import { checkLayout, DEFAULT_LAYOUT, type FieldSpec, Fields, sameLayout, showLayout } from './fields.ts';
import { keptFiles, nextFileNumber, switchTo } from './generations.ts';
import { acquireLock, type Held, heirOf } from './lock.ts';
import {
  filesOf,
  type Manifest,
  manifestName,
  readCurrent,
  readManifest,
  sparseGenerations,
  syncFolder,
  writeManifest,
} from './manifest.ts';
import { Merging } from './merging/merging.ts';
import { Scratch } from './scratch.ts';
import { WritableSegment } from './writable-segment.ts';

export interface WriterOptions {
  /** How text becomes terms; stored with the index. */
  analyzer: AnalyzerSpec;
  /** The name under which `rows` gives the key back. */
  keyColumn: string;
  /** What is searched; default one text field named "text". */
  fields?: FieldSpec[];
  /** Keep the places of terms for phrases (about a byte a term); default false. */
  positions?: boolean;
  /** Memory for documents not yet in a segment; default 128 MiB. */
  memoryBytes?: number;
  /**
   * Segments of this many bytes together are merged on a thread, while the writer goes on; default 16 MiB, and never with
   * less than 384 MiB of memory, as a thread takes up to 150 besides.
   */
  mergeThreadBytes?: number;
  /** Build on this generation, which was kept and never published, instead of the live one. */
  from?: number;
  /** Build a fresh index that supersedes all there is when published. */
  replace?: boolean;
}

export interface Prepared {
  generation: number;
  /** Live documents. */
  documents: number;
  segments: number;
  /** Bytes of the generation's files. */
  bytes: number;
}

/** A smaller merge is over before a thread is up. */
const mergeThreadFrom = (memoryBytes: number): number =>
  memoryBytes < 384 << 20 ? Number.POSITIVE_INFINITY : 16 << 20;

/**
 * Writes an index: `add` and `delete`, then `prepare` (immutable files, synced, nothing visible) and
 * `publish` (the switch). A writer holds the folder's lock from `open`, or from the first change after a
 * publish, to the next `publish`, `abort` or `close`; it can go on after a publish. Calls must not overlap.
 */
export class SparseIndexWriter {
  readonly dir: string;
  readonly analyzer: Analyzer;
  private readonly options: Required<
    Omit<WriterOptions, 'analyzer' | 'fields' | 'positions' | 'from' | 'mergeThreadBytes'>
  >;
  private from: number | undefined;
  private kept: Manifest | undefined;
  private readonly searched: Fields;
  private readonly merging: Merging;
  private lock: Held | undefined;
  private handedOver = false;
  private base: Manifest | undefined;
  private fields: StoredField[] | undefined;
  private segments: WritableSegment[] = [];
  private buffer: DocumentBuffer | undefined;
  private scratch: Scratch | undefined;
  private nextFile = 1;
  private prepared: Manifest | undefined;
  private replace: boolean;
  private created: string[] = [];

  private constructor(dir: string, options: WriterOptions) {
    this.dir = dir;
    this.analyzer = createAnalyzer(options.analyzer);
    const layout = { fields: options.fields ?? DEFAULT_LAYOUT.fields, positions: options.positions ?? false };
    checkLayout(layout);
    this.searched = new Fields(layout);
    this.options = {
      keyColumn: options.keyColumn,
      memoryBytes: options.memoryBytes ?? 128 << 20,
      replace: options.replace ?? false,
    };
    this.replace = this.options.replace;
    this.from = options.from;
    this.merging = new Merging({
      dir,
      layout,
      newFile: () => this.newFile(),
      threadFrom: options.mergeThreadBytes ?? mergeThreadFrom(this.options.memoryBytes),
    });
  }

  /**
   * Opens the folder for writing, creating it where absent.
   * Throws IndexError 'locked' (another writer lives), 'analyzer' or 'schema' (the index there was built
   * with another analyzer or key column and `replace` is not set), 'version', 'corrupt'.
   */
  static async open(dir: string, options: WriterOptions): Promise<SparseIndexWriter> {
    const writer = new SparseIndexWriter(dir, options);
    fs.mkdirSync(dir, { recursive: true });
    writer.begin();
    return writer;
  }

  /** Adds rows; a row whose key is in the index already replaces it, and of equal keys the last one stays. */
  async add(batch: DocumentBatch): Promise<void> {
    checkBatch(batch);
    this.begin();
    if (batch.rows === 0) return;
    const columns = searchedColumns(batch, this.searched.layout);
    const fields = storedFields(batch, this.options.keyColumn);
    if (this.fields === undefined) this.fields = fields;
    else checkFields(this.fields, fields);
    for (let r = 0; r < batch.rows; r++) {
      this.buffer ??= this.newBuffer(this.fields);
      this.buffer.add(batch, columns, r);
      if ((r & 63) === 63 && this.buffer.memoryBytes > this.options.memoryBytes) await this.flush();
    }
    if (this.buffer !== undefined && this.buffer.memoryBytes > this.options.memoryBytes) await this.flush();
  }

  /** For each key, 1 where a live row has it. */
  has(values: readonly string[]): Uint8Array {
    this.begin();
    const encoder = new TextEncoder();
    return Uint8Array.from(values, value => {
      const key = encoder.encode(value);
      const there =
        this.buffer?.hasKey(key, 0, key.length) || this.segments.some(s => s.hasKey(key, 0, key.length));
      return there ? 1 : 0;
    });
  }

  /**
   * Deletes the rows whose key (or whose value in the stored utf8 column `by`) is among `values`.
   * Returns how many rows were deleted.
   */
  async delete(values: string[], by?: string): Promise<number> {
    this.begin();
    if (by !== undefined && by !== this.options.keyColumn) return this.deleteBy(values, by);
    const encoder = new TextEncoder();
    let deleted = 0;
    for (const value of values) {
      const key = encoder.encode(value);
      if (this.buffer?.deleteKey(key, 0, key.length)) deleted++;
      for (const segment of this.segments) if (segment.deleteKey(key, 0, key.length)) deleted++;
    }
    return deleted;
  }

  /**
   * Writes all that was added and deleted as a new generation: its files and manifest are on disk and
   * synced, and no reader sees it until `publish`.
   */
  async prepare(): Promise<Prepared> {
    this.begin();
    await this.flush();
    this.scratch = undefined;
    await this.settle();
    this.startMerging();
    await this.settle();
    const generation = sparseGenerations.nextNumber(this.dir);
    for (const segment of this.segments) {
      const file = await segment.writeTombstones(this.dir, generation);
      if (file !== undefined) this.created.push(file);
    }
    const live = this.segments.filter(s => s.liveDocuments > 0);
    const manifest: Manifest = {
      generation,
      keyColumn: this.options.keyColumn,
      analyzer: { spec: this.analyzer.spec, fingerprint: this.analyzer.fingerprint },
      fields: this.fields ?? [],
      searched: this.searched.layout,
      documents: live.reduce((sum, s) => sum + s.liveDocuments, 0),
      totalLength: live.reduce((sum, s) => sum + s.liveLength, 0),
      fieldLengths: this.searched.spaces.map((_, f) =>
        live.reduce((sum, s) => sum + s.liveFieldLength(f), 0),
      ),
      segments: live.map(s => s.entry),
    };
    faultPoint('sink-prepare');
    await syncFolder(this.dir);
    await writeManifest(this.dir, manifest);
    faultPoint('sink-prepared');
    this.prepared = manifest;
    this.handedOver = false;
    return {
      generation,
      documents: manifest.documents,
      segments: manifest.segments.length,
      bytes: manifest.segments.reduce((sum, s) => sum + s.bytes + (s.tombstones?.bytes ?? 0), 0),
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
    if (before !== undefined) {
      fs.rmSync(path.join(this.dir, manifestName(before.generation)), { force: true });
      faultPoint('sink-keep');
      const needed = keptFiles(this.dir);
      for (const file of filesOf(before))
        if (!needed.has(file)) fs.rmSync(path.join(this.dir, file), { force: true });
    }
  }

  /**
   * Makes a prepared generation the live one and removes files of generations before the previous one.
   * Publishing the live generation again does nothing.
   */
  async publish(generation: number): Promise<void> {
    if (this.lock === undefined && readCurrent(this.dir)?.generation === generation) return;
    this.begin();
    await switchTo(this.dir, generation);
    await this.end();
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
    await this.merging.close();
    const published = this.readLive() === this.prepared?.generation;
    const kept = keptFiles(this.dir, published ? undefined : this.prepared?.generation);
    for (const file of this.created)
      if (!kept.has(file)) fs.rmSync(path.join(this.dir, file), { force: true });
    if (this.prepared !== undefined && !published) {
      fs.rmSync(path.join(this.dir, `manifest.${this.prepared.generation}.json`), { force: true });
    }
    await this.end();
  }

  /** As `abort`: whatever was published or handed over stays, whatever was not is dropped. */
  async close(): Promise<void> {
    if (this.handedOver) await this.end();
    else await this.abort();
  }

  /** Takes the lock and reads the live generation, unless that is done. */
  private begin(): void {
    if (this.lock !== undefined) return;
    const lock = acquireLock(this.dir);
    try {
      const on = this.from ?? this.readLive();
      this.base = on === undefined ? undefined : this.readBase(on);
      if (!this.replace) {
        if (this.base !== undefined) this.checkBase(this.base);
        // An index without rows has no columns to hold a batch to.
        this.fields = this.base !== undefined && this.base.segments.length > 0 ? this.base.fields : undefined;
        this.segments = (this.base?.segments ?? []).map(entry => WritableSegment.open(this.dir, entry));
      } else this.fields = undefined;
      this.nextFile = nextFileNumber(this.dir);
      this.created = [];
    } catch (error) {
      lock.release();
      throw error;
    }
    this.lock = lock;
  }

  private readLive(): number | undefined {
    const read = this.replace ? sparseGenerations.readSound(this.dir) : readCurrent(this.dir);
    return read?.generation;
  }

  /** A fresh build goes ahead over an index it cannot read; anything else does not. */
  private readBase(generation: number): Manifest | undefined {
    try {
      return readManifest(this.dir, generation);
    } catch (error) {
      if (this.replace) return undefined;
      throw error;
    }
  }

  private async end(): Promise<void> {
    await this.merging.close();
    for (const segment of this.segments) segment.close();
    this.segments = [];
    this.buffer = undefined;
    this.scratch = undefined;
    this.prepared = undefined;
    this.handedOver = false;
    this.created = [];
    this.from = undefined;
    this.kept = undefined;
    // A published fresh build is what later changes build on.
    this.replace = false;
    this.lock?.release();
    this.lock = undefined;
  }

  private checkBase(base: Manifest): void {
    if (base.analyzer.fingerprint !== this.analyzer.fingerprint) {
      throw new IndexError(
        'analyzer',
        `${this.dir}: the index was built with analyzer ${JSON.stringify(base.analyzer.spec)}, ` +
          `this writer has ${JSON.stringify(this.analyzer.spec)}; use the same, or build it again with replace`,
      );
    }
    if (!sameLayout(base.searched, this.searched.layout)) {
      throw new IndexError(
        'schema',
        `${this.dir}: the index searches ${showLayout(base.searched)}, this writer ${showLayout(this.searched.layout)}; ` +
          'use the same, or build it again with replace',
      );
    }
    if (base.keyColumn !== this.options.keyColumn) {
      throw new IndexError(
        'schema',
        `${this.dir}: the index has key column "${base.keyColumn}", this writer has "${this.options.keyColumn}"; ` +
          'use the same, or build it again with replace',
      );
    }
  }

  private newFile(): string {
    const name = `segment-${String(this.nextFile++).padStart(6, '0')}.seg`;
    this.created.push(name);
    return name;
  }

  private async flush(): Promise<void> {
    const added = await this.writeBuffer();
    if (added === undefined) return;
    for (const segment of this.segments) segment.deleteKeysOf(added);
    this.segments.push(added);
    this.startMerging();
  }

  private newBuffer(fields: StoredField[]): DocumentBuffer {
    this.scratch ??= new Scratch(this.options.memoryBytes);
    return new DocumentBuffer(this.analyzer, fields, this.searched, this.scratch);
  }

  /** Writes what is buffered as a segment, where there is a document in it. */
  private async writeBuffer(): Promise<WritableSegment | undefined> {
    const { buffer } = this;
    this.buffer = undefined;
    if (buffer === undefined || buffer.documents === 0) return undefined;
    await this.settle();
    const file = this.newFile();
    const { meta, bytes } = await buffer.flush(path.join(this.dir, file));
    faultPoint('sink-segment');
    const { documents, terms, totalLength } = meta;
    return WritableSegment.open(this.dir, { file, bytes, documents, terms, totalLength });
  }

  private startMerging(): void {
    // a merge wants the memory; the next buffer makes its own
    if (this.merging.due(this.segments)) this.scratch = undefined;
    this.merging.start(this.segments, this.fields ?? []);
  }

  /** Takes what merging has made. */
  private async settle(): Promise<void> {
    const done = await this.merging.settle();
    if (done === undefined) return;
    faultPoint('sink-merge');
    this.segments = done.segments;
    const published = new Set(this.base === undefined ? [] : filesOf(this.base));
    for (const segment of done.gone) {
      segment.close();
      // A segment no generation names was only a step on the way.
      if (!published.has(segment.entry.file) && !this.named(segment.entry.file)) {
        fs.rmSync(path.join(this.dir, segment.entry.file), { force: true });
      }
    }
  }

  private named(file: string): boolean {
    return [this.prepared, this.kept].some(m => m !== undefined && filesOf(m).includes(file));
  }

  private deleteBy(values: string[], by: string): number {
    if (this.fields === undefined) return 0;
    const field = this.fields.find(f => f.name === by);
    if (field?.type !== 'utf8') {
      const known = this.fields.filter(f => f.type === 'utf8').map(f => f.name);
      throw new IndexError(
        'argument',
        `delete by "${by}": wanted the key column or a stored utf8 column, there are ${[this.options.keyColumn, ...known].join(', ')}`,
      );
    }
    const wanted = new Set(values);
    let deleted = this.buffer?.deleteBy(by, wanted) ?? 0;
    for (const segment of this.segments) deleted += segment.deleteBy(by, wanted);
    return deleted;
  }
}
