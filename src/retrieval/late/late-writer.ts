/** Writing an index of token vectors: segments of compressed tokens, and the codebook they are compressed by. */
import { join } from 'node:path';
import { faultPoint } from '../../files/fault.ts';
import { NOT_FINITE } from '../dense/codec.ts';
import type { Multiply } from '../dense/exact.ts';
import { plainMultiply } from '../dense/exact.ts';
import { hasBit } from '../sparse/bitmap.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Compacted } from '../store/compact.ts';
import { Generations } from '../store/generations.ts';
import { KeyedRowsWriter, keyOf, type RowBytes } from '../store/keyed-writer.ts';
import { compactRows } from '../store/rows-compact.ts';
import { rowsFiles } from '../store/rows-files.ts';
import type { RowsKind } from '../store/rows-kind.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { KeyedRows, RowsManifest } from '../store/rows-types.ts';
import { RowsWriter } from '../store/rows-writer.ts';
import { modelClash, type VectorModel, withModel } from '../store/vector-model.ts';
import { type Codebook, projected, readCodebook, verifyCodebook, writeCodebook } from './codebook.ts';
import { decodeTokens, encodeTokens, tokenBytes, tokensOf } from './codec.ts';
import { fromHalves, toHalves } from './halves.ts';
import { Nearest } from './nearest.ts';
import { type Passages, type Places, placed } from './placing.ts';
import { grownCodebook, trainCodebook, widenedCodebook } from './training.ts';
import { TrellisEncoder } from './trellis.ts';

export const LATE_SEGMENT = 'late';

/** What an index of token vectors is; kept in its manifest. */
export interface LateSettings {
  /** Numbers of a vector as it comes, and of questions'. */
  readonly from: number;
  /** Numbers of a vector as it is kept. */
  readonly dimension: number;
  readonly bits: 1 | 2;
  /** Absent while the index never had more than a few thousand tokens: they are kept as halves. */
  readonly codebook: {
    readonly file: string;
    readonly bytes: number;
    readonly centroids: number;
    /** Tokens there were when it was made, or given more centroids. Of older indexes not known. */
    readonly tokens?: number;
  } | null;
  /** What made the vectors, where it is known. */
  readonly model?: VectorModel;
}

const settingsOf = (manifest: Pick<RowsManifest, 'settings'>): LateSettings =>
  manifest.settings as unknown as LateSettings;

const partsOf = rowsFiles(LATE_SEGMENT);

