/** The vectors of an open segment as a search reads them: from memory where they fit, else from the file. */
import { emptyBitmap, setBit } from '../sparse/bitmap.ts';
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
  private known: { readonly norm: number; readonly zeros: Uint8Array | undefined } | undefined;

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
    return this.looked().norm;
  }

  /** Which documents may be hits at all: of texts without a token, vectors are zero, and near nothing. */
  without(allowed: Uint8Array | undefined): Uint8Array | undefined {
    const { zeros } = this.looked();
    if (zeros === undefined) return allowed;
    return zeros.map((bits, i) => ~bits & (allowed?.[i] ?? 0xff));
  }

  isZero(document: number): boolean {
    return this.block(document, document + 1).every(x => x === 0);
  }

  private looked(): { readonly norm: number; readonly zeros: Uint8Array | undefined } {
    if (this.known !== undefined) return this.known;
    const { dimension: d } = this.settings;
    const zeros = emptyBitmap(this.count);
    let norm = 0;
    let some = false;
    for (let from = 0; from < this.count; from += NORM_BLOCK) {
      const to = Math.min(this.count, from + NORM_BLOCK);
      const block = this.block(from, to);
      norm = Math.max(norm, longest(block, d));
      for (let row = 0; row < to - from; row++) {
        let c = row * d;
        while (c < (row + 1) * d && block[c] === 0) c++;
        if (c < (row + 1) * d) continue;
        setBit(zeros, from + row);
        some = true;
      }
    }
    this.known = { norm, zeros: some ? zeros : undefined };
    return this.known;
  }
}
