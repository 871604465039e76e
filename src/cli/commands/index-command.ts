import { utimes } from 'node:fs/promises';
import { relative } from 'node:path';
import { formatBytes } from '../../define/units.ts';
import { indexActions } from '../../retrieval/kinds.ts';
import type { VerifyReport } from '../../retrieval/store/verify.ts';
import { defineCommand, type Io } from '../command.ts';
import { EXIT } from '../errors.ts';
import { indexFolder } from '../index-folder.ts';
import { count, counted, left, tableLines } from '../table.ts';

async function info(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const actions = indexActions(folder);
  const { info: found, kind, own } = await actions.facts(folder);
  if (json) {
    io.json({ path: shown, kind: actions.kind, ...found });
    return EXIT.ok;
  }
  const rows: [string, string | number][] = [
    ['kind', kind],
    ['documents', found.documents],
    ...own.map(([name, value]): [string, string | number] => [name, value]),
    ['key', found.keyColumn],
    ['stored', found.columns.map(c => `${c.name} (${c.type})`).join(', ') || 'nothing'],
    ['size', `${formatBytes(found.bytes)} in ${counted(found.segments, 'segment')}`],
    ['generation', String(found.generation)],
  ];
  io.out(io.style.bold(shown));
  for (const line of tableLines(
    [left(''), left('')],
    rows.map(([name, value]) => [io.style.dim(name), typeof value === 'number' ? count(value) : value]),
    { indent: 2 },
  ))
    io.out(line);
  return EXIT.ok;
}

/** What each damaged generation means, and what to do about it. */
function advice({ live, previous, damaged }: VerifyReport, shown: string): string[] {
  if (live === undefined)
    return [
      'CURRENT is damaged, so nobody can search this index: run the pipeline that writes it, which builds it anew; or restore the file from a backup',
    ];
  return damaged.map(generation => {
    if (generation === live) {
      const back =
        previous !== undefined && !damaged.includes(previous)
          ? `; or \`millrace index rollback ${shown}\` goes back to generation ${previous}, which is whole`
          : '';
      return `generation ${generation}, the live one, is damaged: run the pipeline that writes it, which builds it anew; or restore the file from a backup${back}`;
    }
    const what =
      generation > live
        ? 'prepared by a run that was cut short'
        : generation === previous
          ? 'the one before the live one'
          : 'one that is left over';
    const whole = damaged.includes(live) ? '' : `searches read generation ${live}, which is whole; `;
    const refused = generation === previous ? ', and until then `index rollback` refuses it' : '';
    return `generation ${generation}, ${what}, is damaged: ${whole}the next run that changes the index drops it${refused}`;
  });
}

async function verify(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const report = await indexActions(folder).verify(folder);
  if (json) io.json({ path: shown, ...report });
  else {
    const state = report.ok ? io.style.green('ok') : io.style.red('damaged');
    io.out(
      `${shown}: ${state}, ${counted(report.files, 'file')} of ${counted(report.generations.length, 'generation')}, ${formatBytes(report.bytes)}`,
    );
    for (const p of report.problems) io.out(`  ${relative(process.cwd(), p.file)}: ${p.message}`);
    if (!report.ok) for (const line of advice(report, shown)) io.err(`help: ${line}`);
  }
  // files whose bits changed by themselves look as they did: the next run is to see that they are others
  const now = new Date();
  for (const p of report.problems) await utimes(p.file, now, now).catch(() => undefined);
  return report.ok ? EXIT.ok : EXIT.failed;
}

async function compact(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const done = await indexActions(folder).compact(folder);
  if (json) {
    io.json({ path: shown, ...done });
    return EXIT.ok;
  }
  const { before, after, generation, documents } = done;
  const size = (s: typeof before): string => `${counted(s.segments, 'segment')}, ${formatBytes(s.bytes)}`;
  io.out(
    before === after
      ? `${shown}: nothing to do; ${counted(documents, 'document')} in ${size(after)}`
      : `${shown}: ${counted(documents, 'document')}, ${size(before)} → ${size(after)}, generation ${generation}`,
  );
  return EXIT.ok;
}

async function rollback(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const generation = await indexActions(folder).rollback(folder);
  if (json) io.json({ path: shown, generation });
  else {
    io.out(`${shown}: generation ${generation} is live again`);
    io.out('the next run of the pipeline that builds it takes all rows anew');
  }
  return EXIT.ok;
}

const ACTIONS = { info, verify, compact, rollback };

export const command = defineCommand({
  usage: 'index <action> <index>',
  summary: 'Says what an index holds, verifies its files, makes it one segment, or goes back a generation.',
  build: y =>
    y
      .positional('action', {
        choices: ['info', 'verify', 'compact', 'rollback'] as const,
        demandOption: true,
        describe:
          'info: what it holds; verify: read every file and compare checksums; compact: one segment without deleted rows, ' +
          'same answers; rollback: the generation before',
      })
      .positional('index', { type: 'string', demandOption: true, describe: 'the folder of the index' })
      .example('$0 info indexes/wiki', 'documents, terms, analyzer, size')
      .example('$0 verify indexes/wiki', 'exit code 1 where a file is damaged')
      .example('$0 compact indexes/wiki', 'after many small changes'),
  run: async (args, io) => {
    return ACTIONS[args.action](indexFolder(args.root, args.index), args.index, args.json, io);
  },
});
