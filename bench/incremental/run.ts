/** What a second run costs, and what it costs the first one that there can be a second: all ratios within one run. */
import { execFile, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AnyStep } from '../../src/define/index.ts';
import { seededRandom } from '../../src/metrics/random.ts';
import type { RunOptions } from '../../src/run/index.ts';
import { compile } from '../lib/compiled.ts';
import { peersFolder, scratchFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import { paragraphs, varied } from '../lib/text.ts';
import { MEMORY_MIB, type RowsResult } from './rows.ts';

const FILES = 100;
const STEPS: AnyStep[] = [
  { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
  { id: 'split', op: 'split.passages', with: { words: 100 } },
  { id: 'index', op: 'index.sparse', with: { path: 'index' } },
];

interface Doc {
  readonly doc_id: string;
  readonly title: string;
  text: string;
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

async function documents(count: number): Promise<{ docs: Doc[]; from: string }> {
  const source = await paragraphs();
  const pool = varied(source.paragraphs, Math.max(1, Math.ceil(count / source.paragraphs.length)));
  const docs = pool
    .slice(0, count)
    .map(({ title, text }, i): Doc => ({ doc_id: `d${String(i).padStart(7, '0')}`, title, text }));
  return { docs, from: source.from };
}
const fileOf = (root: string, file: number): string =>
  join(root, 'docs', `part-${String(file).padStart(3, '0')}.jsonl`);
async function save(root: string, docs: readonly Doc[]): Promise<void> {
  const each = Math.ceil(docs.length / FILES);
  await mkdir(join(root, 'docs'), { recursive: true });
  for (const file of all()) await saveFile(root, file, docs.slice(file * each, (file + 1) * each));
}
async function saveFile(root: string, file: number, docs: readonly Doc[]): Promise<void> {
  await writeFile(fileOf(root, file), `${docs.map(d => JSON.stringify(d)).join('\n')}\n`);
}
async function load(root: string, file: number): Promise<Doc[]> {
  const lines = (await readFile(fileOf(root, file), 'utf8')).trimEnd().split('\n');
  return lines.map(line => JSON.parse(line) as Doc);
}
const all = (): number[] => Array.from({ length: FILES }, (_, i) => i);

// in a function of its own, so that nothing of it stays in memory; gives where the text is from
async function write(root: string, count: number): Promise<string> {
  const { docs, from } = await documents(count);
  await save(root, docs);
  return from;
}

interface Timed {
  readonly seconds: number;
  readonly redone: number;
}
type RunOnce = (root: string, options?: Partial<RunOptions>) => Promise<Timed>;

/** Runs in a process of their own, as those of a package's user are. @param folder of the compiled package */
function engineOf(folder: string): { run: RunOnce; close(): void } {
  const child = fork(fileURLToPath(new URL('./engine.mjs', import.meta.url)), [folder]);
  const run: RunOnce = (root, options) =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the process of the runs has ended'));
      child.once('exit', ended);
      child.once('message', (answer: Timed | { readonly error: string }) => {
        child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer);
      });
      child.send({ definition: { name: 'bench', memory: '1 GiB', steps: STEPS }, root, options });
    });
  return { run, close: () => child.kill() };
}

async function bytesUnder(path: string): Promise<number> {
  const info = await stat(path);
  if (!info.isDirectory()) return info.size;
  const sizes = await Promise.all((await readdir(path)).map(name => bytesUnder(join(path, name))));
  return sizes.reduce((sum, n) => sum + n, 0);
}

