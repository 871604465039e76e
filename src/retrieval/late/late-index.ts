import { join } from 'node:path';
import { type Multiply, plainMultiply } from '../dense/exact.ts';
import type { StoredField } from '../sparse/columns.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Filter } from '../sparse/query/types.ts';
import type { StoredValue } from '../sparse/stored.ts';
import { TopK } from '../sparse/top-k.ts';
import { countAllowed, RowsIndex } from '../store/rows-index.ts';
import { type VerifyReport, verifyGenerations } from '../store/verify.ts';
import { CentroidMaxes } from './centroid-maxes.ts';
import { type Codebook, projected, readCodebook } from './codebook.ts';
import { decodeTokens } from './codec.ts';
import { LATE_SEGMENT, type LateSettings, lateGenerations } from './late-writer.ts';
import { Lowest } from './lowest.ts';
import { Products } from './products.ts';
import { lengthsOf, type Question, Residuals, type StageOptions, stagesFor } from './question.ts';
import { SegmentLists, tokensIn } from './segment-lists.ts';
import { candidatesOf } from './stages.ts';

export interface LateOpenOptions {
  /** Open this generation instead of the live one. */
  generation?: number;
  /** Memory for compressed tokens; those of segments beyond it are read from their files. Default 1 GiB. */
  cacheBytes?: number;
  /** A quick product of matrices; default a plain loop. */
  multiply?: Multiply;
}

export interface LateInfo {
  generation: number;
  documents: number;
  /** Those of deleted documents included. */
  tokens: number;
  segments: number;
  bytes: number;
  keyColumn: string;
  columns: StoredField[];
  settings: LateSettings;
}

export interface LateSearchOptions extends Partial<StageOptions> {
  /** Hits a question. */
  k: number;
  filter?: Filter;
  /** Looks at every token of every document. Default false. */
  exact?: boolean;
}

export interface LateResult {
  /** Documents by number (valid for this open index), best first, ties by key. */
  docs: Int32Array;
  scores: Float64Array;
}

interface Scored {
  readonly doc: number;
  readonly score: number;
}

/** Deviations above the mean that no candidate's tokens are thought to raise it by. */
const SURE = 5;

/** Candidates between two looks at whether more are needed. */
const LOOK = 32;

/** Hits more than wanted that are scored anew in double precision: floats cannot tell them apart. */
const SPARE = 8;

/**
 * One generation of an index of token vectors, open for reading. Search goes in stages (PLAID, Santhanam et al. 2022): the
 * passages of the centroids nearest to each token of the question; their scores by centroids and shares alone; the best by
 * their compressed tokens, as many as may matter. Scores of hits are MaxSim over the stored vectors: the sum over
 * tokens of the question of the greatest dot product, however a hit was found.
 */
export class LateIndex {
  readonly info: LateInfo;
  private readonly index: RowsIndex;
  private readonly settings: LateSettings;
  private readonly multiply: Multiply;
  private readonly book: Codebook | undefined;
  private readonly products: Products | undefined;
  private readonly lists: (SegmentLists | undefined)[];

  private constructor(index: RowsIndex, book: Codebook | undefined, options: LateOpenOptions) {
    const { manifest } = index;
    this.index = index;
    this.settings = manifest.settings as unknown as LateSettings;
    this.book = book;
    this.products = book && new Products(book);
    this.multiply = options.multiply ?? plainMultiply;
    let left = options.cacheBytes ?? 1 << 30;
    const documents = index.segments.reduce((sum, { segment }) => sum + segment.meta.documents, 0);
    const tokens = book ? index.segments.reduce((sum, { segment }) => sum + tokensIn(segment, book), 0) : 0;
    const maxes = book && new CentroidMaxes(documents, tokens, book);
    let first = 0;
    this.lists = index.segments.map(({ segment }) => {
      if (book === undefined || maxes === undefined) return undefined;
      const resident = segment.payload.length <= left;
      if (resident) left -= segment.payload.length;
      const lists = new SegmentLists(segment, book, resident, maxes, first);
      first += segment.meta.documents;
      return lists;
    });
    this.info = {
      generation: manifest.generation,
      documents: manifest.documents,
      tokens,
      segments: manifest.segments.length,
      bytes: index.bytes + (this.settings.codebook?.bytes ?? 0),
      keyColumn: manifest.keyColumn,
      columns: manifest.fields,
      settings: this.settings,
    };
  }

  /** Opens the live generation, or a named one. Throws IndexError 'missing', 'generation', 'version', 'corrupt'. */
  static open(dir: string, options: LateOpenOptions = {}): Promise<LateIndex> {
    return lateGenerations.opened(dir, options.generation, manifest => {
      const { codebook } = manifest.settings as unknown as LateSettings;
      const book = codebook ? readCodebook(join(dir, codebook.file)) : undefined;
      const index = new RowsIndex(dir, manifest, LATE_SEGMENT);
      try {
        return new LateIndex(index, book, options);
      } catch (error) {
        index.close();
        throw error;
      }
    });
  }

