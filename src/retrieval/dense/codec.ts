/** Vectors as an index keeps them: floats, halves, or bytes with a factor a vector. */
import { IndexError } from '../sparse/errors.ts';
import { floatToHalf, halfTable } from './half.ts';

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
    let [squares, largest] = [0, 0];
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

/** `count` stored vectors as floats, one after the other. Vectors of f32 that are aligned are not copied. */
export function decodeVectors(
  bytes: Uint8Array,
  count: number,
  precision: Precision,
  dimension: number,
  into?: Float32Array,
): Float32Array {
  if (precision === 'f32') {
    if (bytes.byteOffset % 4 === 0)
      return new Float32Array(bytes.buffer, bytes.byteOffset, count * dimension);
    return new Float32Array(bytes.slice(0, count * dimension * 4).buffer);
  }
  const size = vectorBytes(precision, dimension);
  const out = into?.subarray(0, count * dimension) ?? new Float32Array(count * dimension);
  const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (precision === 'f16') {
    const halves = new Uint16Array(own.buffer, own.byteOffset, count * dimension);
    const floats = halfTable();
    for (let i = 0; i < out.length; i++) out[i] = floats[halves[i]];
    return out;
  }
  const factors = new Float32Array(own.buffer, own.byteOffset, (count * size) / 4);
  const codes = new Int8Array(own.buffer, own.byteOffset, count * size);
  for (let v = 0; v < count; v++) {
    const factor = factors[(v * size) / 4];
    const from = v * size + 4;
    const to = v * dimension;
    for (let c = 0; c < dimension; c++) out[to + c] = factor * codes[from + c];
  }
  return out;
}