interface Peer {
  readonly name: string;
  readonly full: number;
  readonly nothing: number;
  readonly changed: number;
  readonly redoneNothing: number;
  readonly redoneChanged: number;
}
async function peers(root: string, log: BenchOptions['log']): Promise<{ found: Peer[]; missing: string[] }> {
  const python = join(peersFolder, 'incremental/bin/python');
  if (!existsSync(python))
    return {
      found: [],
      missing: ['LlamaIndex, LangChain and CocoIndex: sh bench/install-peers.sh incremental'],
    };
  const script = fileURLToPath(new URL('./peers.py', import.meta.url));
  const found: Peer[] = [];
  const missing: string[] = [];
  for (const name of ['llamaindex', 'langchain', 'cocoindex']) {
    log(name);
    try {
      const { stdout } = await promisify(execFile)(python, [script, name, root], { maxBuffer: 1 << 24 });
      found.push(JSON.parse(stdout.trim().split('\n').at(-1) as string) as Peer);
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message.split('\n').at(-2) ?? error}`);
    }
  }
  return { found, missing };
}

/** Runs over very many rows, each in a process of its own. */
async function manyRows(
  sizes: readonly number[],
  folder: string,
  log: BenchOptions['log'],
): Promise<RowsResult[]> {
  const child = fileURLToPath(new URL('./rows.mjs', import.meta.url));
  const found: RowsResult[] = [];
  for (const rows of sizes) {
    log(`${rows.toLocaleString('en-US')} rows`);
    const { stdout } = await promisify(execFile)(process.execPath, [child, String(rows), folder]);
    found.push(JSON.parse(stdout) as RowsResult);
  }
  return found;
}

export async function run(options: BenchOptions): Promise<BenchReport> {
  const { quick, log } = options;
  const count = quick ? 20_000 : 100_000;
  const repeats = quick ? 2 : 5;
  const random = seededRandom(count);
  log('compiling');
  const folder = compile();
  const engine = engineOf(folder);
  const runOnce = engine.run;
  const scratch = await scratchFolder();
  const root = scratch.path;
  try {
    const from = await write(root, count);
    const without: number[] = [];
    const full: number[] = [];
    for (let i = 0; i <= repeats; i++) {
      log(`full runs ${i + 1} of ${repeats + 1}`);
      const bare = await runOnce(root, { incremental: false, full: true });
      await rm(join(root, '.millrace'), { recursive: true, force: true });
      await rm(join(root, 'index'), { recursive: true, force: true });
      const kept = await runOnce(root);
      // the first of each warms up
      if (i > 0) {
        without.push(bare.seconds);
        full.push(kept.seconds);
      }
    }
    const ledgerBytes = await bytesUnder(join(root, '.millrace', 'bench', 'ledger'));
    const cases: Record<string, { seconds: number[]; redone: number }> = {};
    const measure = async (name: string, warm: boolean): Promise<void> => {
      const timed = await runOnce(root);
      if (!warm) return;
      const known = cases[name] ?? { seconds: [], redone: 0 };
      cases[name] = { seconds: [...known.seconds, timed.seconds], redone: timed.redone };
    };
    const edit = async (file: number, which: (row: number) => boolean): Promise<void> => {
      const docs = await load(root, file);
      for (const [row, doc] of docs.entries())
        if (which(row)) doc.text += ` Changed ${random() % 1_000_000}.`;
      await saveFile(root, file, docs);
    };
    for (let i = 0; i <= repeats; i++) {
      log(`second runs ${i + 1} of ${repeats + 1}`);
      const warm = i > 0;
      await measure('nothing changed', warm);
      const one = random() % Math.ceil(count / FILES);
      await edit(0, row => row === one);
      await measure('one document', warm);
      await edit(1 + (random() % (FILES - 1)), () => true);
      await measure('1 %, in one file of a hundred', warm);
      for (const file of all()) {
        const some = random() % 100;
        await edit(file, row => row % 100 === some);
      }
      await measure('1 %, in every file', warm);
    }
    // the same edits for the peers: from a corpus of their own, a tenth as large
    const small = join(root, 'peers');
    const few: Doc[] = [];
    for (let file = 0; few.length < Math.min(count, 10_000); file++) few.push(...(await load(root, file)));
    await save(small, few);
    await writeFile(
      join(small, 'edits.json'),
      JSON.stringify(few.filter((_, i) => i % 100 === 0).map(d => d.doc_id)),
    );
    const { found, missing } = await peers(small, log);
    const rows = await ownAsPeer(runOnce, small, few);
    const many = await manyRows(quick ? [100_000, 200_000] : [1_000_000, 2_000_000], folder, log);
    const whole = median(full);
    const share = (name: string): number => (100 * median(cases[name].seconds)) / whole;
    const bars: Bar[] = [
      {
        name: '1 % changed (one file): time ÷ full run',
        value: share('1 %, in one file of a hundred'),
        bound: 'at most',
        wanted: 4,
        unit: '%',
      },
      {
        name: '1 % changed (every file): time ÷ full run',
        value: share('1 %, in every file'),
        bound: 'at most',
        wanted: 4,
        unit: '%',
      },
      {
        name: '0 changed: time ÷ full run',
        value: share('nothing changed'),
        bound: 'at most',
        wanted: 1.5,
        unit: '%',
      },
      {
        name: '0 changed',
        value: median(cases['nothing changed'].seconds),
        bound: 'at most',
        wanted: 2,
        unit: 's',
      },
      {
        name: 'one document',
        value: median(cases['one document'].seconds),
        bound: 'at most',
        wanted: 1,
        unit: 's',
      },
      {
        name: 'ledger: full run with it ÷ without',
        value: 100 * (whole / median(without) - 1),
        bound: 'at most',
        wanted: 12,
        unit: '% more',
      },
      {
        name: 'ledger: bytes a row and step',
        value: ledgerBytes / count / STEPS.length,
        bound: 'at most',
        wanted: 60,
      },
      {
        name: `${many[0].rows.toLocaleString('en-US')} rows: state opens`,
        value: many[0].openMs,
        bound: 'at most',
        wanted: 500,
        unit: 'ms',
      },
      {
        name: `${many[0].rows.toLocaleString('en-US')} rows: peak memory ÷ memory of the pipeline`,
        value: many[0].peakBytes / 2 ** 20 / MEMORY_MIB,
        bound: 'at most',
        wanted: 1,
      },
    ];
    return {
      tables: [
        {
          title: `${count.toLocaleString('en-US')} documents in ${FILES} files: read, split, index`,
          columns: ['', 'seconds', '% of full', 'documents redone'],
          rows: [
            ['full, without a ledger', median(without), (100 * median(without)) / whole, count],
            ['full', whole, 100, count],
            ...Object.entries(cases).map(([name, c]) => [name, median(c.seconds), share(name), c.redone]),
          ],
        },
        {
          title: `${few.length.toLocaleString('en-US')} documents, 1 % edited, beside others (each by its own splitter)`,
          columns: ['', 'full s', 'again s', '% of full', 'redone', '1 % s', '% of full', 'redone'],
          rows: [rows, ...found].map(p => [
            p.name,
            p.full,
            p.nothing,
            (100 * p.nothing) / p.full,
            p.redoneNothing,
            p.changed,
            (100 * p.changed) / p.full,
            p.redoneChanged,
          ]),
        },
        {
          title: `Very many rows: read, index, memory ${MEMORY_MIB} MiB`,
          columns: ['rows', 'seconds', 'peak MiB', 'state opens, ms', 'nothing changed, s'],
          rows: many.map(m => [
            m.rows.toLocaleString('en-US'),
            m.seconds,
            Math.round(m.peakBytes / 2 ** 20),
            m.openMs,
            m.againSeconds,
          ]),
        },
      ],
      bars,
      notes: [
        `rows that are a sentence, memory ${MEMORY_MIB} MiB, each size in a process of its own`,
        `documents: ${from}, one word in eight exchanged in copies`,
        'compiled, as in a package; one warm-up, then runs with and without a ledger in turn, and one round of edits, then others; medians; in one process without a loader, so without its start',
      ],
      missing,
    };
  } finally {
    engine.close();
    await scratch.remove();
  }
}

async function ownAsPeer(runOnce: RunOnce, root: string, docs: readonly Doc[]): Promise<Peer> {
  const full = await runOnce(root);
  const nothing = await runOnce(root);
  const edits = new Set(JSON.parse(await readFile(join(root, 'edits.json'), 'utf8')) as string[]);
  const edited = docs.map(d => (edits.has(d.doc_id) ? { ...d, text: `${d.text} Edited.` } : d));
  await save(root, edited);
  const changed = await runOnce(root);
  return {
    name: 'millrace (with its index)',
    full: full.seconds,
    nothing: nothing.seconds,
    changed: changed.seconds,
    redoneNothing: nothing.redone,
    redoneChanged: changed.redone,
  };
}
