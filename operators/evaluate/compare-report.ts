/** From the metrics of several runs to a report: one table, one plot of all, and what differs from the first run. */
import type { Json, Report } from '../../src/define/index.ts';
import {
  bootstrapInterval,
  type Comparison,
  compareRuns,
  holm,
  pairByQuestion,
  type RankingMetrics,
  runPlots,
  textTable,
} from '../../src/metrics/index.ts';

const SURE = 0.05;

/**
 * @param runs the first is what the others are compared with
 * @param print metrics in the printed table
 */
export async function compareReport(
  runs: ReadonlyMap<string, RankingMetrics>,
  print: readonly string[],
): Promise<Report> {
  const names = [...runs.keys()];
  const all = [...runs.values()];
  const first = all[0];
  const measured = first?.names ?? [];
  const compared = new Map<string, Comparison[]>();
  for (const metric of measured) {
    compared.set(
      metric,
      all.slice(1).map(other => {
        const pair = pairByQuestion(valuesOf(first, metric), valuesOf(other, metric));
        return compareRuns(pair.first, pair.second);
      }),
    );
  }
  const corrected = new Map([...compared].map(([metric, list]) => [metric, holm(list.map(c => c.p))]));
  const data = {
    questions: first?.report().questions ?? 0,
    against: names[0] ?? null,
    runs: Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          metrics: all[i].report().metrics as Record<string, number>,
          ...(i > 0 && { against: differences(compared, corrected, i - 1) }),
        },
      ]),
    ) as Json,
  };
  const shown = print.filter(name => measured.includes(name));
  const rows = names.map((name, i) => [
    name,
    ...shown.map(metric => {
      const mean = all[i].report().metrics[metric] as number;
      return `${mean.toFixed(4)}${i > 0 && (corrected.get(metric)?.[i - 1] ?? 1) < SURE ? '*' : ' '}`;
    }),
  ]);
  const metric = shown.at(0);
  const text = [
    `${data.questions} questions`,
    textTable(
      [{ header: 'run' }, ...shown.map(metric => ({ header: `${metric} `, align: 'right' as const }))],
      rows,
    ),
    ...(names.length > 1
      ? [
          `* differs from ${names[0]}: p < ${SURE}, paired randomisation test, corrected for ${names.length - 1} runs (Holm)`,
          ...(metric === undefined
            ? []
            : ['', intervals(runs, metric, compared.get(metric) ?? [], corrected.get(metric) ?? [])]),
        ]
      : []),
  ].join('\n');
  return { data, text, plots: await runPlots(names.map((name, i) => ({ name, curves: all[i].curves() }))) };
}

/** Each run's mean of a metric and its difference to the first run's, both with 95 % bootstrap intervals. */
function intervals(
  runs: ReadonlyMap<string, RankingMetrics>,
  metric: string,
  compared: readonly Comparison[],
  corrected: readonly number[],
): string {
  const points = (low: number, high: number, sign: (x: number) => string): string =>
    `[${sign(low)}, ${sign(high)}]`;
  const plain = (x: number): string => x.toFixed(4);
  const signed = (x: number): string => `${x >= 0 ? '+' : ''}${x.toFixed(4)}`;
  const names = [...runs.keys()];
  const align = 'right' as const;
  return textTable(
    [
      { header: metric },
      { header: 'mean, 95 %' },
      { header: `over ${names[0]}, 95 %` },
      { header: 'p', align },
      { header: 'corrected', align },
      { header: 'won', align },
      { header: 'lost', align },
    ],
    names.map((name, i) => {
      const values = (runs.get(name) as RankingMetrics).values(metric).filter(v => !Number.isNaN(v));
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const { low, high } = bootstrapInterval(values);
      const own = [name, `${plain(mean)} ${points(low, high, plain)}`];
      if (i === 0) return [...own, '', '', '', '', ''];
      const c = compared[i - 1];
      return [
        ...own,
        `${signed(c.difference)} ${points(c.low, c.high, signed)}`,
        plain(c.p),
        plain(corrected[i - 1]),
        String(c.wins),
        String(c.losses),
      ];
    }),
  );
}

const valuesOf = (metrics: RankingMetrics, metric: string) => ({
  questionIds: metrics.questionIds,
  values: metrics.values(metric),
});

/** By metric: the difference of a run to the first, its interval, p, p corrected, and questions won and lost. */
function differences(
  compared: ReadonlyMap<string, readonly Comparison[]>,
  corrected: ReadonlyMap<string, readonly number[]>,
  run: number,
): Json {
  return Object.fromEntries(
    [...compared].map(([metric, list]) => {
      const { difference, low, high, p, wins, losses, ties } = list[run];
      const holm = corrected.get(metric)?.[run] ?? 1;
      return [metric, { difference, low, high, p, holm, wins, losses, ties }];
    }),
  );
}
