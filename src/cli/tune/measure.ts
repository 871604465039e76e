/** What a similarity gives for every question of a set, by one metric. */

import type { ScoringSpec, SparseIndex } from '../../retrieval/sparse/index.ts';
import { UsageError } from '../errors.ts';
import type { Judged } from '../evaluate/files.ts';
import type { MetricsModule } from '../evaluate/measure.ts';

export interface Asked {
  readonly questionId: string;
  readonly question: string;
  readonly judged: Judged;
}

/** Searches all questions and measures them; gives a value a question, NaN where the metric does not count it. */
export class QuestionSet {
  private readonly m: MetricsModule;
  private readonly index: SparseIndex;
  private readonly asked: readonly Asked[];
  private readonly metric: string;
  private readonly depth: number;
  private readonly ids = new Map<number, string>();
  private readonly texts = new Map<number, string>();

  constructor(m: MetricsModule, index: SparseIndex, asked: readonly Asked[], metric: string, depth: number) {
    this.m = m;
    this.index = index;
    this.asked = asked;
    this.metric = metric;
    this.depth = depth;
  }

  values(similarity: ScoringSpec): Float64Array {
    const { m, index, metric, depth } = this;
    const cutoff = Number(/@(\d+)$/.exec(metric)?.[1] ?? 10);
    const needsTexts = /^(answer|mar)/.test(metric);
    const metrics = new m.RankingMetrics({
      k: [cutoff],
      recall: [cutoff],
      mrr: [cutoff],
      ndcg: [cutoff],
      mar: metric.startsWith('mar'),
      curveDepth: 1,
    });
    for (const { questionId, question, judged } of this.asked) {
      const { docs } = index.search(question, { k: depth, similarity });
      this.fetch(docs, needsTexts);
      const { answers, ...known } = judged;
      metrics.add({
        questionId,
        ...known,
        ...(needsTexts ? { answers } : {}),
        hits: {
          docIds: Array.from(docs, doc => this.ids.get(doc) as string),
          ...(needsTexts ? { texts: Array.from(docs, doc => this.texts.get(doc) ?? '') } : {}),
        },
      });
    }
    if (!metrics.names.includes(metric))
      throw new UsageError(`--metric ${metric}: these questions do not have it`, {
        help: `there are ${metrics.names.join(', ') || 'none: they have neither answers nor doc_ids'}`,
      });
    return metrics.values(metric);
  }

  /** Ids (and texts) of documents that were not met before. */
  private fetch(docs: Int32Array, texts: boolean): void {
    const fresh = docs.filter(doc => !this.ids.has(doc));
    if (fresh.length === 0) return;
    const { keyColumn, columns } = this.index.info;
    const idColumn = columns.some(c => c.name === 'doc_id') ? 'doc_id' : keyColumn;
    const names = [
      ...new Set([keyColumn, idColumn, ...(texts && columns.some(c => c.name === 'text') ? ['text'] : [])]),
    ];
    this.index.rows(fresh, names).forEach((row, i) => {
      this.ids.set(fresh[i], String(row[idColumn] ?? row[keyColumn]));
      if (texts) this.texts.set(fresh[i], typeof row.text === 'string' ? row.text : '');
    });
  }
}
