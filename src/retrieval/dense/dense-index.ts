import * as fs from 'node:fs';
import * as path from 'node:path';
import { hasBit } from '../sparse/bitmap.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Filter } from '../sparse/query/types.ts';
import { TopK } from '../sparse/top-k.ts';
import { CURRENT } from '../store/generations.ts';
import { checkedK, KeyedIndex, type KeyedInfo, KeyedKind } from '../store/keyed-index.ts';
import { countAllowed, type OpenRows, type RowsIndex } from '../store/rows-index.ts';
import { modelText } from '../store/vector-model.ts';
import type { VerifyReport } from '../store/verify.ts';
import { DENSE_SEGMENT, type DenseSettings, denseGenerations } from './dense-writer.ts';
import { Candidates, errorBound, type Multiply, plainMultiply, transposed } from './exact.ts';
import { askedFor, checkGraphEnd, checkGraphFile, Graph, type Near } from './graph.ts';
import { StoredVectors } from './stored-vectors.ts';

export interface DenseOpenOptions {
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Memory for vectors; those of segments beyond it are read from their files in every search. Default 512 MiB. */
  cacheBytes?: number;
  /** A quick product of matrices; default a plain loop. */
  multiply?: Multiply;
}

export interface DenseInfo extends KeyedInfo<DenseSettings> {
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
/** A graph gives at most this part of its documents: looking at all is as quick. */
const MOST_SHARE = 0.1;
/** How much more a graph is asked for where it gave too few that are allowed. */
const WIDER = 4;

const denseKind = new KeyedKind(denseGenerations, DENSE_SEGMENT);

/** What was found for a query of a group, and where. */
interface FoundNear {
  readonly near: Near;
  /** The query's number in it. */
  readonly at: number;
}

/** One generation of a dense index, open for reading. Takes no lock and is not disturbed by writers. */
export class DenseIndex extends KeyedIndex<DenseSettings, DenseInfo> {
  private readonly settings: DenseSettings;
  private readonly multiply: Multiply;
  private readonly vectors: StoredVectors[];
  private readonly graphs: (Graph | undefined)[];

  private constructor(index: RowsIndex, options: DenseOpenOptions) {
    super(index, shared => ({
      ...shared,
      graphs: index.manifest.segments.flatMap(({ documents, graph }) =>
        graph ? [{ documents, search: graph.settings.search, recall: graph.settings.recall }] : [],
      ),
    }));
    this.settings = this.info.settings;
    this.multiply = options.multiply ?? plainMultiply;
    let left = options.cacheBytes ?? 512 << 20;
    this.vectors = index.segments.map(open => {
      const { length } = open.segment.payload;
      const fits = length <= left;
      if (fits) left -= length;
      return new StoredVectors(open, this.settings, fits ? open.segment.file.load('payload') : undefined);
    });
    this.graphs = index.segments.map(open => openGraph(index.dir, open, this.settings));
  }

  /** Opens the live generation, or a named one. Throws IndexError 'missing', 'generation', 'version', 'corrupt'. */
  static open(dir: string, options: DenseOpenOptions = {}): Promise<DenseIndex> {
    return denseKind.open(dir, options.generation, index => new DenseIndex(index, options));
  }

  /**
   * The `k` best documents of each query: queries are count × dimension. Scores are those of the stored vectors in double
   * precision, however a hit was found. A query of zeros has no hits, and a document of zeros is none.
   * @throws IndexError 'argument' where vectors have another length than the index's, or are not finite
   */
  async search(
    queries: ArrayLike<number>,
    count: number,
    options: DenseSearchOptions,
  ): Promise<DenseResult[]> {
    const { dimension: d } = this.settings;
    const k = checkedK(options.k, this.info.documents);
    if (this.info.documents === 0) return Array.from({ length: count }, nothing);
    if (queries.length !== count * d) {
      throw new IndexError(
        'argument',
        `${this.index.dir}: the index holds vectors of ${d} numbers, the query has ${count === 0 ? 0 : queries.length / count}; encode questions with ${modelText(this.settings.model)}`,
      );
    }
    const { all, norms } = this.prepared(queries, count);
    const allowed = this.index.allowed(options.filter);
    const results: DenseResult[] = [];
    for (let from = 0; from < count; from += GROUP) {
      const to = Math.min(count, from + GROUP);
      results.push(
        ...(await this.group(
          all.subarray(from * d, to * d),
          norms.subarray(from, to),
          allowed,
          k,
          options.exact,
        )),
      );
    }
    return results;
  }

