/** Speed of sparse indexing through a pipeline, against bm25s in the same run. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { seededRandom } from '../../src/metrics/random.ts';
import { LUCENE_STOP_WORDS } from '../../src/retrieval/index.ts';
import { dataFolder, peersFolder, scratchFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import { type Paragraph, paragraphs, varied } from '../lib/text.ts';
import { interleave, median, ratio, type Side } from '../lib/timing.ts';
import type { IndexRun } from './child.ts';

const WORDS = 100;

interface PeerRun {
  readonly read: number;
  readonly tokenize: number;
  readonly index: number;
  readonly save: number;
  readonly terms: number;
  readonly cpu: number;
}

/** Passages of 100 words as JSONL (unit_id, text), or the file made before. */
async function passageFile(
  source: readonly Paragraph[],
  count: number,
  log: BenchOptions['log'],
): Promise<{ path: string; bytes: number }> {
  const path = join(dataFolder(), `passages-${count}-${source.length}-${WORDS}w.jsonl`);
  if (!existsSync(path)) {
    log(`writing ${path}`);
    const random = seededRandom(count);
    // sentences need not be whole: a passage is a window over the words of one paragraph and the next
    const pool = varied(source, Math.ceil((count * WORDS) / 200_000)).flatMap(p => p.text.split(' '));
    const out = createWriteStream(`${path}.part`);
    for (let i = 0; i < count; i++) {
      const at = random() % (pool.length - WORDS);
      const line = JSON.stringify({ unit_id: `p${i}`, text: pool.slice(at, at + WORDS).join(' ') });
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    }
    out.end();
    await once(out, 'close');
    await rename(`${path}.part`, path);
  }
  return { path, bytes: (await stat(path)).size };
}

async function json<T>(command: string, args: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(command, [...args]);
  return JSON.parse(stdout) as T;
}

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const count = quick ? 20_000 : 100_000;
  const source = await paragraphs();
  const corpus = await passageFile(source.paragraphs, count, log);
  const python = join(peersFolder, 'venv/bin/python');
  const peer = existsSync(python);
  const scratch = await scratchFolder();
  const own: IndexRun[] = [];
  const theirs: PeerRun[] = [];
  const childFile = fileURLToPath(new URL('./child.mjs', import.meta.url));
  const peerFile = fileURLToPath(new URL('./peer_bm25s.py', import.meta.url));
  const sides: Side[] = [
    {
      name: 'pipeline',
      run: async () => {
        const root = join(scratch.path, `own-${own.length}`);
        own.push(await json<IndexRun>(process.execPath, [childFile, corpus.path, root]));
        return own[own.length - 1].seconds * 1000;
      },
    },
  ];
  if (peer) {
    sides.push({
      name: 'bm25s',
      run: async () => {
        const args = [peerFile, corpus.path, join(scratch.path, 'bm25s'), [...LUCENE_STOP_WORDS].join(',')];
        theirs.push(await json<PeerRun>(python, args));
        const { tokenize, index } = theirs[theirs.length - 1];
        return (tokenize + index) * 1000;
      },
    });
  }
  try {
    const [pipeline, bm25s] = await interleave(sides, { repeats: quick ? 3 : 5, log });
    const of = <T>(runs: readonly T[], pick: (run: T) => number): number => median(runs.slice(1).map(pick));
    const rows: (string | number)[][] = [
      [
        'pipeline: read, analyse, index, store, sync',
        pipeline.median / 1000,
        (count * 1000) / pipeline.median,
        corpus.bytes / 1e3 / pipeline.median,
        of(own, r => r.cpu),
      ],
      ['  of it reading', of(own, r => r.read), '', '', ''],
      ['  of it index.sparse', of(own, r => r.index), count / of(own, r => r.index), '', ''],
    ];
    const bars: Bar[] = [];
    if (bm25s) {
      rows.push(
        [
          'bm25s: tokenize, index (in memory)',
          bm25s.median / 1000,
          (count * 1000) / bm25s.median,
          corpus.bytes / 1e3 / bm25s.median,
          '',
        ],
        ['  of it tokenize', of(theirs, r => r.tokenize), '', '', ''],
        [
          'bm25s with reading and saving',
          of(theirs, r => r.read + r.tokenize + r.index + r.save),
          count / of(theirs, r => r.read + r.tokenize + r.index + r.save),
          '',
          of(theirs, r => r.cpu),
        ],
      );
      bars.push({
        name: 'pipeline, passages/s ÷ bm25s (tokenize and index only)',
        value: ratio(bm25s, pipeline),
        bound: 'at least',
        wanted: 0.5,
      });
    }
    return {
      tables: [
        {
          title: `${count.toLocaleString('en-US')} passages of ${WORDS} words, one thread each, a process each`,
          columns: ['', 'seconds', 'passages/s', 'MB/s', 'processor seconds'],
          rows,
        },
      ],
      bars,
      notes: [
        `input: ${(corpus.bytes / 1e6).toFixed(0)} MB of JSONL, windows over the words of ${source.from}, one word in eight exchanged`,
        'both: Porter stemmer, the 33 stop words of Lucene; the pipeline segments by Unicode words, stores text and lengths, ' +
          'and syncs the index to disk; bm25s splits by a regular expression and scores eagerly while it indexes',
        'one warm-up, then interleaved repeats, medians; processor seconds count the start of the process too',
      ],
      missing: peer ? [] : ['bm25s: sh bench/install-peers.sh index'],
    };
  } finally {
    await scratch.remove();
  }
}