  /**
   * The `k` best documents for one question. A question without tokens, or whose tokens all are zero, has no hits, and
   * neither has a document without tokens.
   * @param vectors tokens × from
   * @throws IndexError 'argument' where vectors have another length than the index's, or are not finite
   */
  async search(vectors: Float32Array, options: LateSearchOptions): Promise<LateResult> {
    const { from } = this.settings;
    if (!Number.isInteger(options.k) || options.k < 1)
      throw new IndexError('argument', `search: k is ${options.k}, wanted a whole number of at least 1`);
    if (vectors.length % from !== 0)
      throw new IndexError(
        'argument',
        `${this.index.dir}: the index holds vectors of ${from} numbers, the question has ${vectors.length} in all; encode questions with the model that encoded the index`,
      );
    if (!vectors.every(Number.isFinite))
      throw new IndexError('argument', 'search: the question has numbers that are not finite');
    const top = new TopK(options.k, (a, b) => this.index.before(a, b));
    const { book } = this;
    const question = book && (await this.question(vectors, book));
    if (book === undefined || question === undefined) return top.take();
    const stages = { ...stagesFor(options.k), ...given(options) };
    const residuals = new Residuals(question, book, this.products as Products);
    const allowed = this.index.allowed(options.filter);
    const near = options.exact
      ? this.everything(residuals, allowed)
      : this.staged(question, residuals, stages, options.k, allowed);
    near.sort((a, b) => b.score - a.score || a.doc - b.doc);
    for (const { doc } of near.slice(0, options.k + SPARE))
      top.offer(doc, residuals.exact(this.payload(doc)));
    return top.take();
  }

  private everything(residuals: Residuals, allowed: readonly (Uint8Array | undefined)[]): Scored[] {
    const out: Scored[] = [];
    for (const [s, { first }] of this.index.segments.entries()) {
      const lists = this.lists[s] as SegmentLists;
      for (const doc of lists.all(allowed[s])) {
        const payload = lists.payload(doc);
        if (payload.length > 0) out.push({ doc: first + doc, score: residuals.score(payload) });
      }
    }
    return out;
  }

  /**
   * Scores of those that the stages leave, best centroids first. It ends once scores by centroids are so low that, as much
   * as those before were raised by their tokens and five deviations more, the next would still not be among the k best.
   */
  private staged(
    question: Question,
    residuals: Residuals,
    stages: StageOptions,
    k: number,
    allowed: readonly (Uint8Array | undefined)[],
  ): Scored[] {
    const { segments } = this.index;
    const parts = segments.map(({ documents }, s) => ({
      lists: this.lists[s] as SegmentLists,
      documents,
      allowed: allowed[s],
      count: countAllowed(allowed[s], documents),
    }));
    const found: Scored[] = [];
    candidatesOf(parts, question, stages, k).forEach(({ docs, scores }, s) => {
      docs.forEach((doc, i) => {
        found.push({ doc: segments[s].first + doc, score: scores[i] });
      });
    });
    found.sort((a, b) => b.score - a.score || a.doc - b.doc);
    const out: Scored[] = [];
    const most = Math.max(stages.candidates, k + SPARE);
    const bar = new Lowest(k);
    let [n, sum, squares] = [0, 0, 0];
    for (let from = 0; from < found.length && out.length < most; from += LOOK) {
      for (const { doc, score: before } of found.slice(from, from + LOOK)) {
        const payload = this.payload(doc);
        if (payload.length === 0) continue;
        const score = residuals.score(payload);
        out.push({ doc, score });
        bar.offer(score);
        n++;
        sum += score - before;
        squares += (score - before) ** 2;
      }
      const next = found[from + LOOK];
      if (next === undefined || n === 0 || out.length < k + SPARE) continue;
      const mean = sum / n;
      const deviation = Math.sqrt(Math.max(0, squares / n - mean * mean));
      if (next.score + mean + SURE * deviation < bar.value) break;
    }
    return out;
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

  /** The stored token vectors of a document by number: tokens × dimension, as floats of length 1. */
  vectors(document: number): Float32Array {
    return this.book ? decodeTokens(this.payload(document), this.book) : new Float32Array(0);
  }

  close(): void {
    this.index.close();
  }

  /** The compressed tokens of a document. */
  private payload(document: number): Uint8Array {
    const open = this.index.segmentOf(document);
    const lists = this.lists[this.index.segments.indexOf(open)];
    return lists?.payload(document - open.first) ?? new Uint8Array(0);
  }

  /** Tokens of a question at the width of the index, and their products with the centroids. */
  private async question(vectors: Float32Array, book: Codebook): Promise<Question | undefined> {
    const { dimension: d, from } = book;
    const all = await projected(vectors, vectors.length / from, book, this.multiply, false);
    const lengths = lengthsOf(all, d);
    const kept = [...lengths.keys()].filter(q => lengths[q] > 0);
    if (kept.length === 0) return undefined;
    const tokens = new Float32Array(kept.length * d);
    kept.forEach((q, i) => {
      tokens.set(all.subarray(q * d, (q + 1) * d), i * d);
    });
    const columns = new Float32Array(tokens.length);
    for (let q = 0; q < kept.length; q++)
      for (let c = 0; c < d; c++) columns[c * kept.length + q] = tokens[q * d + c];
    const count = book.centroids.length / d;
    const scores = await this.multiply(book.centroids, count, columns, kept.length, d);
    return { tokens, count: kept.length, lengths: lengthsOf(tokens, d), scores };
  }
}

/** Stage options that were given. */
const given = ({ cells, candidates }: LateSearchOptions): Partial<StageOptions> => ({
  ...(cells !== undefined && { cells }),
  ...(candidates !== undefined && { candidates }),
});

/** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
export const verifyLate = (dir: string): Promise<VerifyReport> => verifyGenerations(dir, lateGenerations);

export const publishLate = (dir: string, generation: number): Promise<void> =>
  lateGenerations.publish(dir, generation);
export const rollbackLate = (dir: string): Promise<number> => lateGenerations.rollback(dir);
