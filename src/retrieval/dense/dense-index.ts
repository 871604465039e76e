import * as path from 'node:path';
import { hasBit } from '../sparse/bitmap.ts';
import type { StoredField } from '../sparse/columns.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Filter } from '../sparse/query/types.ts';
import type { StoredValue } from '../sparse/stored.ts';
import { TopK } from '../sparse/top-k.ts';
import { countAllowed, type OpenRows, RowsIndex } from '../store/rows-index.ts';
import { type VerifyReport, verifyGenerations } from '../store/verify.ts';
import { DENSE_SEGMENT, type DenseSettings, denseGenerations } from './dense-writer.ts';
import { Candidates, errorBound, type Multiply, plainMultiply } from './exact.ts';
import { askedFor, checkGraphFile, Graph, type Near } from './graph.ts';
import { StoredVectors } from './stored-vectors.ts';

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
  private readonly vectors: StoredVectors[];
  private readonly graphs: (Graph | undefined)[];

  private constructor(index: RowsIndex, options: DenseOpenOptions) {
    const { manifest } = index;
    this.index = index;
    this.settings = manifest.settings as unknown as DenseSettings;
    this.multiply = options.multiply ?? plainMultiply;
    let left = options.cacheBytes ?? 512 << 20;
    this.vectors = index.segments.map(open => {
      const { length } = open.segment.payload;
      const fits = length <= left;
      if (fits) left -= length;
      return new StoredVectors(open, this.settings, fits ? open.segment.file.load('payload') : undefined);
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
    const { all, norms } = this.prepared(queries, count);
    const allowed = this.index.allowed(options.filter);
    const results: DenseResult[] = [];
    for (let from = 0; from < count; from += GROUP) {
      const to = Math.min(count, from + GROUP);
      results.push(
        ...(await this.group(all.subarray(from * d, to * d), norms.subarray(from, to), allowed, options)),
      );
    }
    return results;
  }

  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[] {
    return this.index.rows(docs, columns);
  }

  /** Numbers of all documents that are not deleted, ascending. */
  live(): Int32Array {
    return this.index.live();
  }

  keys(docs: Int32Array | readonly number[]): string[] {
    return this.index.keys(docs);
  }

  /** The stored vector of a document by number, as floats. */
  vector(document: number): Float32Array {
    const open = this.index.segmentOf(document);
    const local = document - open.first;
    return this.vectors[this.index.segments.indexOf(open)].block(local, local + 1).slice();
  }

  close(): void {
    this.index.close();
  }

  /** Checks queries; of a cosine index they are brought to length 1. */
  private prepared(queries: ArrayLike<number>, count: number): { all: Float32Array; norms: Float64Array } {
    const { dimension: d, metric } = this.settings;
    // not `from`, which goes through an iterator
    const all = metric === 'dot' && queries instanceof Float32Array ? queries : new Float32Array(queries);
    const norms = new Float64Array(count);
    for (let q = 0; q < count; q++) {
      let squares = 0;
      for (let c = q * d; c < (q + 1) * d; c++) squares += all[c] * all[c];
      if (!Number.isFinite(squares))
        throw new IndexError('argument', `search: the vector of query ${q} has numbers that are not finite`);
      norms[q] = Math.sqrt(squares);
      if (metric === 'cosine' && squares > 0) {
        for (let c = q * d; c < (q + 1) * d; c++) all[c] /= norms[q];
        norms[q] = 1;
      }
    }
    return { all, norms };
  }

  private async group(
    queries: Float32Array,
    norms: Float64Array,
    allowed: readonly (Uint8Array | undefined)[],
    options: DenseSearchOptions,
  ): Promise<DenseResult[]> {
    const k = Math.min(options.k, Math.max(1, this.info.documents));
    let transposed: Float32Array | undefined;
    const found: ((query: number, top: TopK) => void)[] = [];
    for (const [s, open] of this.index.segments.entries()) {
      const near = options.exact ? undefined : this.nearest(s, open, queries, k, allowed[s]);
      if (near !== undefined) {
        found.push((q, top) => this.rescore(s, near, q, queries, norms[q], allowed[s], top));
        continue;
      }
      transposed ??= this.transposed(queries, norms.length);
      const candidates = await this.scan(s, transposed, norms, k, allowed[s]);
      const { dimension: d } = this.settings;
      found.push((q, top) => {
        for (const doc of candidates.of(q))
          top.offer(doc, this.vectors[s].score(doc - open.first, queries, q * d));
      });
    }
    // one heap for all, and one array: small ones outside the heap of JavaScript are dear
    const top = new TopK(k, (a, b) => this.index.before(a, b));
    const docs = new Int32Array(norms.length * k);
    const scores = new Float64Array(norms.length * k);
    return Array.from(norms, (_, q) => {
      for (const offer of found) offer(q, top);
      const [from, to] = [q * k, q * k + top.size];
      return top.take(docs.subarray(from, to), scores.subarray(from, to));
    });
  }

  /** Near documents by the graph of a segment; undefined where every vector must be looked at. */
  private nearest(
    s: number,
    open: OpenRows,
    queries: Float32Array,
    k: number,
    allowed: Uint8Array | undefined,
  ): Near | undefined {
    const graph = this.graphs[s];
    if (graph === undefined) return undefined;
    const n = countAllowed(allowed, open.documents);
    const share = n / open.documents;
    // the graph knows no filter: it is asked for more, as far as that is cheaper than looking at all
    if (share < GRAPH_SHARE || k > open.documents / 10) return undefined;
    return graph.search(queries, Math.ceil(askedFor(k) / share));
  }

  /** Scores what a graph found for a query anew, as far as halves could have put it in a wrong place. */
  private rescore(
    s: number,
    near: Near,
    q: number,
    queries: Float32Array,
    norm: number,
    allowed: Uint8Array | undefined,
    top: TopK,
  ): void {
    const { first } = this.index.segments[s];
    const { dimension: d } = this.settings;
    const vectors = this.vectors[s];
    const n = near.count(q);
    let found = 0;
    let floor = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      const doc = near.doc(q, i);
      if (allowed !== undefined && !hasBit(allowed, doc)) continue;
      const score = near.score(q, i);
      // nearest first: so far behind the k-th, halves are not what put it there
      if (score < floor) break;
      if (++found === top.k) floor = score - HALVES * this.longest(s) * norm;
      top.offer(first + doc, vectors.score(doc, queries, q * d));
    }
  }

  /** The length of the longest vector of a segment with a graph. Older graphs do not say it: then no hit is ruled out. */
  private longest(s: number): number {
    const known = this.index.segments[s].entry.graph?.settings.norm;
    return known ?? (this.settings.metric === 'cosine' ? 1 : Number.POSITIVE_INFINITY);
  }

  /** Looks at every vector of a segment for what may be among the k best. */
  private async scan(
    s: number,
    transposed: Float32Array,
    norms: Float64Array,
    k: number,
    allowed: Uint8Array | undefined,
  ): Promise<Candidates> {
    const { first, documents } = this.index.segments[s];
    const { dimension: d } = this.settings;
    const vectors = this.vectors[s];
    const count = norms.length;
    const slack = norms.map(norm => 2 * errorBound(d, vectors.norm, norm));
    const candidates = new Candidates(count, k, slack);
    for (let from = 0; from < documents; from += BLOCK) {
      const to = Math.min(documents, from + BLOCK);
      const scores = await this.multiply(vectors.block(from, to), to - from, transposed, count, d);
      candidates.scan(scores, to - from, first + from, from, allowed);
    }
    return candidates;
  }

  /** Queries as columns. */
  private transposed(queries: Float32Array, count: number): Float32Array {
    const { dimension: d } = this.settings;
    const out = new Float32Array(queries.length);
    for (let q = 0; q < count; q++) for (let c = 0; c < d; c++) out[c * count + q] = queries[q * d + c];
    return out;
  }
}

/** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
export const verifyDense = (dir: string): Promise<VerifyReport> => verifyGenerations(dir, denseGenerations);

export const publishDense = (dir: string, generation: number): Promise<void> =>
  denseGenerations.publish(dir, generation);
export const rollbackDense = (dir: string): Promise<number> => denseGenerations.rollback(dir);
