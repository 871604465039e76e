import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { defineCommand, type Io, oneText } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { inPassages, projectFiles } from '../init/files.ts';
import { type Look, lookInto, pathFrom } from '../init/look.ts';
import { commandIsNear, dependencyFor, isInstalled } from '../package.ts';
import { count, left, tableLines } from '../table.ts';

/** A package name of a folder's name. */
const packageName = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '') || 'search';

function tell(look: Look, shown: string, io: Io): void {
  const rows: string[][] = [['corpus', `${shown}: ${look.corpus.what}`, `read by ${look.corpus.op}`]];
  for (const name of ['id', 'title', 'text'] as const) {
    const choice = look.fields?.[name];
    if (choice) rows.push([name, choice.field ?? 'none', choice.why]);
  }
  rows.push([
    'unit',
    inPassages(look) ? 'passages' : 'documents',
    `nine of ten texts have up to ${count(look.words)} words`,
  ]);
  rows.push(['analyzer', look.analyzer.name, look.analyzer.why]);
  for (const line of tableLines(
    [left(''), left(''), left('')],
    rows.map(([a, b, c]) => [io.errStyle.dim(a), b, io.errStyle.dim(c)]),
  )) {
    io.err(line);
  }
  const others = Object.entries(look.corpus.others);
  if (others.length > 0) {
    io.err(
      `left out: ${others.map(([what, n]) => `${count(n)} ${what} files`).join(', ')}; a pipeline has one source, or several`,
    );
  }
}

/** The commands to type next. */
function nextSteps(folder: string, shown: string): string[] {
  const go = shown === '.' || shown === '' ? [] : [`cd ${shown}`];
  if (commandIsNear(folder)) return [...go, 'npx millrace run index', 'npx millrace run search'];
  if (isInstalled()) return [...go, 'npm install', 'npx millrace run index', 'npx millrace run search'];
  return [
    `npm run -s millrace -- run index --root ${folder}`,
    `npm run -s millrace -- run search --root ${folder}`,
  ];
}

async function refuseOverwriting(folder: string, shown: string, names: readonly string[]): Promise<void> {
  const info = await stat(folder).catch(() => undefined);
  if (info && !info.isDirectory()) throw new UsageError(`init: ${shown} is a file, wanted a folder`);
  const there = names.filter(name => existsSync(join(folder, name)));
  if (there.length > 0) {
    throw new UsageError(`init: ${shown} holds ${there.join(', ')} already, and nothing is overwritten`, {
      help: 'name another folder, or move them away',
    });
  }
}

export const command = defineCommand({
  usage: 'init <dir>',
  summary: 'Starts a project on your own file: looks into it, writes pipelines that index and search it.',
  text:
    'The corpus may be JSONL, CSV, Parquet, Arrow, SQuAD-format JSON, or a folder of such files or of text, Markdown or\n' +
    'HTML. It stays where it is.',
  build: y =>
    y
      .positional('dir', {
        type: 'string',
        demandOption: true,
        describe: 'folder of the project; made where absent',
      })
      .option('corpus', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        coerce: (value: unknown) => oneText('--corpus')(value) as string,
        describe: 'the file or folder to search',
      })
      .option('id', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--id'),
        describe: 'field that names a document',
      })
      .option('text', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--text'),
        describe: 'field to search',
      })
      .option('title', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--title'),
        describe: 'field of titles',
      })
      .option('analyzer', {
        choices: ['english', 'korean', 'standard', 'whitespace'] as const,
        requiresArg: true,
        describe: 'how text becomes terms',
      })
      .option('typescript', {
        type: 'boolean',
        default: false,
        describe: 'write .ts pipelines instead of .yaml',
      })
      .example('$0 wiki --corpus data/wiki.jsonl', 'a file of documents')
      .example('$0 notes --corpus ~/notes', 'a folder of Markdown files')
      .example('$0 shop --corpus items.csv --text description', 'where the guess is wrong'),
  run: async (args, io) => {
    const folder = resolve(args.root, args.dir);
    const corpus = resolve(args.root, args.corpus);
    const { operators } = await import('../../../operators/index.ts');
    const ending = args.typescript ? 'ts' : 'yaml';
    await refuseOverwriting(folder, args.dir, [
      'package.json',
      `pipelines/index.${ending}`,
      `pipelines/search.${ending}`,
      'README.md',
    ]);
    const look = await lookInto(corpus, args.corpus, args.root, operators, args);
    const files = projectFiles({
      name: packageName(folder),
      corpus: pathFrom(folder, corpus),
      look,
      dependency: dependencyFor(folder),
      typescript: args.typescript,
    });
    await refuseOverwriting(folder, args.dir, Object.keys(files));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text, { flag: 'wx' });
    }
    const shown = relative(process.cwd(), folder) || '.';
    const next = nextSteps(folder, shown.startsWith('..') ? folder : shown);
    tell(look, args.corpus, io);
    if (args.json) {
      const { op, what } = look.corpus;
      io.json({
        folder,
        files: Object.keys(files),
        corpus: { op, what, with: look.params },
        fields: look.fields,
        analyzer: look.analyzer,
        next,
      });
      return EXIT.ok;
    }
    io.err(`wrote ${Object.keys(files).join(', ')} into ${shown}`);
    io.err('next:');
    for (const line of next) io.out(`  ${line}`);
    return EXIT.ok;
  },
});
