/** Peak resident memory of a run whose input is far larger than its memory, and ten times larger again. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dataFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import { type CorpusFile, corpusFile, paragraphs } from '../lib/text.ts';
import type { ChildResult } from './child.ts';

const MEMORY_MIB = 256;
/** What Node, the loader and the libraries take whatever the data. */
const BASE_MIB = 200;
/** How much more the larger run may take. */
const GROWTH = 1.1;
const MIB = 2 ** 20;

const childFile = fileURLToPath(new URL('./child.mjs', import.meta.url));

async function measured(corpus: CorpusFile): Promise<ChildResult> {
  const root = await mkdtemp(join(dataFolder(), 'memory-'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      childFile,
      corpus.path,
      root,
      `${MEMORY_MIB} MiB`,
    ]);
    return JSON.parse(stdout) as ChildResult;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export async function run({ quick, keep, log }: BenchOptions): Promise<BenchReport> {
  const source = await paragraphs();
  const sizes = quick ? [1e8, 1e9] : [4e8, 4e9];
  const rows: (string | number)[][] = [];
  const peaks: number[] = [];
  for (const size of sizes) {
    const corpus = await corpusFile(source.paragraphs, size, log);
    try {
      log(`running over ${(corpus.bytes / 1e6).toFixed(0)} MB with memory: ${MEMORY_MIB} MiB`);
      const { seconds, baseBytes, peakBytes, documents, passages } = await measured(corpus);
      peaks.push(peakBytes / MIB);
      rows.push([
        `${(corpus.bytes / 1e6).toFixed(0)} MB`,
        documents,
        passages,
        Math.round(baseBytes / MIB),
        Math.round(peakBytes / MIB),
        seconds,
        corpus.bytes / 1e6 / seconds,
      ]);
    } finally {
      if (!keep) await rm(corpus.path, { force: true });
    }
  }
  const [small, large] = peaks;
  const bars: Bar[] = [
    {
      name: `peak, ${rows[1][0]}`,
      value: large,
      bound: 'at most',
      wanted: MEMORY_MIB + BASE_MIB,
      unit: 'MiB',
    },
    {
      name: `peak of ${rows[1][0]} ÷ of ${rows[0][0]}`,
      value: large / small,
      bound: 'at most',
      wanted: GROWTH,
    },
  ];
  return {
    tables: [
      {
        title: `read.jsonl, split.passages, write.jsonl under memory: ${MEMORY_MIB} MiB, a process each`,
        columns: ['input', 'documents', 'passages', 'base MiB', 'peak MiB', 'seconds', 'MB/s'],
        rows,
      },
    ],
    bars,
    notes: [
      `input: JSONL made of ${source.from}, one word in eight exchanged, other documents in each file`,
      'peak: the high-water mark of resident memory of the whole process (maxRSS), native memory included; base: when the run starts',
      'input and output are files on disk, synced before the run ends',
    ],
    missing: [],
  };
}
