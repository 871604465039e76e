/**
 * Makes the default encoder: `npx tsx scripts/distill/distill.ts [--seconds N] [--check]`.
 *
 * Teacher vectors are made for at most N seconds (default 240) and kept under bench/.data, so that a long run can be cut
 * into short ones; once all are there the model is fitted and written to models/default. `--check` writes nothing and
 * compares with what is there. See models/default/README.md for the method.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEncoder } from '../../src/models/encoder.ts';
import { staticEncoderGraph } from '../../src/models/graphs.ts';
import { tokenRowsOf } from '../../src/models/token-rows.ts';
import { checkSource, modelFolder, sha256, teacherFolder, wordnetFolder, workFolder } from './sources.ts';
import { studentTable, writeModel } from './student.ts';
import { teacherVectors, vectorsOf } from './teacher.ts';
import { trainingTexts } from './texts.ts';

/** SHA-256 of what the model is made from. */
const SOURCES: readonly [string, string][] = [
  [
    join(teacherFolder, 'onnx', 'model.onnx'),
    'ca46f1a88a9c6e61b918af1ab38be3e7903b986616551f0a6f10a7ecc5730cd4',
  ],
  [join(teacherFolder, 'tokenizer.json'), 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037'],
  [join(wordnetFolder, 'data.noun'), '2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94'],
];
const DIMENSION = 256;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, check: { type: 'boolean' } } });
  for (const [path, wanted] of SOURCES) checkSource(path, wanted);
  const deadline = Date.now() + Number(values.seconds ?? 240) * 1000;
  const encoder = await openEncoder(teacherFolder, { file: 'model.onnx', batchTokens: 2048 });
  const tokenizer = encoder.tokenizer();
  const d = encoder.dimension;
  const sets = await trainingTexts();
  const vectors: Float32Array[] = [];
  for (const set of sets) {
    const found = await teacherVectors(encoder, set, deadline);
    if (!found) {
      console.error(`${set.name}: time ran out; run again to go on`);
      return 2;
    }
    vectors.push(found);
  }
  const texts = sets.flatMap(set => set.texts);
  const teacher = new Float32Array(texts.length * d);
  vectors.reduce((at, part) => {
    teacher.set(part, at);
    return at + part.length;
  }, 0);

  // each entry of the vocabulary alone between the special tokens, as model2vec does
  const vocabulary = await vectorsOf(join(workFolder, 'vocabulary.f32'), async () => {
    const lists = Array.from({ length: tokenizer.size }, (_, id) => [101, id, 102]);
    return (await encoder.encode(tokenRowsOf(lists))).vectors;
  });
  await encoder.close();
  const table = studentTable({
    rows: await tokenizer.encode(texts, { specials: false }),
    texts: teacher,
    vocabulary,
    d,
    dimension: DIMENSION,
    center: false,
    silent: id => /^\[.+\]$/.test(tokenizer.tokenOf(id) ?? ''),
    log: console.error,
  });
  const bytes = staticEncoderGraph(table, {
    name: 'millrace default encoder',
    made_from: 'all-MiniLM-L6-v2',
    licence: 'Apache-2.0',
  });

  const path = join(modelFolder, 'model.onnx');
  if (values.check) {
    const same = existsSync(path) && sha256(readFileSync(path)) === sha256(bytes);
    console.log(`${path}: ${same ? 'the same bytes' : 'other bytes'}, sha256 ${sha256(bytes)}`);
    return same ? 0 : 1;
  }
  const json = JSON.parse(readFileSync(join(teacherFolder, 'tokenizer.json'), 'utf8'));
  writeModel(modelFolder, 'default', bytes, JSON.stringify({ ...json, truncation: null, padding: null }));
  console.log(`${path}: ${bytes.length} bytes, sha256 ${sha256(bytes)}`);
  return 0;
}

process.exitCode = await main();
