import * as fs from 'node:fs';
import { type Analyzer, createAnalyzer, type ResolvedSpec } from '../analysis/index.ts';
import { compareBytes } from './bytes.ts';
import type { StoredField } from './columns.ts';
import { IndexError } from './errors.ts';
import { type FieldSpec, Fields } from './fields.ts';
import { GRID_LIMIT, toGrid } from './grid.ts';
import { type Manifest, readCurrent, readManifest } from './manifest.ts';
import { OpenSegment } from './open-segment.ts';
import { scoredClauses } from './query/ast.ts';
import { QueryEngine } from './query/engine.ts';
import type { DocumentExplanation } from './query/explain.ts';
import type { Query, QueryOptions } from './query/types.ts';
import { vocabularyMean } from './query/vocabulary.ts';
import { type ScoredTerm, Scoring } from './scoring.ts';
import { SearchMemory, searchSegment } from './search.ts';
import type { SharedSections } from './section-file.ts';
import { SegmentImpacts } from './segment-impacts.ts';
import {
  type Collection,
  resolveSimilarity,
  type SimilaritySpec,
  similarities,
  type TermScorer,
} from './similarity/index.ts';
import type { ScoringSpec } from './similarity/scoring-spec.ts';
import type { StoredValue } from './stored.ts';
import { TopK } from './top-k.ts';

export interface OpenOptions {
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Hold all postings in memory, besides `cacheBytes`; default: where they take no more than a quarter of it. */
  preload?: boolean;
  /** Memory for what queries come back to, postings that were read and impacts; default 256 MiB. */
  cacheBytes?: number;
  /** Sections that threads share: those not there yet are put there. */
  shared?: SharedSections;
}

export interface IndexInfo {
  generation: number;
  /** Live documents. */
  documents: number;
  /** Distinct terms, summed over segments. */
  terms: number;
  segments: number;
  /** Bytes of the generation's files. */
  bytes: number;
  analyzer: { spec: ResolvedSpec; fingerprint: string };
  keyColumn: string;
  /** Mean document length in terms. */
  averageLength: number;
  columns: StoredField[];
  /** What is searched. */
  fields: readonly FieldSpec[];
  /** Whether it keeps the places of terms. */
  positions: boolean;
}

export interface SearchOptions extends QueryOptions {
  /** Hits wanted. */
  k: number;
}

/** Documents by number (valid for this open index) with their scores, best first, ties by key. */
export interface SearchResult {
  docs: Int32Array;
  scores: Float64Array;
}

export interface Explanation extends DocumentExplanation {
  key: string;
  /** Terms in the document. */
  length: number;
}

interface PreparedQuery {
  scoring: Scoring;
  terms: ScoredTerm[];
  /** How often the query repeats each. */
  counts: number[];
  /** Added to every document (terms counted where absent). */
  constant: number;
  /** Query terms the collection holds, repeats included. */
  count: number;
  /** Whether sums in any order are exact. */
  exact: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** One generation of an index, open for reading. Takes no lock and is not disturbed by writers. */
export class SparseIndex {
  readonly dir: string;
  readonly info: IndexInfo;
  readonly analyzer: Analyzer;
  private readonly segments: OpenSegment[];
  private readonly collection: Collection;
  private readonly memory = new SearchMemory();
  private readonly best = new TopK(0, (a, b) => this.before(a, b));
  private readonly scorings = new Map<string, Scoring>();
  private readonly impacts: SegmentImpacts;
  private readonly manifest: Manifest;
  private readonly searched: Fields;
  private queries: QueryEngine | undefined;
  private maxLength = 0;

  private constructor(dir: string, manifest: Manifest, segments: OpenSegment[], impactBytes: number) {
    this.dir = dir;
    this.impacts = new SegmentImpacts(impactBytes);
    this.segments = segments;
    this.manifest = manifest;
    this.searched = new Fields(manifest.searched);
    this.analyzer = createAnalyzer(manifest.analyzer.spec);
    if (this.analyzer.fingerprint !== manifest.analyzer.fingerprint) {
      throw new IndexError(
        'analyzer',
        `${dir}: built by another version of analyzer ${JSON.stringify(manifest.analyzer.spec)}; build the index again`,
      );
    }
    const averageLength = manifest.documents === 0 ? 0 : manifest.totalLength / manifest.documents;
    this.collection = {
      documents: manifest.documents,
      totalLength: manifest.totalLength,
      averageLength,
      vocabularyMean: value => vocabularyMean(segments, -1, value),
    };
    for (const { segment } of segments) this.maxLength = Math.max(this.maxLength, segment.meta.maxLength);
    this.info = {
      generation: manifest.generation,
      documents: manifest.documents,
      terms: segments.reduce((sum, s) => sum + s.segment.meta.terms, 0),
      segments: segments.length,
      bytes: manifest.segments.reduce((sum, s) => sum + s.bytes + (s.tombstones?.bytes ?? 0), 0),
      analyzer: manifest.analyzer,
      keyColumn: manifest.keyColumn,
      averageLength,
      columns: manifest.fields,
      fields: manifest.searched.fields,
      positions: manifest.searched.positions,
    };
  }

