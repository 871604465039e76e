/** Very many small rows, read and indexed: how long their state takes to open, and what the process held. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyStep } from '../../src/define/index.ts';
import { compiledEngine } from '../lib/compiled-engine.mjs';

const FILES = 100;
const STEPS: AnyStep[] = [
  { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
  { id: 'index', op: 'index.sparse', with: { path: 'index' } },
];
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

/** @param folder of the compiled package */
export async function measureRows(rows: number, folder: string): Promise<RowsResult> {
  const { run, state } = await compiledEngine(folder);
  const seconds = async (): Promise<number> =>
    (await run({ name: 'rows', memory: `${MEMORY_MIB} MiB`, steps: STEPS }, root)).seconds;
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
    const first = await seconds();
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const opens: number[] = [];
    const stateFolder = state.stateFolderOf(root, 'rows');
    for (let i = 0; i < 5; i++) {
      // one that was touched is read and its checksum compared, as one is that was closed long ago
      utimesSync(join(stateFolder, 'ledger/data.mdb'), new Date(), new Date());
      const started = performance.now();
      const ledger = await state.Ledger.openForReading(stateFolder);
      ledger.meta('format');
      opens.push(performance.now() - started);
      await ledger.close();
    }
    opens.sort((a, b) => a - b);
    return {
      rows,
      seconds: first,
      againSeconds: await seconds(),
      openMs: opens[opens.length >> 1],
      peakBytes,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
