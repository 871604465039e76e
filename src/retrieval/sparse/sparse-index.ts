import * as fs from 'node:fs';
import { type Analyzer, createAnalyzer, type ResolvedSpec } from '../analysis/index.ts';
import { compareBytes } from './bytes.ts';
import type { StoredField } from './columns.ts';
import { contribution } from './contribution.ts';
import { IndexError } from './errors.ts';
import { GRID_LIMIT, toGrid } from './grid.ts';
import { type Manifest, readCurrent, readManifest } from './manifest.ts';
import { OpenSegment } from './open-segment.ts';
import { SearchMemory, searchSegment } from './search.ts';
import {
  type Collection,
  type PreparedSimilarity,
  resolveSimilarity,
  type SimilaritySpec,
  type TermScorer,
} from './similarity/index.ts';
import type { StoredValue } from './stored.ts';
import { TopK } from './top-k.ts';

export interface OpenOptions {
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Hold all postings in memory; default: where they fit `cacheBytes`. */
  preload?: boolean;
  /** Memory for postings that were read; default 256 MiB. */
  cacheBytes?: number;
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
}

export interface SearchOptions {
  /** Hits wanted. */
  k: number;
  /** Default lucene (k1 1.2, b .75). */
  similarity?: SimilaritySpec;
}

/** Documents by number (valid for this open index) with their scores, best first, ties by key. */
export interface SearchResult {
  docs: Int32Array;
  scores: Float64Array;
}

export interface Explanation {
  key: string;
  /** Equal to the score `search` gives. */
  score: number;
  /** Terms in the document. */
  length: number;
  /** Whether the document holds a query term and so can be a hit. */
  matches: boolean;
  terms: {
    term: string;
    queryFrequency: number;
    /** f */
    frequency: number;
    /** n */
    documents: number;
    /** What the term adds, query repeats included. */
    score: number;
  }[];
}

interface QueryTerm {
  text: Uint8Array;
  word: string;
  queryFrequency: number;
  documents: number;
  occurrences: number;
  scorer: TermScorer;
}

interface PreparedQuery {
  similarity: PreparedSimilarity;
  key: string;
  terms: QueryTerm[];
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
  private readonly pivots = new Map<string, Float64Array>();
  private maxLength = 0;

