import { join } from 'node:path';
import { formatTime } from '../../define/units.ts';
import type { FlowPreview, StepPreview } from '../../run/index.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { tellOpenLetters } from '../letters.ts';
import { maxCostOption } from '../max-cost.ts';
import { checkLoaded, load, noPlan, pipelineArguments, printProblems } from '../prepare.ts';
import { count, left, right, tableLines } from '../table.ts';
import type { Style } from '../terminal.ts';

const MODES = {
  full: 'everything is done anew',
  replay: 'every row goes through again; sinks write what differs',
  resume: 'the last run was cut short; it goes on where it was',
  changes: 'only rows that changed go through',
  nothing: 'nothing to do',
} as const;

const signed = (sign: string, n: number | undefined, counted: boolean): string =>
  !n ? '' : `${counted ? '' : '≈'}${sign}${count(n)}`;

function flowLines(flow: FlowPreview, style: Style): string[] {
  const row = (s: StepPreview): string[] => [
    s.id,
    s.op,
    signed('+', s.rows.added, s.counted),
    signed('~', s.rows.changed, s.counted),
    signed('−', s.rows.deleted, s.counted),
    signed('=', s.rows.kept, s.counted),
    s.work === undefined ? '?' : signed('', s.work, s.counted),
    s.cost && s.cost.tokens === undefined ? '?' : signed('', s.cost?.tokens, false),
    s.seconds === undefined || s.work === 0 ? '' : formatTime(s.seconds * 1000),
  ];
  const columns = [
    left('step'),
    left('operator'),
    right('added'),
    right('changed'),
    right('deleted'),
    right('kept'),
    right('rows to do'),
    right('tokens'),
    right('work'),
  ];
  return [
    `${style.bold(flow.flow)}: ${MODES[flow.mode]}`,
    ...flow.reasons.map(r => `  since ${r.step === undefined ? '' : `"${r.step}": `}${r.text}`),
    ...(flow.mode === 'nothing'
      ? []
      : tableLines(columns, flow.steps.map(row), { indent: 2, title: style.dim })),
    ...(flow.seconds
      ? [
          `  about ${formatTime(flow.seconds * 1000)}, at the rate of the last full run, opening and committing included`,
        ]
      : []),
  ];
}

/** What the marks in the tables mean, where they stand. */
function* marks(flows: readonly FlowPreview[]): Generator<string> {
  const steps = flows.flatMap(f => (f.mode === 'nothing' ? [] : f.steps));
  if (steps.some(s => s.cost?.tokens || (!s.counted && s.work)))
    yield steps.some(s => s.seconds !== undefined)
      ? '≈ is an estimate: what the last run over all rows made of each row'
      : '≈ is an estimate, told from the rows of the sources';
  if (steps.some(s => s.work === undefined))
    yield '? is not known: no run has told how many rows the steps before it make of each';
  else if (steps.some(s => s.cost && s.cost.tokens === undefined))
    yield '? is not known: no run has told how many tokens its rows have';
}

export const command = defineCommand({
  usage: 'plan <pipeline>',
  summary:
    'Says what a run would do, before it does: rows added, changed, deleted, kept, and how long it takes.',
  text:
    'Sources are held against what was done before, so their rows are counted; those of other steps (≈) are told from\n' +
    'how many rows the last run over all rows made of each, and ? where none has told. A step counts the rows that come\n' +
    'to it: one that splits, documents.\n' +
    'Tokens are those that steps which call a model or an endpoint would work on. Nothing is written. With --max-cost,\n' +
    'exit code 1 where it would be more; also where a run is at work.',
  build: y =>
    pipelineArguments(y)
      .option('full', { type: 'boolean', default: false, describe: 'as if everything were done anew' })
      .option('max-cost', maxCostOption)
      .example('$0 index', 'what the next run of index would do')
      .example('$0 index --set steps.split.with.words=120', 'what another value would cost'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'run');
    await printProblems(found.problems, io);
    if (!found.plan) return noPlan(loaded, found, args.json, io);
    const { previewRun } = await import('../../run/index.ts');
    const { refuseLocked, stateFolderOf } = await import('../../state/index.ts');
    const { name, root } = found.plan;
    refuseLocked(
      join(stateFolderOf(root, name), 'lock'),
      `pipeline "${name}"`,
      'what is left to do is known when it has ended: plan again then',
    );
    const flows = await previewRun(found.plan, { full: args.full });
    if (args.json) io.json({ pipeline: found.plan.name, flows });
    else for (const flow of flows) io.out(flowLines(flow, io.style).join('\n'));
    for (const { step, message } of flows.flatMap(f => f.warnings))
      io.err(`${io.errStyle.yellow('warning')}  step "${step}": ${message}`);
    if (!args.json) for (const line of marks(flows)) io.err(io.errStyle.dim(line));
    await tellOpenLetters(found.plan.name, args, io);
    if (args.maxCost) {
      const { checkEstimate, unforeseen } = await import('../../run/index.ts');
      const steps = flows.flatMap(f => f.steps);
      checkEstimate(steps, args.maxCost);
      for (const { step, text } of unforeseen(steps, args.maxCost)) io.err(`"${step}": ${text}`);
    }
    return EXIT.ok;
  },
});
