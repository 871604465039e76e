/** Making a codebook: centroids by k-means, shares of passages in turn with them, then what is fitted to what is left. */
import type { Multiply } from '../dense/exact.ts';
import { random } from '../random.ts';
import { fromBytes, toBytes } from './centroid-bytes.ts';
import { type Codebook, type CodebookShape, projected } from './codebook.ts';
import { bestLevels } from './levels.ts';
import { moveTo, Nearest } from './nearest.ts';
import { type Passages, type Places, placed, sharesOf, withoutShares } from './placing.ts';
import { identity, leadingDirections, turned } from './projection.ts';
import { fittedValues } from './trellis.ts';

/** Of k-means, and as many of those again that part centroids from shares. */
const ROUNDS = 4;
/** One of so many passages is held out for shares and values. */
const HELD = 8;
/** A token's centroid is kept in two bytes. */
const MOST = 65536;
/** What passages must share of what centroids leave, at least, for it to be kept. */
const WORTH = 0.15;
/** Numbers that the trellis is fitted to. */
const FITTED = 1 << 18;
/** How far from its centroid a token may come to lie, whatever the sample says: that has no word of what comes later. */
const FARTHEST = 1;
/** Tokens lie far from their centroid at so many times the mean square of the distance in training. */
const FAR = 1.5;
/** Tokens that lie far get centroids where they are so many, and this part of a batch. */
const LEAST = 32;
const MANY = 0.2;
/** Square of a distance that rounding of a token's length does not make. */
const APART = 4e-4;

/**
 * Centroids for so many tokens: the power of two below 16 √tokens (Santhanam et al. 2022). Of few tokens, all.
 */
export function centroidCount(tokens: number, sampled: number): number {
  if (tokens <= 256) return sampled;
  const wanted = 2 ** Math.floor(Math.log2(16 * Math.sqrt(tokens)));
  return Math.max(1, Math.min(wanted, MOST, 2 ** Math.floor(Math.log2(sampled / 4))));
}

/**
 * Makes a codebook from a sample of passages, the same for the same sample.
 * @param sample vectors of length 1, of shape.from numbers
 * @param tokens how many there are in all
 */
export async function trainCodebook(
  sample: Passages,
  tokens: number,
  shape: CodebookShape,
  multiply: Multiply,
): Promise<Codebook> {
  const { from, dimension: d } = shape;
  const projection = turned(d < from ? leadingDirections(sample.vectors, from, d) : identity(d), from, d);
  const rows = sample.vectors.length / from;
  const narrow = await projected(sample.vectors, rows, { projection, from, dimension: d }, multiply);
  const [made, held] = apart({ vectors: narrow, offsets: sample.offsets }, d);
  const { vectors } = made;
  const count = vectors.length / d;
  const centroids = firstCentroids(vectors, d, centroidCount(tokens, count));
  const many = centroids.length / d;
  let own: Int32Array = new Int32Array(count);
  for (let round = 0; round < ROUNDS; round++) {
    own = await (await Nearest.over(centroids, d, multiply)).of(vectors, count);
    moveTo(centroids, many, vectors, own, d);
  }
  const isShared = sharedPart(made, own, centroids, d) > WORTH;
  if (isShared)
    for (let round = 0; round < ROUNDS; round++) {
      // what a token adds to its centroid and what all of its passage do explain each other: in turn
      let bare = vectors;
      for (let turn = 0; turn < 2; turn++) {
        bare = withoutShares(made, sharesOf(made, own, centroids, d), d);
        moveTo(centroids, many, bare, own, d);
      }
      if (round + 1 < ROUNDS) own = await (await Nearest.over(centroids, d, multiply)).of(bare, count);
    }
  // the file holds bytes: what is left is of those
  centroids.set(fromBytes(toBytes(centroids, d), many, d));
  const nearest = await Nearest.over(centroids, d, multiply);
  const places = await placed(held, nearest, { centroids, dimension: d, isShared });
  const shares = isShared ? bestLevels(places.shares.slice(0, FITTED), 16) : undefined;
  return { ...shape, projection, centroids, shares, ...residualsOf(held, places, shares, centroids, shape) };
}

