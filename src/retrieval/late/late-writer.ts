/** Writing an index of token vectors: segments of compressed tokens, and the codebook they are compressed by. */
import { join } from 'node:path';
import { faultPoint } from '../../files/fault.ts';
import type { Multiply } from '../dense/exact.ts';
import { plainMultiply } from '../dense/exact.ts';
import { hasBit } from '../sparse/bitmap.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Compacted } from '../store/compact.ts';
import { Generations } from '../store/generations.ts';
import { compactRows } from '../store/rows-compact.ts';
import { rowsFiles } from '../store/rows-files.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { KeyedRows, Prepared, RowsManifest } from '../store/rows-types.ts';
import { type RowsKind, RowsWriter } from '../store/rows-writer.ts';
import { type Codebook, projected, readCodebook, verifyCodebook, writeCodebook } from './codebook.ts';
import { encodeTokens } from './codec.ts';
import { fromHalves, toHalves } from './halves.ts';
import { Nearest } from './nearest.ts';
import { placed } from './placing.ts';
import { trainCodebook } from './training.ts';
import { TrellisEncoder } from './trellis.ts';

export const LATE_SEGMENT = 'late';

/** What an index of token vectors is; kept in its manifest. */
export interface LateSettings {
  /** Numbers of a vector as it comes, and of questions'. */
  readonly from: number;
  /** Numbers of a vector as it is kept. */
  readonly dimension: number;
  readonly bits: 1 | 2;
  /** Absent while the index never had a token. */
  readonly codebook: { readonly file: string; readonly bytes: number; readonly centroids: number } | null;
}

const settingsOf = (manifest: Pick<RowsManifest, 'settings'>): LateSettings =>
  manifest.settings as unknown as LateSettings;

const partsOf = rowsFiles(LATE_SEGMENT);

export const lateGenerations = new Generations<RowsManifest>(
  { name: 'millrace-late', version: 3, oldest: 3 },
  manifest => {
    const { codebook } = settingsOf(manifest);
    return [...partsOf(manifest), ...(codebook ? [{ ...codebook, check: verifyCodebook }] : [])];
  },
  /\.(seg|del|book)$/,
);

export interface LateWriterOptions {
  readonly keyColumn: string;
  /** Numbers of a vector as it comes. */
  readonly from: number;
  /** Numbers of a vector as it is kept; default as it comes, at most 128. */
  readonly dimension?: number;
  /** Default 2. */
  readonly bits?: 1 | 2;
  readonly memoryBytes?: number;
  readonly replace?: boolean;
  /** Go on from a generation that was kept. */
  readonly generation?: number;
  /** A quick product of matrices; default a plain loop. */
  readonly multiply?: Multiply;
}

/** Rows to index; the vectors of row r are those from `offsets[r]` to `offsets[r + 1]`. */
export interface TokenRowsToIndex extends KeyedRows {
  readonly offsets: Int32Array;
  /** tokens × from. */
  readonly vectors: Float32Array;
}

/** Tokens that a codebook is made from, at most. */
const SAMPLE = 1 << 18;
/** Tokens that are compressed together. */
const BLOCK = 1 << 15;

/**
 * Writes an index of token vectors. Rows wait as halves until the first `prepare`, which makes the codebook of a sample
 * of them and compresses them; from then on rows are compressed as they come, and the codebook stays until the index is
 * built anew.
 */
export class LateIndexWriter {
  private readonly rows: RowsWriter;
  private readonly multiply: Multiply;
  private readonly sampleTokens: number;
  private settings: LateSettings;
  private book: Codebook | undefined;
  private nearest: Nearest | undefined;
  private encoder: TrellisEncoder | undefined;

  private constructor(rows: RowsWriter, settings: LateSettings, options: LateWriterOptions) {
    this.rows = rows;
    this.settings = settings;
    this.multiply = options.multiply ?? plainMultiply;
    const memory = options.memoryBytes ?? 128 << 20;
    this.sampleTokens = Math.max(1024, Math.min(SAMPLE, Math.floor(memory / (8 * settings.from))));
  }

