/** The approximate index of a segment: HNSW (Malkov & Yashunin 2018) by the usearch library, in a file beside it. */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { crc32 } from '../sparse/bytes.ts';
import { IndexError } from '../sparse/errors.ts';

const require = createRequire(import.meta.url);

interface Native {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(
    vectors: Float32Array,
    k: number,
    threads: number,
  ): { keys: BigUint64Array; counts?: BigUint64Array; distances: Float32Array };
  save(path: string): void;
  view(path: string): void;
  size(): number;
}

interface Library {
  Index: new (options: {
    dimensions: number;
    metric: string;
    quantization: string;
    connectivity: number;
    expansion_add: number;
    expansion_search: number;
  }) => Native;
}

export interface GraphOptions {
  /** Links a vector; more find more and cost memory. Default 16. */
  readonly connectivity: number;
  /** Candidates looked at while a vector is put in. Default 128. */
  readonly expansion: number;
}

/** Undefined where the library is not there: it has builds for Linux and macOS. */
function graphLibrary(): Library | undefined {
  try {
    return require('usearch') as Library;
  } catch {
    return undefined;
  }
}

/** @throws IndexError 'argument' where it is not */
export function neededLibrary(): Library {
  const found = graphLibrary();
  if (found !== undefined) return found;
  throw new IndexError(
    'argument',
    `an approximate index needs the package usearch, which cannot be loaded on ${process.platform}-${process.arch}; use method exact`,
  );
}

/** Vectors are kept as halves in the graph; hits are scored anew from the index's own. */
const open = (dimension: number, o: GraphOptions, search: number): Native =>
  new (neededLibrary().Index)({
    dimensions: dimension,
    metric: 'ip',
    quantization: 'f16',
    connectivity: o.connectivity,
    expansion_add: o.expansion,
    expansion_search: search,
  });

/** Reads a file's CRC-32 in pieces. */
export function fileCrc(path: string): { bytes: number; crc: number } {
  const fd = fs.openSync(path, 'r');
  try {
    const piece = new Uint8Array(1 << 20);
    let crc = 0;
    let bytes = 0;
    for (;;) {
      const got = fs.readSync(fd, piece, 0, piece.length, bytes);
      if (got === 0) return { bytes, crc: crc >>> 0 };
      crc = crc32(piece.subarray(0, got), crc);
      bytes += got;
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Bytes at the end of a graph's file that are checked whenever it is opened. */
const TAIL = 4096;

function tailCrc(path: string, bytes: number): number {
  const fd = fs.openSync(path, 'r');
  try {
    const tail = new Uint8Array(Math.min(TAIL, bytes));
    fs.readSync(fd, tail, 0, tail.length, bytes - tail.length);
    return crc32(tail) >>> 0;
  } finally {
    fs.closeSync(fd);
  }
}

/** What a manifest says of a graph's file. */
export interface GraphFile {
  readonly bytes: number;
  readonly crc: number;
  /** CRC-32 of its last 4 KiB; files of older versions have none. */
  readonly tail?: number;
}

const corrupt = (path: string, what: string): IndexError =>
  new IndexError('corrupt', `${path}: ${what}; restore the file, roll back or build the index again`, path);

/**
 * Checks length and end of a graph's file: one that was cut short must never reach the library, which would crash. The
 * rest is left where it is, so that opening reads hardly anything.
 * @throws IndexError 'missing', 'corrupt'
 */
export function checkGraphEnd(path: string, wanted: GraphFile): void {
  let size: number;
  let tail: number;
  try {
    size = fs.statSync(path).size;
    tail = tailCrc(path, size);
  } catch {
    throw new IndexError('missing', `${path}: the index names this file, but it cannot be opened`, path);
  }
  if (size !== wanted.bytes) throw corrupt(path, `is ${size} bytes long, the manifest says ${wanted.bytes}`);
  if (wanted.tail !== undefined && tail !== wanted.tail) throw corrupt(path, 'fails its checksum');
}

/** Reads a graph's file whole. @throws IndexError 'missing', 'corrupt' */
export function checkGraphFile(path: string, bytes: number, crc: number): void {
  checkGraphEnd(path, { bytes, crc });
  if (fileCrc(path).crc !== crc) throw corrupt(path, 'fails its checksum');
}

/** Memory a document of a graph takes: halves, twice its links at the ground, and what leads to it. */
export const graphRowBytes = (dimension: number, options: GraphOptions): number =>
  2 * dimension + 8 * options.connectivity + 64;

/** Builds a graph, one thread, so the same vectors give the same file. */
export class GraphBuilder {
  private readonly native: Native;

  constructor(dimension: number, options: GraphOptions) {
    this.native = open(dimension, options, 64);
  }

  /** Puts documents in, by number; vectors are theirs, one after the other. */
  add(documents: ArrayLike<number>, vectors: Float32Array): void {
    if (documents.length === 0) return;
    this.native.add(BigUint64Array.from(documents, BigInt), vectors, 1);
  }

  save(path: string): Required<GraphFile> {
    this.native.save(path);
    const fd = fs.openSync(path, 'r+');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    const { bytes, crc } = fileCrc(path);
    return { bytes, crc, tail: tailCrc(path, bytes) };
  }
}

/**
 * How many a graph is asked for where `k` are wanted: its halves cannot tell apart what is nearly as near, and scoring a
 * few more anew costs little.
 */
export const askedFor = (k: number): number => k + Math.max(10, k >> 1);

/** Documents near some queries, nearest first, with scores as the graph's halves have them. */
export class Near {
  readonly queries: number;
  private readonly width: number;
  private readonly words: Int32Array;
  private readonly counts: Int32Array | undefined;
  private readonly distances: Float32Array;

  constructor(queries: number, width: number, found: ReturnType<Native['search']>) {
    // numbers of documents fit the low half of a key, and counts that of theirs
    const low = ({ buffer, byteOffset, length }: BigUint64Array): Int32Array =>
      new Int32Array(buffer, byteOffset, length * 2);
    this.queries = queries;
    this.width = width;
    this.words = low(found.keys);
    this.counts = found.counts && low(found.counts);
    this.distances = found.distances;
  }

  /** Documents found for a query. */
  count(query: number): number {
    return this.counts === undefined ? this.distances.length : this.counts[2 * query];
  }
  doc(query: number, i: number): number {
    return this.words[2 * (query * this.width + i)];
  }
  score(query: number, i: number): number {
    return 1 - this.distances[query * this.width + i];
  }
  docs(query: number): number[] {
    return Array.from({ length: this.count(query) }, (_, i) => this.doc(query, i));
  }
}

const NONE = new BigUint64Array(0);

/** An open graph, mapped from its file. */
export class Graph {
  private readonly native: Native;
  private readonly dimension: number;
  private readonly size: number;

  /** @param search candidates looked at in a search. The file must have been checked. */
  constructor(path: string, dimension: number, options: GraphOptions, search: number) {
    this.dimension = dimension;
    this.native = open(dimension, options, search);
    this.native.view(path);
    this.size = this.native.size();
  }

  /** Documents near each query, at most k of each. */
  search(queries: Float32Array, k: number): Near {
    const count = queries.length / this.dimension;
    const width = Math.min(k, this.size);
    if (width === 0) return new Near(count, 0, { keys: NONE, distances: new Float32Array(0) });
    return new Near(count, width, this.native.search(queries, width, 1));
  }
}
