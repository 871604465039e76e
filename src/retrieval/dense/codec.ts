/** Vectors as an index keeps them: floats, halves, or bytes with a factor a vector. */
import { IndexError } from '../sparse/errors.ts';
import { floatToHalf, halfTable } from './half.ts';

/** What to do about a vector that no index takes. */
export const NOT_FINITE =
  'correct the row, or drop it by a step before the index: onError does not reach the rows of a sink';

export type Precision = 'f32' | 'f16' | 'int8';

/** How vectors are compared: by their dot product, or by its share of their lengths. */
export type Metric = 'dot' | 'cosine';

/** Bytes of one vector; those of int8 begin with its factor. */
export const vectorBytes = (precision: Precision, dimension: number): number =>
  precision === 'f32'
    ? dimension * 4
    : precision === 'f16'
      ? dimension * 2
      : 4 + Math.ceil(dimension / 4) * 4;

/** Puts vectors into bytes, one after the other. */
export class VectorEncoder {
  private readonly precision: Precision;
  private readonly dimension: number;
  private readonly metric: Metric;
  private readonly bytes: Uint8Array;
  private readonly floats: Float32Array;

  constructor(precision: Precision, dimension: number, metric: Metric) {
    this.precision = precision;
    this.dimension = dimension;
    this.metric = metric;
    this.bytes = new Uint8Array(vectorBytes(precision, dimension));
    this.floats = new Float32Array(dimension);
  }

  /**
   * The bytes of the vector at `vectors[at …]`; they hold until the next call.
   * @throws IndexError 'argument' where a number is not finite, or too large for a half
   */
  encode(vectors: ArrayLike<number>, at: number, where: string): Uint8Array {
    const { floats, dimension: d, bytes } = this;
    let squares = 0;
    let largest = 0;
    for (let c = 0; c < d; c++) {
      const x = vectors[at + c];
      floats[c] = x;
      squares += x * x;
      const size = Math.abs(x);
      if (size > largest) largest = size;
    }
    if (!Number.isFinite(squares)) {
      const c = floats.findIndex(x => !Number.isFinite(x));
      throw new IndexError(
        'argument',
        `${where}: number ${c} of the vector is ${floats[c]}, wanted finite numbers`,
        undefined,
        NOT_FINITE,
      );
    }
    if (this.metric === 'cosine' && squares > 0) {
      const factor = 1 / Math.sqrt(squares);
      for (let c = 0; c < d; c++) floats[c] *= factor;
      largest *= factor;
    }
    if (this.precision === 'f32') {
      bytes.set(new Uint8Array(floats.buffer));
    } else if (this.precision === 'f16') {
      if (largest >= 65520)
        throw new IndexError('argument', `${where}: ${largest} is too large for f16; use precision f32`);
      const halves = new Uint16Array(bytes.buffer);
      for (let c = 0; c < d; c++) halves[c] = floatToHalf(floats[c]);
    } else {
      const factor = Math.fround(largest / 127);
      new Float32Array(bytes.buffer, 0, 1)[0] = factor;
      const codes = new Int8Array(bytes.buffer, 4);
      for (let c = 0; c < d; c++) codes[c] = factor === 0 ? 0 : Math.round(floats[c] / factor);
    }
    return bytes;
  }
}

/** Stored vectors, one after the other, as floats. */
export class VectorDecoder {
  private readonly precision: Precision;
  private readonly dimension: number;
  /** The bytes as numbers of the precision; of int8, factors stand between the codes. */
  private readonly numbers: Float32Array | Uint16Array | Int8Array;
  private readonly factors: Float32Array | undefined;

  constructor(bytes: Uint8Array, precision: Precision, dimension: number) {
    const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const { buffer, byteOffset, byteLength } = own;
    this.precision = precision;
    this.dimension = dimension;
    if (precision === 'f32') this.numbers = new Float32Array(buffer, byteOffset, byteLength / 4);
    else if (precision === 'f16') this.numbers = new Uint16Array(buffer, byteOffset, byteLength / 2);
    else {
      this.numbers = new Int8Array(buffer, byteOffset, byteLength);
      this.factors = new Float32Array(buffer, byteOffset, byteLength / 4);
    }
  }

  /** Puts vector `v` at `out[at …]`. */
  into(v: number, out: Float32Array, at: number): void {
    const { dimension: d, numbers, factors } = this;
    if (this.precision === 'f32') {
      const from = v * d;
      for (let c = 0; c < d; c++) out[at + c] = numbers[from + c];
    } else if (factors === undefined) {
      const floats = halfTable();
      const from = v * d;
      for (let c = 0; c < d; c++) out[at + c] = floats[numbers[from + c]];
    } else {
      const start = v * vectorBytes('int8', d);
      const factor = factors[start / 4];
      for (let c = 0; c < d; c++) out[at + c] = factor * numbers[start + 4 + c];
    }
  }

  /** Vectors from `from` up to `to`. Those of f32 are not copied. */
  block(from: number, to: number): Float32Array {
    const { dimension: d, numbers } = this;
    if (numbers instanceof Float32Array) return numbers.subarray(from * d, to * d);
    const out = new Float32Array((to - from) * d);
    for (let v = from; v < to; v++) this.into(v, out, (v - from) * d);
    return out;
  }
}

/** `count` stored vectors as floats, one after the other. Vectors of f32 that are aligned are not copied. */
export const decodeVectors = (
  bytes: Uint8Array,
  count: number,
  precision: Precision,
  dimension: number,
): Float32Array => new VectorDecoder(bytes, precision, dimension).block(0, count);
