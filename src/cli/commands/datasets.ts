import type { DatasetDescriptor } from '../../../datasets/index.ts';
import { formatBytes } from '../../define/units.ts';
import { defineCommand, type Io } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { counted, left, tableLines } from '../table.ts';
import { pad, widthOf, wrapText } from '../terminal.ts';

/** A dataset as `--json` prints it. */
async function datasetJson(d: DatasetDescriptor): Promise<Record<string, unknown>> {
  const missing = await d.available({});
  return {
    name: d.name,
    summary: d.summary,
    homepage: d.homepage,
    licence: d.licence,
    origin: d.origin,
    splits: d.splits,
    takes: Object.fromEntries(
      Object.entries(d.takes).map(([name, t]) => [
        name,
        { summary: t.summary, columns: t.columns, key: t.key, ...(t.splits ? { splits: t.splits } : {}) },
      ]),
    ),
    files: d.files,
    folder: d.locate({}),
    available: missing === undefined,
    ...(missing === undefined ? {} : { missing }),
  };
}

async function list(all: readonly DatasetDescriptor[], io: Io): Promise<void> {
  const rows = await Promise.all(
    all.map(async d => [
      io.style.cyan(d.name),
      (await d.available({})) === undefined ? io.style.green('here') : io.style.dim('missing'),
      d.licence,
      Object.keys(d.takes).join(', '),
      d.summary,
    ]),
  );
  const columns = [
    left('dataset'),
    left('data'),
    { ...left('licence'), maxWidth: 28 },
    left('takes'),
    left(''),
  ];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
  io.err(io.errStyle.dim(`${counted(all.length, 'dataset')}; millrace datasets NAME tells all about one`));
}

async function describe(d: DatasetDescriptor, io: Io): Promise<void> {
  const width = Math.min(100, widthOf(process.stdout));
  const { style } = io;
  const field = (name: string, text: string): void => {
    const lines = wrapText(text, width - 12);
    lines.forEach((line, i) => {
      io.out(`${style.dim(pad(i === 0 ? name : '', 10))}  ${line}`);
    });
  };
  io.out(style.bold(d.name));
  field('', d.summary);
  field('licence', d.licence);
  field('homepage', d.homepage);
  field('origin', d.origin);
  if (d.splits.length > 0) field('splits', d.splits.join(', '));
  for (const [name, take] of Object.entries(d.takes)) {
    field(`take`, `${name}: ${take.summary}`);
    field(
      '',
      `columns ${Object.entries(take.columns)
        .map(([c, t]) => `${c} (${t})`)
        .join(', ')}; key ${take.key.join(', ')}`,
    );
  }
  const missing = await d.available({});
  field('data', missing ?? `here, in ${d.locate({})}`);
  const take = Object.keys(d.takes)[0];
  io.out('');
  io.out(`  { id: ${take}, op: read.dataset, with: { name: ${d.name}, take: ${take} } }`);
}

/** Compares every file with its size and hash; gives the exit code. */
async function verify(some: readonly DatasetDescriptor[], json: boolean, io: Io): Promise<number> {
  const { verifyDataset } = await import('../../../datasets/index.ts');
  const results: Record<string, unknown>[] = [];
  let wrong = 0;
  for (const d of some) {
    const files = await verifyDataset(d);
    const bad = files.filter(f => f.state === 'missing' || f.state === 'changed');
    wrong += bad.length;
    results.push({ name: d.name, ok: bad.length === 0, files });
    if (json) continue;
    const bytes = d.files.reduce((sum, f) => sum + (f.bytes ?? 0), 0);
    const state = bad.length === 0 ? io.style.green('ok') : io.style.red('wrong');
    io.out(
      `${d.name}: ${state}, ${counted(files.length, 'file')}${bytes > 0 ? `, ${formatBytes(bytes)}` : ''}`,
    );
    for (const f of bad) io.out(`  ${f.path}: ${f.state}${f.problem ? ` (${f.problem})` : ''}`);
  }
  if (json) io.json({ ok: wrong === 0, datasets: results });
  return wrong === 0 ? EXIT.ok : EXIT.failed;
}

export const command = defineCommand({
  usage: 'datasets [name]',
  summary:
    'Lists the datasets that read.dataset knows by name: licence, where they come from, whether they are here.',
  build: y =>
    y
      .positional('name', { type: 'string', describe: 'one of them' })
      .option('verify', { type: 'boolean', default: false, describe: 'compare the files with their hashes' })
      .example('$0', 'all of them')
      .example('$0 --verify', 'check the files of all')
      .example('$0 factbook', 'one of them'),
  run: async (args, io) => {
    const { datasets, findDataset } = await import('../../../datasets/index.ts');
    let some: readonly DatasetDescriptor[] = datasets;
    if (args.name !== undefined) {
      try {
        some = [findDataset(args.name)];
      } catch (error) {
        throw new UsageError((error as Error).message);
      }
    }
    if (args.verify) return verify(some, args.json, io);
    if (args.json) {
      const all = await Promise.all(some.map(datasetJson));
      io.json(args.name === undefined ? all : all[0]);
    } else if (args.name === undefined) await list(some, io);
    else await describe(some[0], io);
    return EXIT.ok;
  },
});
