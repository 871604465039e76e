/** Writing a dense index: a vector a row, in segments, with an approximate index beside the large ones. */
import * as fs from 'node:fs';
import { IndexError } from '../sparse/errors.ts';
import type { Compacted } from '../store/compact.ts';
import { Generations } from '../store/generations.ts';
import { compactRows } from '../store/rows-compact.ts';
import { rowsFiles } from '../store/rows-files.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { KeyedRows, Prepared, RowsManifest } from '../store/rows-types.ts';
import { type RowsKind, RowsWriter } from '../store/rows-writer.ts';
import { decodeVectors, type Metric, type Precision, VectorEncoder, vectorBytes } from './codec.ts';
import { longest } from './exact.ts';
import { checkGraphFile, GraphBuilder, type GraphOptions, graphLibrary, graphRowBytes } from './graph.ts';
import { heldOut, searchFor } from './recall.ts';

export const DENSE_SEGMENT = 'dense';

export const denseGenerations = new Generations<RowsManifest>(
  { name: 'millrace-dense', version: 1, oldest: 1 },
  rowsFiles(DENSE_SEGMENT, checkGraphFile),
  /\.(seg|del|graph)$/,
);

/** Segments below this size are searched exactly: that is as quick, and misses nothing. */
export const GRAPH_ROWS = 5000;

/** Approximate search: how the graph is built, and what recall it must reach. */
export interface ApproximateOptions extends GraphOptions {
  /** Recall among the 10 nearest that a sample must reach, above 0 and at most 1. */
  readonly recall: number;
}

/** What a dense index is; kept in its manifest. */
export interface DenseSettings {
  readonly dimension: number;
  readonly precision: Precision;
  readonly metric: Metric;
  readonly approximate: ApproximateOptions | null;
}

export interface DenseWriterOptions {
  readonly keyColumn: string;
  readonly dimension: number;
  /** Default `f32`. */
  readonly precision?: Precision;
  /** Default `dot`. */
  readonly metric?: Metric;
  /** Default null: exact search. */
  readonly approximate?: ApproximateOptions | null;
  readonly memoryBytes?: number;
  readonly replace?: boolean;
  /** Go on from this generation, which was kept and not published. */
  readonly from?: number;
}

/** Rows to index; vectors are rows × dimension. */
export interface VectorRows extends KeyedRows {
  readonly vectors: ArrayLike<number>;
}

/** Reads vectors of a segment in blocks: `look(vectors, first document)`. */
export async function eachBlock(
  segment: RowsSegment,
  settings: DenseSettings,
  rows: number,
  look: (vectors: Float32Array, from: number) => void | Promise<void>,
): Promise<void> {
  const { dimension, precision } = settings;
  const { documents } = segment.meta;
  for (let from = 0; from < documents; from += rows) {
    const to = Math.min(documents, from + rows);
    const bytes = segment.readPayload(from, to);
    await look(decodeVectors(bytes, to - from, precision, dimension), from);
    await new Promise(resolve => setImmediate(resolve));
  }
}

const BUILD_BLOCK = 256;

function kindOf(settings: DenseSettings): RowsKind {
  const { dimension, precision, metric, approximate } = settings;
  const show = (s: DenseSettings): string => `${s.precision} vectors of ${s.dimension} numbers, ${s.metric}`;
  return {
    generations: denseGenerations,
    segmentKind: DENSE_SEGMENT,
    rowBytes: vectorBytes(precision, dimension),
    settings: { ...settings },
    clash: found => {
      const old = found as unknown as DenseSettings;
      const same = old.dimension === dimension && old.precision === precision && old.metric === metric;
      return same ? undefined : `holds ${show(old)}; this writer has ${show(settings)}`;
    },
    ...(approximate && {
      graphRowBytes: graphRowBytes(dimension, approximate),
      graph: async (segment: RowsSegment, path: string) => {
        if (segment.meta.documents < GRAPH_ROWS) return undefined;
        const builder = new GraphBuilder(dimension, approximate);
        const held = heldOut(segment, settings);
        let norm = 0;
        await eachBlock(segment, settings, BUILD_BLOCK, (vectors, from) => {
          norm = Math.max(norm, longest(vectors, dimension));
          const rest = held.without(vectors, from);
          builder.add(rest.documents, rest.vectors);
        });
        // measured on what is not in it yet
        const trial = `${path}.tmp`;
        let found: { search: number; recall: number };
        try {
          builder.save(trial);
          found = await searchFor(segment, settings, approximate, trial, held);
        } finally {
          fs.rmSync(trial, { force: true });
        }
        builder.add(held.documents, held.vectors);
        const { bytes, crc } = builder.save(path);
        return { bytes, crc, settings: { ...found, norm } };
      },
    }),
  };
}

