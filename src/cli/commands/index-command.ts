import { utimes } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { formatBytes } from '../../define/units.ts';
import { indexKind } from '../../retrieval/store/kind.ts';
import { defineCommand, type Io } from '../command.ts';
import { EXIT } from '../errors.ts';
import { count, counted, left, tableLines } from '../table.ts';

interface Facts {
  /** What `--json` gives. */
  readonly json: object;
  readonly rows: string[][];
}

async function sparseFacts(folder: string): Promise<Facts> {
  const { SparseIndex } = await import('../../retrieval/sparse/index.ts');
  const index = await SparseIndex.open(folder, { preload: false });
  index.close();
  const { info: found } = index;
  const { name, ...options } = found.analyzer.spec as { name: string };
  return {
    json: found,
    rows: [
      ['kind', 'sparse (inverted)'],
      ['documents', count(found.documents)],
      ['terms', count(found.terms)],
      ['mean length', `${found.averageLength.toFixed(1)} terms`],
      ['analyzer', `${name}${Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : ''}`],
      ...common(found),
    ],
  };
}

async function denseFacts(folder: string): Promise<Facts> {
  const { DenseIndex } = await import('../../retrieval/dense/index.ts');
  const index = await DenseIndex.open(folder, { cacheBytes: 0 });
  index.close();
  const { info: found } = index;
  const { dimension, precision, metric, approximate } = found.settings;
  const graphs = found.graphs.map(
    g => `${count(g.documents)} vectors, ${g.search} candidates, recall ${g.recall.toFixed(3)}`,
  );
  return {
    json: found,
    rows: [
      ['kind', `dense (${approximate === null ? 'exact' : 'hnsw'})`],
      ['documents', count(found.documents)],
      ['vectors', `${dimension} numbers, ${precision}, ${metric}`],
      ...(graphs.length > 0 ? [['graphs', graphs.join('; ')]] : []),
      ...common(found),
    ],
  };
}

async function lateFacts(folder: string): Promise<Facts> {
  const { LateIndex } = await import('../../retrieval/late/index.ts');
  const index = await LateIndex.open(folder, { cacheBytes: 0 });
  index.close();
  const { info: found } = index;
  const { from, dimension, bits, codebook } = found.settings;
  return {
    json: found,
    rows: [
      ['kind', 'late (token vectors)'],
      ['documents', count(found.documents)],
      ['tokens', count(found.tokens)],
      ['vectors', `${from} numbers, kept as ${dimension} of ${bits} ${bits === 1 ? 'bit' : 'bits'}`],
      ['centroids', count(codebook?.centroids ?? 0)],
      ...common(found),
    ],
  };
}

const common = (found: {
  readonly keyColumn: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly bytes: number;
  readonly segments: number;
  readonly generation: number;
}): string[][] => [
  ['key', found.keyColumn],
  ['stored', found.columns.map(c => `${c.name} (${c.type})`).join(', ') || 'nothing'],
  ['size', `${formatBytes(found.bytes)} in ${counted(found.segments, 'segment')}`],
  ['generation', String(found.generation)],
];

async function info(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const kind = indexKind(folder) ?? 'sparse';
  const { json: found, rows } = await { sparse: sparseFacts, dense: denseFacts, late: lateFacts }[kind](
    folder,
  );
  if (json) {
    io.json({ path: shown, kind, ...found });
    return EXIT.ok;
  }
  io.out(io.style.bold(shown));
  for (const line of tableLines(
    [left(''), left('')],
    rows.map(([name, value]) => [io.style.dim(name), value]),
    { indent: 2 },
  ))
    io.out(line);
  return EXIT.ok;
}

async function verifyAny(folder: string) {
  const kind = indexKind(folder);
  if (kind === 'dense') return (await import('../../retrieval/dense/index.ts')).verifyDense(folder);
  if (kind === 'late') return (await import('../../retrieval/late/index.ts')).verifyLate(folder);
  return (await import('../../retrieval/sparse/index.ts')).verify(folder);
}

async function verify(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const report = await verifyAny(folder);
  if (json) io.json({ path: shown, ...report });
  else {
    const state = report.ok ? io.style.green('ok') : io.style.red('damaged');
    io.out(
      `${shown}: ${state}, ${counted(report.files, 'file')} of ${counted(report.generations.length, 'generation')}, ${formatBytes(report.bytes)}`,
    );
    for (const p of report.problems) io.out(`  ${relative(process.cwd(), p.file)}: ${p.message}`);
    if (!report.ok)
      io.err(
        'help: run the pipeline that writes it, which builds it anew; or restore the file from a backup',
      );
  }
  // files whose bits changed by themselves look as they did: the next run is to see that they are others
  const now = new Date();
  for (const p of report.problems) await utimes(p.file, now, now).catch(() => undefined);
  return report.ok ? EXIT.ok : EXIT.failed;
}

async function compact(folder: string, shown: string, json: boolean, io: Io): Promise<number> {
  const sparse = await import('../../retrieval/sparse/index.ts');
  const done = await sparse.compact(folder);
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
  const sparse = await import('../../retrieval/sparse/index.ts');
  const generation = await sparse.rollback(folder);
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
    const folder = resolve(args.root, args.index);
    return ACTIONS[args.action](folder, args.index, args.json, io);
  },
});
