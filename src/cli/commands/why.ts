import type { Lineage, Pass } from '../../run/index.ts';
import { defineCommand } from '../command.ts';
import { letterLines } from '../letters.ts';
import { pipelineArguments, type Selection } from '../prepare.ts';
import { type FoundRow, placeText } from '../state.ts';
import { tellRows } from '../tell-rows.ts';
import type { Style } from '../terminal.ts';

function lines(row: FoundRow, style: Style, args: Selection): string[] {
  const { why, last } = row;
  const head = `${style.bold(row.key.map(String).join(', '))}  ${placeText(row)}`;
  const out = [head];
  if (why?.kind === 'changed') {
    out.push(`  changed in run ${why.run}:`);
    for (const [column, { old, now }] of Object.entries(why.columns ?? {})) {
      out.push(`    ${column}: ${JSON.stringify(old)} → ${JSON.stringify(now)}`);
    }
  } else if (why?.kind === 'added') out.push(`  added in run ${why.run}`);
  else if (why?.kind === 'again') out.push(`  done again in run ${why.run}, as was asked for`);
  else out.push('  as it was when it was first read');
  out.push(...letterLines(row.letters, args));
  out.push(
    `  the last run of "${row.flow}" (${last.time}) was ${last.mode === 'changes' ? 'of changed rows only' : 'over every row'}`,
  );
  out.push(...sinceLines(last));
  const before = lastPassBefore(row);
  if (before) {
    out.push(`  before that, every row went through (${before.time})`);
    out.push(...sinceLines(before));
  }
  return out;
}

const sinceLines = ({ reasons }: Pass): string[] =>
  reasons.map(r => `    since ${r.step === undefined ? '' : `"${r.step}": `}${r.text}`);

/** The last run over all rows that counts for a row, before the last run: not the one that read it first. */
function lastPassBefore({ last, passes }: Lineage): Pass | undefined {
  const [pass] = passes.filter(p => p.run !== last.run);
  return pass?.mode === 'full' && passes.at(-1) === pass ? undefined : pass;
}

export const command = defineCommand({
  usage: 'why <pipeline> <key>',
  summary:
    'Says why a row went through: which column, parameter, version or file changed, with old and new value.',
  build: y =>
    pipelineArguments(y)
      .positional('key', {
        type: 'string',
        demandOption: true,
        describe: 'a key: a doc_id, or the unit_id of a hit',
      })
      .example('$0 index doc-17', 'why document doc-17 was worked on'),
  run: (args, io) =>
    tellRows(args, io, lines, ({ flow, source, key, line, why, last, passes }) => ({
      flow,
      source,
      key,
      line,
      why: why ?? null,
      last,
      passes,
    })),
});
