/** The vectors of an open segment as a search reads them: from memory where they fit, else from the file. */
import type { OpenRows } from '../store/rows-index.ts';
import { VectorDecoder } from './codec.ts';
import type { DenseSettings } from './dense-writer.ts';
import { exactDot, longest } from './exact.ts';

const NORM_BLOCK = 2048;

export class StoredVectors {
  readonly count: number;
  private readonly open: OpenRows;
  private readonly settings: DenseSettings;
  private readonly resident: VectorDecoder | undefined;
  /** All of them, where they are floats in memory. */
  private readonly floats: Float32Array | undefined;
  private readonly row: Float32Array;
  private known: number | undefined;

  /** @param resident all bytes of the segment's vectors, where memory holds them */
  constructor(open: OpenRows, settings: DenseSettings, resident: Uint8Array | undefined) {
    const { precision, dimension } = settings;
    this.count = open.documents;
    this.open = open;
    this.settings = settings;
    this.resident = resident && new VectorDecoder(resident, precision, dimension);
    if (precision === 'f32') this.floats = this.resident?.block(0, this.count);
    this.row = new Float32Array(dimension);
  }

  /** Vectors of documents from `from` up to `to`, one after the other. */
  block(from: number, to: number): Float32Array {
    if (this.resident !== undefined) return this.resident.block(from, to);
    const { precision, dimension } = this.settings;
    return new VectorDecoder(this.open.segment.readPayload(from, to), precision, dimension).block(
      0,
      to - from,
    );
  }

  /** The score of a document: its dot product with the query at `queries[at …]`, in double precision. */
  score(document: number, queries: Float32Array, at: number): number {
    const { precision, dimension: d } = this.settings;
    if (this.floats !== undefined) return exactDot(this.floats, document * d, queries, at, d);
    if (this.resident !== undefined) this.resident.into(document, this.row, 0);
    else {
      const bytes = this.open.segment.readPayload(document, document + 1);
      new VectorDecoder(bytes, precision, d).into(0, this.row, 0);
    }
    return exactDot(this.row, 0, queries, at, d);
  }

  /** The length of the longest. */
  get norm(): number {
    if (this.known !== undefined) return this.known;
    let norm = 0;
    for (let from = 0; from < this.count; from += NORM_BLOCK) {
      const block = this.block(from, Math.min(this.count, from + NORM_BLOCK));
      norm = Math.max(norm, longest(block, this.settings.dimension));
    }
    this.known = norm;
    return norm;
  }
}
