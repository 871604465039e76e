import { join } from 'node:path';
import { type Multiply, plainMultiply, transposed } from '../dense/exact.ts';
import { Lowest } from '../lowest.ts';
import { IndexError } from '../sparse/errors.ts';
import type { Filter } from '../sparse/query/types.ts';
import { TopK } from '../sparse/top-k.ts';
import { checkedK, KeyedIndex, type KeyedInfo, KeyedKind } from '../store/keyed-index.ts';
import { countAllowed, type RowsIndex } from '../store/rows-index.ts';
import { modelText } from '../store/vector-model.ts';
import type { VerifyReport } from '../store/verify.ts';
import { CentroidMaxes } from './centroid-maxes.ts';
import { type Codebook, projected, readCodebook } from './codebook.ts';
import { decodeTokens } from './codec.ts';
import { LATE_SEGMENT, type LateSettings, lateGenerations } from './late-writer.ts';
import { PlainTokens } from './plain.ts';
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

export interface LateInfo extends KeyedInfo<LateSettings> {
  /** Those of deleted documents included. */
  tokens: number;
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

const lateKind = new KeyedKind(lateGenerations, LATE_SEGMENT);

/** How tokens are held for search: compressed by a codebook, or as they came. */
type Held =
  | {
      readonly book: Codebook;
      readonly products: Products;
      readonly lists: readonly SegmentLists[];
      readonly tokens: number;
    }
  | { readonly plain: PlainTokens; readonly tokens: number };

/**
 * One generation of an index of token vectors, open for reading. Search goes in stages (PLAID, Santhanam et al. 2022): the
 * passages of the centroids nearest to each token of the question; their scores by centroids and shares alone; the best by
 * their compressed tokens, as many as may matter. Scores of hits are MaxSim over the stored vectors: the sum over
 * tokens of the question of the greatest dot product, however a hit was found. An index of few tokens has no codebook, and
 * all of them are looked at.
 */
export class LateIndex extends KeyedIndex<LateSettings, LateInfo> {
  private readonly multiply: Multiply;
  private readonly held: Held;

  private constructor(index: RowsIndex, held: Held, options: LateOpenOptions) {
    super(index, shared => ({
      ...shared,
      tokens: held.tokens,
      bytes: shared.bytes + (shared.settings.codebook?.bytes ?? 0),
    }));
    this.held = held;
    this.multiply = options.multiply ?? plainMultiply;
  }

  /** Opens the live generation, or a named one. Throws IndexError 'missing', 'generation', 'version', 'corrupt'. */
  static open(dir: string, options: LateOpenOptions = {}): Promise<LateIndex> {
    return lateKind.open(dir, options.generation, index => {
      const { codebook, from } = index.manifest.settings as unknown as LateSettings;
      const held = codebook
        ? compressed(index, readCodebook(join(dir, codebook.file)), options)
        : plainOf(new PlainTokens(index.segments, from));
      return new LateIndex(index, held, options);
    });
  }

  /**
   * The `k` best documents for one question. A question without tokens, or whose tokens all are zero, has no hits, and
   * neither has a document without tokens.
   * @param vectors tokens × from
   * @throws IndexError 'argument' where vectors have another length than the index's, or are not finite
   */
  async search(vectors: Float32Array, options: LateSearchOptions): Promise<LateResult> {
    const { from } = this.info.settings;
    const k = checkedK(options.k, this.info.documents);
    if (vectors.length % from !== 0 && this.info.documents > 0)
      throw new IndexError(
        'argument',
        `${this.index.dir}: the index holds vectors of ${from} numbers, the question has ${vectors.length} in all; encode questions with ${modelText(this.info.settings.model)}`,
      );
    if (!vectors.every(Number.isFinite))
      throw new IndexError('argument', 'search: the question has numbers that are not finite');
    const top = new TopK(k, (a, b) => this.index.before(a, b));
    const allowed = this.index.allowed(options.filter);
    if (this.info.documents === 0) return top.take();
    const { held } = this;
    if ('plain' in held) {
      const tokens = withoutZeros(vectors, from);
      if (tokens.length === 0) return top.take();
      for (const { doc, score } of await held.plain.search(tokens, k, allowed, this.multiply))
        top.offer(doc, score);
      return top.take();
    }
    const { book, products, lists } = held;
    const question = await this.question(vectors, book);
    if (question === undefined) return top.take();
    const stages = { ...stagesFor(k), ...given(options) };
    const residuals = new Residuals(question, book, products);
    const near = options.exact
      ? this.everything(residuals, lists, allowed)
      : this.staged(question, residuals, lists, stages, k, allowed);
    near.sort((a, b) => b.score - a.score || a.doc - b.doc);
    for (const { doc } of near.slice(0, k + SPARE)) top.offer(doc, residuals.exact(this.payload(lists, doc)));
    return top.take();
  }

