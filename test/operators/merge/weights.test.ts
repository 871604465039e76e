/** What a list counts for comes from the encoder behind it, through the plan. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../../operators/index.ts';
import type { AnyStep } from '../../../src/define/index.ts';
import { fusionWeightOf } from '../../../src/models/index.ts';
import { check } from '../../../src/plan/index.ts';
import { fuse } from '../../../src/retrieval/fusion/index.ts';
import { startRun } from '../../../src/run/index.ts';
import { modelFolder, tinyOnnx, tokenizerJson } from '../../models/tiny-models.ts';

const registryUrl = new URL('../../../operators/index.ts', import.meta.url).href;
const settings = { pooling: 'mean', normalize: true, specials: false };
const model = modelFolder({
  'model.onnx': tinyOnnx(),
  'tokenizer.json': tokenizerJson(),
  'encoder.json': { ...settings, fusionWeight: 0.25 },
});
const root = dirname(model);
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function run(steps: AnyStep[]): Promise<void> {
  const { plan, problems } = await check(
    { name: 'weights', memory: '768 MiB', steps },
    { operators, root, mode: 'run' },
  );
  if (!plan) throw new Error(JSON.stringify(problems));
  expect((await startRun(plan, { registryUrl, full: true }).result).error).toBeUndefined();
}

interface Hit {
  unit_id: string;
  score: number;
}
const hits = (name: string): Hit[] =>
  readFileSync(join(root, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
const listOf = (name: string) => ({
  keys: hits(name).map(h => h.unit_id),
  scores: hits(name).map(h => h.score),
});

const docs = [
  'one',
  'two',
  'three',
  'one two',
  'two three three',
  'one one three',
  'two one one',
  'three two',
];

beforeAll(async () => {
  writeFileSync(
    join(root, 'docs.jsonl'),
    docs.map((text, i) => `${JSON.stringify({ doc_id: `d${i}`, text })}\n`).join(''),
  );
  writeFileSync(join(root, 'questions.jsonl'), '{"question_id":"q","question":"one three"}\n');
  const written = (from: string): AnyStep => ({
    id: `${from}-file`,
    op: 'write.jsonl',
    from,
    with: { path: `${from}.jsonl` },
  });
  const merge = (id: string, from: string[], more = {}): AnyStep[] => [
    { id, op: 'merge.hits', from, with: { k: 20, ...more } },
    written(id),
  ];
  await run([
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs.jsonl' } },
    { id: 'units', op: 'split.passages', with: { words: 9 } },
    { id: 'words', op: 'index.sparse', with: { path: 'i/sparse', analyzer: 'standard' } },
    { id: 'encoded', op: 'encode.dense', from: 'units', with: { model } },
    { id: 'vectors', op: 'index.dense', with: { path: 'i/dense' } },
    {
      id: 'questions',
      op: 'read.jsonl',
      after: ['words', 'vectors'],
      with: { path: 'questions.jsonl', key: 'question_id' },
    },
    { id: 'asked', op: 'encode.dense', where: 'worker', with: { model, column: 'question' } },
    { id: 'sparse', op: 'search.sparse', from: 'questions', with: { index: 'i/sparse', k: 20 } },
    { id: 'near', op: 'search.dense', where: 'worker', from: 'asked', with: { index: 'i/dense', k: 20 } },
    { id: 'dense', op: 'select', with: { drop: ['vector'] } },
    written('sparse'),
    written('dense'),
    ...merge('usual', ['sparse', 'dense']),
    ...merge('turned', ['dense', 'sparse']),
    ...merge('told', ['sparse', 'dense'], { weights: [1, 1] }),
    ...merge('ranks', ['sparse', 'dense'], { method: 'rrf' }),
  ]);
}, 60_000);

describe('weights of merge.hits where none are given', () => {
  it('are what the encoder behind a list says of itself, through workers and other steps', () => {
    const lists = [listOf('sparse'), listOf('dense')];
    const expected = fuse(lists, { method: 'expz', weights: [1, 0.25] });
    expect(listOf('usual')).toEqual({ keys: expected.keys, scores: [...expected.scores] });
    const turned = fuse([lists[1], lists[0]], { method: 'expz', weights: [0.25, 1] });
    expect(listOf('turned')).toEqual({ keys: turned.keys, scores: [...turned.scores] });
    expect(listOf('usual').keys[0]).toBe(lists[0].keys[0]);
  });

  it('are not asked where weights or another method are given', () => {
    const lists = [listOf('sparse'), listOf('dense')];
    for (const [name, options] of [
      ['told', { method: 'expz' }],
      ['ranks', { method: 'rrf' }],
    ] as const) {
      const { keys, scores } = fuse(lists, options);
      expect(listOf(name)).toEqual({ keys, scores: [...scores] });
    }
  });
});

describe('what an encoder counts for', () => {
  const folder = (files: Record<string, object>) => modelFolder(files as never);
  it('is in encoder.json; else static encoders have .6, others 1', () => {
    const cases: [Record<string, object>, number][] = [
      [{ 'encoder.json': { fusionWeight: 0.2 } }, 0.2],
      [{ 'encoder.json': { fusionWeight: 0 } }, 1],
      [{ 'config.json': { model_type: 'bert' } }, 1],
      [{ 'config.json': { model_type: 'model2vec' } }, 0.6],
      [{ 'modules.json': [{ type: 'sentence_transformers.models.StaticEmbedding', path: '' }] }, 0.6],
      [{ 'config.json': { model_type: 'model2vec' }, 'encoder.json': { fusionWeight: 0.9 } }, 0.9],
    ];
    for (const [files, wanted] of cases) {
      const path = folder(files);
      expect(fusionWeightOf(path), JSON.stringify(files)).toBe(wanted);
      rmSync(dirname(path), { recursive: true, force: true });
    }
  });
});
