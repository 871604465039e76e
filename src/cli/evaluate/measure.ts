/** What `evaluate`, `compare` and `tune` share: a run's metrics, two runs side by side. */
import type { Comparison, RankingMetrics, RankingReport } from '../../metrics/index.ts';
import type { Io } from '../command.ts';
import { UsageError } from '../errors.ts';
import { left, right, tableLines } from '../table.ts';
import type { GoldFile, RunFile } from './files.ts';

export type MetricsModule = typeof import('../../metrics/index.ts');

/** Whole numbers parted by commas. */
export const cutoffs = (value: unknown): number[] =>
  String(value)
    .split(',')
    .map(part => {
      const k = Number(part);
      if (!Number.isInteger(k) || k < 1) {
        throw new UsageError(`--k is ${String(value)}, wanted whole numbers from 1, such as 1,5,20`);
      }
      return k;
    });

export interface Measured {
  readonly metrics: RankingMetrics;
  /** Questions of the gold that the run does not have. */
  readonly missing: number;
  /** Questions of the run that the gold does not have. */
  readonly unjudged: number;
}

/** trec_eval leaves out questions that a run misses, where both are TREC files; elsewhere they count as 0. */
export function measure(
  m: MetricsModule,
  run: RunFile,
  gold: GoldFile | undefined,
  k: readonly number[],
  all: boolean,
): Measured {
  const trec = run.kind === 'trec';
  const metrics = new m.RankingMetrics({ k, order: trec ? 'trec' : 'given', mar: !trec });
  const judged = gold?.judged ?? run.judged;
  const skip = gold?.kind === 'qrels' && trec && !all;
  let missing = 0;
  for (const [questionId, known] of judged) {
    const hits = run.hits.get(questionId);
    if (!hits) missing++;
    if (!hits && skip) continue;
    metrics.add({
      questionId,
      ...run.judged.get(questionId),
      ...known,
      hits: hits ?? { docIds: [], texts: [] },
    });
  }
  let unjudged = 0;
  for (const questionId of run.hits.keys()) if (!judged.has(questionId)) unjudged++;
  return { metrics, missing, unjudged };
}

/** Metrics that are numbers; mAR is a report of its own. */
export function scalars(report: RankingReport): [string, number][] {
  const { mar, ...rest } = report.metrics;
  const numbers = Object.entries(rest).filter((e): e is [string, number] => typeof e[1] === 'number');
  return mar ? [...numbers, ['mar.strict', mar.strict], ['mar.any-hit', mar.anyHit]] : numbers;
}

export const perQuestion = (m: RankingMetrics, name: string): Float64Array | undefined =>
  m.names.includes(name) ? m.values(name) : undefined;

export function compare(m: MetricsModule, a: Measured, b: Measured): Record<string, Comparison> {
  const out: Record<string, Comparison> = {};
  for (const name of a.metrics.names) {
    const first = perQuestion(a.metrics, name);
    const second = perQuestion(b.metrics, name);
    if (!first || !second) continue;
    const pair = m.pairByQuestion(
      { questionIds: a.metrics.questionIds, values: first },
      { questionIds: b.metrics.questionIds, values: second },
    );
    out[name] = m.compareRuns(pair.first, pair.second);
  }
  return out;
}

/** A table of differences, a row a metric; `titles` of the two runs. */
export function printComparison(
  comparison: Record<string, Comparison>,
  io: Io,
  titles: readonly [string, string] = ['run', 'against'],
): void {
  const signed = (x: number): string => `${x >= 0 ? '+' : ''}${x.toFixed(4)}`;
  const rows = Object.entries(comparison).map(([name, c]) => [
    name,
    c.first.toFixed(4),
    c.second.toFixed(4),
    signed(c.difference),
    `${signed(c.low)} – ${signed(c.high)}`,
    c.p < 0.0001 ? '< .0001' : c.p.toFixed(4),
    `${c.wins}/${c.losses}/${c.ties}`,
  ]);
  const columns = [
    left('metric'),
    right(titles[0]),
    right(titles[1]),
    right('difference'),
    right('95% interval'),
    right('p'),
    right('win/loss/tie'),
  ];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
}
