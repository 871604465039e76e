import * as path from 'node:path';
import { hasBit } from '../sparse/bitmap.ts';
import type { StoredField } from '../sparse/columns.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Filter } from '../sparse/query/types.ts';
import type { StoredValue } from '../sparse/stored.ts';
import { TopK } from '../sparse/top-k.ts';
import type { VerifyReport } from '../sparse/verify.ts';
import { countAllowed, type OpenRows, RowsIndex, verifyRows } from '../store/rows-index.ts';
import { decodeVectors, vectorBytes } from './codec.ts';
import { DENSE_SEGMENT, type DenseSettings, denseGenerations } from './dense-writer.ts';
import { Candidates, errorBound, exactDot, type Multiply, plainMultiply } from './exact.ts';
import { askedFor, checkGraphFile, Graph, type Near } from './graph.ts';

export interface DenseOpenOptions {
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Memory for vectors; those of segments beyond it are read from their files in every search. Default 512 MiB. */
  cacheBytes?: number;
  /** A quick product of matrices; default a plain loop. */
  multiply?: Multiply;
}

export interface DenseInfo {
  generation: number;
  documents: number;
  segments: number;
  bytes: number;
  keyColumn: string;
  columns: StoredField[];
  settings: DenseSettings;
  /** Of segments with a graph: candidates a search looks at, and the recall that a sample reached. */
  graphs: { documents: number; search: number; recall: number }[];
}

export interface DenseSearchOptions {
  /** Hits a query. */
  k: number;
  filter?: Filter;
  /** Looks at every vector, where the index has a graph too. Default false. */
  exact?: boolean;
}

export interface DenseResult {
  /** Documents by number (valid for this open index), best first, ties by key. */
  docs: Int32Array;
  scores: Float64Array;
}

/** Rows of a block whose scores fit the cache. */
const BLOCK = 2048;
/** Queries that go through the vectors together. */
const GROUP = 64;
/** Twice what halves of both vectors may put a product of unit vectors wrong by, and twice that again. */
const HALVES = 2 ** -8;
/** Below this share of allowed documents a graph would find too few of them. */
const GRAPH_SHARE = 0.2;

/** One generation of a dense index, open for reading. Takes no lock and is not disturbed by writers. */
export class DenseIndex {
  readonly info: DenseInfo;
  private readonly index: RowsIndex;
  private readonly settings: DenseSettings;
  private readonly multiply: Multiply;
  private readonly resident: (Uint8Array | undefined)[];
  private readonly graphs: (Graph | undefined)[];
  private readonly norms: (number | undefined)[] = [];

  private constructor(index: RowsIndex, options: DenseOpenOptions) {
    const { manifest } = index;
    this.index = index;
    this.settings = manifest.settings as unknown as DenseSettings;
    this.multiply = options.multiply ?? plainMultiply;
    let left = options.cacheBytes ?? 512 << 20;
    this.resident = index.segments.map(open => {
      if (open.segment.payload.length > left) return undefined;
      left -= open.segment.payload.length;
      return open.segment.file.load('payload');
    });
    const { dimension, approximate } = this.settings;
    this.graphs = index.segments.map(({ entry }) => {
      if (entry.graph === undefined || approximate === null) return undefined;
      const file = path.join(index.dir, entry.graph.file);
      checkGraphFile(file, entry.graph.bytes, entry.graph.crc);
      return new Graph(file, dimension, approximate, entry.graph.settings.search);
    });
    this.info = {
      generation: manifest.generation,
      documents: manifest.documents,
      segments: manifest.segments.length,
      bytes: index.bytes,
      keyColumn: manifest.keyColumn,
      columns: manifest.fields,
      settings: this.settings,
      graphs: manifest.segments.flatMap(s =>
        s.graph
          ? [{ documents: s.documents, search: s.graph.settings.search, recall: s.graph.settings.recall }]
          : [],
      ),
    };
  }

  /** Opens the live generation, or a named one. Throws IndexError 'missing', 'generation', 'version', 'corrupt'. */
  static open(dir: string, options: DenseOpenOptions = {}): Promise<DenseIndex> {
    return denseGenerations.opened(dir, options.generation, manifest => {
      const index = new RowsIndex(dir, manifest, DENSE_SEGMENT);
      try {
        return new DenseIndex(index, options);
      } catch (error) {
        index.close();
        throw error;
      }
    });
  }

  /**
   * The `k` best documents of each query: queries are count × dimension. Scores are those of the stored vectors in double
   * precision, however a hit was found.
   * @throws IndexError 'argument' where vectors have another length than the index's, or are not finite
   */
  async search(
    queries: ArrayLike<number>,
    count: number,
    options: DenseSearchOptions,
  ): Promise<DenseResult[]> {
    const { dimension: d } = this.settings;
    if (!Number.isInteger(options.k) || options.k < 1)
      throw new IndexError('argument', `search: k is ${options.k}, wanted a whole number of at least 1`);
    if (queries.length !== count * d) {
      throw new IndexError(
        'argument',
        `${this.index.dir}: the index holds vectors of ${d} numbers, the query has ${count === 0 ? 0 : queries.length / count}; encode questions with the model that encoded the index`,
      );
    }
    const all = this.prepared(queries, count);
    const allowed = this.index.allowed(options.filter);
    const results: DenseResult[] = [];
    for (let from = 0; from < count; from += GROUP) {
      const to = Math.min(count, from + GROUP);
      results.push(...(await this.group(all.subarray(from * d, to * d), to - from, allowed, options)));
    }
    return results;
  }

  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[] {
    return this.index.rows(docs, columns);
  }

  keys(docs: Int32Array | readonly number[]): string[] {
    return this.index.keys(docs);
  }

