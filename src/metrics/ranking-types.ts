/** What the ranking metrics take and give. */
import type { AnswerMatch } from './answers.ts';
import type { MarReport } from './mar.ts';
import type { Gain } from './measures.ts';
import type { HitOrder, Hits } from './order.ts';

/** One question with what is known about it and what was retrieved for it. */
export interface JudgedQuestion {
  questionId: string;
  /** Answer strings; none means the question has no answer and is left out of answer@k and mAR. */
  answers?: readonly string[] | null;
  /** The documents (or passages) the question was written for. */
  goldDocIds?: readonly string[] | null;
  /** Grades by document; ≥ 1 is relevant. Without it each gold document has grade 1. */
  relevance?: ReadonlyMap<string, number> | Readonly<Record<string, number>> | null;
  /** No hits (empty lists) means that nothing was retrieved: the question counts as 0. */
  hits: Hits;
}

export interface RankingOptions {
  /** Cutoffs of gold@k, answer@k and success@k, and of the other lists where they are not given. Default 1, 5, 20, 100. */
  k?: readonly number[];
  /** Cutoffs of recall@k. Default: `k` and 100. */
  recall?: readonly number[];
  /** Cutoffs of precision@k. Default: `k`. */
  precision?: readonly number[];
  /** Cutoffs of mrr@k. Default 10. */
  mrr?: readonly number[];
  /** Cutoffs of ndcg@k. Default 10. */
  ndcg?: readonly number[];
  gain?: Gain;
  order?: HitOrder;
  match?: AnswerMatch;
  /** Whether mAR is computed where answers and texts are there. Default true. */
  mar?: boolean;
  /** Greatest k of the curves. Default 100. */
  curveDepth?: number;
}

export interface RankingReport {
  /** Questions added. */
  questions: number;
  /**
   * Means over the questions a metric applies to, each from 0 to 1. Keys: `gold@k`; `answer@k`; `recall@k`,
   * `precision@k`, `success@k`, `mrr`, `mrr@k`, `map`, `ndcg`, `ndcg@k`, `r-precision`; `judged@10` where
   * grades were given; and `mar`. A key is absent where no question has what it needs.
   */
  metrics: { [name: string]: number | MarReport | undefined; mar?: MarReport };
  /** Questions a group of metrics could not count, and why. */
  skipped: {
    /** gold@k: no gold document is named. */
    noGold: number;
    /** recall to r-precision: neither grades nor gold documents. */
    noJudgements: number;
    /** answer@k and mAR: no answers, or none but empty ones. */
    noAnswers: number;
    /** answer@k and mAR: answers, but hits without texts. */
    noTexts: number;
  };
  /** Questions counted as 0 that deserve a look. */
  zero: {
    /** Nothing was retrieved. */
    noHits: number;
    /** Judged, but no document is relevant (trec_eval counts these too). */
    noRelevant: number;
  };
  /** Hits a question, before hits of one document collapse. */
  depth: { min: number; max: number; mean: number };
}

/** Points (k, mean) for k = 1 to the curve depth; absent where no question has what it needs. */
export interface RankingCurves {
  gold?: [number, number][];
  /** A relevant document is among the first k; absent where `gold` says the same. */
  success?: [number, number][];
  answer?: [number, number][];
  recall?: [number, number][];
  /** (context words, mean recall). */
  mar?: { strict: [number, number][]; anyHit: [number, number][]; legacy: [number, number][] };
}
