/**
 * Kills runs with SIGKILL at random moments and at every named place, with random edits between, and looks at what is
 * left: the index is whole and shows a state that was committed, and a run that ends shows what a full run gives.
 * `node --import tsx test/long/crash.ts [kills] [seed]`; part of `npm run test:long`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { SparseIndex, verify } from '../../src/retrieval/sparse/index.ts';

const kills = Number(process.argv[2] ?? 500);
let seed = Number(process.argv[3] ?? Date.now() % 1e9);
console.log(`seed ${seed}`);
const pick = (n: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};

const work = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
// bundled, so that a child starts in a few tenths of a second; beside the sources, so that packages are found
const child = fileURLToPath(new URL('../../.crash-child.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('crash-child.ts', import.meta.url))],
  outfile: child,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
});

const POINTS = ['before-record', 'after-record', 'after-publish', 'after-ledger', 'after-commit'];
const INTERIM = [
  'before-record-interim',
  'after-record-interim',
  'after-ledger-interim',
  'after-commit-interim',
];

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
    const proc = spawn(process.execPath, [child, root, shape, String(words)], {
      env: { ...process.env, MILLRACE_FAULT: how.point ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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
    const lines = [...rows].map(([id, t]) => JSON.stringify({ doc_id: id, title: '', text: t }));
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  }
}
/** Every query's hits with scores: what a search can see. */
async function seen(root: string): Promise<string> {
  const index = await SparseIndex.open(join(root, 'index'));
  try {
    return JSON.stringify(
      Array.from({ length: 60 }, (_, i) => {
        const { docs, scores } = index.search(`w${i}`, { k: 100_000 });
        return index.rows(docs).map((row, at) => [row.unit_id, row.text, scores[at]]);
      }),
    );
  } finally {
    index.close();
  }
}
const fail = (what: string): never => {
  console.error(`FAILED after ${done} kills: ${what}\nthe folder is kept: ${work}`);
  process.exit(1);
};

let done = 0;
let runs = 0;
let whole = 0;
let resumedMs = 0;
let round = 0;
const started = performance.now();
while (done < kills) {
  const root = join(work, `r${round++}`);
  const shape = round % 3 === 0 ? 'unique' : 'plain';
  let words = 5;
  const docs: Docs = new Map();
  for (let i = 0; i < 900; i++) {
    const file = `f${i % 4}.jsonl`;
    if (!docs.has(file)) docs.set(file, new Map());
    docs.get(file)?.set(`d${i}`, text());
  }
  save(root, docs);
  let usual = 900;
  let committed: string | undefined;
  for (let step = 0; step < 12 && done < kills; step++) {
    for (let tries = 1 + pick(4); tries > 0; tries--) {
      const points = shape === 'plain' ? [...POINTS, ...INTERIM] : POINTS;
      const how = pick(2) === 0 ? { point: points[pick(points.length)] } : { afterMs: 150 + pick(usual) };
      const ended = await run(root, shape, words, how);
      runs++;
      if (ended.killed) done++;
      else if (ended.code !== 0) fail(`a run ended with ${ended.code}: ${ended.out}`);
      if (readdirSync(root).includes('index') && readdirSync(join(root, 'index')).includes('CURRENT')) {
        const { ok, problems } = await verify(join(root, 'index'));
        if (!ok) fail(`verify: ${JSON.stringify(problems)}`);
        if (ended.killed && how.point?.startsWith('before') && committed !== undefined) {
          if ((await seen(root)) !== committed)
            fail('a run that was killed before its commit changed what is seen');
        }
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
    committed = await seen(root);
    if (committed !== (await seen(fresh))) fail('the index is other than that of a full run');
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
rmSync(child, { force: true });
console.log(
  `ok: ${done} kills in ${runs} runs, ${whole} times equal to a full run (${Math.round(resumedMs / whole)} ms a run that ended)`,
);
