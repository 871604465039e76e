/** What `why` and `trace` share: the rows and letters that a key means, each told in its own way. */
import type { Io } from './command.ts';
import { EXIT } from './errors.ts';
import { letterJson, letterLines } from './letters.ts';
import type { Selection } from './prepare.ts';
import { type FoundRow, rowsOfKey } from './state.ts';
import type { Style } from './terminal.ts';

/**
 * @param lines of a row, for people
 * @param told of a row, for programs; its dead letters are added
 * @throws UserError where the key means nothing
 */
export async function tellRows<A extends Selection & { readonly key: string; readonly json: boolean }>(
  args: A,
  io: Io,
  lines: (row: FoundRow, style: Style, args: A) => string[],
  told: (row: FoundRow) => object,
): Promise<number> {
  const { rows, letters } = await rowsOfKey(args);
  if (args.json)
    io.json([
      ...rows.map(row => ({ ...told(row), deadLetters: row.letters.map(letterJson) })),
      // rows that never got as far as the ledger
      ...letters.map(l => ({ flow: null, source: null, key: [args.key], deadLetters: [letterJson(l)] })),
    ]);
  else {
    for (const row of rows) io.out(lines(row, io.style, args).join('\n'));
    for (const letter of letters)
      io.out([io.style.bold(letter.where), ...letterLines([letter], args)].join('\n'));
  }
  return EXIT.ok;
}