  /** The stored vector of a document by number, as floats. */
  vector(document: number): Float32Array {
    const open = this.index.segmentOf(document);
    const local = document - open.first;
    return this.decoded(open, local, local + 1).slice();
  }

  close(): void {
    this.index.close();
  }

  /** Checks queries; of a cosine index they are brought to length 1. */
  private prepared(queries: ArrayLike<number>, count: number): Float32Array {
    const { dimension: d, metric } = this.settings;
    const out = Float32Array.from(queries);
    for (let q = 0; q < count; q++) {
      let squares = 0;
      for (let c = q * d; c < (q + 1) * d; c++) squares += out[c] * out[c];
      if (!Number.isFinite(squares))
        throw new IndexError('argument', `search: the vector of query ${q} has numbers that are not finite`);
      if (metric === 'cosine' && squares > 0)
        for (let c = q * d; c < (q + 1) * d; c++) out[c] /= Math.sqrt(squares);
    }
    return out;
  }

  private async group(
    queries: Float32Array,
    count: number,
    allowed: readonly (Uint8Array | undefined)[],
    options: DenseSearchOptions,
  ): Promise<DenseResult[]> {
    const { segments } = this.index;
    const { dimension: d, metric } = this.settings;
    const k = Math.min(options.k, Math.max(1, this.info.documents));
    const top = Array.from({ length: count }, () => new TopK(k, (a, b) => this.index.before(a, b)));
    const transposed = new Float32Array(queries.length);
    const norms = new Float64Array(count);
    for (let q = 0; q < count; q++) {
      let squares = 0;
      for (let c = 0; c < d; c++) {
        transposed[c * count + q] = queries[q * d + c];
        squares += queries[q * d + c] ** 2;
      }
      norms[q] = Math.sqrt(squares);
    }
    for (const [s, open] of segments.entries()) {
      const near = options.exact ? undefined : this.nearest(s, open, queries, k, allowed[s]);
      if (near !== undefined) {
        near.forEach(({ docs, scores }, q) => {
          let found = 0;
          let floor = Number.NEGATIVE_INFINITY;
          for (let i = 0; i < docs.length; i++) {
            const doc = docs[i];
            if (allowed[s] !== undefined && !hasBit(allowed[s], doc)) continue;
            // nearest first: so far behind the k-th, halves are not what put it there
            if (scores[i] < floor) break;
            if (++found === k && metric === 'cosine') floor = scores[i] - HALVES * norms[q];
            top[q].offer(open.first + doc, exactDot(this.decoded(open, doc, doc + 1), 0, queries, q * d, d));
          }
        });
        continue;
      }
      const bound = await this.norm(s, open);
      const slack = norms.map(norm => 2 * errorBound(d, bound, norm));
      const candidates = new Candidates(count, k, slack);
      for (let from = 0; from < open.documents; from += BLOCK) {
        const to = Math.min(open.documents, from + BLOCK);
        const vectors = this.decoded(open, from, to);
        const scores = await this.multiply(vectors, to - from, transposed, count, d);
        candidates.scan(scores, to - from, open.first + from, from, allowed[s]);
      }
      for (let q = 0; q < count; q++) {
        for (const doc of candidates.of(q)) {
          const local = doc - open.first;
          top[q].offer(doc, exactDot(this.decoded(open, local, local + 1), 0, queries, q * d, d));
        }
      }
    }
    return top.map(t => t.take());
  }

  /** Near documents by the graph of a segment; undefined where every vector must be looked at. */
  private nearest(
    s: number,
    open: OpenRows,
    queries: Float32Array,
    k: number,
    allowed: Uint8Array | undefined,
  ): Near[] | undefined {
    const graph = this.graphs[s];
    if (graph === undefined) return undefined;
    const n = countAllowed(allowed, open.documents);
    const share = n / open.documents;
    // the graph knows no filter: it is asked for more, as far as that is cheaper than looking at all
    if (share < GRAPH_SHARE || k > open.documents / 10) return undefined;
    return graph.scored(queries, Math.ceil(askedFor(k) / share));
  }

  /** Vectors of documents from `from` up to `to` of a segment. Valid until the next call. */
  private decoded(open: OpenRows, from: number, to: number): Float32Array {
    const { dimension, precision } = this.settings;
    const size = vectorBytes(precision, dimension);
    const resident = this.resident[this.index.segments.indexOf(open)];
    const bytes = resident?.subarray(from * size, to * size) ?? open.segment.readPayload(from, to);
    return decodeVectors(bytes, to - from, precision, dimension);
  }

  /** The length of the longest vector of a segment. */
  private async norm(s: number, open: OpenRows): Promise<number> {
    const known = this.norms[s];
    if (known !== undefined) return known;
    const { dimension: d } = this.settings;
    let largest = 0;
    for (let from = 0; from < open.documents; from += BLOCK) {
      const to = Math.min(open.documents, from + BLOCK);
      const vectors = this.decoded(open, from, to);
      for (let at = 0; at < vectors.length; at += d) {
        let squares = 0;
        for (let c = at; c < at + d; c++) squares += vectors[c] * vectors[c];
        if (squares > largest) largest = squares;
      }
    }
    this.norms[s] = Math.sqrt(largest);
    return this.norms[s] as number;
  }
}

/** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
export const verifyDense = async (dir: string): Promise<VerifyReport> =>
  verifyRows(dir, denseGenerations, DENSE_SEGMENT, checkGraphFile);

export const publishDense = (dir: string, generation: number): Promise<void> =>
  denseGenerations.publish(dir, generation);
export const rollbackDense = (dir: string): Promise<number> => denseGenerations.rollback(dir);
