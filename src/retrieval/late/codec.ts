/**
 * Tokens of a passage as an index keeps them (Santhanam et al. 2022, ColBERTv2): for n tokens, n centroids (2 bytes each),
 * n factors (halves), n rows of levels (1 or 2 bits a number). A token is (centroid + levels) × factor, of length 1.
 */
import { floatToHalf, halfTable } from '../dense/half.ts';
import type { Codebook } from './codebook.ts';

/** Bytes of the levels of a token. */
export const levelBytes = (book: Pick<Codebook, 'dimension' | 'bits'>): number =>
  Math.ceil((book.dimension * book.bits) / 8);

export const tokenBytes = (book: Pick<Codebook, 'dimension' | 'bits'>): number => 4 + levelBytes(book);

/**
 * The payload of a passage.
 * @param vectors n × dimension, of length 1; @param own the centroid of each
 */
export function encodeTokens(vectors: Float32Array, own: Int32Array, book: Codebook): Uint8Array {
  const { dimension: d, bits, centroids, levels } = book;
  const n = own.length;
  const width = levelBytes(book);
  const out = new Uint8Array(n * tokenBytes(book));
  const steps = 1 << bits;
  for (let t = 0; t < n; t++) {
    const base = own[t] * d;
    const at = 4 * n + t * width;
    let squares = 0;
    for (let c = 0; c < d; c++) {
      const rest = vectors[t * d + c] - centroids[base + c];
      const row = c * steps;
      let level = 0;
      while (level + 1 < steps && rest > (levels[row + level] + levels[row + level + 1]) / 2) level++;
      const bit = c * bits;
      out[at + (bit >> 3)] |= level << (bit & 7);
      squares += (centroids[base + c] + levels[row + level]) ** 2;
    }
    const factor = floatToHalf(squares > 0 ? 1 / Math.sqrt(squares) : 0);
    out[2 * t] = own[t] & 255;
    out[2 * t + 1] = own[t] >> 8;
    out[2 * (n + t)] = factor & 255;
    out[2 * (n + t) + 1] = factor >> 8;
  }
  return out;
}

/** Tokens of a payload of so many bytes. */
export const tokensOf = (bytes: number, book: Codebook): number => bytes / tokenBytes(book);

export function centroidsOf(payload: Uint8Array, n: number, into: Uint16Array, at: number): void {
  for (let t = 0; t < n; t++) into[at + t] = payload[2 * t] | (payload[2 * t + 1] << 8);
}

/** The factor of token t. */
export const factorOf = (payload: Uint8Array, n: number, t: number): number =>
  halfTable()[payload[2 * (n + t)] | (payload[2 * (n + t) + 1] << 8)];

/** The vectors of a payload: n × dimension. */
export function decodeTokens(payload: Uint8Array, book: Codebook, target?: Float32Array): Float32Array {
  const n = tokensOf(payload.length, book);
  const out = target ?? new Float32Array(n * book.dimension);
  for (let t = 0; t < n; t++) decodeInto(out, t * book.dimension, payload, n, t, book);
  return out;
}

/** The vector of token t of n. */
export function decodeToken(payload: Uint8Array, n: number, t: number, book: Codebook): Float32Array {
  const out = new Float32Array(book.dimension);
  decodeInto(out, 0, payload, n, t, book);
  return out;
}

function decodeInto(
  out: Float32Array,
  to: number,
  payload: Uint8Array,
  n: number,
  t: number,
  book: Codebook,
): void {
  const { dimension: d, bits, centroids, levels } = book;
  const mask = (1 << bits) - 1;
  const base = (payload[2 * t] | (payload[2 * t + 1] << 8)) * d;
  const factor = factorOf(payload, n, t);
  const at = 4 * n + t * levelBytes(book);
  for (let c = 0; c < d; c++) {
    const bit = c * bits;
    const level = (payload[at + (bit >> 3)] >> (bit & 7)) & mask;
    out[to + c] = (centroids[base + c] + levels[(c << bits) + level]) * factor;
  }
}
