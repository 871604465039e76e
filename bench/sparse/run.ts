/** Sparse retrieval against bm25s, Lucene, tantivy and libraries of npm, each in a process of its own, in turn. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { benchFolder, scratchFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport, BenchTable } from '../lib/report.ts';
import { median } from '../lib/timing.ts';
import { type Corpus, corpora, lines } from './corpora.ts';
import { OWN, PEERS, type PeerSpec, Running } from './peers.ts';
import { quality } from './quality.ts';

const K = 10;
const MIB = 2 ** 20;
/** Above this many passages the libraries of npm take too long, or more memory than Node gives. */
const NPM_LIMIT = 200_000;
/** From here on the bars of large collections count. */
const LARGE = 1_000_000;
const NPM_FROM = 100_000;

const rate = (running: Running): number => median(running.rounds.map(r => r.queries / r.cpu));
const passageRate = (running: Running): number => running.indexed.passages / running.indexed.cpu;

/** Median over rounds of a / b: both ran next to each other in each. */
const faster = (a: Running, b: Running): number =>
  median(a.rounds.map((r, i) => r.queries / r.cpu / (b.rounds[i].queries / b.rounds[i].cpu)));

async function measure(
  corpus: Corpus,
  peers: readonly PeerSpec[],
  folder: string,
  { quick, log }: BenchOptions,
): Promise<Running[]> {
  const running: Running[] = [];
  try {
    for (const spec of [OWN, ...peers]) {
      if (spec.kind === 'npm' && corpus.count > NPM_LIMIT) continue;
      log(`${corpus.name}: ${spec.name} indexes`);
      try {
        running.push(
          await Running.start(spec, corpus.passages, join(folder, String(running.length)), corpus.queries, K),
        );
      } catch (error) {
        if (spec.kind === 'own') throw error;
        log(`${corpus.name}: ${(error as Error).message}`);
      }
    }
    const repeats = quick ? 3 : 7;
    const warm = 3;
    for (let r = 0; r < warm + repeats; r++) {
      const order = r % 2 === 0 ? running : [...running].reverse();
      for (const one of order) {
        if (one.spec.kind === 'npm' && r < warm - 1) continue;
        await one.round(r >= warm);
      }
      log(
        `${corpus.name}: round ${r + 1} of ${warm + repeats}${r < warm ? ', not counted' : `, ${running.map(o => `${o.spec.name} ${Math.round(o.rounds[r - warm].queries / o.rounds[r - warm].cpu)}`).join(', ')} queries/s`}`,
      );
    }
    return running;
  } finally {
    await Promise.all(running.map(one => one.end()));
  }
}

function table(corpus: Corpus, running: readonly Running[]): BenchTable {
  const [own] = running;
  return {
    title: `${corpus.name}: ${corpus.count.toLocaleString('en-US')} passages, ${own.rounds[0].queries} queries, k = ${K}`,
    columns: [
      '',
      'queries/s',
      'millrace ÷',
      'passages/s',
      'millrace ÷',
      'index MiB',
      'peak MiB, indexing',
      'open and first answer, ms',
    ],
    rows: running.map(one => [
      `${one.spec.name}${one.indexed.version === undefined ? '' : ` ${one.indexed.version.replace(/^tantivy v|,.*$/g, '')}`}`,
      Math.round(rate(one)),
      one === own ? '' : faster(own, one),
      Math.round(passageRate(one)),
      one === own ? '' : passageRate(own) / passageRate(one),
      one.indexed.bytes === undefined ? 'in memory' : one.indexed.bytes / MIB,
      Math.round(one.indexed.rss / MIB),
      one.open === null ? '' : one.open * 1000,
    ]),
  };
}

function bars(corpus: Corpus, running: readonly Running[]): Bar[] {
  const [own, ...others] = running;
  const found: Bar[] = [];
  const bar = (name: string, value: number, wanted: number, bound: Bar['bound'] = 'at least'): void => {
    found.push({ name: `${corpus.name}: ${name}`, value, bound, wanted, unit: '×' });
  };
  const large = corpus.count >= LARGE;
  for (const other of others) {
    const { name, kind } = other.spec;
    const wanted = { 'bm25s + numba': large ? 2 : 1, Lucene: 1, tantivy: 0.5 }[name];
    if (wanted !== undefined) bar(`queries/s ÷ ${name}`, faster(own, other), wanted);
    if (kind === 'npm' || corpus.count < NPM_FROM) continue;
    const passages = { 'bm25s + numba': 1, tantivy: 0.5 }[name];
    if (passages !== undefined) bar(`passages/s ÷ ${name}`, passageRate(own) / passageRate(other), passages);
    if (name === 'tantivy' && own.indexed.bytes !== undefined && other.indexed.bytes !== undefined)
      bar(`index size ÷ ${name}`, own.indexed.bytes / other.indexed.bytes, 1.2, 'at most');
  }
  const npm = others.filter(o => o.spec.kind === 'npm');
  if (npm.length > 0 && corpus.count >= NPM_FROM) {
    const best = npm.reduce((a, b) => (rate(a) >= rate(b) ? a : b));
    bar(`queries/s ÷ the fastest of npm (${best.spec.name})`, faster(own, best), 20);
  }
  return found;
}