  private everything(
    residuals: Residuals,
    lists: readonly SegmentLists[],
    allowed: readonly (Uint8Array | undefined)[],
  ): Scored[] {
    const out: Scored[] = [];
    for (const [s, { first }] of this.index.segments.entries()) {
      for (const doc of lists[s].all(allowed[s])) {
        const payload = lists[s].payload(doc);
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
    lists: readonly SegmentLists[],
    stages: StageOptions,
    k: number,
    allowed: readonly (Uint8Array | undefined)[],
  ): Scored[] {
    const { segments } = this.index;
    const parts = segments.map(({ documents }, s) => ({
      lists: lists[s],
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
    let n = 0;
    let sum = 0;
    let squares = 0;
    for (let from = 0; from < found.length && out.length < most; from += LOOK) {
      for (const { doc, score: before } of found.slice(from, from + LOOK)) {
        const payload = this.payload(lists, doc);
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

  /**
   * The stored token vectors of a document by number, of length 1: tokens × dimension; × from where the index is small and
   * keeps them as they came.
   */
  vectors(document: number): Float32Array {
    const { held } = this;
    return 'plain' in held
      ? held.plain.of(document).slice()
      : decodeTokens(this.payload(held.lists, document), held.book);
  }

  /** The compressed tokens of a document. */
  private payload(lists: readonly SegmentLists[], document: number): Uint8Array {
    const open = this.index.segmentOf(document);
    return lists[this.index.segments.indexOf(open)].payload(document - open.first);
  }

  /** Tokens of a question at the width of the index, and their products with the centroids. */
  private async question(vectors: Float32Array, book: Codebook): Promise<Question | undefined> {
    const { dimension: d, from } = book;
    const all = await projected(vectors, vectors.length / from, book, this.multiply, false);
    const tokens = withoutZeros(all, d);
    const count = tokens.length / d;
    if (count === 0) return undefined;
    const centroids = book.centroids.length / d;
    const scores = await this.multiply(book.centroids, centroids, transposed(tokens, count, d), count, d);
    return { tokens, count, lengths: lengthsOf(tokens, d), scores };
  }
}

const plainOf = (plain: PlainTokens): Held => ({ plain, tokens: plain.tokens });

function compressed(index: RowsIndex, book: Codebook, options: LateOpenOptions): Held {
  let left = options.cacheBytes ?? 1 << 30;
  const documents = index.segments.reduce((sum, s) => sum + s.documents, 0);
  const tokens = index.segments.reduce((sum, { segment }) => sum + tokensIn(segment, book), 0);
  const maxes = new CentroidMaxes(documents, tokens, book);
  const lists = index.segments.map(({ segment, first }) => {
    const resident = segment.payload.length <= left;
    if (resident) left -= segment.payload.length;
    return new SegmentLists(segment, book, resident, maxes, first);
  });
  return { book, products: new Products(book), lists, tokens };
}

/** Vectors of d numbers but those that are all zero. */
function withoutZeros(vectors: Float32Array, d: number): Float32Array {
  const lengths = lengthsOf(vectors, d);
  if (lengths.every(length => length > 0)) return vectors;
  const kept = [...lengths.keys()].filter(q => lengths[q] > 0);
  const out = new Float32Array(kept.length * d);
  kept.forEach((q, i) => {
    out.set(vectors.subarray(q * d, (q + 1) * d), i * d);
  });
  return out;
}

/** Stage options that were given. */
const given = ({ cells, candidates }: LateSearchOptions): Partial<StageOptions> => ({
  ...(cells !== undefined && { cells }),
  ...(candidates !== undefined && { candidates }),
});

/** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
export const verifyLate = (dir: string): Promise<VerifyReport> => lateKind.verify(dir);

export const publishLate = (dir: string, generation: number): Promise<void> =>
  lateKind.publish(dir, generation);
export const rollbackLate = (dir: string): Promise<number> => lateKind.rollback(dir);