  /** The stored vector of a document by number, as floats. */
  vector(document: number): Float32Array {
    const open = this.index.segmentOf(document);
    const local = document - open.first;
    return this.vectors[this.index.segments.indexOf(open)].block(local, local + 1).slice();
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
    k: number,
    exact = false,
  ): Promise<DenseResult[]> {
    const { dimension: d } = this.settings;
    const count = norms.length;
    const found: ((query: number, top: TopK) => void)[] = [];
    for (const [s, open] of this.index.segments.entries()) {
      // zeros take the place of what a graph would give behind them
      const near = (exact ? [] : this.nearest(s, open, queries, count, k, allowed[s])).map(close =>
        close !== undefined && this.givesZeros(s, close) ? undefined : close,
      );
      const left = Array.from(norms.keys()).filter(q => near[q] === undefined);
      const rest = left.length === count ? queries : rowsOf(queries, left, d);
      const scanned = left.length > 0 ? await this.scan(s, rest, norms, left, k, allowed[s]) : undefined;
      const places = new Map(left.map((q, i) => [q, i]));
      found.push((q, top) => {
        const close = near[q];
        if (close !== undefined) this.rescore(s, close, q, queries, norms[q], allowed[s], top);
        else
          for (const doc of scanned?.of(places.get(q) ?? 0) ?? [])
            top.offer(doc, this.vectors[s].score(doc - open.first, queries, q * d));
      });
    }
    // one heap for all, and one array: small ones outside the heap of JavaScript are dear
    const top = new TopK(k, (a, b) => this.index.before(a, b));
    const docs = new Int32Array(count * k);
    const scores = new Float64Array(count * k);
    return Array.from(norms, (norm, q) => {
      if (norm === 0) return nothing();
      for (const offer of found) offer(q, top);
      const [from, to] = [q * k, q * k + top.size];
      return top.take(docs.subarray(from, to), scores.subarray(from, to));
    });
  }

  /**
   * Near documents of each query by the graph of a segment, where it gives enough; undefined where every vector must be
   * looked at. The graph knows no filter: it is asked for more while too few are allowed of what it gives, which happens
   * where those near a query are mostly deleted or filtered out.
   */
  private nearest(
    s: number,
    open: OpenRows,
    queries: Float32Array,
    count: number,
    k: number,
    allowed: Uint8Array | undefined,
  ): (FoundNear | undefined)[] {
    const out: (FoundNear | undefined)[] = new Array(count).fill(undefined);
    const graph = this.graphs[s];
    if (graph === undefined) return out;
    const { dimension: d } = this.settings;
    const n = countAllowed(allowed, open.documents);
    const share = n / open.documents;
    if (share < GRAPH_SHARE || k > open.documents * MOST_SHARE) return out;
    const wanted = Math.min(k, n);
    const most = Math.max(askedFor(k), Math.floor(open.documents * MOST_SHARE));
    let left = Array.from({ length: count }, (_, q) => q);
    for (
      let width = Math.min(most, Math.ceil(askedFor(k) / share));
      ;
      width = Math.min(most, width * WIDER)
    ) {
      const near = graph.search(left.length === count ? queries : rowsOf(queries, left, d), width);
      const short: number[] = [];
      left.forEach((q, at) => {
        if (reaches(near, at, wanted, width, allowed)) out[q] = { near, at };
        else short.push(q);
      });
      left = short;
      if (left.length === 0 || width === most) return out;
    }
  }

