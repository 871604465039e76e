/**
 * Tokens of a passage as an index keeps them. Where the codebook has a passage's share: that, 4 bits a number; then for n
 * tokens n centroids (2 bytes each), n gains (a byte), and n codes of a trellis (1 or 2 bits a number). A token is
 * (centroid + share + size × values) × norm, of a length of about 1.
 */
import type { Codebook } from './codebook.ts';
import { gainOf, normIn, normOf, sizeIn, sizeOf } from './gains.ts';
import { codeBytes, decodeNumbers, type TrellisEncoder } from './trellis.ts';

type Shape = Pick<Codebook, 'dimension' | 'bits'>;

/** Bytes of the codes of a token. */
export const widthOf = (book: Shape): number => codeBytes(book.dimension, book.bits);

export const tokenBytes = (book: Shape): number => 3 + widthOf(book);

/** Bytes of the share of a passage. */
export const shareBytes = (book: Pick<Codebook, 'dimension' | 'shares'>): number =>
  book.shares ? Math.ceil(book.dimension / 2) : 0;

/** Tokens of a payload of so many bytes. */
export const tokensOf = (bytes: number, book: Codebook): number =>
  bytes === 0 ? 0 : (bytes - shareBytes(book)) / tokenBytes(book);

/** Numbers of the levels that are nearest to a share's, two in a byte. */
function encodeShare(share: Float32Array, levels: Float32Array, out: Uint8Array): void {
  for (let c = 0; c < share.length; c++) {
    let level = 0;
    while (level < 15 && share[c] > (levels[level] + levels[level + 1]) / 2) level++;
    out[c >> 1] |= level << (4 * (c & 1));
  }
}

/** The share of a payload: zeros where the codebook has none. */
export function shareOf(payload: Uint8Array, book: Codebook, target?: Float32Array): Float32Array {
  const out = target ?? new Float32Array(book.dimension);
  const { shares } = book;
  if (shares) for (let c = 0; c < out.length; c++) out[c] = shares[(payload[c >> 1] >> (4 * (c & 1))) & 15];
  return out;
}

/**
 * The payload of a passage.
 * @param vectors n × dimension, of length 1
 * @param own the centroid of each
 * @param share what is added to all their centroids
 */
export function encodeTokens(
  vectors: Float32Array,
  own: Int32Array,
  share: Float32Array,
  book: Codebook,
  encoder: TrellisEncoder,
): Uint8Array {
  const { dimension: d, bits, centroids, values, greatest } = book;
  const n = own.length;
  if (n === 0) return new Uint8Array(0);
  const first = shareBytes(book);
  const width = widthOf(book);
  const out = new Uint8Array(first + n * tokenBytes(book));
  if (book.shares) encodeShare(share, book.shares, out);
  const kept = shareOf(out, book);
  const rest = new Float32Array(d);
  const found = new Float32Array(d);
  for (let t = 0; t < n; t++) {
    const base = own[t] * d;
    const at = first + 3 * n + t * width;
    let squares = 0;
    for (let c = 0; c < d; c++) {
      rest[c] = vectors[t * d + c] - centroids[base + c] - kept[c];
      squares += rest[c] * rest[c];
    }
    let gain = sizeOf(Math.sqrt(squares / d), greatest);
    if (gain > 0) {
      encoder.encode(rest, 0, 1 / sizeIn(gain, greatest), out, at);
      decodeNumbers(out, at, values, d, bits, found);
      // the size with the least squares to what the values are
      let dot = 0;
      let norms = 0;
      for (let c = 0; c < d; c++) {
        dot += rest[c] * found[c];
        norms += found[c] * found[c];
      }
      gain = sizeOf(norms > 0 ? dot / norms : 0, greatest);
    }
    squares = 0;
    const size = sizeIn(gain, greatest);
    for (let c = 0; c < d; c++) squares += (centroids[base + c] + kept[c] + size * found[c]) ** 2;
    const norm = normOf(squares > 0 ? 1 / Math.sqrt(squares) : 1);
    out[first + 2 * t] = own[t] & 255;
    out[first + 2 * t + 1] = own[t] >> 8;
    out[first + 2 * n + t] = gainOf(gain, norm);
  }
  return out;
}

/** The centroids of n tokens, to `into` from `at` on. */
export function centroidsOf(
  payload: Uint8Array,
  n: number,
  book: Codebook,
  into: Uint16Array,
  at: number,
): void {
  const first = shareBytes(book);
  for (let t = 0; t < n; t++) into[at + t] = payload[first + 2 * t] | (payload[first + 2 * t + 1] << 8);
}

/** The vectors of a payload: n × dimension. */
export function decodeTokens(payload: Uint8Array, book: Codebook): Float32Array {
  const n = tokensOf(payload.length, book);
  const d = book.dimension;
  const out = new Float32Array(n * d);
  for (let t = 0; t < n; t++) out.set(decodeToken(payload, n, t, book), t * d);
  return out;
}

/** The vector of token t of n. */
export function decodeToken(payload: Uint8Array, n: number, t: number, book: Codebook): Float32Array {
  const { dimension: d, bits, centroids, values, greatest } = book;
  const first = shareBytes(book);
  const out = new Float32Array(d);
  const share = shareOf(payload, book);
  const base = (payload[first + 2 * t] | (payload[first + 2 * t + 1] << 8)) * d;
  const gain = payload[first + 2 * n + t];
  const size = sizeIn(gain, greatest);
  const norm = normIn(gain);
  if (size > 0) decodeNumbers(payload, first + 3 * n + t * widthOf(book), values, d, bits, out);
  for (let c = 0; c < d; c++) out[c] = (centroids[base + c] + share[c] + size * out[c]) * norm;
  return out;
}