/** How much of the squares of what centroids leave is in the means of passages; of chance alone, one by their tokens. */
function sharedPart(passages: Passages, own: Int32Array, centroids: Float32Array, d: number): number {
  const { vectors, offsets } = passages;
  const shares = sharesOf(passages, own, centroids, d);
  let common = 0;
  let all = 0;
  for (let p = 0; p + 1 < offsets.length; p++) {
    const n = offsets[p + 1] - offsets[p];
    // a token alone shares nothing
    if (n < 8) continue;
    for (let c = p * d; c < (p + 1) * d; c++) common += n * shares[c] * shares[c];
    for (let t = offsets[p]; t < offsets[p + 1]; t++)
      for (let c = 0; c < d; c++) all += (vectors[t * d + c] - centroids[own[t] * d + c]) ** 2;
  }
  return all > 0 ? common / all : 0;
}

/** What is fitted to residuals: the values of the trellis, and the greatest size. */
function residualsOf(
  { vectors, offsets }: Passages,
  places: { readonly own: Int32Array; readonly shares: Float32Array },
  shares: Float32Array | undefined,
  centroids: Float32Array,
  { dimension: d, bits }: CodebookShape,
): Pick<Codebook, 'values' | 'greatest' | 'spread'> {
  const rows: Float32Array[] = [];
  const found: number[] = [];
  const fitted = Math.ceil(FITTED / d);
  for (let p = 0; p + 1 < offsets.length; p++)
    for (let t = offsets[p]; t < offsets[p + 1]; t++) {
      const rest = new Float32Array(d);
      let squares = 0;
      for (let c = 0; c < d; c++) {
        const share = shares ? places.shares[p * d + c] : 0;
        rest[c] = vectors[t * d + c] - centroids[places.own[t] * d + c] - share;
        squares += rest[c] * rest[c];
      }
      const size = Math.sqrt(squares / d);
      found.push(size);
      if (size < 1e-6 || rows.length >= fitted) continue;
      rows.push(rest.map(x => x / size));
    }
  const flat = new Float32Array(rows.length * d);
  rows.forEach((row, r) => {
    flat.set(row, r * d);
  });
  const spread = (found.reduce((sum, size) => sum + size * size, 0) / Math.max(1, found.length)) * d;
  found.sort((a, b) => a - b);
  const greatest = found.length > 0 ? found[Math.min(found.length - 1, Math.floor(found.length * 0.999))] : 0;
  return {
    values: fittedValues(flat, d, bits, random(d)),
    greatest: Math.max(greatest, FARTHEST / Math.sqrt(d)),
    spread,
  };
}

/**
 * The codebook with more centroids, for an index that has grown: those it has stay, with their numbers, so what was
 * compressed by it is as it was. The same for the same sample.
 * @param sample vectors of length 1, of book.dimension numbers, such as the index gives back
 * @param tokens how many there are in all
 */
export async function grownCodebook(
  book: Codebook,
  sample: Passages,
  tokens: number,
  multiply: Multiply,
): Promise<Codebook> {
  const { dimension: d } = book;
  const rows = sample.vectors.length / d;
  const had = book.centroids.length / d;
  // indexes of older versions may know no size but 0
  const greatest = book.greatest || FARTHEST / Math.sqrt(d);
  const wanted = centroidCount(tokens, rows) - had;
  if (wanted <= 0) return { ...book, greatest };
  const places = await placed(sample, await Nearest.over(book.centroids, d, multiply), {
    centroids: book.centroids,
    dimension: d,
    isShared: book.shares !== undefined,
  });
  const bare = book.shares ? withoutShares(sample, places.shares, d) : sample.vectors;
  const far = farFrom(book.centroids, bare, places.own, d);
  const fresh = firstCentroids(far, d, Math.min(wanted, far.length / d)).subarray(0, (MOST - had) * d);
  if (fresh.length === 0) return { ...book, greatest };
  const centroids = new Float32Array(book.centroids.length + fresh.length);
  centroids.set(book.centroids);
  centroids.set(fresh, book.centroids.length);
  const many = centroids.length / d;
  for (let round = 0; round < ROUNDS; round++) {
    const own = await (await Nearest.over(centroids, d, multiply)).of(bare, rows);
    moveTo(centroids, many, bare, own, d);
    centroids.set(book.centroids);
  }
  return { ...book, greatest, centroids: fromBytes(toBytes(centroids, d), many, d) };
}

