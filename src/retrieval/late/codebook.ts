/** What token vectors are compressed by: a projection, centroids, and levels of what is left of each number. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Multiply } from '../dense/exact.ts';
import { random } from '../random.ts';
import { SectionFile, SectionWriter } from '../sparse/section-file.ts';
import { moveTo, Nearest } from './nearest.ts';
import { leadingDirections } from './projection.ts';

const KIND = 'latebook';
const ROUNDS = 4;
/** One of so many runs of tokens is held out for the levels. */
const HELD = 8;
/** A token's centroid is kept in two bytes. */
const MOST = 65536;

export interface CodebookShape {
  /** Numbers of a vector as it comes. */
  readonly from: number;
  /** Numbers of a vector as it is kept. */
  readonly dimension: number;
  /** Of each number. */
  readonly bits: 1 | 2;
}

export interface Codebook extends CodebookShape {
  /** from × dimension; undefined where vectors are kept as wide as they come. */
  readonly projection: Float32Array | undefined;
  /** count × dimension, of length 1 but for rounding to bytes. */
  readonly centroids: Float32Array;
  /** dimension × 2^bits, ascending: what a number may differ from its centroid's. */
  readonly levels: Float32Array;
}

/**
 * Centroids for so many tokens: 16 √tokens (Santhanam et al. 2022), but to the nearest power of two, not the one below.
 * Of few tokens, all.
 */
export function centroidCount(tokens: number, sampled: number): number {
  if (tokens <= 256) return sampled;
  const wanted = 2 ** Math.round(Math.log2(16 * Math.sqrt(tokens)));
  return Math.max(1, Math.min(wanted, MOST, 2 ** Math.floor(Math.log2(sampled / 4))));
}

/** Brings vectors to the width that is kept and to length 1. */
export async function projected(
  vectors: Float32Array,
  rows: number,
  book: Pick<Codebook, 'projection' | 'from' | 'dimension'>,
  multiply: Multiply,
  unit = true,
): Promise<Float32Array> {
  const { projection, from, dimension: d } = book;
  const out =
    projection && rows > 0
      ? (await multiply(vectors, rows, projection, d, from)).slice(0, rows * d)
      : Float32Array.from(vectors.subarray(0, rows * d));
  for (let at = 0; unit && at < out.length; at += d) {
    let squares = 0;
    for (let c = at; c < at + d; c++) squares += out[c] * out[c];
    if (squares > 0) for (let c = at; c < at + d; c++) out[c] /= Math.sqrt(squares);
  }
  return out;
}

/**
 * Makes a codebook from a sample of token vectors, the same for the same sample.
 * @param sample rows × shape.from, of length 1
 * @param tokens how many there are in all
 */
export async function trainCodebook(
  sample: Float32Array,
  tokens: number,
  shape: CodebookShape,
  multiply: Multiply,
): Promise<Codebook> {
  const { from, dimension: d, bits } = shape;
  const projection = d < from ? leadingDirections(sample, from, d) : undefined;
  const rows = sample.length / from;
  const all = await projected(sample, rows, { projection, from, dimension: d }, multiply);
  const [vectors, held] = apart(all, d);
  const count = vectors.length / d;
  const centroids = firstCentroids(vectors, d, centroidCount(tokens, count));
  for (let round = 0; round < ROUNDS; round++) {
    const nearest = await Nearest.over(centroids, d, multiply);
    moveTo(centroids, centroids.length / d, vectors, await nearest.of(vectors, count), d);
  }
  // the file holds bytes: levels are of what is left of those
  centroids.set(fromBytes(toBytes(centroids, d), d));
  const nearest = await Nearest.over(centroids, d, multiply);
  const own = await nearest.of(held, held.length / d);
  const levels = new Float32Array(d << bits);
  const rest = new Float32Array(held.length / d);
  for (let c = 0; c < d; c++) {
    for (let r = 0; r < rest.length; r++) rest[r] = held[r * d + c] - centroids[own[r] * d + c];
    levels.set(bestLevels(rest, 1 << bits), c << bits);
  }
  return { ...shape, projection, centroids, levels };
}

/**
 * Vectors for the centroids, and others for the levels: what made a centroid lies nearer to it than what comes later. Runs
 * of a passage's tokens stay together. Of few vectors, all are both.
 */
function apart(vectors: Float32Array, d: number): [Float32Array, Float32Array] {
  const rows = vectors.length / d;
  if (rows < 64 * HELD * 4) return [vectors, vectors];
  const kept = new Float32Array(vectors.length);
  const held = new Float32Array(vectors.length);
  let [k, h] = [0, 0];
  for (let from = 0; from < rows; from += 64) {
    const run = vectors.subarray(from * d, Math.min(rows, from + 64) * d);
    if ((from / 64) % HELD === HELD - 1) {
      held.set(run, h);
      h += run.length;
    } else {
      kept.set(run, k);
      k += run.length;
    }
  }
  return [kept.subarray(0, k), held.subarray(0, h)];
}

/** Different vectors of the sample, in an order by chance that is the same every time. */
function firstCentroids(vectors: Float32Array, d: number, count: number): Float32Array {
  const rows = vectors.length / d;
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
  return out.slice(0, found * d);
}