  /**
   * Opens the live generation, or a named one.
   * Throws IndexError 'missing', 'generation', 'version', 'corrupt', 'analyzer'.
   */
  static async open(dir: string, options: OpenOptions = {}): Promise<SparseIndex> {
    // A writer may remove a generation between reading CURRENT and opening its files: then look again.
    for (let attempt = 0; ; attempt++) {
      const manifest = findManifest(dir, options.generation);
      try {
        return SparseIndex.openManifest(dir, manifest, options);
      } catch (error) {
        const moved =
          readCurrent(dir)?.generation !== manifest.generation && options.generation === undefined;
        if (!(error instanceof IndexError && error.code === 'missing' && moved && attempt < 5)) throw error;
      }
    }
  }

  /** A generation over sections that another thread has loaded. */
  static openShared(
    dir: string,
    generation: number,
    cacheBytes: number,
    shared: SharedSections,
  ): SparseIndex {
    const manifest = findManifest(dir, generation);
    return SparseIndex.openManifest(dir, manifest, { preload: true, cacheBytes, shared });
  }

  /** Loads all that searches read, as `shared` wants it. */
  loadAll(): void {
    for (const { segment } of this.segments) segment.loadAll();
  }

  /** Bytes that a search in shared memory loads: all but stored columns, places and forward lists. */
  get preloadBytes(): number {
    return this.segments.reduce((sum, { segment }) => sum + segment.preloadBytes, 0);
  }

  private static openManifest(dir: string, manifest: Manifest, options: OpenOptions): SparseIndex {
    const segments: OpenSegment[] = [];
    try {
      let first = 0;
      const { cacheBytes = 256 << 20, shared } = options;
      const listBytes = cacheBytes / 4 / manifest.segments.length;
      for (const entry of manifest.segments) {
        segments.push(new OpenSegment(dir, entry, first, listBytes, shared));
        first += entry.documents;
      }
      const postings = segments.reduce((sum, s) => sum + s.segment.postingsBytes, 0);
      const preload = options.preload ?? postings <= cacheBytes / 4;
      if (preload) for (const { segment } of segments) segment.preload();
      const taken = preload && options.preload === undefined ? postings : 0;
      return new SparseIndex(dir, manifest, segments, (cacheBytes * 3) / 4 - taken);
    } catch (error) {
      for (const segment of segments) segment.close();
      throw error;
    }
  }

  /**
   * The `k` best documents for a query: a text, which goes through the index's own analyzer, or weighted terms.
   * Throws IndexError 'argument' for options that do not fit the index.
   */
  search(query: Query, options: SearchOptions): SearchResult {
    checkK(options.k);
    const { similarity = 'lucene' } = options;
    if (typeof query === 'string' && isText(similarity) && this.isPlain(query, options))
      return this.searchTerms(this.analyzer.terms(query), { k: options.k, similarity });
    return this.engine().search(query, options.k, options);
  }

  /** As `search`, for terms as the analyzer gives them; a term counts as often as it is repeated. */
  searchTerms(terms: readonly string[], options: { k: number; similarity?: SimilaritySpec }): SearchResult {
    checkK(options.k);
    const top = this.best.reset(Math.min(options.k, Math.max(1, this.collection.documents)));
    const prepared = this.prepare(terms, options.similarity ?? 'lucene');
    if (prepared.terms.length === 0) return top.take();
    for (let s = 0; s < this.segments.length; s++) this.searchOne(s, prepared, top);
    return top.take();
  }

  /** Stored values of documents (by number), the key column included; all columns where none are named. */
  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[] {
    const { keyColumn } = this.info;
    const names = columns ?? [keyColumn, ...this.info.columns.map(c => c.name)];
    return Array.from(docs, doc => {
      const open = this.segmentOf(doc);
      const local = doc - open.firstDocument;
      const row: Record<string, StoredValue> = {};
      for (const name of names) {
        if (name === keyColumn) row[name] = decoder.decode(open.key(local));
        else {
          const column = open.segment.column(name);
          if (column === undefined) throw this.noColumn(name);
          row[name] = column.value(open.segment.rows[local]);
        }
      }
      return row;
    });
  }