/** Milliseconds of opening and first answer, each in a new process, nothing preloaded. */
async function opening(folder: string, corpus: Corpus, quick: boolean): Promise<number[]> {
  const queries = await lines(corpus.queries);
  const child = join(benchFolder, 'sparse/child.mjs');
  const times: number[] = [];
  for (let i = 0; i < (quick ? 3 : 9); i++) {
    const query = JSON.parse(queries[(i * 97) % queries.length]) as string;
    const { stdout } = await promisify(execFile)(process.execPath, [child, 'open', folder, query]);
    const { open, first } = JSON.parse(stdout) as { open: number; first: number };
    times.push(open + first);
  }
  return times;
}

/** What an index costs that is not in memory: a process each, a cache of a few MiB, all else read when it is needed. */
async function smallCaches(folder: string, corpus: Corpus): Promise<BenchTable> {
  const child = join(benchFolder, 'sparse/child.mjs');
  const rows: (string | number)[][] = [];
  for (const cache of [8, 32, 128, 600]) {
    const args = [child, 'cached', folder, corpus.queries, String(K), String(cache)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { cpu, queries, bytes, rss } = JSON.parse(stdout) as Record<string, number>;
    rows.push([`${cache} MiB`, Math.round(queries / cpu), bytes / MIB, Math.round(rss / MIB)]);
  }
  return {
    title: `${corpus.name}: searched with a cache of`,
    columns: ['', 'queries/s', 'index MiB', 'peak MiB of the process'],
    rows,
  };
}

export async function run(options: BenchOptions): Promise<BenchReport> {
  const { quick, log } = options;
  const missing = PEERS.filter(p => !p.there).map(p => `${p.name}: ${p.get}`);
  const peers = PEERS.filter(p => p.there);
  const scratch = await scratchFolder();
  const tables: BenchTable[] = [];
  const found: Bar[] = [];
  try {
    const { corpora: all, missing: absent } = await corpora(quick, log);
    missing.push(...absent);
    for (const corpus of all) {
      const folder = join(scratch.path, 'indexes');
      const running = await measure(corpus, peers, folder, options);
      tables.push(table(corpus, running));
      found.push(...bars(corpus, running));
      if (corpus === all[all.length - 1]) {
        tables.push(await smallCaches(join(folder, '0'), corpus));
        const times = await opening(join(folder, '0'), corpus, quick);
        found.push(
          {
            name: `${corpus.name}: opening and first answer, not preloaded`,
            value: median(times),
            bound: 'at most',
            wanted: 300,
            unit: 'ms',
          },
          {
            name: `${corpus.name}: peak resident memory, indexing`,
            value: running[0].indexed.rss / MIB,
            bound: 'at most',
            wanted: 512,
            unit: 'MiB',
          },
        );
      }
      await rm(folder, { recursive: true, force: true });
    }
    const gold = await quality(log);
    if (gold.table !== undefined) tables.push(gold.table);
    found.push(...gold.bars);
    missing.push(...gold.missing);
  } finally {
    await scratch.remove();
  }
  return {
    tables,
    bars: found,
    notes: [
      'one thread of work each, a process each, all on the same passages and queries, with the same stop words and a stemmer of ' +
        "Porter's; figures are of processor time of the whole process, compilers and collectors included",
      'queries/s: all processes are up and take turns, three rounds unmeasured (Lucene fifteen), medians of the rest; analysis of the query ' +
        'included; bm25s gets all queries in one call, the others one by one; every index is in memory or in the page cache',
      'passages/s: from texts in memory to an index that is searchable, analysis included; millrace, Lucene and tantivy store ' +
        'the text and write to disk (here a file system in memory), bm25s and the libraries of npm keep scores in memory',
      'Lucene: BM25, k1 1.2, b .75, no query cache, SIMD decoders on; FlexSearch does not score by BM25',
      'open: the index preloaded where the peer has a choice; the bar of opening is measured in new processes without it',
    ],
    missing,
  };
}