/**
 * The levels with the least squares to values (Lloyd 1982), from two beginnings: quantiles, and levels spread by the
 * deviation, which find the tails where most values are all but 0. The better end is taken.
 */
export function bestLevels(values: Float32Array, count: number): Float32Array {
  const sorted = Float32Array.from(values).sort();
  const n = sorted.length;
  let [sum, squares] = [0, 0];
  for (const x of sorted) {
    sum += x;
    squares += x * x;
  }
  const mean = n === 0 ? 0 : sum / n;
  const sd = n === 0 ? 0 : Math.sqrt(Math.max(0, squares / n - mean * mean));
  const middle = (count - 1) / 2;
  const ends = [
    settled(
      sorted,
      Float32Array.from(
        { length: count },
        (_, i) => sorted[Math.min(n - 1, Math.floor(((2 * i + 1) / (2 * count)) * n))] ?? 0,
      ),
    ),
    settled(
      sorted,
      Float32Array.from({ length: count }, (_, i) => mean + sd * (i - middle)),
    ),
  ];
  return ends[1].error < ends[0].error ? ends[1].levels : ends[0].levels;
}

function settled(sorted: Float32Array, levels: Float32Array): { levels: Float32Array; error: number } {
  const n = sorted.length;
  const count = levels.length;
  let error = 0;
  for (let round = 0; round < 20; round++) {
    let from = 0;
    error = 0;
    for (let i = 0; i < count; i++) {
      const end = i + 1 < count ? (levels[i] + levels[i + 1]) / 2 : Number.POSITIVE_INFINITY;
      let [sum, squares, at] = [0, 0, from];
      for (; at < n && sorted[at] < end; at++) {
        sum += sorted[at];
        squares += sorted[at] * sorted[at];
      }
      if (at > from) {
        levels[i] = sum / (at - from);
        error += squares - sum * levels[i];
      }
      from = at;
    }
  }
  return { levels: levels.sort(), error };
}

/** Centroids as signed bytes: of each its greatest number as a float, then its numbers by 127th parts of that. */
function toBytes(centroids: Float32Array, d: number): Uint8Array {
  const count = centroids.length / d;
  const out = new Uint8Array(count * (4 + d));
  const view = new DataView(out.buffer);
  for (let k = 0, at = 0; k < count; k++, at += 4 + d) {
    let greatest = 0;
    for (let c = k * d; c < (k + 1) * d; c++) greatest = Math.max(greatest, Math.abs(centroids[c]));
    view.setFloat32(at, greatest, true);
    for (let c = 0; c < d && greatest > 0; c++)
      view.setInt8(at + 4 + c, Math.round((127 * centroids[k * d + c]) / greatest));
  }
  return out;
}

function fromBytes(bytes: Uint8Array, d: number): Float32Array {
  const count = bytes.length / (4 + d);
  const out = new Float32Array(count * d);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let k = 0, at = 0; k < count; k++, at += 4 + d) {
    const step = view.getFloat32(at, true) / 127;
    for (let c = 0; c < d; c++) out[k * d + c] = view.getInt8(at + 4 + c) * step;
  }
  return out;
}

/** Writes a codebook under a name made of its content. Returns the name. */
export async function writeCodebook(dir: string, book: Codebook): Promise<{ file: string; bytes: number }> {
  const hash = createHash('sha256');
  const centroids = toBytes(book.centroids, book.dimension);
  for (const part of [book.projection, centroids, book.levels])
    if (part) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  const file = `codebook-${hash.digest('hex').slice(0, 16)}.book`;
  const path = join(dir, file);
  if (isSound(path)) return { file, bytes: fs.statSync(path).size };
  const out = new SectionWriter(path, KIND);
  try {
    const { from, dimension, bits } = book;
    out.section('meta', new TextEncoder().encode(JSON.stringify({ from, dimension, bits })));
    if (book.projection) out.section('projection', book.projection);
    out.section('centroids', centroids);
    out.section('levels', book.levels);
    return { file, bytes: await out.finish() };
  } catch (error) {
    out.abort();
    throw error;
  }
}

/** Whether the codebook was written before, as it would be now: readers may have it open, so it is left alone. */
function isSound(path: string): boolean {
  try {
    verifyCodebook(path);
    return true;
  } catch {
    return false;
  }
}

/** @throws IndexError 'missing', 'corrupt', 'version' */
export function readCodebook(path: string): Codebook {
  const file = new SectionFile(path, KIND);
  try {
    const floats = (name: string): Float32Array => {
      const bytes = file.load(name);
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
    };
    const shape = JSON.parse(new TextDecoder().decode(file.load('meta'))) as CodebookShape;
    return {
      ...shape,
      projection: file.names('projection').length > 0 ? floats('projection') : undefined,
      centroids: fromBytes(file.load('centroids'), shape.dimension),
      levels: floats('levels'),
    };
  } finally {
    file.close();
  }
}

export function verifyCodebook(path: string): void {
  const file = new SectionFile(path, KIND);
  try {
    file.verify();
  } finally {
    file.close();
  }
}
