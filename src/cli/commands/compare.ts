import { basename, normalize } from 'node:path';
import type { Comparison } from '../../metrics/index.ts';
import { defineCommand, oneText, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import type { GoldFile, RunFile } from '../evaluate/files.ts';
import {
  compare,
  cutoffs,
  type Measured,
  measure,
  perQuestion,
  printComparison,
} from '../evaluate/measure.ts';
import { printRuns } from '../evaluate/run-table.ts';
import { writePlots } from '../reports.ts';
import { counted } from '../table.ts';

/** Metrics by which questions are told to be won, the first that both runs have. */
const PREFERRED = ['gold@1', 'answer@1', 'ndcg@10', 'success@1', 'map'];

/** What all runs say of their questions: a run has no line for a question that it found nothing for. */
function judgedByRuns(runs: readonly RunFile[]): GoldFile {
  const judged = new Map<string, GoldFile['judged'] extends ReadonlyMap<string, infer J> ? J : never>();
  for (const run of runs)
    for (const [id, known] of run.judged) judged.set(id, { ...judged.get(id), ...known });
  return { kind: 'questions', judged };
}

/** The name of a run in tables and plots: its file's, with the folder where files have the same. */
function namesOf(files: readonly string[]): string[] {
  const short = files.map(f =>
    basename(f).replace(/\.(jsonl|ndjson|csv|parquet|arrow|trec|run|txt)(\.gz)?$/, ''),
  );
  return short.map((name, i) =>
    short.indexOf(name) === i && short.lastIndexOf(name) === i ? name : files[i],
  );
}

/** The measures that people look at first; the others are in --json, and in the table with --all. */
function mostRead(comparison: Record<string, Comparison>): Record<string, Comparison> {
  const golden = Object.keys(comparison).some(name => name.startsWith('gold@'));
  const kept = golden
    ? /^(gold|answer)@|^(mrr|ndcg)@10$|^mar\.strict$/
    : /^(answer|success|recall)@|^(mrr|ndcg)@10$|^map$/;
  return Object.fromEntries(Object.entries(comparison).filter(([name]) => kept.test(name)));
}

/** Questions whose value rose and fell, in the order of the run. */
function wonAndLost(a: Measured, b: Measured, metric: string): { won: string[]; lost: string[] } {
  const before = new Map(a.metrics.questionIds.map((id, i) => [id, i]));
  const first = perQuestion(a.metrics, metric);
  const second = perQuestion(b.metrics, metric);
  const won: string[] = [];
  const lost: string[] = [];
  b.metrics.questionIds.forEach((id, i) => {
    const at = before.get(id);
    if (at === undefined || !first || !second) return;
    const difference = second[i] - first[at];
    if (difference > 1e-12) won.push(id);
    if (difference < -1e-12) lost.push(id);
  });
  return { won, lost };
}

export const command = defineCommand({
  usage: 'compare <runs..>',
  summary: 'Compares runs with the first one: differences, a significance test, questions won and lost.',
  text:
    'Runs are files of hits (.jsonl, .csv, .parquet, .arrow) or TREC runs. p is that of the paired randomisation test\n' +
    '(two-sided), the interval a bootstrap of the difference. Of three runs and more there is a table of all first;\n' +
    "its marks are corrected for the number of runs (Holm), and --all adds each run's table of differences.",
  build: y =>
    y
      .positional('runs', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'two or more; the first is what the others are compared with',
      })
      .option('gold', {
        alias: 'qrels',
        type: 'string',
        requiresArg: true,
        coerce: oneText('--gold'),
        describe: 'questions with answers and doc_ids, qrels, or dataset:NAME; needed for TREC runs',
      })
      .option('k', { type: 'string', requiresArg: true, default: '1,5,20,100', describe: 'cutoffs' })
      .option('metric', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--metric'),
        describe: 'by which questions are won and lost (default: gold@1, answer@1, or ndcg@10)',
      })
      .option('questions', {
        type: 'string',
        requiresArg: true,
        default: 5,
        coerce: (value: unknown) => wholeNumber('--questions', 0)(value) as number,
        describe: 'how many won and lost ones are listed (with --json all are)',
      })
      .option('all', { type: 'boolean', default: false, describe: 'every measure, and all tables' })
      .option('complete', {
        type: 'boolean',
        default: false,
        describe: 'count judged questions that a TREC run misses as 0 (trec_eval -c)',
      })
      .option('plots', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--plots'),
        describe: 'a folder to write curves of all runs into, as SVG',
      })
      .example('$0 old.jsonl new.jsonl', 'is the new run better?')
      .example('$0 bm25.trec dense.trec both.trec --qrels qrels.txt --plots out', 'curves of three runs'),
  run: async (args, io) => {
    const given = (args.runs as string[]).map(normalize);
    // a pattern of the shell may name the first run again
    const distinct = [...new Set(given)];
    const shown = distinct.length > 1 ? distinct : given;
    if (shown.length < 2)
      throw new UsageError('compare: one run is nothing to compare', {
        help: 'usage: millrace compare RUN RUN [RUN..]',
      });
    const k = cutoffs(args.k);
    const [m, files] = await Promise.all([import('../../metrics/index.ts'), import('../evaluate/files.ts')]);
    const runs = await Promise.all(shown.map(file => files.readRunFile(file, args.root)));
    if (args.gold === undefined && runs.some(run => run.kind === 'trec'))
      throw new UsageError('compare: a TREC run says nothing of its questions', {
        help: '--qrels FILE says which documents are relevant',
      });
    const gold =
      args.gold === undefined ? judgedByRuns(runs) : await files.readGoldFile(args.gold, args.root);
    const measured = runs.map(run => measure(m, run, gold, k, args.complete));
    const names = namesOf(shown);
    const known = measured[0].metrics.names;
    const metric = args.metric ?? PREFERRED.find(name => known.includes(name));
    if (metric === undefined || known.length === 0)
      throw new UsageError(`compare: nothing of ${shown[0]} can be judged`, {
        help: 'its questions have neither answers nor doc_ids; --gold FILE gives them, under the same question_ids',
      });
    if (!known.includes(metric))
      throw new UsageError(`--metric ${metric}: was not measured`, { help: `there are ${known.join(', ')}` });
    const others = measured.slice(1).map((other, i) => {
      const comparison: Record<string, Comparison> = compare(m, measured[0], other);
      return { name: names[i + 1], run: shown[i + 1], comparison, ...wonAndLost(measured[0], other, metric) };
    });
    const plots = args.plots
      ? await writePlots(
          args.plots,
          args.root,
          await m.runPlots(measured.map(({ metrics }, i) => ({ name: names[i], curves: metrics.curves() }))),
        )
      : {};
    if (args.json) {
      io.json({
        first: shown[0],
        ...(args.gold === undefined ? {} : { gold: args.gold }),
        metric,
        runs: others.map(({ run, comparison, won, lost }) => ({
          run,
          questions: comparison[metric]?.questions ?? 0,
          comparison,
          won,
          lost,
        })),
        ...(args.plots ? { plots } : {}),
      });
      return EXIT.ok;
    }
    const several = others.length > 1;
    const corrected = m.holm(others.map(o => o.comparison[metric].p));
    if (several) {
      const comparisons = others.map(o => (args.all ? o.comparison : mostRead(o.comparison)));
      printRuns(m, names, comparisons, io);
    }
    others.forEach(({ name, comparison, won, lost }, i) => {
      if (several || i > 0) io.out('');
      io.out(io.style.bold(`${name} against ${names[0]}`));
      if (!several || args.all)
        printComparison(args.all ? comparison : mostRead(comparison), io, ['first', 'second']);
      const { p } = comparison[metric];
      const sure = corrected[i] < 0.05 ? 'more than chance' : 'no more than chance would give';
      io.out(
        `${metric}: won ${won.length}, lost ${lost.length}; the difference is ${sure} (p ${p.toFixed(4)}${several ? `, corrected ${corrected[i].toFixed(4)}` : ''})`,
      );
      const list = (what: string, ids: readonly string[]): void => {
        const some = ids.slice(0, args.questions);
        if (some.length > 0) io.out(`  ${what}: ${some.join(', ')}${ids.length > some.length ? ', …' : ''}`);
      };
      list('won', won);
      list('lost', lost);
    });
    const { questions } = measured[0].metrics.report();
    io.err(`${counted(questions, 'question')} of ${shown[0]}`);
    for (const { metrics } of measured.slice(1)) {
      const common = metrics.questionIds.length;
      if (common !== questions)
        io.err(`another run has ${counted(common, 'question')}; those of both are compared`);
    }
    for (const path of Object.values(plots)) io.err(`wrote ${path}`);
    return EXIT.ok;
  },
});
