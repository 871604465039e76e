/** Writing a dense index: a vector a row, in segments, with an approximate index beside the large ones. */
import * as fs from 'node:fs';
import { IndexError } from '../sparse/errors.ts';
import type { Compacted } from '../store/compact.ts';
import { Generations } from '../store/generations.ts';
import { KeyedRowsWriter, keyOf, type RowBytes } from '../store/keyed-writer.ts';
import { compactRows } from '../store/rows-compact.ts';
import { rowsFiles } from '../store/rows-files.ts';
import type { RowsGraph, RowsKind } from '../store/rows-kind.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { KeyedRows, RowsManifest } from '../store/rows-types.ts';
import { RowsWriter } from '../store/rows-writer.ts';
import { modelClash, type VectorModel, withModel } from '../store/vector-model.ts';
import { decodeVectors, type Metric, type Precision, VectorEncoder, vectorBytes } from './codec.ts';
import { longest } from './exact.ts';
import { checkGraphFile, GraphBuilder, type GraphOptions, graphRowBytes, neededLibrary } from './graph.ts';
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
  /** What made the vectors, where it is known. */
  readonly model?: VectorModel;
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
  /** What makes the vectors. */
  readonly model?: VectorModel;
  /** Go on from this generation, which was kept and not published. */
  readonly from?: number;
  /** Is told where a graph does not reach the recall that is wanted. */
  readonly warn?: (message: string) => void;
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

function graphOf(
  settings: DenseSettings,
  approximate: ApproximateOptions,
  warn: (message: string) => void,
): RowsGraph {
  const { dimension } = settings;
  return {
    rowBytes: graphRowBytes(dimension, approximate),
    fewest: GRAPH_ROWS,
    make: async (segment, path) => {
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
      if (found.recall < approximate.recall)
        warn(
          `the graph of ${segment.meta.documents} vectors finds ${found.recall} of the 10 nearest, wanted ${approximate.recall}; raise connectivity or expansion, or use method exact`,
        );
      builder.add(held.documents, held.vectors);
      const { bytes, crc, tail } = builder.save(path);
      return { bytes, crc, settings: { ...found, norm, tail } };
    },
  };
}

function kindOf(settings: DenseSettings, warn: (message: string) => void): RowsKind {
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
      return same ? modelClash(old, settings) : `holds ${show(old)}; this writer has ${show(settings)}`;
    },
    ...(approximate && { graph: graphOf(settings, approximate, warn) }),
  };
}

/**
 * Writes a dense index: `add` and `delete`, then `prepare` and `publish`, as every index of keyed rows. The graph of an
 * approximate index is built when it is prepared, for segments of 5,000 rows and more; segments grow to what the writer's
 * memory holds a graph of.
 */
export class DenseIndexWriter extends KeyedRowsWriter<VectorRows> {
  readonly settings: DenseSettings;
  private readonly encoder: VectorEncoder;

  private constructor(settings: DenseSettings, rows: RowsWriter) {
    super(rows);
    this.settings = settings;
    this.encoder = new VectorEncoder(settings.precision, settings.dimension, settings.metric);
  }

  /** Throws IndexError 'locked', 'schema' (another dimension, precision or metric), 'version', 'corrupt', 'argument'. */
  static open(dir: string, options: DenseWriterOptions): DenseIndexWriter {
    const { dimension, precision = 'f32', metric = 'dot', approximate = null, warn = () => {} } = options;
    if (!Number.isInteger(dimension) || dimension < 1)
      throw new IndexError('argument', `dimension: ${dimension}, wanted a whole number of at least 1`);
    if (approximate) neededLibrary();
    const settings: DenseSettings = { dimension, precision, metric, approximate };
    const { model } = options;
    const rows = RowsWriter.open(dir, kindOf({ ...settings, ...(model && { model }) }, warn), options);
    return new DenseIndexWriter(withModel(settings, rows.rowSettings, model), rows);
  }

  protected override async beforePrepare(): Promise<Readonly<Record<string, unknown>>> {
    return { ...this.settings };
  }

  protected encode(batch: VectorRows): RowBytes {
    const { dimension } = this.settings;
    if (batch.vectors.length < batch.rows * dimension) {
      throw new IndexError(
        'argument',
        `vectors: ${batch.vectors.length} numbers for ${batch.rows} rows, wanted ${dimension} each`,
      );
    }
    return row => {
      try {
        return this.encoder.encode(batch.vectors, row * dimension, '');
      } catch (error) {
        if (!(error instanceof IndexError)) throw error;
        throw new IndexError('argument', `key "${keyOf(batch, row)}"${error.message}`, undefined, error.help);
      }
    };
  }
}

/**
 * Makes one segment of all, as {@link compactGenerations} does.
 * @param warn is told where the graph does not reach the recall that is wanted
 * @throws IndexError
 */
export const compactDense = (
  dir: string,
  warn: (message: string) => void = () => undefined,
): Promise<Compacted> =>
  compactRows(dir, denseGenerations, found => kindOf(found as unknown as DenseSettings, warn));