  /** Throws IndexError 'locked', 'schema' (another dimension or bits), 'version', 'corrupt', 'argument'. */
  static open(dir: string, options: LateWriterOptions): LateIndexWriter {
    const { from, bits = 2, keyColumn, memoryBytes, replace, generation } = options;
    const dimension = Math.min(options.dimension ?? 128, from);
    if (!Number.isInteger(from) || from < 1 || !Number.isInteger(dimension) || dimension < 1)
      throw new IndexError(
        'argument',
        `dimension: ${dimension} of ${from}, wanted whole numbers of at least 1`,
      );
    const settings: LateSettings = { from, dimension, bits, codebook: null };
    const rows = RowsWriter.open(dir, kindOf(settings), {
      keyColumn,
      memoryBytes,
      replace,
      from: generation,
    });
    const writer = new LateIndexWriter(rows, settings, options);
    const base = rows.baseSettings as unknown as LateSettings | undefined;
    if (base?.codebook && clash(base, settings) === undefined) {
      writer.settings = base;
      writer.book = readCodebook(join(dir, base.codebook.file));
    }
    return writer;
  }

  /** Adds rows. Vectors are brought to length 1; those of length 0 are left out. @throws IndexError 'argument' */
  async add(batch: TokenRowsToIndex): Promise<void> {
    const tokens = this.unit(batch);
    const { book } = this;
    if (book === undefined) {
      const { from } = this.settings;
      await this.rows.add(batch, r =>
        toHalves(tokens.vectors.subarray(tokens.offsets[r] * from, tokens.offsets[r + 1] * from)),
      );
      return;
    }
    const payloads = await this.compress(tokens.vectors, tokens.offsets, book);
    await this.rows.add(batch, r => payloads[r]);
  }

  /** For each key, 1 where a live row has it. */
  has(values: readonly string[]): Uint8Array {
    return this.rows.has(values);
  }

  /** Deletes rows by key, or by the value of a stored utf8 column. Returns how many. */
  delete(values: string[], by?: string): Promise<number> {
    return this.rows.delete(values, by);
  }

  async prepare(): Promise<Prepared> {
    if (this.book === undefined) await this.train();
    return this.rows.prepare({ ...this.settings });
  }

  keep(generation: number): Promise<void> {
    return this.rows.keep(generation);
  }

  publish(generation: number): Promise<void> {
    return this.rows.publish(generation);
  }

  /** Leaves the prepared generation to `publishLate(dir, generation)`, on any thread of this process. */
  handOver(): Promise<void> {
    return this.rows.handOver();
  }

  abort(): Promise<void> {
    return this.rows.abort();
  }

  close(): Promise<void> {
    return this.rows.close();
  }

  /** Makes the codebook of a sample of what was written, and compresses it all. */
  private async train(): Promise<void> {
    const { from, dimension, bits } = this.settings;
    const found = await this.rows.written();
    const size = (segment: RowsSegment, d: number): number => {
      const [start, end] = segment.payloadRange(d, d + 1);
      return (end - start) / (2 * from);
    };
    let total = 0;
    for (const { segment, deleted } of found)
      for (let d = 0; d < segment.meta.documents; d++) if (!hasBit(deleted, d)) total += size(segment, d);
    if (total === 0) return;
    // whole passages, evenly over the keys: the tokens of one are alike
    const share = Math.min(1, this.sampleTokens / total);
    const sample = new Float32Array(Math.min(total, this.sampleTokens) * from);
    const ends = [0];
    let [due, at] = [0, 0];
    for (const { segment, deleted } of found)
      for (let d = 0; d < segment.meta.documents && at < sample.length; d++) {
        if (hasBit(deleted, d)) continue;
        due += size(segment, d) * share;
        if (share < 1 && at / from >= due) continue;
        const vectors = fromHalves(segment.readPayload(d, d + 1)).subarray(0, sample.length - at);
        sample.set(vectors, at);
        at += vectors.length;
        ends.push(at / from);
      }
    const book = await trainCodebook(
      { vectors: sample.subarray(0, at), offsets: Int32Array.from(ends) },
      total,
      { from, dimension, bits },
      this.multiply,
    );
    const written = await writeCodebook(this.rows.dir, book);
    this.rows.made(written.file);
    faultPoint('sink-codebook');
    this.book = book;
    this.settings = {
      ...this.settings,
      codebook: { ...written, centroids: book.centroids.length / dimension },
    };
    let [of, first, end]: [RowsSegment | undefined, number, number] = [undefined, 0, 0];
    let payloads: Uint8Array[] = [];
    await this.rows.rewrite(async (segment, document) => {
      if (segment !== of || document >= end) {
        [of, first, end] = [segment, document, document];
        const offsets = [0];
        while (end < segment.meta.documents) {
          const tokens = offsets[end - first] + size(segment, end);
          if (end > first && tokens > BLOCK) break;
          offsets.push(tokens);
          end++;
        }
        payloads = await this.compress(
          fromHalves(segment.readPayload(first, end)),
          Int32Array.from(offsets),
          book,
        );
      }
      return payloads[document - first];
    });
  }

