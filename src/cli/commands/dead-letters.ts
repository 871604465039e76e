import { rowsOf } from '../../arrow/index.ts';
import { UserError } from '../../define/index.ts';
import type { KeptLetter } from '../../state/index.ts';
import { afterRun } from '../after-run.ts';
import { defineCommand, type Io, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { lettersCommand, namesLetter } from '../letters.ts';
import { checkLoaded, load, noPlan, pipelineArguments, printProblems, type Selection } from '../prepare.ts';
import type { KeyParams } from '../record-key.ts';
import { runPlan } from '../run-plan.ts';
import { stateOf } from '../state.ts';
import { count, counted, left, tableLines } from '../table.ts';

const ACTIONS = ['list', 'show', 'run'] as const;
const MOST_LISTED = 100;

interface Args extends Selection {
  readonly most?: number;
  readonly action: string;
  readonly letter?: string;
  readonly json: boolean;
  readonly debug: boolean;
}

const plain = (letter: KeptLetter): Record<string, unknown> => {
  const { row, ...rest } = letter;
  return { ...rest, row: row ? rowsOf(row)[0] : null };
};
const toJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v)));

type Letters = AsyncIterable<KeptLetter>;

async function list(letters: Letters, wanted: number | undefined, json: boolean, io: Io): Promise<void> {
  const most = wanted ?? (json ? Number.POSITIVE_INFINITY : MOST_LISTED);
  const first: Omit<KeptLetter, 'row' | 'record'>[] = [];
  let all = 0;
  for await (const { row: _, record: __, ...letter } of letters) if (all++ < most) first.push(letter);
  if (json) return io.json(first);
  if (all === 0) return io.out('no dead letters');
  const rows = first.map(l => [l.id, l.where, l.message]);
  io.out(tableLines([left('letter'), left('row'), left('error')], rows, { title: io.style.dim }).join('\n'));
  if (all > most) io.out(io.style.dim(`… ${count(all - most)} more; --most ${all} lists all`));
}

async function show(
  letters: Letters,
  id: string,
  paramsOf: (step: string) => KeyParams,
  json: boolean,
  io: Io,
): Promise<void> {
  const found: KeptLetter[] = [];
  const others: string[] = [];
  for await (const letter of letters) {
    if (namesLetter(id, letter, paramsOf(letter.step))) found.push(letter);
    else if (others.length < 5) others.push(letter.id);
  }
  if (found.length === 0) {
    throw new UserError(`there is no dead letter "${id}"`, {
      help: others.length > 0 ? `there are ${others.join(', ')}` : 'there are none',
    });
  }
  if (json) io.json(toJson(found.map(plain)));
  else for (const letter of found) io.out(JSON.stringify(toJson(plain(letter)), null, 2));
}

/** Runs the pipeline with the rows of the letters going through again. */
async function rerun(args: Args, letters: () => Letters, io: Io): Promise<number> {
  const redo = new Map<string, Set<number | string>>();
  let before = 0;
  for await (const { root, step, where } of letters()) {
    before++;
    // where rows are not remembered one by one, the flow of the step is done again
    const of = root?.source ?? step;
    const again = redo.get(of) ?? new Set();
    // a row that could not be read has a place alone
    redo.set(of, again.add(root ? root.id : where));
  }
  const loaded = await load(args);
  const found = await checkLoaded(loaded, args, 'run');
  await printProblems(found.problems, io);
  if (!found.plan) return noPlan(loaded, found, args.json, io);
  const run = await runPlan(found.plan, io, { redo });
  const code = afterRun(run, found.plan, args, io);
  let now = 0;
  for await (const _ of letters()) now++;
  io.err(`${counted(before, 'dead letter')} before, ${count(now)} now`);
  if (args.json) io.json({ before, now, status: run.result.status });
  return code === EXIT.ok && now > 0 ? EXIT.failed : code;
}

export const command = defineCommand({
  usage: 'dead-letters <action> <pipeline> [letter]',
  summary: 'Lists, shows and runs again the rows that a step put aside.',
  text: 'list  the letters, with row and error\nshow  one letter whole: give its name, its row, or the key of that\nrun   lets their rows go through again, after a fix; they leave the list when they succeed',
  build: y =>
    pipelineArguments(y)
      .positional('action', { type: 'string', demandOption: true, choices: ACTIONS, describe: 'what to do' })
      .positional('letter', { type: 'string', describe: 'for show: the letter' })
      .option('most', {
        type: 'string',
        requiresArg: true,
        coerce: wholeNumber('--most'),
        describe: `for list: most letters to print; default ${MOST_LISTED}, with --json all`,
      })
      .example('$0 list index', 'what was put aside')
      .example('$0 run index', 'tries those rows again'),
  run: async (args, io) => {
    const { folder, paramsOf } = await stateOf(args);
    const { listDeadLetters } = await import('../../state/index.ts');
    const letters = (): Letters => listDeadLetters(folder);
    if (args.action === 'list') await list(letters(), args.most, args.json, io);
    else if (args.action === 'show') {
      if (!args.letter)
        throw new UsageError('dead-letters show needs the name of a letter', {
          help: `they are listed by: ${lettersCommand('list', args)}`,
        });
      await show(letters(), args.letter, paramsOf, args.json, io);
    } else return rerun(args, letters, io);
    return EXIT.ok;
  },
});