/**
 * Writes a dense index: `add` and `delete`, then `prepare` and `publish`, as every index of keyed rows. The graph of an
 * approximate index is built when it is prepared, for segments of 5,000 rows and more.
 */
export class DenseIndexWriter {
  readonly settings: DenseSettings;
  private readonly rows: RowsWriter;
  private readonly encoder: VectorEncoder;

  private constructor(settings: DenseSettings, rows: RowsWriter) {
    this.settings = settings;
    this.rows = rows;
    this.encoder = new VectorEncoder(settings.precision, settings.dimension, settings.metric);
  }

  /** Throws IndexError 'locked', 'schema' (another dimension, precision or metric), 'version', 'corrupt', 'argument'. */
  static open(dir: string, options: DenseWriterOptions): DenseIndexWriter {
    const { dimension, precision = 'f32', metric = 'dot', approximate = null } = options;
    if (!Number.isInteger(dimension) || dimension < 1)
      throw new IndexError('argument', `dimension: ${dimension}, wanted a whole number of at least 1`);
    if (approximate && graphLibrary() === undefined)
      throw new IndexError(
        'argument',
        `an approximate index needs the package usearch, which cannot be loaded on ${process.platform}-${process.arch}; use method exact`,
      );
    const settings: DenseSettings = { dimension, precision, metric, approximate };
    const rows = RowsWriter.open(dir, kindOf(settings), options);
    return new DenseIndexWriter(settings, rows);
  }

  /** Adds rows. @throws IndexError 'argument' that names the row whose vector is not finite or of another length */
  async add(batch: VectorRows): Promise<void> {
    const { dimension } = this.settings;
    if (batch.vectors.length < batch.rows * dimension) {
      throw new IndexError(
        'argument',
        `vectors: ${batch.vectors.length} numbers for ${batch.rows} rows, wanted ${dimension} each`,
      );
    }
    const { bytes, offsets } = batch.key;
    const name = (row: number): string =>
      Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('utf8');
    await this.rows.add(batch, row => {
      try {
        return this.encoder.encode(batch.vectors, row * dimension, '');
      } catch (error) {
        if (!(error instanceof IndexError)) throw error;
        throw new IndexError('argument', `key "${name(row)}"${error.message}`);
      }
    });
  }

  /** For each key, 1 where a live row has it. */
  has(values: readonly string[]): Uint8Array {
    return this.rows.has(values);
  }

  /** Deletes rows by key, or by the value of a stored utf8 column. Returns how many. */
  delete(values: string[], by?: string): Promise<number> {
    return this.rows.delete(values, by);
  }

  prepare(): Promise<Prepared> {
    return this.rows.prepare();
  }

  keep(generation: number): Promise<void> {
    return this.rows.keep(generation);
  }

  publish(generation: number): Promise<void> {
    return this.rows.publish(generation);
  }

  /** Leaves the prepared generation to `publishDense(dir, generation)`, on any thread of this process. */
  handOver(): Promise<void> {
    return this.rows.handOver();
  }

  abort(): Promise<void> {
    return this.rows.abort();
  }

  close(): Promise<void> {
    return this.rows.close();
  }
}

/** Whether there is an index of vectors in a folder that can be read. */
export const hasDenseIndex = (dir: string): boolean =>
  fs.existsSync(dir) && denseGenerations.readCurrent(dir) !== undefined;

/** Makes one segment of all, as {@link compactGenerations} does. @throws IndexError */
export const compactDense = (dir: string): Promise<Compacted> =>
  compactRows(dir, denseGenerations, found => kindOf(found as unknown as DenseSettings));