  private async compress(vectors: Float32Array, offsets: Int32Array, book: Codebook): Promise<Uint8Array[]> {
    const { dimension: d, centroids, shares } = book;
    this.nearest ??= await Nearest.over(centroids, d, this.multiply);
    this.encoder ??= new TrellisEncoder(book.values, d, book.bits);
    const { encoder } = this;
    const kept = await projected(vectors, offsets[offsets.length - 1], book, this.multiply);
    const places = await placed({ vectors: kept, offsets }, this.nearest, {
      centroids,
      dimension: d,
      isShared: shares !== undefined,
    });
    return Array.from({ length: offsets.length - 1 }, (_, r) =>
      encodeTokens(
        kept.subarray(offsets[r] * d, offsets[r + 1] * d),
        places.own.subarray(offsets[r], offsets[r + 1]),
        places.shares.subarray(r * d, (r + 1) * d),
        book,
        encoder,
      ),
    );
  }

  /** Vectors at length 1, without those of length 0. */
  private unit(batch: TokenRowsToIndex): { vectors: Float32Array; offsets: Int32Array } {
    const { from } = this.settings;
    const first = batch.offsets[0];
    const total = batch.offsets[batch.rows] - first;
    if (batch.vectors.length < (first + total) * from) {
      throw new IndexError(
        'argument',
        `vectors: ${batch.vectors.length} numbers for ${first + total} tokens, wanted ${from} each`,
      );
    }
    const vectors = new Float32Array(total * from);
    const offsets = new Int32Array(batch.rows + 1);
    let n = 0;
    for (let r = 0; r < batch.rows; r++) {
      for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) {
        let squares = 0;
        for (let c = t * from; c < (t + 1) * from; c++) squares += batch.vectors[c] ** 2;
        if (!Number.isFinite(squares)) {
          const { bytes, offsets: ends } = batch.key;
          const key = Buffer.from(bytes.subarray(ends[r], ends[r + 1])).toString('utf8');
          throw new IndexError('argument', `key "${key}": a token's vector has numbers that are not finite`);
        }
        if (squares === 0) continue;
        const norm = Math.sqrt(squares);
        for (let c = 0; c < from; c++) vectors[n * from + c] = batch.vectors[t * from + c] / norm;
        n++;
      }
      offsets[r + 1] = n;
    }
    return { vectors: vectors.subarray(0, n * from), offsets };
  }
}

const show = (s: LateSettings): string =>
  `tokens of ${s.from} numbers kept as ${s.dimension} of ${s.bits} ${s.bits === 1 ? 'bit' : 'bits'}`;

const clash = (old: LateSettings, own: LateSettings): string | undefined =>
  old.from === own.from && old.dimension === own.dimension && old.bits === own.bits
    ? undefined
    : `holds ${show(old)}; this writer has ${show(own)}`;

const kindOf = (settings: LateSettings): RowsKind => ({
  generations: lateGenerations,
  segmentKind: LATE_SEGMENT,
  rowBytes: null,
  settings: { ...settings },
  clash: found => clash(found as unknown as LateSettings, settings),
});

/** Makes one segment of all, as {@link compactGenerations} does. @throws IndexError */
export const compactLate = (dir: string): Promise<Compacted> =>
  compactRows(dir, lateGenerations, found => kindOf(found as unknown as LateSettings));
