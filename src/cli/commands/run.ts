import { parseTime } from '../../define/units.ts';
import type { RunResult } from '../../events/index.ts';
import type { Plan } from '../../plan/types.ts';
import { afterRun } from '../after-run.ts';
import { asCalled } from '../called.ts';
import { defineCommand, type Io, oneText, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';
import { tellOpenLetters } from '../letters.ts';
import { maxCostOption } from '../max-cost.ts';
import {
  checkLoaded,
  cutArguments,
  isPartial,
  load,
  noPlan,
  pipelineArguments,
  printProblems,
  type Selection,
} from '../prepare.ts';
import { reportPlots } from '../reports.ts';
import { lastSteps, rowLines } from '../rows.ts';
import { type PlanRunOptions, runPlan } from '../run-plan.ts';
import { plotFolder, sampleFolder, sampleState, tellSample } from '../sample.ts';
import { resultJson } from '../summary.ts';
import { widthOf } from '../terminal.ts';

type CommitEvery = NonNullable<PlanRunOptions['commitEvery']>;

interface RunArgs extends Selection {
  readonly json: boolean;
  readonly debug: boolean;
  readonly show?: number;
  readonly full: boolean;
  readonly recheck: boolean;
  readonly commitEvery?: CommitEvery;
  readonly maxCost?: PlanRunOptions['maxCost'];
  readonly out?: string;
}

/** `5000` rows, or `30s`, `5m` of time. */
function interval(value: unknown): CommitEvery | undefined {
  if (value === undefined) return undefined;
  const text = String(value).replaceAll('_', '');
  if (/^\d+$/.test(text) && Number(text) > 0) return { rows: Number(text) };
  const ms = parseTime(text);
  if (ms === undefined || ms <= 0) {
    throw new UsageError(`--commit-every is ${value}, wanted rows such as 5000, or a time such as 30s or 5m`);
  }
  return { seconds: ms / 1000 };
}

const opOf = (plan: Plan, id: string): string | undefined =>
  plan.flows.flatMap(f => f.steps).find(s => s.id === id)?.op.name;

/** A report's text; the matches of show.hits, which stand between « and », are bold where there is colour. */
const shownText = (text: string, op: string | undefined, io: Io): string =>
  op === 'show.hits' && io.style.color
    ? text.replace(/«([^«»]*)»/g, (_, match: string) => io.style.bold(match))
    : text;

async function runOnce(args: RunArgs, io: Io): Promise<number> {
  const loaded = await load(args);
  const sample = await sampleFolder(loaded, args);
  const found = await checkLoaded(loaded, args, 'run', sample);
  const { plan } = found;
  await printProblems(found.problems, io);
  if (!plan) return noPlan(loaded, found, args.json, io);
  const show = args.show === undefined ? undefined : { steps: lastSteps(plan), most: args.show };
  const { full, recheck, commitEvery, maxCost } = args;
  tellSample(plan, sample, io);
  const run = await runPlan(plan, io, {
    show,
    full,
    recheck,
    commitEvery,
    maxCost,
    partOf: found.partOf,
    ...sampleState(sample),
  });
  const { result } = run;
  const plots =
    result.status === 'ok' ? await reportPlots(plan, result.reports, plotFolder(args, sample)) : {};
  if (args.json) {
    io.json({
      ...resultJson(result),
      ...(sample === undefined ? {} : { sample }),
      ...(Object.keys(plots).length > 0 ? { plots } : {}),
      ...(show ? { rows: run.rows } : {}),
    });
  } else {
    const width = widthOf(process.stdout);
    for (const [step, rows] of Object.entries(run.rows))
      io.out(rowLines(step, rows, width, io.style).join('\n'));
    for (const line of reportLines(result.reports, plan, io)) io.out(line);
  }
  const code = afterRun(run, plan, args, io);
  // a sample has no letters that the command would list
  if (sample === undefined) await tellOpenLetters(plan.name, args, io);
  for (const path of Object.values(plots)) io.err(`plot: ${path}`);
  // a part leaves nothing that the commands could look at
  if (code === 0 && !isPartial(args) && plan.next?.length) {
    io.err('to try next:');
    for (const command of plan.next) io.err(`  ${asCalled(command)}`);
  }
  return code;
}

/** What reports say, an empty line between them; where several steps of one operator report, under the names of the steps. */
function* reportLines(reports: RunResult['reports'], plan: Plan, io: Io): Generator<string> {
  const said = Object.entries(reports).flatMap(([step, { text }]) => (text ? [{ step, text }] : []));
  const ops = said.map(({ step }) => opOf(plan, step));
  for (const [i, { step, text }] of said.entries()) {
    if (i > 0) yield '';
    if (ops.filter(op => op === ops[i]).length > 1) yield io.style.bold(step);
    yield shownText(text, ops[i], io);
  }
}

export const command = defineCommand({
  usage: 'run <pipeline>',
  summary: 'Runs a pipeline.',
  text:
    'Run again, it redoes only what changed since: rows, parameters, operators. Progress and the summary go to stderr, reports and rows (--show) to stdout. Ctrl-C stops cleanly: what was not\n' +
    'committed is dropped. With --limit everything is written under .millrace/.sample/NAME, and what whole runs wrote\n' +
    'stays. Exit code 1 where the pipeline has problems or the run fails.',
  build: y =>
    cutArguments(pipelineArguments(y))
      .option('show', {
        type: 'string',
        requiresArg: true,
        coerce: wholeNumber('--show'),
        describe: 'print the first rows of the last steps',
      })
      .option('full', {
        type: 'boolean',
        default: false,
        describe: 'do everything anew, whatever was done before',
      })
      .option('recheck', {
        type: 'boolean',
        default: false,
        describe: 'read files whose size and time of change are as they were, and compare their rows',
      })
      .option('commit-every', {
        type: 'string',
        requiresArg: true,
        coerce: interval,
        describe:
          'rows (5000) or time (30s, 5m) between commits of a long run, longer where commits take more than a twentieth of the time; default 60s',
      })
      .option('max-cost', maxCostOption)
      .option('sweep', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'run once for each value: steps.ID.with.NAME=A,B,C; given twice, every combination',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--out'),
        describe: 'folder for plots; default out',
      })
      .example('$0 index', 'the pipeline in pipelines/index.yaml or .ts')
      .example('$0 index --limit 100 --stop-after split --show 3', 'a look at what the first steps make')
      .example('$0 search --set steps.hits.with.k=50', 'with another value')
      .example('$0 search --sweep steps.hits.with.similarity.k1=0.9,1.2,1.5', 'values in one table and plot'),
  run: async (args, io) => {
    if (!args.sweep?.length) return runOnce(args, io);
    if (args.show !== undefined) {
      throw new UsageError('run: --show and --sweep do not go together', {
        help: 'run one variant by --set to look at its rows',
      });
    }
    const { runSweep } = await import('../sweep/run.ts');
    return runSweep(args, io);
  },
});
