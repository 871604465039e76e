import type { Comparison, RankingMetrics, RankingReport } from '../../metrics/index.ts';
import { defineCommand, type Io, oneText } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import type { GoldFile, RunFile } from '../evaluate/files.ts';
import { writePlots } from '../reports.ts';
import { counted, left, right, tableLines } from '../table.ts';

type MetricsModule = typeof import('../../metrics/index.ts');

const cutoffs = (value: unknown): number[] =>
  String(value)
    .split(',')
    .map(part => {
      const k = Number(part);
      if (!Number.isInteger(k) || k < 1) {
        throw new UsageError(`--k is ${String(value)}, wanted whole numbers from 1, such as 1,5,20`);
      }
      return k;
    });

interface Measured {
  readonly metrics: RankingMetrics;
  /** Questions of the gold that the run does not have. */
  readonly missing: number;
  /** Questions of the run that the gold does not have. */
  readonly unjudged: number;
}

/** trec_eval leaves out questions that a run misses, where both are TREC files; elsewhere they count as 0. */
function measure(
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
function scalars(report: RankingReport): [string, number][] {
  const { mar, ...rest } = report.metrics;
  const numbers = Object.entries(rest).filter((e): e is [string, number] => typeof e[1] === 'number');
  return mar ? [...numbers, ['mar.strict', mar.strict], ['mar.any-hit', mar.anyHit]] : numbers;
}

const perQuestion = (m: RankingMetrics, name: string): Float64Array | undefined =>
  m.names.includes(name) ? m.values(name) : undefined;

function compare(m: MetricsModule, a: Measured, b: Measured): Record<string, Comparison> {
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

function printComparison(comparison: Record<string, Comparison>, io: Io): void {
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
    right('run'),
    right('against'),
    right('difference'),
    right('95% interval'),
    right('p'),
    right('win/loss/tie'),
  ];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
}

async function curvePlots(m: MetricsModule, metrics: RankingMetrics): Promise<Record<string, string>> {
  const curves = metrics.curves();
  const series = (['gold', 'answer', 'recall'] as const).flatMap(name =>
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
