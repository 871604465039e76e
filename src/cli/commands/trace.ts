import { asCalled } from '../called.ts';
import { defineCommand } from '../command.ts';
import { letterLines } from '../letters.ts';
import { pipelineArguments, type Selection } from '../prepare.ts';
import { type FoundRow, placeText } from '../state.ts';
import { counted } from '../table.ts';
import { tellRows } from '../tell-rows.ts';
import type { Style } from '../terminal.ts';

const MOST = 20;

function lines(row: FoundRow, style: Style, args: Selection & { readonly key: string }): string[] {
  const { pipeline } = args;
  const out = [`${style.bold(row.key.map(String).join(', '))}  ${placeText(row)}`];
  for (const { path, writer, writerFlow, leadsOn } of row.from)
    out.push(`  ← "${writer}" of flow "${writerFlow}" wrote ${path}${onward(leadsOn, writerFlow, pipeline)}`);
  for (const [column, value] of Object.entries(row.values)) out.push(`  ${column}: ${JSON.stringify(value)}`);
  for (const [sink, keys] of Object.entries(row.at)) {
    out.push(`  → "${sink}": ${counted(keys.length, 'row')}`);
    const shown = keys.filter((key, i) => i < MOST || key === args.key);
    for (const key of shown) out.push(key === args.key ? `    ▸ ${style.bold(key)}` : `      ${key}`);
    if (keys.length > shown.length) out.push(`      … ${keys.length - shown.length} more`);
  }
  for (const { path, writer, reader, readerFlow, leadsOn } of row.to)
    out.push(
      `  → "${writer}" wrote ${path}, which "${reader}" reads${onward(leadsOn, readerFlow, pipeline)}`,
    );
  out.push(...letterLines(row.letters, args));
  if (Object.keys(row.at).length === 0 && row.letters.length === 0)
    out.push('  → no rows in sinks that are kept up to date row by row');
  return out;
}

/** How the trail goes on behind a file, of whose rows the ledger does not know what they were. */
const onward = (leads: boolean, flow: string, pipeline: string): string =>
  leads
    ? `: the key of its row there leads on, ${asCalled(`millrace trace ${pipeline} KEY`)}`
    : `; "${flow}" writes its results whole, so its rows are not remembered one by one`;

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
  run: (args, io) =>
    tellRows(args, io, lines, ({ flow, source, key, part, line, row, values, at, from, to }) => ({
      flow,
      source,
      key,
      part,
      line,
      row,
      values,
      at,
      from,
      to,
    })),
});