  /** Numbers of all documents that are not deleted, ascending. */
  live(): Int32Array {
    return Int32Array.from(
      this.segments.flatMap(({ firstDocument, segment, tombstones }) =>
        Array.from({ length: segment.lengths.length }, (_, d) => d)
          .filter(d => !tombstones?.has(d))
          .map(d => firstDocument + d),
      ),
    );
  }

  /** Keys of documents by number. */
  keys(docs: Int32Array | readonly number[]): string[] {
    return Array.from(docs, doc => {
      const open = this.segmentOf(doc);
      return decoder.decode(open.key(doc - open.firstDocument));
    });
  }

  /** The number of a live document by key; -1 where there is none. */
  find(key: string): number {
    const bytes = encoder.encode(key);
    for (const open of this.segments) {
      const local = open.find(bytes);
      if (local >= 0) return open.firstDocument + local;
    }
    return -1;
  }

  /**
   * How a document (by number) comes to its score for a query: `score` is what `search` gives, and the terms'
   * scores, with what the similarity adds once a document, sum to it exactly.
   */
  explain(query: Query, doc: number, options: QueryOptions = {}): Explanation {
    const open = this.segmentOf(doc);
    const local = doc - open.firstDocument;
    return {
      key: decoder.decode(open.key(local)),
      length: open.segment.lengths[local],
      ...this.engine().explain(query, doc, options),
    };
  }

  /** The terms that a search looks for, with those that feedback adds, and their weights. */
  queryTerms(query: Query, options: QueryOptions = {}): { term: string; field?: string; weight: number }[] {
    const clause = this.engine().clause(query, options);
    return [...scoredClauses(clause)].flatMap(c =>
      (c.kind === 'term' ? [c.word] : c.words).map(term => ({
        term,
        ...(c.field === undefined ? {} : { field: c.field }),
        weight: c.boost,
      })),
    );
  }

  /** Closes the files. */
  close(): void {
    for (const segment of this.segments) segment.close();
  }

  /** Whether a text is a bag of words for all text and nothing besides. */
  private isPlain(query: string, options: SearchOptions): boolean {
    const { syntax = 'plain', field, filter, feedback } = options;
    const plain = syntax === 'plain' || (syntax === 'query' && !SIGNS.test(query));
    const filtered = filter !== undefined && Object.keys(filter).length > 0;
    return plain && field === undefined && !filtered && !feedback && this.searched.text.length > 0;
  }

  private engine(): QueryEngine {
    const { segments, collection, searched, manifest } = this;
    this.queries ??= new QueryEngine({
      dir: this.dir,
      analyzer: this.analyzer,
      fields: searched,
      keyColumn: this.info.keyColumn,
      columns: this.info.columns,
      segments,
      documents: collection.documents,
      totalLength: field => (field < 0 ? manifest.totalLength : manifest.fieldLengths[field]),
      before: (a, b) => this.before(a, b),
      segmentOf: doc => this.segmentOf(doc),
    });
    return this.queries;
  }

  /** The distinct terms of a query that the collection holds, in order of first occurrence. */
  private prepare(words: readonly string[], spec: SimilaritySpec): PreparedQuery {
    const scoring = this.scoring(spec);
    const terms: ScoredTerm[] = [];
    const counts: number[] = [];
    let constant = 0;
    let count = 0;
    let largest = 0;
    for (let i = 0; i < words.length; i++) {
      const term = scoring.term(words[i]);
      if (term === undefined) continue;
      constant += term.absent;
      count++;
      largest += term.largest;
      const at = terms.indexOf(term);
      if (at < 0) {
        terms.push(term);
        counts.push(1);
      } else counts[at]++;
    }
    return { scoring, terms, counts, constant, count, exact: largest < GRID_LIMIT };
  }

  /** A similarity made ready for this index; the last eight are kept. */
  private scoring(spec: SimilaritySpec): Scoring {
    const resolved = typeof spec === 'string' ? undefined : resolveSimilarity(spec);
    const name = resolved?.key ?? (spec as string);
    let scoring = this.scorings.get(name);
    if (scoring === undefined) {
      if (this.scorings.size >= 8) this.scorings.clear();
      scoring = new Scoring(
        resolved ?? resolveSimilarity(spec),
        this.collection,
        this.segments,
        this.maxLength,
      );
      this.scorings.set(name, scoring);
    }
    return scoring;
  }

