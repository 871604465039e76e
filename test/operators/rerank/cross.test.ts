import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rerankCross } from '../../../operators/rerank/cross.ts';
import { CrossEncoder, writeOnnx } from '../../../src/models/index.ts';
import { inspectOperator, runOperator } from '../../../src/testing/index.ts';
import { modelFolder, tinyOnnx, tokenizerJson, WORDS } from '../../models/tiny-models.ts';

const VALUE: Record<string, number> = { one: 1, two: 2, three: 3, query: 10 };

/** Sums the values of the tokens that are attended to: logits [batch, 1], or 0 and the sum. */
const sums = (labels: 1 | 2): Uint8Array =>
  writeOnnx({
    name: 'sums',
    inputs: ['input_ids', 'attention_mask'].map(name => ({
      name,
      type: 'int64',
      shape: ['batch', 'sequence'],
    })),
    outputs: [{ name: 'logits', type: 'float32', shape: ['batch', labels] }],
    initializers: [
      // the padding's value would spoil every sum that took it in
      {
        name: 'table',
        shape: [WORDS.length],
        data: Float32Array.from(WORDS, (w, i) => (i === 0 ? 1000 : (VALUE[w] ?? 0))),
      },
      { name: 'axis', shape: [1], data: BigInt64Array.of(1n) },
      { name: 'twice', shape: [1, labels], data: Float32Array.from(labels === 1 ? [1] : [0, 1]) },
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['values'] },
      { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['values', 'mask'], outputs: ['kept'] },
      { op: 'ReduceSum', inputs: ['kept', 'axis'], outputs: ['sum'], attributes: { keepdims: 1 } },
      { op: 'MatMul', inputs: ['sum', 'twice'], outputs: ['logits'] },
    ],
  });

/** A vector of three a text, its width said or not. */
const vectors = (symbolic: boolean): Uint8Array =>
  writeOnnx({
    name: 'vectors',
    inputs: [{ name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] }],
    outputs: [{ name: 'sentence_embedding', type: 'float32', shape: ['batch', symbolic ? 'width' : 3] }],
    initializers: [
      {
        name: 'table',
        shape: [WORDS.length, 3],
        data: Float32Array.from({ length: WORDS.length * 3 }, (_, i) => Math.sin(i)),
      },
      { name: 'zero', shape: [1], data: BigInt64Array.of(0n) },
      { name: 'three', shape: [1], data: BigInt64Array.of(3n) },
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['values'] },
      { op: 'ReduceMean', inputs: ['values'], outputs: ['mean'], attributes: { axes: [1], keepdims: 0 } },
      // a width that is worked out is not known before
      { op: 'Shape', inputs: ['input_ids'], outputs: ['size'] },
      { op: 'Gather', inputs: ['size', 'zero'], outputs: ['rows'] },
      { op: 'Mul', inputs: ['rows', 'zero'], outputs: ['nothing'] },
      { op: 'Add', inputs: ['nothing', 'three'], outputs: ['width_'] },
      { op: 'Concat', inputs: ['rows', 'width_'], outputs: ['shape'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['mean', 'shape'], outputs: ['sentence_embedding'] },
    ],
  });

const folders = [sums(1), sums(2), tinyOnnx()].map(onnx =>
  modelFolder({
    'model.onnx': onnx,
    'tokenizer.json': tokenizerJson(),
    'config.json': { max_position_embeddings: 4 },
  }),
);
afterAll(() => {
  for (const folder of folders) rmSync(dirname(folder), { recursive: true, force: true });
});

const hits = (question_id: string, question: string, ...texts: string[]) =>
  texts.map((text, rank) => ({ question_id, question, rank, unit_id: `u${rank}`, text, score: 9 - rank }));
const rerank = (options: object, rows: object[]) =>
  runOperator(rerankCross, {
    with: { model: folders[0], ...options },
    inputs: [rows] as never,
    columns: { score: 'float64' },
  });
const shown = (rows: Record<string, unknown>[]) =>
  rows.map(r => [r.question_id, r.rank, r.unit_id, r.score, r.first_rank]);

describe('rerank.cross', () => {
  it('puts the best pairs first, question by question, ties by unit', async () => {
    const rows = await rerank({}, [
      ...hits('q1', 'query', 'one', 'three', 'three', 'two'),
      ...hits('q2', 'one', 'two three', 'three'),
    ]);
    expect(shown(rows)).toEqual([
      ['q1', 0, 'u1', 13, 1],
      ['q1', 1, 'u2', 13, 2],
      ['q1', 2, 'u3', 12, 3],
      ['q1', 3, 'u0', 11, 0],
      ['q2', 0, 'u0', 6, 0],
      ['q2', 1, 'u1', 4, 1],
    ]);
  });

  it('takes the second of two outputs less the first', async () => {
    const rows = await rerank({ model: folders[1] }, hits('q', 'query', 'one', 'two'));
    expect(shown(rows)).toEqual([
      ['q', 0, 'u1', 12, 1],
      ['q', 1, 'u0', 11, 0],
    ]);
  });

  it('scores no more than the depth, keeps the rest behind, cuts at k', async () => {
    const rows = await rerank({ depth: 2, k: 3 }, hits('q', 'query', 'one', 'two', 'three', 'three'));
    expect(shown(rows)).toEqual([
      ['q', 0, 'u1', 12, 1],
      ['q', 1, 'u0', 11, 0],
      ['q', 2, 'u2', 10, 2],
    ]);
  });

  it('tells how many pairs were cut', async () => {
    const { warnings, rows } = await inspectOperator(rerankCross, {
      with: { model: folders[0] },
      inputs: [hits('q', 'query', 'one one one one one')] as never,
      columns: { score: 'float64' },
    });
    // four tokens: the question's and three of the passage's
    expect(rows[0].score).toBe(13);
    expect(warnings[0]).toMatch(/^1 text was longer than the model takes \(4 tokens\)/);
  });

  it('takes an encoder whose width is left open for what it is', async () => {
    const [closed, open] = [false, true].map(symbolic => {
      const folder = modelFolder({ 'model.onnx': vectors(symbolic), 'tokenizer.json': tokenizerJson() });
      folders.push(folder);
      return folder;
    });
    const scores = async (model: string) =>
      shown(await rerank({ model }, hits('q', 'query', 'one', 'three', 'two')));
    expect(await scores(open)).toEqual(await scores(closed));
    await expect(CrossEncoder.open(open)).rejects.toMatchObject({ code: 'no-cross-encoder' });
  });

  it('takes as many tokens as an encoder of the family would', async () => {
    const folder = modelFolder({
      'model.onnx': sums(1),
      'tokenizer.json': tokenizerJson(),
      'config.json': { model_type: 'xlm-roberta', max_position_embeddings: 514 },
      'tokenizer_config.json': { model_max_length: 1e30 },
    });
    folders.push(folder);
    const cross = await CrossEncoder.open(folder);
    expect(cross.maxTokens).toBe(512);
    await cross.close();
    await expect(CrossEncoder.open(folder, { maxTokens: 1 })).rejects.toThrow(/leaves no room for two texts/);
  });

  it('takes an encoder in place of a cross-encoder', async () => {
    const [row] = await rerank({ model: folders[2] }, hits('q', 'one', 'two'));
    expect(row.score).toBeGreaterThan(0);
    await expect(rerank({ model: 'no/such' }, hits('q', 'one', 'two'))).rejects.toThrow(/no folder is there/);
  });
});
