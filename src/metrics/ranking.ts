/** Ranking metrics over a stream of questions: one `add` a question, one `report` at the end. */
import { AnswerMatcher, type MatchText, TextCache } from './answers.ts';
import { meanOf, NumberColumn } from './column.ts';
import { accuracyCurve } from './curves.ts';
import { MarAccumulator, marBins } from './mar.ts';
import { averagePrecision, firstRelevant, ndcg, precisionAt, recallAt, rPrecision } from './measures.ts';
import { collapseByDocument, orderHits } from './order.ts';
import type { JudgedQuestion, RankingCurves, RankingOptions, RankingReport } from './ranking-types.ts';

const JUDGED_DEPTH = 10;

/**
 * Streaming ranking metrics.
 *
 * gold@k is 1 where a gold document is among the first k documents, answer@k where a text among the first k
 * hits holds an answer; the judged measures are those of trec_eval. Hits of one document collapse to the
 * first, except for answer@k and mAR, which look at the hits as they are. A question a metric cannot judge
 * is left out of that metric and counted in `skipped`; one without hits counts as 0.
 */
export class RankingMetrics {
  readonly #options: Required<RankingOptions>;
  readonly #ids = new Map<string, number>();
  readonly #columns = new Map<string, NumberColumn>();
  readonly #texts = new TextCache();
  readonly #mar = new MarAccumulator();
  readonly #recallSums: Float64Array;
  #recallQuestions = 0;
  readonly #skipped = { noGold: 0, noJudgements: 0, noAnswers: 0, noTexts: 0 };
  readonly #zero = { noHits: 0, noRelevant: 0 };
  #hits = 0;
  #minHits = Number.POSITIVE_INFINITY;
  #maxHits = 0;

