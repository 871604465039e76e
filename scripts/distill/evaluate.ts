/**
 * Measures an embedded encoder against its teacher:
 * `npx tsx scripts/distill/evaluate.ts [--model default|korean] [--seconds N] [--documents N]`.
 * Teacher vectors are made for at most N seconds (default 240) and kept, so run it again where time ran out.
 * `--documents` compares both on a part of each benchmark: 300 questions, their passages, and others up to that number.
 */
import { parseArgs } from 'node:util';
import { type Encoder, openEncoder } from '../../src/models/encoder.ts';
import { type Benchmark, korquad, newWiki, part, scifact, score } from './benchmarks.ts';
import { e5Folder, koreanFolder, modelFolder, teacherFolder } from './sources.ts';
import { teacherVectors } from './teacher.ts';

async function student(encoder: Encoder, bench: Benchmark): Promise<number> {
  const passages = await encoder.encode(bench.corpus);
  const queries = await encoder.encode(bench.queries, { side: 'query' });
  return score(bench, passages.vectors, queries.vectors, encoder.dimension);
}

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'default' },
    seconds: { type: 'string' },
    documents: { type: 'string' },
  },
});
const korean = values.model === 'korean';
const teacherName = korean ? 'multilingual-e5-small (4 bits)' : 'all-MiniLM-L6-v2';
const deadline = Date.now() + Number(values.seconds ?? 240) * 1000;
const small = await openEncoder(korean ? koreanFolder : modelFolder);
const teacher = await openEncoder(korean ? e5Folder : teacherFolder, {
  file: 'model.onnx',
  batchTokens: 2048,
});
const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
const benchmarks = korean ? [await korquad()] : [await newWiki('test'), await scifact()];
for (const full of benchmarks) {
  const whole = await student(small, full);
  console.log(`${full.name}, ${full.measure}: ${values.model} encoder ${whole.toFixed(4)}`);
  const bench = values.documents === undefined ? full : part(full, 300, Number(values.documents));
  const own = bench === full ? whole : await student(small, bench);
  if (bench !== full) console.log(`  ${bench.name}: ${values.model} encoder ${own.toFixed(4)}`);
  const queries = await teacherVectors(teacher, { name: 'queries', texts: bench.queries }, deadline, 'query');
  const passages = await teacherVectors(teacher, { name: 'passages', texts: bench.corpus }, deadline);
  if (!queries || !passages) {
    console.log('  teacher: time ran out; run again to go on');
    continue;
  }
  const its = score(bench, passages, queries, teacher.dimension);
  console.log(`  ${teacherName} ${its.toFixed(4)}; ${percent(own / its)} of it`);
}
await small.close();
await teacher.close();
