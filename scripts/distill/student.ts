/** From teacher vectors to a table of token vectors, and to a model folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StaticTable } from '../../src/models/graphs.ts';
import { normalizeRows } from '../../src/models/pooling.ts';
import type { TokenRows } from '../../src/models/token-rows.ts';
import { fitTable } from './fit.ts';
import { principalDirections, project, quantise } from './reduce.ts';
import { sha256 } from './sources.ts';

export interface Lesson {
  /** Tokens of the texts as the student sees them. */
  readonly rows: TokenRows;
  /** The teacher's vectors of the texts: rows × d, unit length. */
  readonly texts: Float32Array;
  /** The teacher's vectors of the student's vocabulary, each entry alone: tokens × d. */
  readonly vocabulary: Float32Array;
  readonly d: number;
  readonly dimension: number;
  /** Whether the mean of the teacher's vectors is taken off first: for teachers whose vectors all point one way. */
  readonly center: boolean;
  /** Tokens without a vector. */
  readonly silent: (id: number) => boolean;
  log?(message: string): void;
}

/** SIF's a: tokens more frequent than this share of all tokens are weighed down at the start. */
const SIF = 1e-3;
const FIT = { epochs: 8, rate: 0.01, hold: 0, batch: 64, seed: 1 };

function centered(vectors: Float32Array, mean: Float64Array): Float32Array {
  const d = mean.length;
  return vectors.map((x, i) => x - mean[i % d]);
}

function meanOf(vectors: Float32Array, d: number): Float64Array {
  const mean = new Float64Array(d);
  vectors.forEach((x, i) => {
    mean[i % d] += x;
  });
  return mean.map(x => x / (vectors.length / d));
}

/** Weighs each token by a / (a + p), p its share of the tokens of the texts. */
function weigh(table: Float32Array, d: number, ids: Int32Array): void {
  const tokens = table.length / d;
  const counts = new Float64Array(tokens);
  for (const id of ids) counts[id]++;
  for (let t = 0; t < tokens; t++) {
    const p = (counts[t] + 0.3) / (ids.length + 0.3 * tokens);
    for (let c = 0; c < d; c++) table[t * d + c] *= SIF / (SIF + p);
  }
}

/** The leading directions of the teacher's vectors of texts, token vectors weighed in the manner of SIF, then fitted. */
export function studentTable(lesson: Lesson): StaticTable {
  const { rows, d, dimension } = lesson;
  const mean = lesson.center ? meanOf(lesson.texts, d) : new Float64Array(d);
  const texts = centered(lesson.texts, mean);
  const directions = principalDirections(texts, d, dimension);
  lesson.log?.('directions found');
  const targets = project(texts, d, directions);
  normalizeRows(targets, dimension);
  const table = project(centered(lesson.vocabulary, mean), d, directions);
  normalizeRows(table, dimension);
  weigh(table, dimension, rows.ids);
  fitTable(table, dimension, rows, targets, { ...FIT, log: lesson.log });
  for (let id = 0; id < table.length / dimension; id++)
    if (lesson.silent(id)) table.fill(0, id * dimension, (id + 1) * dimension);
  return quantise(table, dimension);
}

/**
 * What lists by each count for beside words where they are merged: of .1, .2 … 1 the weight whose lowest 95 % bound over
 * corpora of dev questions is highest (docs/benchmarks-dense.md).
 */
const FUSION_WEIGHTS: Readonly<Record<string, number>> = { default: 0.6, korean: 0.1 };

/** Writes model, tokenizer, encoder.json and the checksums of them. */
export function writeModel(folder: string, name: string, onnx: Uint8Array, tokenizer: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), onnx);
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
  const config = {
    name,
    pooling: 'none',
    normalize: true,
    specials: false,
    maxTokens: 8192,
    prefixes: { query: '', passage: '' },
    fusionWeight: FUSION_WEIGHTS[name],
  };
  writeFileSync(join(folder, 'encoder.json'), `${JSON.stringify(config, null, 2)}\n`);
  const files = ['encoder.json', 'model.onnx', 'tokenizer.json'].map(path => {
    const data = readFileSync(join(folder, path));
    return { path, bytes: data.length, sha256: sha256(data) };
  });
  const manifest = { repo: `millrace/${name}`, revision: '1', commit: '1', onnx: 'model.onnx', files };
  writeFileSync(join(folder, 'millrace-model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
