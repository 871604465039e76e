/**
 * Measures the default encoder against its teacher: `npx tsx scripts/distill/evaluate.ts [--seconds N] [--documents N]`.
 * Teacher vectors are made for at most N seconds (default 240) and kept, so run it again where time ran out.
 * `--documents` compares both on a part of each benchmark: 300 questions, their passages, and others up to that number.
 */
import { parseArgs } from 'node:util';
import { type Encoder, openEncoder } from '../../src/models/encoder.ts';
import { type Benchmark, newWiki, part, scifact, score } from './benchmarks.ts';
import { modelFolder, teacherFolder } from './sources.ts';
import { teacherVectors } from './teacher.ts';

async function student(encoder: Encoder, bench: Benchmark): Promise<number> {
  const passages = await encoder.encode(bench.corpus);
  const queries = await encoder.encode(bench.queries, { side: 'query' });
  return score(bench, passages.vectors, queries.vectors, encoder.dimension);
}

const { values } = parseArgs({ options: { seconds: { type: 'string' }, documents: { type: 'string' } } });
const deadline = Date.now() + Number(values.seconds ?? 240) * 1000;
const small = await openEncoder(modelFolder);
const teacher = await openEncoder(teacherFolder, { file: 'model.onnx', batchTokens: 2048 });
const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
for (const full of [await newWiki('test'), await scifact()]) {
  const whole = await student(small, full);
  console.log(`${full.name}, ${full.measure}: default encoder ${whole.toFixed(4)}`);
  const bench = values.documents === undefined ? full : part(full, 300, Number(values.documents));
  const own = bench === full ? whole : await student(small, bench);
  if (bench !== full) console.log(`  ${bench.name}: default encoder ${own.toFixed(4)}`);
  const queries = await teacherVectors(teacher, { name: 'queries', texts: bench.queries }, deadline);
  const passages = await teacherVectors(teacher, { name: 'passages', texts: bench.corpus }, deadline);
  if (!queries || !passages) {
    console.log('  teacher: time ran out; run again to go on');
    continue;
  }
  const its = score(bench, passages, queries, teacher.dimension);
  console.log(`  all-MiniLM-L6-v2 ${its.toFixed(4)}; ${percent(own / its)} of it`);
}
await small.close();
await teacher.close();
