/** What token vectors are compressed by: a projection, centroids, levels of a passage's share, and values of a trellis. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Multiply } from '../dense/exact.ts';
import { SectionFile, SectionWriter, verifySections } from '../sparse/section-file.ts';
import { fromBytes, toBytes } from './centroid-bytes.ts';

const KIND = 'latebook';
export interface CodebookShape {
  /** Numbers of a vector as it comes. */
  readonly from: number;
  /** Numbers of a vector as it is kept. */
  readonly dimension: number;
  /** Of each number. */
  readonly bits: 1 | 2;
}

export interface Codebook extends CodebookShape {
  /** from × dimension: the leading directions, turned by chance. */
  readonly projection: Float32Array;
  /** count × dimension. */
  readonly centroids: Float32Array;
  /** 16 levels, ascending, of what the tokens of a passage have in common; undefined where that is little. */
  readonly shares: Float32Array | undefined;
  /** 256: what the last 8 bits of a trellis stand for, about normal. */
  readonly values: Float32Array;
  /** Greatest size that a token's values are multiplied by. */
  readonly greatest: number;
  /** Mean square of the distance of tokens to their centroids and shares in training; of older indexes not known. */
  readonly spread?: number;
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
    rows > 0 ? (await multiply(vectors, rows, projection, d, from)).slice(0, rows * d) : new Float32Array(0);
  for (let at = 0; unit && at < out.length; at += d) {
    let squares = 0;
    for (let c = at; c < at + d; c++) squares += out[c] * out[c];
    if (squares > 0) for (let c = at; c < at + d; c++) out[c] /= Math.sqrt(squares);
  }
  return out;
}

/** Writes a codebook under a name made of its content. Returns the name. */
export async function writeCodebook(dir: string, book: Codebook): Promise<{ file: string; bytes: number }> {
  const hash = createHash('sha256');
  const centroids = toBytes(book.centroids, book.dimension);
  const sizes = Float32Array.of(book.greatest);
  for (const part of [book.projection, centroids, book.shares, book.values, sizes])
    if (part) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  const file = `codebook-${hash.digest('hex').slice(0, 16)}.book`;
  const path = join(dir, file);
  if (isSound(path)) return { file, bytes: fs.statSync(path).size };
  const out = new SectionWriter(path, KIND);
  try {
    const { from, dimension, bits, greatest, spread } = book;
    const count = book.centroids.length / dimension;
    const meta = { from, dimension, bits, greatest, spread, count };
    out.section('meta', new TextEncoder().encode(JSON.stringify(meta)));
    out.section('projection', book.projection);
    out.section('centroids', centroids);
    if (book.shares) out.section('shares', book.shares);
    out.section('values', book.values);
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
    const { count, ...shape } = JSON.parse(new TextDecoder().decode(file.load('meta'))) as CodebookShape & {
      greatest: number;
      spread?: number;
      count: number;
    };
    return {
      ...shape,
      projection: floats('projection'),
      centroids: fromBytes(file.load('centroids'), count, shape.dimension),
      shares: file.names('shares').length > 0 ? floats('shares') : undefined,
      values: floats('values'),
    };
  } finally {
    file.close();
  }
}

export function verifyCodebook(path: string): void {
  verifySections(path, KIND);
}