  private constructor(dir: string, manifest: Manifest, segments: OpenSegment[]) {
    this.dir = dir;
    this.segments = segments;
    this.analyzer = createAnalyzer(manifest.analyzer.spec);
    if (this.analyzer.fingerprint !== manifest.analyzer.fingerprint) {
      throw new IndexError(
        'analyzer',
        `${dir}: built by another version of analyzer ${JSON.stringify(manifest.analyzer.spec)}; build the index again`,
      );
    }
    const averageLength = manifest.documents === 0 ? 0 : manifest.totalLength / manifest.documents;
    this.collection = { documents: manifest.documents, totalLength: manifest.totalLength, averageLength };
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

  private static openManifest(dir: string, manifest: Manifest, options: OpenOptions): SparseIndex {
    const segments: OpenSegment[] = [];
    try {
      let first = 0;
      const cacheBytes = options.cacheBytes ?? 256 << 20;
      for (const entry of manifest.segments) {
        segments.push(new OpenSegment(dir, entry, first, cacheBytes / manifest.segments.length));
        first += entry.documents;
      }
      const postings = segments.reduce((sum, s) => sum + s.segment.postingsBytes, 0);
      if (options.preload ?? postings <= cacheBytes) for (const { segment } of segments) segment.preload();
      return new SparseIndex(dir, manifest, segments);
    } catch (error) {
      for (const segment of segments) segment.close();
      throw error;
    }
  }

  /** The `k` best documents for a query text, which goes through the index's own analyzer. */
  search(query: string, options: SearchOptions): SearchResult {
    return this.searchTerms(this.analyzer.terms(query), options);
  }

  /** As `search`, for terms as the analyzer gives them; a term counts as often as it is repeated. */
  searchTerms(terms: readonly string[], options: SearchOptions): SearchResult {
    if (!Number.isInteger(options.k) || options.k < 1) {
      throw new IndexError('argument', `search: k is ${options.k}, wanted a whole number of at least 1`);
    }
    const top = new TopK(Math.min(options.k, Math.max(1, this.collection.documents)), (a, b) =>
      this.before(a, b),
    );
    const prepared = this.prepare(terms, options.similarity ?? 'lucene');
    if (prepared.terms.length === 0) return top.take();
    const pivots = this.pivotTable(prepared);
    for (const open of this.segments) this.searchOne(open, prepared, pivots, top);
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

  /** How a document (by number) comes to its score for a query. */
  explain(query: string, doc: number, similarity: SimilaritySpec = 'lucene'): Explanation {
    const prepared = this.prepare(this.analyzer.terms(query), similarity);
    const open = this.segmentOf(doc);
    const local = doc - open.firstDocument;
    const length = open.segment.lengths[local];
    const pivots = this.pivotTable(prepared);
    let sum = 0;
    let matches = false;
    const terms = prepared.terms.map(term => {
      const frequency = open.frequency(term.text, local);
      if (frequency > 0) matches = true;
      const part =
        frequency > 0
          ? contribution(term.scorer, frequency, length, pivots)
          : toGrid(term.scorer.absent ?? 0);
      const score = part * term.queryFrequency;
      sum += score;
      return {
        term: term.word,
        queryFrequency: term.queryFrequency,
        frequency,
        documents: term.documents,
        score,
      };
    });
    const finish = this.finisher(open, prepared, 0);
    return {
      key: decoder.decode(open.key(local)),
      score: finish === undefined ? sum : finish(sum, local),
      length,
      matches,
      terms,
    };
  }

  /** Closes the files. */
  close(): void {
    for (const segment of this.segments) segment.close();
  }

  /** Statistics and scorers of the distinct terms of a query, in order of first occurrence. */
  private prepare(words: readonly string[], spec: SimilaritySpec): PreparedQuery {
    const resolved = resolveSimilarity(spec);
    const similarity = resolved.prepare(this.collection);
    const frequencies = new Map<string, number>();
    for (const word of words) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
    const terms: QueryTerm[] = [];
    let constant = 0;
    let count = 0;
    let largest = 0;
    for (const [word, queryFrequency] of frequencies) {
      const text = encoder.encode(word);
      let documents = 0;
      let occurrences = 0;
      for (const open of this.segments) {
        const term = open.term(word, text);
        documents += term.documents;
        occurrences += term.occurrences;
      }
      if (documents === 0) continue;
      const scorer = similarity.term({
        documents,
        occurrences,
        forEachPosting: visit => {
          for (const open of this.segments) open.forEachPosting(word, text, visit);
        },
      });
      const absent = toGrid(scorer.absent ?? 0);
      constant += absent * queryFrequency;
      count += queryFrequency;
      largest += queryFrequency * (Math.abs(scorer.weight) + Math.abs(scorer.add) + absent);
      terms.push({ text, word, queryFrequency, documents, occurrences, scorer });
    }
    return { similarity, key: resolved.key, terms, constant, count, exact: largest < GRID_LIMIT };
  }

  private searchOne(open: OpenSegment, prepared: PreparedQuery, pivots: Float64Array, top: TopK): void {
    const cursors = [];
    const prune = prepared.similarity.prunable && prepared.exact && prepared.constant === 0;
    for (const term of prepared.terms) {
      const list = open.postings(term.word, term.text);
      if (list === undefined) continue;
      const scorer = this.relative(term.scorer);
      const scored = open.scored(list, prepared.key, scorer, pivots);
      if (prune && scored !== undefined) top.atLeast(scored.reachedBy(top.k) * term.queryFrequency);
      const cursor = this.memory.cursor(cursors.length);
      cursor.open(list, scorer, term.queryFrequency, prepared.key, pivots);
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
    const { document, cosine } = prepared.similarity;
    if (cosine !== undefined) {
      const norms = open.cosineNorms(prepared.key, cosine.weight, this.segments);
      return (sum, doc) => sum / norms[doc];
    }
    if (document !== undefined) {
      const { lengths } = open.segment;
      return (sum, doc) => sum + document(lengths[doc], prepared.count);
    }
    return constant === 0 ? undefined : sum => sum + constant;
  }

  /** u(l) for every length the index has, kept a similarity. */
  private pivotTable(prepared: PreparedQuery): Float64Array {
    const kept = this.pivots.get(prepared.key);
    if (kept !== undefined) return kept;
    if (this.pivots.size >= 8) this.pivots.clear();
    const table = new Float64Array(this.maxLength + 1);
    for (let l = 0; l < table.length; l++) table[l] = prepared.similarity.pivot(l);
    this.pivots.set(prepared.key, table);
    return table;
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