export const lateGenerations = new Generations<RowsManifest>(
  { name: 'millrace-late', version: 4, oldest: 3 },
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
  /** What makes the vectors. */
  readonly model?: VectorModel;
  /** Go on from a generation that was kept. */
  readonly generation?: number;
  /** A quick product of matrices; default a plain loop. */
  readonly multiply?: Multiply;
  /**
   * Numbers in all vectors up to which they are kept as halves and searched one by one: a codebook of few tokens knows
   * nothing of those to come. Default 4,194,304 (16,384 tokens of 256 numbers, 8 MiB).
   */
  readonly plainNumbers?: number;
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
const PLAIN = 1 << 22;
/** A codebook gets more centroids when there are so many times the tokens it was made for. */
const GROWTH = 8;

/**
 * Writes an index of token vectors. Few rows are kept as halves. The first `prepare` that finds more makes the codebook of
 * a sample of all of them and compresses them; from then on rows are compressed as they come. When there are eight times
 * as many, the codebook gets more centroids; those it has stay, and with them what was compressed by it.
 */
export class LateIndexWriter extends KeyedRowsWriter<TokenRowsToIndex> {
  private readonly multiply: Multiply;
  private readonly sampleTokens: number;
  private readonly plainNumbers: number;
  private settings: LateSettings;
  private book: Codebook | undefined;
  private nearest: Nearest | undefined;
  private encoder: TrellisEncoder | undefined;
  /** About how many there are, deleted ones included; undefined: to be counted. */
  private tokens: number | undefined;
  /** Tokens that the codebook was made for. */
  private madeFor = 0;
  /** Whether the codebook is not in a file yet. */
  private isNew = false;

  private constructor(rows: RowsWriter, settings: LateSettings, options: LateWriterOptions) {
    super(rows);
    this.settings = settings;
    this.multiply = options.multiply ?? plainMultiply;
    this.plainNumbers = options.plainNumbers ?? PLAIN;
    const memory = options.memoryBytes ?? 128 << 20;
    this.sampleTokens = Math.max(1024, Math.min(SAMPLE, Math.floor(memory / (8 * settings.from))));
  }

  /** Throws IndexError 'locked', 'schema' (another dimension or bits), 'version', 'corrupt', 'argument'. */
  static open(dir: string, options: LateWriterOptions): LateIndexWriter {
    const { from, bits = 2, keyColumn, memoryBytes, replace, generation, model } = options;
    const dimension = Math.min(options.dimension ?? 128, from);
    if (!Number.isInteger(from) || from < 1 || !Number.isInteger(dimension) || dimension < 1)
      throw new IndexError(
        'argument',
        `dimension: ${dimension} of ${from}, wanted whole numbers of at least 1`,
      );
    const settings: LateSettings = { from, dimension, bits, codebook: null };
    const rows = RowsWriter.open(dir, kindOf({ ...settings, ...(model && { model }) }), {
      keyColumn,
      memoryBytes,
      replace,
      from: generation,
    });
    const writer = new LateIndexWriter(rows, withModel(settings, rows.rowSettings, model), options);
    const base = rows.baseSettings as unknown as LateSettings | undefined;
    if (base?.codebook && clash(base, settings) === undefined) {
      writer.settings = { ...writer.settings, codebook: base.codebook };
      writer.book = readCodebook(join(dir, base.codebook.file));
      writer.madeFor = madeFor(base.codebook);
    }
    return writer;
  }

  /** Adds rows. Vectors are brought to length 1; those of length 0 are left out. @throws IndexError 'argument' */
  override async add(batch: TokenRowsToIndex): Promise<void> {
    const { book } = this;
    if (book) {
      this.tokens ??= await this.counted(false);
      if (this.isGrown) await this.grow(book);
    }
    await super.add(batch);
  }

  protected async encode(batch: TokenRowsToIndex): Promise<RowBytes> {
    const { vectors, offsets } = this.unit(batch);
    const { book } = this;
    if (book === undefined) {
      const { from } = this.settings;
      return r => toHalves(vectors.subarray(offsets[r] * from, offsets[r + 1] * from));
    }
    if (this.tokens !== undefined) this.tokens += offsets[batch.rows];
    const payloads = await this.compress(vectors, offsets, book, true);
    return r => payloads[r];
  }

  protected override async beforePrepare(): Promise<Readonly<Record<string, unknown>>> {
    if (this.book === undefined) await this.train();
    else if (this.isGrown) await this.grow(this.book);
    const { book } = this;
    if (book && this.isNew) {
      const written = await writeCodebook(this.rows.dir, book);
      this.rows.made(written.file);
      faultPoint('sink-codebook');
      const centroids = book.centroids.length / book.dimension;
      this.settings = { ...this.settings, codebook: { ...written, centroids, tokens: this.madeFor } };
      this.isNew = false;
    }
    return { ...this.settings };
  }

  /** Tokens of a passage of so many bytes, as the index has them now. */
  private tokensIn(bytes: number): number {
    return this.book ? tokensOf(bytes, this.book) : bytes / (2 * this.settings.from);
  }

  /** Tokens of all rows: of those that are not deleted, or about as many as there are. */
  private async counted(live: boolean): Promise<number> {
    let total = 0;
    for (const { segment, deleted } of await this.rows.written()) {
      if (live)
        for (let d = 0; d < segment.meta.documents; d++)
          total += hasBit(deleted, d) ? 0 : this.tokensIn(bytesOf(segment, d));
      else total += segment.payload.length / (this.book ? tokenBytes(this.book) : 2 * this.settings.from);
    }
    return total;
  }

  /** Whole passages, evenly over the keys: the tokens of one are alike. */
  private async sample(
    total: number,
    width: number,
    vectorsOf: (bytes: Uint8Array) => Float32Array,
  ): Promise<Passages> {
    const share = Math.min(1, this.sampleTokens / total);
    const sample = new Float32Array(Math.min(total, this.sampleTokens) * width);
    const ends = [0];
    let due = 0;
    let at = 0;
    for (const { segment, deleted } of await this.rows.written())
      for (let d = 0; d < segment.meta.documents && at < sample.length; d++) {
        if (hasBit(deleted, d)) continue;
        due += this.tokensIn(bytesOf(segment, d)) * share;
        if (share < 1 && at / width >= due) continue;
        const vectors = vectorsOf(segment.readPayload(d, d + 1)).subarray(0, sample.length - at);
        sample.set(vectors, at);
        at += vectors.length;
        ends.push(at / width);
      }
    return { vectors: sample.subarray(0, at), offsets: Int32Array.from(ends) };
  }

  private useBook(book: Codebook, tokens: number): void {
    this.book = book;
    this.isNew = true;
    this.nearest = undefined;
    this.tokens = tokens;
    this.madeFor = tokens;
  }

  private get isGrown(): boolean {
    return (this.tokens ?? 0) >= GROWTH * this.madeFor;
  }

  /** Where there are enough tokens, makes the codebook of a sample of them, and compresses them all. */
  private async train(): Promise<void> {
    const { from, dimension, bits } = this.settings;
    const total = await this.counted(true);
    if (total === 0 || total * from <= this.plainNumbers) return;
    const sample = await this.sample(total, from, fromHalves);
    const book = await trainCodebook(sample, total, { from, dimension, bits }, this.multiply);
    this.useBook(book, total);
    let of: RowsSegment | undefined;
    let first = 0;
    let end = 0;
    let payloads: Uint8Array[] = [];
    await this.rows.rewrite(async (segment, document) => {
      if (segment !== of || document >= end) {
        of = segment;
        first = document;
        end = document;
        const offsets = [0];
        while (end < segment.meta.documents) {
          const tokens = offsets[end - first] + bytesOf(segment, end) / (2 * from);
          if (end > first && tokens > BLOCK) break;
          offsets.push(tokens);
          end++;
        }
        const vectors = fromHalves(segment.readPayload(first, end));
        payloads = await this.compress(vectors, Int32Array.from(offsets), book);
      }
      return payloads[document - first];
    });
  }

  /** Gives the codebook as many centroids as the tokens there are by now ask for. */
  private async grow(book: Codebook): Promise<void> {
    const total = await this.counted(true);
    this.tokens = total;
    if (!this.isGrown) return;
    const sample = await this.sample(total, book.dimension, bytes => decodeTokens(bytes, book));
    this.useBook(await grownCodebook(book, sample, total, this.multiply), total);
  }

  /** @param isFresh whether the codebook may not know such tokens: it gets centroids for them where they are many */
  private async compress(
    vectors: Float32Array,
    offsets: Int32Array,
    book: Codebook,
    isFresh = false,
  ): Promise<Uint8Array[]> {
    const { dimension: d } = book;
    const kept = await projected(vectors, offsets[offsets.length - 1], book, this.multiply);
    const passages = { vectors: kept, offsets };
    const places = await this.placed(passages, book);
    if (isFresh) {
      const wider = await widenedCodebook(book, passages, places, this.multiply);
      if (wider !== book) {
        this.book = wider;
        this.isNew = true;
        this.nearest = undefined;
        return this.compress(vectors, offsets, wider);
      }
    }
    this.encoder ??= new TrellisEncoder(book.values, d, book.bits);
    const { encoder } = this;
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

  private async placed(passages: Passages, { centroids, dimension, shares }: Codebook): Promise<Places> {
    this.nearest ??= await Nearest.over(centroids, dimension, this.multiply);
    return placed(passages, this.nearest, { centroids, dimension, isShared: shares !== undefined });
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
          throw new IndexError(
            'argument',
            `key "${keyOf(batch, r)}": a token's vector has numbers that are not finite`,
            undefined,
            NOT_FINITE,
          );
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

function bytesOf(segment: RowsSegment, document: number): number {
  const [start, end] = segment.payloadRange(document, document + 1);
  return end - start;
}

/** Tokens that a codebook was made for; where it does not say, as few as have so many centroids. */
const madeFor = ({ tokens, centroids }: NonNullable<LateSettings['codebook']>): number =>
  tokens ?? (centroids / 16) ** 2;

const show = (s: LateSettings): string =>
  `tokens of ${s.from} numbers kept as ${s.dimension} of ${s.bits} ${s.bits === 1 ? 'bit' : 'bits'}`;

const clash = (old: LateSettings, own: LateSettings): string | undefined =>
  old.from === own.from && old.dimension === own.dimension && old.bits === own.bits
    ? modelClash(old, own)
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