/**
 * The codebook with centroids for tokens of passages that lie far from those it has, where they are many: texts of
 * another kind than it was made from. The same codebook where they are few.
 */
export async function widenedCodebook(
  book: Codebook,
  passages: Passages,
  places: Places,
  multiply: Multiply,
): Promise<Codebook> {
  const { dimension: d, centroids, spread } = book;
  const room = MOST - centroids.length / d;
  if (spread === undefined || room <= 0) return book;
  const bare = book.shares ? withoutShares(passages, places.shares, d) : passages.vectors;
  const far = farFrom(centroids, bare, places.own, d, Math.max(APART, FAR * spread));
  const many = far.length / d;
  if (many < LEAST || many < MANY * places.own.length) return book;
  const fresh = firstCentroids(far, d, Math.min(centroidCount(many, many), Math.ceil(many / 4))).subarray(
    0,
    room * d,
  );
  const count = fresh.length / d;
  for (let round = 0; round < ROUNDS; round++)
    moveTo(fresh, count, far, await (await Nearest.over(fresh, d, multiply)).of(far, many), d);
  const all = new Float32Array(centroids.length + fresh.length);
  all.set(centroids);
  all.set(fresh, centroids.length);
  return { ...book, centroids: fromBytes(toBytes(all, d), all.length / d, d) };
}

/** The vectors whose squares of distances to their centroids are greater than `apart`. */
function farFrom(
  centroids: Float32Array,
  vectors: Float32Array,
  own: Int32Array,
  d: number,
  apart = APART,
): Float32Array {
  const out = new Float32Array(vectors.length);
  let n = 0;
  for (let r = 0; r < own.length; r++) {
    let squares = 0;
    for (let c = 0; c < d; c++) squares += (vectors[r * d + c] - centroids[own[r] * d + c]) ** 2;
    if (squares > apart) out.set(vectors.subarray(r * d, (r + 1) * d), d * n++);
  }
  return out.subarray(0, n * d);
}

/**
 * Passages for the centroids, and others for what is fitted to residuals: what made a centroid lies nearer to it than what
 * comes later. Of few, all are both.
 */
function apart(all: Passages, d: number): [Passages, Passages] {
  const { vectors, offsets } = all;
  const count = offsets.length - 1;
  if (count < 4 * HELD || offsets[count] < 2048) return [all, all];
  const chosen = (isHeld: boolean): Passages => {
    const kept: Float32Array[] = [];
    const ends = [0];
    for (let p = 0; p < count; p++) {
      if ((p % HELD === HELD - 1) !== isHeld) continue;
      kept.push(vectors.subarray(offsets[p] * d, offsets[p + 1] * d));
      ends.push(ends[ends.length - 1] + offsets[p + 1] - offsets[p]);
    }
    const out = new Float32Array(ends[ends.length - 1] * d);
    kept.forEach((part, i) => {
      out.set(part, ends[i] * d);
    });
    return { vectors: out, offsets: Int32Array.from(ends) };
  };
  return [chosen(false), chosen(true)];
}

/**
 * Different vectors of the sample, in an order by chance that is the same every time: `wanted`, or all where there are few
 * more. Encoders without context have a vector a word piece, and those are better kept as they are.
 */
function firstCentroids(vectors: Float32Array, d: number, wanted: number): Float32Array {
  const rows = vectors.length / d;
  const count = Math.min(MOST, 2 * wanted);
  const order = Int32Array.from({ length: rows }, (_, r) => r);
  const next = random(rows);
  for (let r = rows - 1; r > 0; r--) {
    const other = Math.floor(next() * (r + 1));
    [order[r], order[other]] = [order[other], order[r]];
  }
  const words = new Int32Array(vectors.buffer, vectors.byteOffset, vectors.length);
  const seen = new Set<number>();
  const out = new Float32Array(count * d);
  let found = 0;
  for (const r of order) {
    if (found === count) break;
    let hash = 0;
    for (let c = r * d; c < (r + 1) * d; c++)
      hash = (Math.imul(hash ^ words[c], 0x9e3779b1) >>> 0) ^ (hash >>> 15);
    if (seen.has(hash)) continue;
    seen.add(hash);
    out.set(vectors.subarray(r * d, (r + 1) * d), found++ * d);
  }
  return out.slice(0, (found < count ? found : wanted) * d);
}
