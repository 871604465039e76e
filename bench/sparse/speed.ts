/**
 * Speed of indexing and search on one thread, in CPU time (all threads of the process), which other work
 * on the machine disturbs less than wall time; peers.py measures its peers the same way.
 * Run: npx tsx bench/sparse/speed.ts [passages] [k]
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SparseIndex, SparseIndexWriter } from '../../src/retrieval/index.ts';
import { BENCH_DATA, corpus } from './corpus.ts';
import { batchOf } from './data.ts';

const passages = Number(process.argv[2] ?? 100_000);
const k = Number(process.argv[3] ?? 10);
const files = corpus(passages);
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const dir = path.join(BENCH_DATA, `index-${passages}`);

if (!process.argv.includes('--search')) {
  const writer = await SparseIndexWriter.open(dir, { analyzer: 'english', keyColumn: 'id', replace: true });
  let seconds = 0;
  let first = 0;
  let lines: string[] = [];
  const add = async (): Promise<void> => {
    const batch = batchOf(lines, first, !process.argv.includes('--bare'));
    first += lines.length;
    lines = [];
    const start = cpu();
    await writer.add(batch);
    seconds += cpu() - start;
  };
  let rest = '';
  for await (const chunk of fs.createReadStream(files.texts, { encoding: 'utf8', highWaterMark: 1 << 22 })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (lines.push(JSON.parse(line) as string) === 4096) await add();
  }
  await add();
  const start = cpu();
  const prepared = await writer.prepare();
  await writer.publish(prepared.generation);
  seconds += cpu() - start;
  console.log(`index: ${seconds.toFixed(2)} s, ${Math.round(passages / seconds)} passages/s`, prepared);
}

const queries = fs
  .readFileSync(files.queries, 'utf8')
  .split('\n')
  .filter(line => line !== '')
  .map(line => JSON.parse(line) as string);
const opened = performance.now();
const index = await SparseIndex.open(dir, { preload: true });
console.log(`open: ${(performance.now() - opened).toFixed(0)} ms`);
for (let round = 0; round < 3; round++) {
  const start = cpu();
  for (const query of queries) index.search(query, { k });
  const seconds = cpu() - start;
  console.log(`search k ${k}: ${Math.round(queries.length / seconds)} queries/s`);
}
console.log(`rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
index.close();
