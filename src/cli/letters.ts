/** Dead letters, as other commands than `dead-letters` speak of them. */
import { relative } from 'node:path';
import type { KeptLetter } from '../state/index.ts';
import { quoted } from './after-run.ts';
import { asCalled } from './called.ts';
import type { Io } from './command.ts';
import type { Selection } from './prepare.ts';
import { type KeyParams, recordKey } from './record-key.ts';
import { counted } from './table.ts';

/** The whole command that does something with the letters of a pipeline. */
export function lettersCommand(action: string, { pipeline, root }: Selection, letter?: string): string {
  const folder = relative(process.cwd(), root);
  const words = ['millrace', 'dead-letters', action, pipeline, ...(letter === undefined ? [] : [letter])];
  return asCalled([...words, ...(folder === '' ? [] : ['--root', folder])].map(quoted).join(' '));
}

/** Says that letters are open, where there are any, and how to see them. @param name the pipeline's */
export async function tellOpenLetters(name: string, args: Selection, io: Io): Promise<void> {
  const { countDeadLetters, stateFolderOf } = await import('../state/index.ts');
  // damaged ones are told by the command that reads them
  const open = await countDeadLetters(stateFolderOf(args.root, name)).catch(() => undefined);
  if (open === 0) return;
  const what =
    open === undefined ? 'dead letters are' : `${counted(open, 'dead letter')} ${open === 1 ? 'is' : 'are'}`;
  io.err(`${what} open: ${lettersCommand('list', args)}`);
}

/**
 * Whether a text names a letter: as `dead-letters list` prints it or its row, or by the key of its row or record.
 * @param params of the letter's step
 */
export function namesLetter(text: string, { id, where, record }: KeptLetter, params: KeyParams): boolean {
  if (text === id || text === where) return true;
  // a key is told as `doc_id 7`, of one that another row has as `FILE: doc_id "7"`
  const [, plain] = /^\w+ (.+)$/s.exec(where) ?? [];
  const [, clashing] = /: \w+ "(.+)"$/s.exec(where) ?? [];
  return text === plain || text === clashing || (record !== undefined && text === recordKey(record, params));
}

const MOST = 20;

/** What happened to the rows of letters: step, run, error, and how to see them whole. */
export function letterLines(letters: readonly KeptLetter[], args: Selection): string[] {
  const lines = letters
    .slice(0, MOST)
    .flatMap(({ id, step, message }) => [
      `  put aside at step "${step}" in run ${id.split('/')[0]}: ${message}`,
      `    whole: ${lettersCommand('show', args, id)}`,
    ]);
  if (letters.length > MOST) lines.push(`  … ${letters.length - MOST} more: ${lettersCommand('list', args)}`);
  return lines;
}

/** The same for programs. */
export const letterJson = ({ id, step, where, message }: KeptLetter): Record<string, string> => ({
  letter: id,
  step,
  where,
  message,
});
