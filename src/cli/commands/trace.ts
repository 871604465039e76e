import { defineCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { pipelineArguments } from '../prepare.ts';
import { type FoundRow, placeText, rowsOfKey } from '../state.ts';
import { counted } from '../table.ts';
import type { Style } from '../terminal.ts';

const MOST = 20;

function lines(row: FoundRow, style: Style): string[] {
  const out = [`${style.bold(row.key.map(String).join(', '))}  ${placeText(row)}`];
  for (const [column, value] of Object.entries(row.values)) out.push(`  ${column}: ${JSON.stringify(value)}`);
  for (const [sink, keys] of Object.entries(row.at)) {
    out.push(`  → "${sink}": ${counted(keys.length, 'row')}`);
    for (const key of keys.slice(0, MOST)) out.push(`      ${key}`);
    if (keys.length > MOST) out.push(`      … ${keys.length - MOST} more`);
  }
  if (Object.keys(row.at).length === 0) out.push('  → no rows in sinks that are kept up to date row by row');
  return out;
}

export const command = defineCommand({
  usage: 'trace <pipeline> <key>',
  summary:
    'Leads from a hit or unit back to its document, file and record, and from a document to all it became.',
  build: y =>
    pipelineArguments(y)
      .positional('key', {
        type: 'string',
        demandOption: true,
        describe: 'a doc_id, or the unit_id of a hit',
      })
      .example('$0 index doc-17#3', 'where passage 3 of doc-17 is from'),
  run: async (args, io) => {
    const rows = await rowsOfKey(args);
    if (args.json)
      io.json(
        rows.map(({ flow, source, key, part, line, row, values, at }) => ({
          flow,
          source,
          key,
          part,
          line,
          row,
          values,
          at,
        })),
      );
    else for (const row of rows) io.out(lines(row, io.style).join('\n'));
    return EXIT.ok;
  },
});