  /** @throws RangeError where a cutoff is not a positive whole number. */
  constructor(options: RankingOptions = {}) {
    const k = cutoffs('k', options.k ?? [1, 5, 20, 100]);
    this.#options = {
      k,
      recall: cutoffs('recall', options.recall ?? [...k, 100]),
      precision: cutoffs('precision', options.precision ?? k),
      mrr: cutoffs('mrr', options.mrr ?? [10]),
      ndcg: cutoffs('ndcg', options.ndcg ?? [10]),
      gain: options.gain ?? 'linear',
      order: options.order ?? 'given',
      match: options.match ?? 'auto',
      mar: options.mar ?? true,
      curveDepth: cutoffs('curveDepth', [options.curveDepth ?? 100])[0],
    };
    this.#recallSums = new Float64Array(this.#options.curveDepth);
  }

  /**
   * Adds a question.
   *
   * @throws RangeError where a question comes twice, or its hits do not fit together.
   */
  add(question: JudgedQuestion): void {
    const { questionId, hits } = question;
    const where = `question "${questionId}"`;
    if (this.#ids.has(questionId)) {
      throw new RangeError(`${where}: added twice; give each question all its hits at once, under one id`);
    }
    const order = orderHits(hits, this.#options.order, where);
    this.#ids.set(questionId, this.#ids.size);
    this.#hits += order.length;
    this.#minHits = Math.min(this.#minHits, order.length);
    this.#maxHits = Math.max(this.#maxHits, order.length);
    if (order.length === 0) this.#zero.noHits++;
    const docIds = collapseByDocument(hits.docIds, order);
    this.#addGold(question, docIds);
    this.#addJudged(question, docIds);
    this.#addAnswers(question, order);
  }

  #put(name: string, value: number): void {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new NumberColumn();
      this.#columns.set(name, column);
    }
    column.set(this.#ids.size - 1, value);
  }

  #addGold({ goldDocIds }: JudgedQuestion, docIds: readonly string[]): void {
    if (!goldDocIds?.length) {
      this.#skipped.noGold++;
      return;
    }
    const gold = new Set(goldDocIds);
    this.#put('gold-rank', docIds.findIndex(id => gold.has(id)) + 1);
  }

  #addJudged({ relevance, goldDocIds }: JudgedQuestion, docIds: readonly string[]): void {
    const given = relevance ? toMap(relevance) : new Map<string, number>();
    const grades = given.size > 0 ? given : new Map(goldDocIds?.map(id => [id, 1]));
    if (grades.size === 0) {
      this.#skipped.noJudgements++;
      return;
    }
    const list = Float64Array.from(docIds, id => grades.get(id) ?? 0);
    const judged = Float64Array.from(grades.values());
    const relevant = judged.reduce((count, grade) => count + Number(grade >= 1), 0);
    if (relevant === 0) this.#zero.noRelevant++;
    const options = this.#options;

    this.#put('relevant-rank', firstRelevant(list));
    for (const k of options.recall) this.#put(`recall@${k}`, recallAt(list, relevant, k));
    for (const k of options.precision) this.#put(`precision@${k}`, precisionAt(list, k));
    this.#put('map', averagePrecision(list, relevant));
    for (const k of options.ndcg) this.#put(`ndcg@${k}`, ndcg(list, judged, k, options.gain));
    this.#put('ndcg', ndcg(list, judged, Number.POSITIVE_INFINITY, options.gain));
    this.#put('r-precision', rPrecision(list, relevant));
    if (given.size > 0) {
      const top = docIds.slice(0, JUDGED_DEPTH);
      const share = top.length === 0 ? 0 : top.filter(id => given.has(id)).length / top.length;
      this.#put(`judged@${JUDGED_DEPTH}`, share);
    }
    this.#recallQuestions++;
    let found = 0;
    for (let i = 0; i < this.#recallSums.length; i++) {
      if (i < list.length && list[i] >= 1) found++;
      this.#recallSums[i] += relevant === 0 ? 0 : found / relevant;
    }
  }

  #addAnswers({ answers, hits }: JudgedQuestion, order: Uint32Array): void {
    const matchers = (answers ?? []).map(answer => new AnswerMatcher(answer, this.#options.match));
    const usable = matchers.filter(matcher => !matcher.empty);
    const { texts } = hits;
    if (usable.length === 0) {
      this.#skipped.noAnswers++;
      return;
    }
    if (texts === undefined && order.length > 0) {
      this.#skipped.noTexts++;
      return;
    }
    const prepared = (i: number): MatchText => this.#texts.get((texts as ArrayLike<string>)[order[i]] ?? '');
    let rank = 0;
    for (let i = 0; i < order.length && rank === 0; i++) {
      const text = prepared(i);
      if (usable.some(matcher => matcher.test(text))) rank = i + 1;
    }
    this.#put('answer-rank', rank);
    if (!this.#options.mar) return;
    const inOrder = function* (): Generator<MatchText> {
      for (let i = 0; i < order.length; i++) yield prepared(i);
    };
    const means = this.#mar.add(marBins(inOrder(), usable));
    this.#put('mar.strict', means.strict);
    this.#put('mar.any-hit', means.anyHit);
  }

  /** Ids of the questions, in the order they came; entry i of `values` belongs to entry i of this. */
  get questionIds(): string[] {
    return [...this.#ids.keys()];
  }

  /** Names of the metrics that have a value a question, in the order of the report. */
  get names(): string[] {
    const { k, mrr } = this.#options;
    const has = (column: string): boolean => this.#columns.has(column);
    const names: string[] = [];
    if (has('gold-rank')) names.push(...k.map(at => `gold@${at}`));
    if (has('answer-rank')) names.push(...k.map(at => `answer@${at}`));
    if (has('relevant-rank'))
      names.push(...k.map(at => `success@${at}`), ...mrr.map(at => `mrr@${at}`), 'mrr');
    for (const name of this.#columns.keys()) if (!name.endsWith('-rank')) names.push(name);
    return names;
  }

  /**
   * The metric's value for every question (see `questionIds`), NaN where the metric does not count it.
   * Also `mar.strict` and `mar.any-hit`.
   *
   * @throws RangeError where no question has such a metric.
   */
  values(name: string): Float64Array {
    const size = this.#ids.size;
    if (!this.names.includes(name)) {
      throw new RangeError(
        `metric "${name}" was not measured; there are: ${this.names.join(', ') || 'none'}`,
      );
    }
    const stored = this.#columns.get(name);
    if (stored !== undefined) return stored.take(size);
    const [kind, at] = name.split('@');
    const k = at === undefined ? Number.POSITIVE_INFINITY : Number(at);
    const column = kind === 'gold' ? 'gold-rank' : kind === 'answer' ? 'answer-rank' : 'relevant-rank';
    const ranks = (this.#columns.get(column) as NumberColumn).take(size);
    return ranks.map(rank => {
      if (Number.isNaN(rank)) return rank;
      if (rank === 0 || rank > k) return 0;
      return kind === 'mrr' ? 1 / rank : 1;
    });
  }

  report(): RankingReport {
    const questions = this.#ids.size;
    const metrics: RankingReport['metrics'] = {};
    for (const name of this.names) {
      if (!name.startsWith('mar.')) metrics[name] = meanOf(this.values(name));
    }
    const mar = this.#mar.report();
    if (mar.questions > 0) metrics.mar = mar;
    const depth = {
      min: questions === 0 ? 0 : this.#minHits,
      max: this.#maxHits,
      mean: questions === 0 ? 0 : this.#hits / questions,
    };
    return { questions, metrics, skipped: { ...this.#skipped }, zero: { ...this.#zero }, depth };
  }

  curves(): RankingCurves {
    const depth = this.#options.curveDepth;
    const curves: RankingCurves = {};
    for (const name of ['gold', 'answer'] as const) {
      const ranks = this.#columns.get(`${name}-rank`)?.take(this.#ids.size);
      if (ranks !== undefined) curves[name] = accuracyCurve(ranks, depth);
    }
    const relevant = this.#columns.get('relevant-rank')?.take(this.#ids.size);
    if (relevant !== undefined && curves.gold === undefined) curves.success = accuracyCurve(relevant, depth);
    if (this.#recallQuestions > 0) {
      curves.recall = Array.from(this.#recallSums, (sum, i) => [i + 1, sum / this.#recallQuestions]);
    }
    const { questions, curve } = this.#mar.report();
    if (questions > 0) {
      const points = (ys: number[]): [number, number][] => ys.map((y, i) => [curve.words[i], y]);
      curves.mar = {
        strict: points(curve.strict),
        anyHit: points(curve.anyHit),
        legacy: points(curve.legacy),
      };
    }
    return curves;
  }
}

function toMap(grades: NonNullable<JudgedQuestion['relevance']>): ReadonlyMap<string, number> {
  return grades instanceof Map ? grades : new Map(Object.entries(grades));
}

function cutoffs(name: string, values: readonly number[]): number[] {
  for (const value of values) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name}: found the cutoff ${value}, wanted whole numbers from 1`);
    }
  }
  return [...new Set(values)].sort((a, b) => a - b);
}