  private searchOne(s: number, prepared: PreparedQuery, top: TopK): void {
    const open = this.segments[s];
    const { scoring, terms, counts } = prepared;
    const { pivots, key, similarity } = scoring;
    const prune = similarity.prunable && prepared.exact && prepared.constant === 0;
    if (prune && this.impacts.search(open, s, terms, counts, pivots, top)) return;
    const cursors = [];
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i];
      const list = open.postings(term.word, term.text);
      if (list === undefined) continue;
      const scorer = this.relative(term.scorer);
      const scored = open.scored(list, key, scorer, pivots);
      if (prune && scored !== undefined) top.atLeast(scored.reachedBy(top.k) * counts[i]);
      const cursor = this.memory.cursor(cursors.length);
      cursor.open(list, scorer, counts[i], key, pivots);
      cursors.push(cursor);
    }
    if (cursors.length === 0) return;
    searchSegment(
      {
        documents: open.segment.meta.documents,
        firstDocument: open.firstDocument,
        lengths: open.segment.lengths,
        deleted: open.tombstones?.bits,
        cursors,
        pivots,
        prune,
        finish: this.finisher(open, prepared, prepared.constant),
      },
      this.memory,
      top,
    );
  }

  /** With absent terms counted in a constant, a present one adds only what it gives above that. */
  private relative(scorer: TermScorer): TermScorer {
    const { absent, score } = scorer;
    if (absent === undefined) return scorer;
    const base = toGrid(absent);
    if (score === undefined) return { ...scorer, add: scorer.add - base, absent: undefined };
    return { ...scorer, score: (tf, length) => score(tf, length) - base, absent: undefined };
  }

  private finisher(
    open: OpenSegment,
    prepared: PreparedQuery,
    constant: number,
  ): ((sum: number, doc: number) => number) | undefined {
    const { key, similarity } = prepared.scoring;
    const { document, cosine } = similarity;
    if (cosine !== undefined) {
      const norms = open.cosineNorms(key, cosine.weight, this.segments);
      return (sum, doc) => sum / norms[doc];
    }
    if (document !== undefined) {
      const { lengths } = open.segment;
      return (sum, doc) => sum + document(lengths[doc], prepared.count);
    }
    return constant === 0 ? undefined : sum => sum + constant;
  }

  /** Whether document a's key sorts before b's, in code point order. */
  private before(a: number, b: number): boolean {
    const first = this.segmentOf(a);
    const second = this.segmentOf(b);
    if (first === second) return a < b;
    const key = first.key(a - first.firstDocument);
    const other = second.key(b - second.firstDocument);
    return compareBytes(key, 0, key.length, other, 0, other.length) < 0;
  }

  private segmentOf(doc: number): OpenSegment {
    for (let s = this.segments.length - 1; s >= 0; s--) {
      const open = this.segments[s];
      if (doc >= open.firstDocument && doc < open.firstDocument + open.segment.meta.documents) return open;
    }
    throw new IndexError(
      'argument',
      `document number ${doc}: this index has numbers below ${this.numbers()}`,
    );
  }

  private numbers(): number {
    return this.segments.reduce((sum, s) => sum + s.segment.meta.documents, 0);
  }

  private noColumn(name: string): IndexError {
    const known = [this.info.keyColumn, ...this.info.columns.map(c => c.name)].join(', ');
    return new IndexError('argument', `${this.dir}: no column "${name}" is stored; there are ${known}`);
  }
}

/** A sign of the query language; text without one is the same in it and outside. */
const SIGNS = /["+\-():^]/;

const isText = (similarity: ScoringSpec): similarity is SimilaritySpec =>
  similarities.has(typeof similarity === 'string' ? similarity : similarity.name);

export function checkK(k: number): void {
  if (!Number.isInteger(k) || k < 1)
    throw new IndexError('argument', `search: k is ${k}, wanted a whole number of at least 1`);
}

function findManifest(dir: string, generation: number | undefined): Manifest {
  if (!fs.existsSync(dir))
    throw new IndexError('missing', `${dir}: there is no index here; build one first`, dir);
  const current = readCurrent(dir);
  if (generation === undefined) {
    if (current === undefined) {
      throw new IndexError('missing', `${dir}: no index was published here; build one first`, dir);
    }
    return readManifest(dir, current.generation);
  }
  try {
    return readManifest(dir, generation);
  } catch (error) {
    if (!(error instanceof IndexError) || error.code !== 'missing') throw error;
    throw new IndexError(
      'generation',
      `${dir}: generation ${generation} is not here; the live one is ${current?.generation ?? 'none'}`,
      dir,
    );
  }
}
