/** A million rows: how long the state takes to open, and what the process held. `node --import tsx bench/incremental/million.ts [rows]` */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRun } from '../../src/run/index.ts';
import { Ledger, stateFolderOf } from '../../src/state/index.ts';
import { planOf } from '../lib/plan.ts';

const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;
const rows = Number(process.argv[2] ?? 1_000_000);
const root = mkdtempSync(join(tmpdir(), 'millrace-million-'));
try {
  mkdirSync(join(root, 'docs'));
  for (let file = 0; file < 100; file++) {
    const lines = Array.from({ length: rows / 100 }, (_, i) => {
      const n = file * (rows / 100) + i;
      return `{"doc_id":"d${n}","title":"t${n % 1000}","text":"row ${n} of many, word${n % 5000} and word${n % 777}"}\n`;
    });
    writeFileSync(join(root, 'docs', `part-${file}.jsonl`), lines.join(''));
  }
  const steps = [
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
    { id: 'index', op: 'index.sparse', with: { path: 'index' } },
  ];
  const run = async (): Promise<void> => {
    const plan = await planOf({ name: 'million', memory: '512 MiB', steps } as never, root);
    const started = performance.now();
    const result = await startRun(plan, { registryUrl }).result;
    if (result.status !== 'ok') throw new Error(result.error?.message);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    console.log(`run: ${seconds} s, peak ${Math.round(result.peakBytes / 2 ** 20)} MiB`);
  };
  await run();
  for (let i = 0; i < 3; i++) {
    const started = performance.now();
    const ledger = await Ledger.open(stateFolderOf(root, 'million'));
    const opened = performance.now() - started;
    ledger.meta('format');
    await ledger.close();
    console.log(`state opens in ${opened.toFixed(0)} ms`);
  }
  await run();
} finally {
  rmSync(root, { recursive: true, force: true });
}
