/** Evaluates a TREC run against qrels as trec_eval does. */
import { RankingMetrics } from './ranking.ts';
import type { RankingOptions } from './ranking-types.ts';
import type { Qrels, TrecRun } from './trec.ts';

export interface RunEvaluationOptions extends RankingOptions {
  /**
   * Judged questions that the run does not have: `skip` (default, as trec_eval) averages over the questions
   * in both files, `zero` (trec_eval -c) counts them as 0.
   */
  missing?: 'skip' | 'zero';
}

export interface RunEvaluation {
  /** Holds the values a question and `report()`; `questions` there are the ones averaged over. */
  readonly metrics: RankingMetrics;
  /** Judged questions without a line in the run. */
  readonly missing: number;
  /** Questions of the run without a judgement; they are never counted. */
  readonly unjudged: number;
}

/**
 * Evaluates a run. Order: score in single precision descending, ties by document id descending; unjudged
 * documents are not relevant; documents are relevant from grade 1; questions without a relevant document
 * count as 0. Names: `mrr` is trec_eval's recip_rank, `precision@k` P_k, `r-precision` Rprec, `ndcg@k`
 * ndcg_cut_k, `map`, `ndcg`, `recall@k` and `success@k` are called the same.
 *
 * Questions are taken in the order of the qrels, so that two runs of the same qrels can be paired.
 */
export function evaluateRun(qrels: Qrels, run: TrecRun, options: RunEvaluationOptions = {}): RunEvaluation {
  const { missing: whenMissing = 'skip', ...rest } = options;
  const metrics = new RankingMetrics({ order: 'trec', mar: false, ...rest });
  let missing = 0;
  let unjudged = 0;
  for (const [questionId, relevance] of qrels) {
    const hits = run.get(questionId);
    if (hits === undefined) missing++;
    if (hits === undefined && whenMissing === 'skip') continue;
    metrics.add({ questionId, relevance, hits: hits ?? { docIds: [], scores: [] } });
  }
  for (const questionId of run.keys()) if (!qrels.has(questionId)) unjudged++;
  return { metrics, missing, unjudged };
}