  private givesZeros(s: number, { near, at }: FoundNear): boolean {
    for (let i = 0; i < near.count(at); i++)
      if (near.score(at, i) === 0 && this.vectors[s].isZero(near.doc(at, i))) return true;
    return false;
  }

  /** Scores what a graph found for a query anew, as far as halves could have put it in a wrong place. */
  private rescore(
    s: number,
    { near, at }: FoundNear,
    q: number,
    queries: Float32Array,
    norm: number,
    allowed: Uint8Array | undefined,
    top: TopK,
  ): void {
    const { first } = this.index.segments[s];
    const { dimension: d } = this.settings;
    const vectors = this.vectors[s];
    const n = near.count(at);
    let found = 0;
    let floor = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      const doc = near.doc(at, i);
      if (allowed !== undefined && !hasBit(allowed, doc)) continue;
      const score = near.score(at, i);
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

  /** Looks at every vector of a segment for what may be among the k best of some queries, given in their order. */
  private async scan(
    s: number,
    queries: Float32Array,
    norms: Float64Array,
    which: readonly number[],
    k: number,
    allowed: Uint8Array | undefined,
  ): Promise<Candidates> {
    const { first, documents } = this.index.segments[s];
    const { dimension: d } = this.settings;
    const vectors = this.vectors[s];
    const count = which.length;
    const columns = transposed(queries, count, d);
    const slack = Float64Array.from(which, q => 2 * errorBound(d, vectors.norm, norms[q]));
    const candidates = new Candidates(count, k, slack);
    const may = vectors.without(allowed);
    for (let from = 0; from < documents; from += BLOCK) {
      const to = Math.min(documents, from + BLOCK);
      const scores = await this.multiply(vectors.block(from, to), to - from, columns, count, d);
      candidates.scan(scores, to - from, first + from, from, may);
    }
    return candidates;
  }
}

const nothing = (): DenseResult => ({ docs: new Int32Array(0), scores: new Float64Array(0) });

/**
 * Whether a graph gave `wanted` documents that are allowed, and so many others behind them as where none are ruled out:
 * the last of what it gives is less sure than what comes before.
 */
function reaches(
  near: Near,
  query: number,
  wanted: number,
  width: number,
  allowed: Uint8Array | undefined,
): boolean {
  const n = near.count(query);
  if (allowed === undefined) return n >= wanted;
  let found = 0;
  for (let i = 0; i < n; i++) {
    if (!hasBit(allowed, near.doc(query, i))) continue;
    if (++found === wanted) return askedFor(i + 1) <= width;
  }
  return false;
}

/** Some rows of d numbers. */
function rowsOf(vectors: Float32Array, which: readonly number[], d: number): Float32Array {
  const out = new Float32Array(which.length * d);
  which.forEach((row, i) => {
    out.set(vectors.subarray(row * d, (row + 1) * d), i * d);
  });
  return out;
}

/** The graph of a segment. It is read whole for its checksum only where it was touched after it was published. */
function openGraph(dir: string, { entry }: OpenRows, settings: DenseSettings): Graph | undefined {
  const { graph } = entry;
  if (graph === undefined || settings.approximate === null) return undefined;
  const file = path.join(dir, graph.file);
  checkGraphEnd(file, { ...graph, tail: graph.settings.tail });
  if (isNewer(file, path.join(dir, CURRENT))) checkGraphFile(file, graph.bytes, graph.crc);
  return new Graph(file, settings.dimension, settings.approximate, graph.settings.search);
}

function isNewer(file: string, than: string): boolean {
  const published = fs.statSync(than, { throwIfNoEntry: false });
  return published === undefined || fs.statSync(file).mtimeMs > published.mtimeMs;
}

/** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
export const verifyDense = (dir: string): Promise<VerifyReport> => denseKind.verify(dir);

export const publishDense = (dir: string, generation: number): Promise<void> =>
  denseKind.publish(dir, generation);
export const rollbackDense = (dir: string): Promise<number> => denseKind.rollback(dir);
