/**
 * Kills runs with SIGKILL at random moments and at every named place, with random edits between, and looks at what is
 * left: the index is whole and shows a state that was committed, and a run that ends shows what a full run gives.
 * `node --import tsx test/long/crash.ts [kills] [seed]`; part of `npm run test:long`.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FAULT_POINTS, type FaultPoint, INTERIM_POINTS } from '../../src/files/fault.ts';
import { DenseIndex } from '../../src/retrieval/dense/index.ts';
import { indexActions } from '../../src/retrieval/kinds.ts';
import { LateIndex } from '../../src/retrieval/late/index.ts';
import { SparseIndex } from '../../src/retrieval/sparse/index.ts';

const kills = Number(process.argv[2] ?? 500);
let seed = Number(process.argv[3] ?? Date.now() % 1e9);
console.log(`seed ${seed}`);
const pick = (n: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};

const work = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
// bundled, so that a child starts in a few tenths of a second; beside the sources, so that packages are found
const bundles = fileURLToPath(new URL('../../.crash', import.meta.url));
const child = join(bundles, 'child.mjs');
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
await build({
  entryPoints: {
    child: source('crash-child.ts'),
    ahead: source('../../src/state/ahead/thread.ts'),
  },
  outdir: bundles,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
});
// the thread that fills the ledger; pipelines this small start no other
writeFileSync(join(bundles, 'boot.mjs'), "await import('./ahead.mjs');\n");

/** What the sinks of a shape are. */
const SHAPES: Readonly<
  Record<string, { readonly sink: 'sparse' | 'dense' | 'late' | 'files'; readonly memory?: string }>
> = {
  plain: { sink: 'sparse' },
  unique: { sink: 'sparse' },
  // from 768 MiB on a thread fills the ledger
  large: { sink: 'sparse', memory: '1 GiB' },
  dense: { sink: 'dense' },
  titles: { sink: 'sparse' },
  late: { sink: 'late' },
  whole: { sink: 'files' },
  near: { sink: 'sparse' },
  letters: { sink: 'sparse' },
  join: { sink: 'sparse' },
};
/** Sinks and steps that a place is in; all others are in every run. */
const ONLY: Partial<Record<FaultPoint, readonly string[]>> = {
  'file-prepare': ['whole'],
  'file-publish': ['whole'],
  'file-published': ['whole'],
  'sink-codebook': ['late'],
  'dead-letters': ['letters'],
  'letters-gone': ['letters'],
  ahead: ['large'],
  'ahead-thread': ['large'],
};
/** Of a run that is long enough to commit on its way. */
const LONG = new Set<FaultPoint>([...INTERIM_POINTS, 'sink-keep', 'ahead', 'ahead-thread', 'sink-codebook']);
const INTERIM_SHAPES = ['plain', 'letters', 'dense', 'late'];
function pointsOf(shape: string, isFirst: boolean): FaultPoint[] {
  return FAULT_POINTS.filter(
    point =>
      (ONLY[point]?.includes(shape) ?? true) &&
      !(point.startsWith('sink-') && shape === 'whole') &&
      !(LONG.has(point) && !isFirst) &&
      !(point.endsWith('-interim') && !INTERIM_SHAPES.includes(shape)) &&
      !(point === 'sink-keep' && !INTERIM_SHAPES.includes(shape)),
  );
}
/** Places where nothing is to be seen yet of the run. */
const UNSEEN = new Set<string>([
  'before-record',
  'record',
  'journal',
  'ahead',
  'ahead-thread',
  'sink-segment',
  'sink-merge',
  'sink-codebook',
  'sink-prepare',
  'sink-prepared',
  'sink-keep',
  'file-prepare',
  ...INTERIM_POINTS,
]);
/** Runs that ended, by the place that they were killed at; a place where none ever was is told in the end. */
const killedAt = new Map<string, number>();

interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly out: string;
  readonly ms: number;
}
function run(
  root: string,
  shape: string,
  words: number,
  how: { point?: string; afterMs?: number } = {},
): Promise<Ended> {
  const started = performance.now();
  return new Promise(resolve => {
    const proc = spawn(
      process.execPath,
      [child, root, shape === 'large' ? 'plain' : shape, String(words), SHAPES[shape].memory ?? '256 MiB'],
      {
        env: { ...process.env, MILLRACE_FAULT: how.point ?? '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let out = '';
    proc.stdout.on('data', d => {
      out += d;
    });
    proc.stderr.on('data', d => {
      out += d;
    });
    const timer = how.afterMs === undefined ? undefined : setTimeout(() => proc.kill('SIGKILL'), how.afterMs);
    // a run that hangs is a failure, not a long wait
    const watchdog = setTimeout(() => {
      console.error('a run has not ended within two minutes');
      process.exit(1);
    }, 120_000);
    proc.on('exit', (code, signal) => {
      clearTimeout(timer);
      clearTimeout(watchdog);
      resolve({ killed: signal === 'SIGKILL', code, out, ms: performance.now() - started });
    });
  });
}

type Docs = Map<string, Map<string, string>>;
const text = (): string => Array.from({ length: 3 + pick(12) }, () => `w${pick(60)}`).join(' ');
function edit(docs: Docs): void {
  for (let n = pick(40); n >= 0; n--) {
    const file = `f${pick(4)}.jsonl`;
    const rows = docs.get(file) ?? new Map();
    docs.set(file, rows);
    const all = [...rows.keys()];
    const kind = pick(10);
    if (kind < 4) {
      const id = `d${pick(1500)}`;
      for (const other of docs.values()) other.delete(id);
      rows.set(id, text());
    } else if (kind < 7 && all.length) rows.set(all[pick(all.length)], text());
    else if (kind < 9 && all.length) rows.delete(all[pick(all.length)]);
    else if (n % 7 === 0) docs.delete(file);
  }
}
function save(root: string, docs: Docs): void {
  const folder = join(root, 'docs');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!docs.get(name)?.size) rmSync(join(folder, name));
  for (const [name, rows] of docs) {
    if (rows.size === 0) continue;
    const lines = [...rows].map(([id, t]) =>
      JSON.stringify({ doc_id: id, title: `title ${Number(id.slice(1)) % 300}`, text: t }),
    );
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  }
}
/** Every query's hits with scores: what a search can see; of an approximate index its rows; of files their text. */
async function seen(root: string, shape: string): Promise<string> {
  const dir = join(root, 'index');
  const { sink } = SHAPES[shape];
  if (sink === 'files') {
    const files = ['out.jsonl', 'out.csv'].map(name => join(root, name));
    return JSON.stringify(files.map(f => (existsSync(f) ? readFileSync(f, 'utf8') : null)));
  }
  if (sink === 'sparse') {
    const index = await SparseIndex.open(dir);
    try {
      const words = Array.from({ length: 60 }, (_, i) => {
        const { docs, scores } = index.search(`w${i}`, { k: 100_000 });
        return index.rows(docs).map((row, at) => [row, scores[at]]);
      });
      return JSON.stringify([rowTexts(index), words]);
    } finally {
      index.close();
    }
  }
  if (sink === 'late') {
    const index = await LateIndex.open(dir);
    try {
      return JSON.stringify(rowTexts(index));
    } finally {
      index.close();
    }
  }
  const index = await DenseIndex.open(dir);
  try {
    const [{ docs, scores }] = await index.search(Float32Array.of(1, 2, -3, 4), 1, { k: 100_000 });
    return JSON.stringify(index.rows(docs).map((row, at) => [row, scores[at]]));
  } finally {
    index.close();
  }
}
const rowTexts = (index: { live(): Int32Array; rows(docs: Int32Array): object[] }): string[] =>
  index
    .rows(index.live())
    .map(row => JSON.stringify(row))
    .sort();
const fail = (what: string): never => {
  console.error(`FAILED after ${done} kills: ${what}\nthe folder is kept: ${work}`);
  process.exit(1);
};

/** Kills a first run and looks at the next: what was committed is not done again. */
async function redone(root: string, shape: string, docs: Docs): Promise<void> {
  const size = (): number => (existsSync(join(root, 'worked')) ? statSync(join(root, 'worked')).size : 0);
  const committed = join(root, 'worked.committed');
  const total = [...docs.values()].reduce((sum, rows) => sum + rows.size, 0);
  for (let n = 0; n < 3; n++) {
    const ended = await run(root, shape, 5, { point: `after-commit-interim@${1 + pick(3)}` });
    runs++;
    if (ended.killed) {
      done++;
      killedAt.set('after-commit-interim', (killedAt.get('after-commit-interim') ?? 0) + 1);
    }
    const [worked, kept] = [size(), existsSync(committed) ? Number(readFileSync(committed, 'utf8')) : 0];
    rmSync(join(root, 'worked'), { force: true });
    rmSync(committed, { force: true });
    const next = await run(root, shape, 5);
    runs++;
    if (next.code !== 0) fail(`a run ended with ${next.code}: ${next.out}`);
    if (ended.killed && size() > total - kept)
      fail(
        `shape ${shape}: ${size()} of ${total} rows were done after a kill, ${kept} of ${worked} were committed`,
      );
    redoneRows = Math.max(redoneRows, worked + size() - total);
    for (const name of ['.millrace', 'index', 'worked', 'worked.committed'])
      rmSync(join(root, name), { recursive: true, force: true });
  }
}

let done = 0;
let redoneRows = 0;
let runs = 0;
let whole = 0;
let resumedMs = 0;
let round = 0;
const at = pick(100);
const started = performance.now();
while (done < kills) {
  const root = join(work, `r${round++}`);
  const names = Object.keys(SHAPES);
  const shape = names[(round + at) % names.length];
  let words = 5;
  const docs: Docs = new Map();
  for (let i = 0; i < 900; i++) {
    const file = `f${i % 4}.jsonl`;
    if (!docs.has(file)) docs.set(file, new Map());
    docs.get(file)?.set(`d${i}`, text());
  }
  save(root, docs);
  if (shape === 'plain') await redone(root, shape, docs);
  let usual = 900;
  let committed: string | undefined;
  for (let step = 0; step < 5 && done < kills; step++) {
    for (let tries = 1 + pick(4); tries > 0; tries--) {
      const points = pointsOf(shape, step === 0);
      // places that few runs come to before others
      const never = points.filter(p => !killedAt.has(p));
      const among = never.length > 0 && pick(2) === 0 ? never : points;
      const point = among[pick(among.length)];
      const how =
        pick(5) < 4
          ? { point: pick(step === 0 ? 2 : 4) > 0 ? point : `${point}@${2 + pick(3)}` }
          : { afterMs: 150 + pick(usual) };
      const ended = await run(root, shape, words, how);
      runs++;
      if (ended.killed) {
        done++;
        const place = how.point?.split('@')[0] ?? 'any moment';
        killedAt.set(place, (killedAt.get(place) ?? 0) + 1);
      } else if (ended.code !== 0) fail(`a run ended with ${ended.code}: ${ended.out}`);
      if (existsSync(join(root, 'index', 'CURRENT'))) {
        const { ok, problems } = await indexActions(join(root, 'index')).verify(join(root, 'index'));
        if (!ok) fail(`verify: ${JSON.stringify(problems)}`);
      }
      // the second record of a commit says that it is published
      const [place, time] = how.point?.split('@') ?? [''];
      const isUnseen = UNSEEN.has(place) && !(place === 'record' && time !== undefined);
      if (ended.killed && isUnseen && committed !== undefined) {
        if ((await seen(root, shape)) !== committed)
          fail(`a run that was killed at ${how.point}, before its commit, changed what is seen`);
      }
      committed = undefined;
      if (pick(2) === 0) edit(docs);
      if (pick(6) === 0) words = 3 + pick(4);
      save(root, docs);
    }
    const ended = await run(root, shape, words);
    runs++;
    if (ended.code !== 0) fail(`a run ended with ${ended.code}: ${ended.out}`);
    usual = Math.max(300, ended.ms);
    resumedMs += ended.ms;
    const fresh = `${root}-fresh`;
    save(fresh, docs);
    const full = await run(fresh, shape, words);
    if (full.code !== 0) fail(`a full run ended with ${full.code}: ${full.out}`);
    committed = await seen(root, shape);
    if (committed !== (await seen(fresh, shape)))
      fail(`shape ${shape}: what is seen is other than after a full run`);
    rmSync(fresh, { recursive: true, force: true });
    whole++;
    edit(docs);
    save(root, docs);
  }
  rmSync(root, { recursive: true, force: true });
  const minutes = (performance.now() - started) / 60_000;
  console.log(`${done} kills, ${whole} full comparisons, ${minutes.toFixed(1)} min`);
}
rmSync(work, { recursive: true, force: true });
rmSync(bundles, { recursive: true, force: true });
console.log(
  `ok: ${done} kills in ${runs} runs, ${whole} times equal to a full run (${Math.round(resumedMs / whole)} ms a run that ended)`,
);
console.log(`killed at: ${[...killedAt].map(([place, n]) => `${place} ${n}`).join(', ')}`);
const never = FAULT_POINTS.filter(point => !killedAt.has(point));
if (never.length > 0) console.log(`never came to: ${never.join(', ')}`);
console.log(`at most ${redoneRows} rows were done twice after a kill behind a commit`);
