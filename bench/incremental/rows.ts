/** Very many small rows, read and indexed: how long their state takes to open, and what the process held. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRun } from '../../src/run/index.ts';
import { Ledger, stateFolderOf } from '../../src/state/index.ts';
import { planOf } from '../lib/plan.ts';

const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;
const FILES = 100;
/** Of the pipeline. */
export const MEMORY_MIB = 512;

export interface RowsResult {
  readonly rows: number;
  /** The first run, and one that finds nothing to do. */
  readonly seconds: number;
  readonly againSeconds: number;
  /** Median of opening the ledger, its checksum included. */
  readonly openMs: number;
  /** Bytes of resident memory after the first run, by the system's high-water mark. */
  readonly peakBytes: number;
}

export async function measureRows(rows: number): Promise<RowsResult> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-rows-'));
  try {
    mkdirSync(join(root, 'docs'));
    for (let file = 0; file < FILES; file++) {
      const lines = Array.from({ length: rows / FILES }, (_, i) => {
        const n = file * (rows / FILES) + i;
        return `{"doc_id":"d${n}","title":"t${n % 1000}","text":"row ${n} of many, word${n % 5000} and word${n % 777}"}\n`;
      });
      writeFileSync(join(root, 'docs', `part-${file}.jsonl`), lines.join(''));
    }
    const seconds = await run(root);
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const opens: number[] = [];
    for (let i = 0; i < 5; i++) {
      const started = performance.now();
      const ledger = await Ledger.openForReading(stateFolderOf(root, 'rows'));
      ledger.meta('format');
      opens.push(performance.now() - started);
      await ledger.close();
    }
    opens.sort((a, b) => a - b);
    return { rows, seconds, againSeconds: await run(root), openMs: opens[opens.length >> 1], peakBytes };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function run(root: string): Promise<number> {
  const steps = [
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
    { id: 'index', op: 'index.sparse', with: { path: 'index' } },
  ];
  const plan = await planOf({ name: 'rows', memory: `${MEMORY_MIB} MiB`, steps } as never, root);
  const started = performance.now();
  const result = await startRun(plan, { registryUrl }).result;
  if (result.status !== 'ok') throw new Error(result.error?.message);
  return (performance.now() - started) / 1000;
}
