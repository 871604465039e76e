/** The sparse index as a side of the comparison (bench/peers/protocol.md), opening, small caches, threads. */
import * as fs from 'node:fs';
import * as readline from 'node:readline';
import { SearchPool, SparseIndex, SparseIndexWriter } from '../../src/retrieval/index.ts';
import { batchOf } from './data.ts';

const tell = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The JSON strings of a file in lists of at most `size`. */
async function* blocks(file: string, size: number): AsyncGenerator<string[]> {
  let rest = '';
  let block: string[] = [];
  for await (const chunk of fs.createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      block.push(JSON.parse(line) as string);
      if (block.length < size) continue;
      yield block;
      block = [];
    }
  }
  if (rest !== '') block.push(JSON.parse(rest) as string);
  if (block.length > 0) yield block;
}

/** Indexes a file; what reading and batching take, which an operator before the index does, is left out. */
async function build(passages: string, folder: string): Promise<object> {
  const writer = await SparseIndexWriter.open(folder, {
    analyzer: 'english',
    keyColumn: 'id',
    replace: true,
  });
  let seconds = 0;
  let count = 0;
  for await (const lines of blocks(passages, 1024)) {
    const batch = batchOf(lines, count);
    count += lines.length;
    const start = cpu();
    await writer.add(batch);
    seconds += cpu() - start;
  }
  const start = cpu();
  const { generation, bytes } = await writer.prepare();
  await writer.publish(generation);
  seconds += cpu() - start;
  return { passages: count, cpu: seconds, bytes, rss: process.resourceUsage().maxRSS * 1024 };
}

async function peer(passages: string, folder: string, queriesFile: string, k: number): Promise<void> {
  tell(await build(passages, folder));
  const queries: string[] = [];
  for await (const block of blocks(queriesFile, 1024)) queries.push(...block);
  const opening = performance.now();
  // Every peer's index is in memory, by its own or by the system's page cache.
  const index = await SparseIndex.open(folder, { preload: true, cacheBytes: 2 ** 31 });
  index.search(queries[0], { k });
  tell({ open: (performance.now() - opening) / 1000 });
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const before = cpu();
    const wall = performance.now();
    let hits = 0;
    for (const query of queries) hits += index.search(query, { k }).docs.length;
    tell({ cpu: cpu() - before, wall: (performance.now() - wall) / 1000, queries: queries.length, hits });
  }
  index.close();
}

/** Milliseconds from opening an index, with nothing preloaded, to the first answer. */
async function open(folder: string, query: string): Promise<void> {
  const opening = performance.now();
  const index = await SparseIndex.open(folder, { preload: false });
  const opened = performance.now();
  const { docs } = index.search(query, { k: 10 });
  tell({ open: opened - opening, first: performance.now() - opened, hits: docs.length });
  index.close();
}

/** Answers all queries twice with a cache of so many MiB, nothing preloaded; the second round is told. */
async function cached(folder: string, queriesFile: string, k: number, mebibytes: number): Promise<void> {
  const queries: string[] = [];
  for await (const block of blocks(queriesFile, 1024)) queries.push(...block);
  const index = await SparseIndex.open(folder, { preload: false, cacheBytes: mebibytes * 2 ** 20 });
  for (const query of queries) index.search(query, { k });
  const before = cpu();
  const wall = performance.now();
  for (const query of queries) index.search(query, { k });
  tell({
    mebibytes,
    cpu: cpu() - before,
    wall: (performance.now() - wall) / 1000,
    queries: queries.length,
    bytes: index.info.bytes,
    rss: process.resourceUsage().maxRSS * 1024,
  });
  index.close();
}

/** Queries a second of wall time on this thread and by a pool, five rounds in turn. */
async function pool(folder: string, queriesFile: string, k: number, threads: number): Promise<void> {
  const queries: string[] = [];
  for await (const block of blocks(queriesFile, 1024)) queries.push(...block, ...block, ...block, ...block);
  const index = await SparseIndex.open(folder, { preload: true, cacheBytes: 2 ** 30 });
  const searchers = await SearchPool.open(folder, { threads, cacheBytes: threads * 2 ** 30 });
  const rate = (since: number): number => Math.round(queries.length / ((performance.now() - since) / 1000));
  for (let round = 0; round < 5; round++) {
    const alone = performance.now();
    for (const query of queries) index.search(query, { k });
    const one = rate(alone);
    const together = performance.now();
    await searchers.search(queries, { k });
    tell({ one, threads, pool: rate(together) });
  }
  await searchers.close();
  index.close();
}

export async function main([what, ...args]: string[]): Promise<void> {
  if (what === 'open') await open(args[0], args[1]);
  else if (what === 'cached') await cached(args[0], args[1], Number(args[2]), Number(args[3]));
  else if (what === 'pool') await pool(args[0], args[1], Number(args[2]), Number(args[3]));
  else await peer(args[0], args[1], args[2], Number(args[3]));
}
