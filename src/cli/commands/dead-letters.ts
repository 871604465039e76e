import { rowsOf } from '../../arrow/index.ts';
import { UserError } from '../../define/index.ts';
import type { KeptLetter } from '../../state/index.ts';
import { afterRun } from '../after-run.ts';
import { defineCommand, type Io } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { checkLoaded, load, noPlan, pipelineArguments, printProblems, type Selection } from '../prepare.ts';
import { runPlan } from '../run-plan.ts';
import { stateOf } from '../state.ts';
import { counted, left, tableLines } from '../table.ts';

const ACTIONS = ['list', 'show', 'run'] as const;

interface Args extends Selection {
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

function list(letters: readonly KeptLetter[], json: boolean, io: Io): void {
  if (json) io.json(letters.map(({ row: _, record: __, ...l }) => l));
  else if (letters.length === 0) io.out('no dead letters');
  else {
    const rows = letters.map(l => [l.id, l.where, l.message]);
    io.out(
      tableLines([left('letter'), left('row'), left('error')], rows, { title: io.style.dim }).join('\n'),
    );
  }
}

function show(letters: readonly KeptLetter[], id: string | undefined, json: boolean, io: Io): void {
  const found = letters.filter(l => l.id === id || l.where === id);
  if (found.length === 0) {
    throw new UserError(`there is no dead letter "${id}"`, {
      help: letters.length
        ? `there are ${letters
            .slice(0, 5)
            .map(l => l.id)
            .join(', ')}`
        : 'there are none',
    });
  }
  if (json) io.json(toJson(found.map(plain)));
  else for (const letter of found) io.out(JSON.stringify(toJson(plain(letter)), null, 2));
}

/** Runs the pipeline with the rows of the letters going through again. */
async function rerun(args: Args, letters: readonly KeptLetter[], io: Io): Promise<number> {
  const redo = new Map<string, Set<number>>();
  for (const { root } of letters)
    if (root) redo.set(root.source, (redo.get(root.source) ?? new Set()).add(root.id));
  const loaded = await load(args);
  const found = await checkLoaded(loaded, args, 'run');
  await printProblems(found.problems, io);
  if (!found.plan) return noPlan(loaded, found, args.json, io);
  const run = await runPlan(found.plan, io, { redo });
  const code = afterRun(run, found.plan, args, io);
  const { listDeadLetters } = await import('../../state/index.ts');
  const left = await listDeadLetters((await stateOf(args)).folder);
  io.err(`${counted(letters.length, 'dead letter')} before, ${left.length} now`);
  if (args.json) io.json({ before: letters.length, now: left.length, status: run.result.status });
  return code === EXIT.ok && left.length > 0 ? EXIT.failed : code;
}

export const command = defineCommand({
  usage: 'dead-letters <action> <pipeline> [letter]',
  summary: 'Lists, shows and runs again the rows that a step put aside.',
  text: 'list  the letters, with row and error\nshow  one letter whole: give its name, or its row\nrun   lets their rows go through again, after a fix; they leave the list when they succeed',
  build: y =>
    pipelineArguments(y)
      .positional('action', { type: 'string', demandOption: true, choices: ACTIONS, describe: 'what to do' })
      .positional('letter', { type: 'string', describe: 'for show: the letter' })
      .example('$0 list index', 'what was put aside')
      .example('$0 run index', 'tries those rows again'),
  run: async (args, io) => {
    const { folder } = await stateOf(args);
    const { listDeadLetters } = await import('../../state/index.ts');
    const letters = await listDeadLetters(folder);
    if (args.action === 'list') list(letters, args.json, io);
    else if (args.action === 'show') {
      if (!args.letter) throw new UsageError('dead-letters show needs the name of a letter');
      show(letters, args.letter, args.json, io);
    } else return rerun(args, letters, io);
    return EXIT.ok;
  },
});
