/** From metrics to a report: data for programs, a table for a terminal, plots. */
import { type Json, type Report, UserError } from '../../src/define/index.ts';
import { lineSvg, type MarReport, type RankingMetrics, textTable } from '../../src/metrics/index.ts';

export interface ReportOptions {
  readonly curves: boolean;
  /** Metrics in the printed table; all where it is absent. */
  readonly print?: readonly string[];
}

export async function retrievalReport(metrics: RankingMetrics, options: ReportOptions): Promise<Report> {
  const report = metrics.report();
  const { mar, ...numbers } = report.metrics;
  const rows: [string, number][] = Object.entries(numbers as Record<string, number>);
  for (const kind of ['strict', 'anyHit', 'legacy'] as const) if (mar) rows.push([`mar ${kind}`, mar[kind]]);
  const data: Record<string, Json> = {
    questions: report.questions,
    metrics: { ...(numbers as Record<string, number>), ...(mar && { mar: marData(mar) }) },
    skipped: report.skipped,
    zero: report.zero,
    depth: report.depth,
  };
  const text = [
    `${report.questions} questions`,
    textTable(['metric', 'value'], printed(rows, options.print)),
    ...notes(report),
  ].join('\n');
  if (!options.curves) return { data, text };

  const curves = metrics.curves();
  data.curves = curves as unknown as Json;
  const plots: Record<string, string> = {};
  const top = (['gold', 'success', 'answer', 'recall'] as const).flatMap(name => {
    const points = curves[name];
    return points ? [{ name, points }] : [];
  });
  if (top.length > 0)
    plots['top-k'] = await lineSvg({
      title: 'Questions with gold, an answer, and recall in the top k',
      x: { label: 'k', log: true },
      y: { label: 'share', min: 0, max: 1 },
      series: top,
    });
  if (curves.mar)
    plots.mar = await lineSvg({
      title: 'Answers found by words of context',
      x: { label: 'words' },
      y: { label: 'recall', min: 0, max: 1 },
      series: Object.entries(curves.mar).map(([name, points]) => ({ name, points })),
    });
  return { data, text, plots };
}

/** The rows that are wanted, in the order they are named. @throws UserError on a metric that was not measured */
function printed<R extends readonly [string, ...unknown[]]>(
  rows: readonly R[],
  names: readonly string[] | undefined,
): readonly R[] {
  return (
    names?.map(name => {
      const row = rows.find(([known]) => known === name);
      if (row) return row;
      throw new UserError(`with.print: no metric "${name}" was measured`, {
        help: `there are ${rows.map(([known]) => known).join(', ')}`,
      });
    }) ?? rows
  );
}

const marData = ({ questions, strict, anyHit, legacy }: MarReport): Json => ({
  questions,
  strict,
  anyHit,
  legacy,
});

function notes(report: ReturnType<RankingMetrics['report']>): string[] {
  const { skipped, zero, depth, metrics } = report;
  const cutoffs = Object.keys(metrics).map(name =>
    Number(/^(?:gold|answer|success|recall)@(\d+)$/.exec(name)?.[1] ?? 0),
  );
  const short =
    depth.max > 0 && Math.max(0, ...cutoffs) > depth.max
      ? [
          `no list has more than ${depth.max} hit${depth.max === 1 ? '' : 's'}: figures at a larger k see these alone`,
        ]
      : [];
  const say: [number, string][] = [
    [zero.noHits, 'without hits, counted as 0'],
    [skipped.noGold, 'without gold, left out of gold@k'],
    [skipped.noAnswers, 'without answers, left out of answer@k and mAR'],
  ];
  return [...say.filter(([n]) => n > 0 && n < report.questions).map(([n, what]) => `${n} ${what}`), ...short];
}
