/**
 * Makes the default encoder: `npx tsx scripts/distill/distill.ts [--seconds N] [--check]`.
 *
 * Teacher vectors are made for at most N seconds (default 240) and kept under bench/.data, so that a long run can be cut
 * into short ones; once all are there the model is fitted and written to models/default. `--check` writes nothing and
 * compares with what is there. See models/default/README.md for the method.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Encoder, openEncoder } from '../../src/models/encoder.ts';
import { staticEncoderGraph } from '../../src/models/graphs.ts';
import { normalizeRows } from '../../src/models/pooling.ts';
import { type TokenRows, tokenRowsOf } from '../../src/models/token-rows.ts';
import { fitTable } from './fit.ts';
import { principalDirections, project, quantise } from './reduce.ts';
import { checkSource, modelFolder, sha256, teacherFolder, wordnetFolder, workFolder } from './sources.ts';
import { teacherVectors } from './teacher.ts';
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
/** SIF's a: tokens more frequent than this share of a text's tokens are weighed down at the start. */
const SIF = 1e-3;
const FIT = { epochs: 8, rate: 0.01, hold: 0, batch: 64, seed: 1 };

/** Each entry of the vocabulary alone between the special tokens, as model2vec does. */
async function vocabularyVectors(encoder: Encoder, size: number): Promise<Float32Array> {
  const path = join(workFolder, 'vocabulary.f32');
  if (!existsSync(path)) {
    const lists = Array.from({ length: size }, (_, id) => [101, id, 102]);
    const { vectors } = await encoder.encode(tokenRowsOf(lists));
    writeFileSync(path, new Uint8Array(vectors.buffer));
  }
  const bytes = readFileSync(path);
  return new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size * encoder.dimension * 4),
  );
}

/** Weighs each token by a / (a + p), p its share of the training tokens. */
function weigh(table: Float32Array, rows: TokenRows): void {
  const tokens = table.length / DIMENSION;
  const counts = new Float64Array(tokens);
  for (const id of rows.ids) counts[id]++;
  for (let t = 0; t < tokens; t++) {
    const p = (counts[t] + 0.3) / (rows.ids.length + 0.3 * tokens);
    for (let c = 0; c < DIMENSION; c++) table[t * DIMENSION + c] *= SIF / (SIF + p);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, check: { type: 'boolean' } } });
  for (const [path, wanted] of SOURCES) checkSource(path, wanted);
  mkdirSync(workFolder, { recursive: true });
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

  // the leading directions of the teacher's vectors of texts keep most of what tells texts apart
  const directions = principalDirections(teacher, d, DIMENSION);
  const targets = project(teacher, d, directions);
  normalizeRows(targets, DIMENSION);
  const table = project(await vocabularyVectors(encoder, tokenizer.size), d, directions);
  await encoder.close();
  normalizeRows(table, DIMENSION);
  const rows = await tokenizer.encode(texts, { specials: false });
  weigh(table, rows);
  fitTable(table, DIMENSION, rows, targets, { ...FIT, log: console.error });
  for (let id = 0; id < tokenizer.size; id++) {
    if (/^\[.+\]$/.test(tokenizer.tokenOf(id) ?? '')) table.fill(0, id * DIMENSION, (id + 1) * DIMENSION);
  }
  const bytes = staticEncoderGraph(quantise(table, DIMENSION), {
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
  mkdirSync(modelFolder, { recursive: true });
  writeFileSync(path, bytes);
  const json = JSON.parse(readFileSync(join(teacherFolder, 'tokenizer.json'), 'utf8'));
  const plain = JSON.stringify({ ...json, truncation: null, padding: null });
  writeFileSync(join(modelFolder, 'tokenizer.json'), plain);
  const config = {
    name: 'default',
    pooling: 'none',
    normalize: true,
    specials: false,
    maxTokens: 8192,
    prefixes: { query: '', passage: '' },
  };
  writeFileSync(join(modelFolder, 'encoder.json'), `${JSON.stringify(config, null, 2)}\n`);
  const files = ['encoder.json', 'model.onnx', 'tokenizer.json'].map(name => {
    const data = readFileSync(join(modelFolder, name));
    return { path: name, bytes: data.length, sha256: sha256(data) };
  });
  const manifest = { repo: 'millrace/default', revision: '1', commit: '1', onnx: 'model.onnx', files };
  writeFileSync(join(modelFolder, 'millrace-model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(`${path}: ${bytes.length} bytes, sha256 ${sha256(bytes)}`);
  return 0;
}

process.exitCode = await main();
