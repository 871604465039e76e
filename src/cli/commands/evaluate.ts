import type { RankingMetrics, RankingReport } from '../../metrics/index.ts';
import { defineCommand, type Io, oneText } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import {
  compare,
  cutoffs,
  type Measured,
  type MetricsModule,
  measure,
  perQuestion,
  printComparison,
  scalars,
} from '../evaluate/measure.ts';
import { writePlots } from '../reports.ts';
import { counted, left, right, tableLines } from '../table.ts';

function printAlone(m: MetricsModule, measured: Measured, report: RankingReport, io: Io): void {
  const rows = scalars(report).map(([name, value]) => {
    const values = perQuestion(measured.metrics, name);
    const interval = values && m.bootstrapInterval(values);
    return [
      name,
      value.toFixed(4),
      interval ? `${interval.low.toFixed(4)} – ${interval.high.toFixed(4)}` : '',
      interval ? String(interval.questions) : '',
    ];
  });
  const columns = [left('metric'), right('mean'), right('95% interval'), right('questions')];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
}

async function curvePlots(m: MetricsModule, metrics: RankingMetrics): Promise<Record<string, string>> {
  const curves = metrics.curves();
  const series = (['gold', 'success', 'answer', 'recall'] as const).flatMap(name =>
    curves[name] ? [{ name, points: curves[name] }] : [],
  );
  const plots: Record<string, string> = {};
  if (series.length > 0) {
    plots['by-k'] = await m.lineSvg({
      title: 'Retrieval by number of hits',
      x: { label: 'k', log: true },
      y: { label: 'mean over questions', min: 0, max: 1 },
      series,
    });
  }
  if (curves.mar) {
    plots['by-words'] = await m.lineSvg({
      title: 'Recall by context length',
      x: { label: 'words of context' },
      y: { label: 'mean recall of answers', min: 0, max: 1 },
      series: [
        { name: 'strict', points: curves.mar.strict },
        { name: 'any hit', points: curves.mar.anyHit },
      ],
    });
  }
  return plots;
}

export const command = defineCommand({
  usage: 'evaluate <run>',
  summary: 'Measures a file of hits against questions, or a TREC run against qrels.',
  text:
    'Hits (.jsonl, .csv, .parquet, .arrow) have question_id, doc_id and, where known, score, text, answers and doc_ids\n' +
    '(the gold documents). Any other file is read as a TREC run, and judged as trec_eval does.',
  build: y =>
    y
      .positional('run', { type: 'string', demandOption: true, describe: 'hits, or a TREC run' })
      .option('gold', {
        alias: 'qrels',
        type: 'string',
        requiresArg: true,
        coerce: oneText('--gold'),
        describe:
          'questions with answers and doc_ids (.jsonl, .csv, .parquet, .json in SQuAD format), or qrels',
      })
      .option('k', { type: 'string', requiresArg: true, default: '1,5,20,100', describe: 'cutoffs' })
      .option('against', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--against'),
        describe: 'another run of the same questions: differences and a significance test',
      })
      .option('complete', {
        type: 'boolean',
        default: false,
        describe: 'count judged questions that a TREC run misses as 0 (trec_eval -c)',
      })
      .option('plots', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--plots'),
        describe: 'a folder to write curves into, as SVG',
      })
      .example('$0 out/hits.jsonl --gold data/questions.jsonl', 'hits of search.* against questions')
      .example('$0 run.trec --qrels qrels.txt', 'as trec_eval')
      .example('$0 new.trec --qrels qrels.txt --against old.trec', 'is it better?'),
  run: async (args, io) => {
    const k = cutoffs(args.k);
    const [m, files] = await Promise.all([import('../../metrics/index.ts'), import('../evaluate/files.ts')]);
    const run = await files.readRunFile(args.run, args.root);
    const gold = args.gold === undefined ? undefined : await files.readGoldFile(args.gold, args.root);
    if (!gold && run.kind === 'trec') {
      throw new UsageError('evaluate: a TREC run says nothing of its questions', {
        help: '--qrels FILE says which documents are relevant',
      });
    }
    const measured = measure(m, run, gold, k, args.complete);
    const report = measured.metrics.report();
    if (scalars(report).length === 0) {
      throw new UsageError(`evaluate: nothing of ${args.run} can be judged`, {
        help: gold
          ? `none of its questions has answers or doc_ids in ${args.gold}; do the question_ids agree?`
          : 'its rows have neither answers nor doc_ids: --gold FILE gives them',
      });
    }
    const plots = args.plots
      ? await writePlots(args.plots, args.root, await curvePlots(m, measured.metrics))
      : {};
    const other =
      args.against === undefined
        ? undefined
        : measure(m, await files.readRunFile(args.against, args.root), gold, k, args.complete);
    const comparison = other && compare(m, other, measured);
    if (args.json) {
      io.json({
        run: args.run,
        ...(args.gold === undefined ? {} : { gold: args.gold }),
        questions: report.questions,
        metrics: report.metrics,
        skipped: report.skipped,
        zero: report.zero,
        depth: report.depth,
        missing: measured.missing,
        unjudged: measured.unjudged,
        ...(comparison ? { against: args.against, comparison } : {}),
        ...(args.plots ? { plots } : {}),
      });
      return EXIT.ok;
    }
    if (comparison) {
      // compareRuns gives second minus first: the other run is the first
      printComparison(
        Object.fromEntries(
          Object.entries(comparison).map(([name, c]) => [name, { ...c, first: c.second, second: c.first }]),
        ),
        io,
      );
    } else printAlone(m, measured, report, io);
    io.err(
      `${counted(report.questions, 'question')} of ${args.run}, ${report.depth.mean.toFixed(1)} hits each`,
    );
    if (measured.missing > 0)
      io.err(`${counted(measured.missing, 'judged question')} without a hit in the run`);
    if (measured.unjudged > 0)
      io.err(`${counted(measured.unjudged, 'question')} of the run that nobody judged`);
    for (const path of Object.values(plots)) io.err(`wrote ${path}`);
    return EXIT.ok;
  },
});
