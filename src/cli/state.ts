/** The state of a pipeline, for commands that look into it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyStep, UserError } from '../define/index.ts';
import type { Plan } from '../plan/types.ts';
import type { Border, Lineage } from '../run/index.ts';
import type { KeptLetter } from '../state/index.ts';
import { asCalled } from './called.ts';
import { namesLetter } from './letters.ts';
import { checkLoaded, load, type Selection } from './prepare.ts';
import type { KeyParams } from './record-key.ts';

interface StateOf {
  readonly name: string;
  readonly folder: string;
  /** Parameters of a step as the pipeline's file has them; none of one that is gone. */
  readonly paramsOf: (step: string) => KeyParams;
}

/** The state folder of a pipeline that has run. @throws UserError where it has not */
export async function stateOf(args: Selection): Promise<StateOf> {
  const { definition } = await load(args);
  const { stateFolderOf } = await import('../state/index.ts');
  const folder = stateFolderOf(args.root, definition.name);
  if (!existsSync(join(folder, 'ledger/data.mdb'))) {
    throw new UserError(
      `pipeline "${definition.name}" has not run yet: there is no state of it in ${folder}`,
      {
        help: `run it first: ${asCalled(`millrace run ${args.pipeline}`)}`,
      },
    );
  }
  const steps: readonly AnyStep[] = Array.isArray(definition.steps) ? definition.steps : [];
  return { name: definition.name, folder, paramsOf: step => steps.find(s => s?.id === step)?.with ?? {} };
}

/** What a key means. */
export interface Found {
  readonly rows: readonly FoundRow[];
  /** Dead letters that it names and that are of none of the rows. */
  readonly letters: readonly KeptLetter[];
}

/** The source rows and dead letters that a key means. @throws UserError where there is none */
export async function rowsOfKey(args: Selection & { readonly key: string }): Promise<Found> {
  const { name, folder, paramsOf } = await stateOf(args);
  const { findInState, flowsWithoutRows, sinksBehindAll } = await import('../run/index.ts');
  const { listDeadLetters } = await import('../state/index.ts');
  const named: KeptLetter[] = [];
  for await (const letter of listDeadLetters(folder))
    if (namesLetter(args.key, letter, paramsOf(letter.step))) named.push(letter);
  const rows = await findInState(
    folder,
    args.key,
    named.flatMap(l => l.root ?? []),
  );
  if (rows.length === 0 && named.length === 0) {
    const [sink] = await sinksBehindAll(folder, args.key);
    if (sink !== undefined)
      throw new UserError(
        `"${args.key}" is a row of "${sink}"; which source rows it came from is not remembered`,
        {
          help: 'steps before it, such as a join, work over all rows, of which the ledger keeps no trail',
        },
      );
    const without = await flowsWithoutRows(folder);
    const flows = without.map(f => `"${f}"`).join(', ');
    throw new UserError(
      `"${args.key}" is no key of a source of pipeline "${name}", nor of a row in one of its sinks`,
      {
        help:
          'a key is what names a row: a doc_id, or the unit_id of a hit; it may have been deleted: rows that are gone are not remembered' +
          (without.length === 0
            ? ''
            : `; of ${flows}, which writes its results whole, rows are not remembered one by one`),
      },
    );
  }
  const plan = await planOf(args);
  const found: FoundRow[] = [];
  const own = await lettersOf(folder, rows);
  for (const [i, row] of rows.entries()) {
    const letters = own[i];
    if (!plan) found.push({ ...row, letters, from: [], to: [] });
    else {
      const { bordersOf } = await import('../run/index.ts');
      found.push({ ...row, letters, ...bordersOf(plan, row), line: await lineIn(plan, row) });
    }
  }
  return { rows: found, letters: named.filter(l => !own.flat().some(o => o.id === l.id)) };
}

/** The dead letters of each of these rows. */
async function lettersOf(folder: string, rows: readonly Lineage[]): Promise<KeptLetter[][]> {
  const { listDeadLetters } = await import('../state/index.ts');
  const own = rows.map((): KeptLetter[] => []);
  if (rows.length === 0) return own;
  for await (const letter of listDeadLetters(folder))
    for (const [i, { source, id }] of rows.entries())
      if (letter.root?.source === source && letter.root.id === id) own[i].push(letter);
  return own;
}

export interface FoundRow extends Lineage {
  /** On which line of its part it stands now, where that has lines. */
  readonly line?: number;
  /** Those of it and of what was made of it. */
  readonly letters: readonly KeptLetter[];
  /** What its file was written by, and what reads the files that its flow writes. */
  readonly from: readonly Border[];
  readonly to: readonly Border[];
}

/** The plan of a pipeline, where there is one. */
export async function planOf(args: Selection): Promise<Plan | undefined> {
  try {
    return (await checkLoaded(await load(args), args, 'run')).plan;
  } catch {
    return undefined;
  }
}
async function lineIn(plan: Plan, row: Lineage): Promise<number | undefined> {
  const { lineOf } = await import('../run/index.ts');
  // a file that cannot be read any more is no reason not to say what is known
  return lineOf(plan, row, new AbortController().signal).catch(() => undefined);
}

/** Where a source row stands, in words. */
export function placeText(row: FoundRow): string {
  const step = `(step "${row.source}")`;
  if (row.part === undefined) return step.slice(1, -1);
  if (row.line !== undefined) return `${row.part}:${row.line} ${step}`;
  // rows that were left out are not among them
  return `${row.part}, row ${(row.row ?? 0) + 1} of those it gave ${step}`;
}
