import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeDense } from '../../../operators/encode/dense.ts';
import { modelBytes, tellDevice } from '../../../operators/encode/model.ts';
import { encodeTokens } from '../../../operators/encode/tokens.ts';
import { installedProviders } from '../../../src/models/index.ts';
import { inspectOperator, runOperator } from '../../../src/testing/index.ts';
import { modelFolder, TABLE, tinyOnnx, tokenizerJson } from '../../models/tiny-models.ts';

const folder = modelFolder({
  'model.onnx': tinyOnnx(),
  'tokenizer.json': tokenizerJson(),
  'encoder.json': {
    pooling: 'mean',
    normalize: false,
    specials: false,
    prefixes: { query: 'query ', passage: '' },
  },
});
afterAll(() => rmSync(dirname(folder), { recursive: true, force: true }));

const rows = (...texts: string[]) => texts.map((text, i) => ({ unit_id: `u${i}`, text }));

describe('encode.dense', () => {
  it('gives the mean of the token vectors of any encoder', async () => {
    const out = await runOperator(encodeDense, { with: { model: folder }, in: rows('one two', 'two', '') });
    expect(out.map(r => r.vector)).toEqual([[0.5, 0.5], TABLE.two, [0, 0]]);
  });

  it('puts the prefix of queries before questions', async () => {
    const [own, given] = await Promise.all(
      [{}, { prefix: '' }].map(more =>
        runOperator(encodeDense, {
          with: { model: folder, column: 'question', ...more },
          in: [{ question_id: 'q', question: 'one' }],
        }),
      ),
    );
    // the mean of query [7, 1] and one [1, 0]
    expect(own[0].vector).toEqual([4, 0.5]);
    expect(given[0].vector).toEqual([1, 0]);
  });

  it('cuts vectors, and tells how many texts were cut', async () => {
    const { rows: out, warnings } = await inspectOperator(encodeDense, {
      with: { model: folder, dimension: 1, maxTokens: 2 },
      in: rows('one two three', 'one'),
    });
    expect(out.map(r => r.vector)).toEqual([[0.5], [1]]);
    expect(warnings).toEqual(['1 text was longer than the model takes (2 tokens) and cut, of 2']);
  });

  it('gives the same whatever the embedded encoder runs beside', async () => {
    const texts = ['Seoul', 'a much longer text about the capital of a country in the east', 'port', ''];
    const whole = await runOperator(encodeDense, { in: rows(...texts) });
    const single = await runOperator(encodeDense, { in: rows(...texts), batchRows: 1 });
    expect(single).toEqual(whole);
    expect(Math.hypot(...(whole[0].vector as number[]))).toBeCloseTo(1, 5);
  });

  it('tells what it runs on where that was left to the machine', async () => {
    const warned = async (device: string) =>
      (await inspectOperator(encodeDense, { with: { model: folder, device }, in: rows('one') })).warnings;
    expect(await warned('cpu')).toEqual([]);
    if (installedProviders().present.length === 1)
      expect(await warned('auto')).toEqual([
        `device auto: "${folder}" runs on cpu; no other provider is installed`,
      ]);
    const told: string[] = [];
    const failed = [{ provider: 'cuda', why: 'no driver' }] as const;
    const ctx = { path: (path: string) => path, warn: (text: string) => told.push(text) };
    tellDevice({ model: 'm', device: 'auto' }, { provider: 'cpu', failed }, ctx);
    expect(told).toEqual(['device auto: "m" runs on cpu; cuda did not start (no driver)']);
  });

  it('counts in memory what is loaded of a folder', () => {
    const ctx = { path: (path: string) => path };
    const before = modelBytes(folder, 1, ctx);
    for (const name of ['other.onnx', 'model.safetensors', 'model_O4.onnx'])
      writeFileSync(join(folder, name), Buffer.alloc(1 << 20));
    expect(modelBytes(folder, 1, ctx)).toBe(before);
    for (const name of ['other.onnx', 'model.safetensors', 'model_O4.onnx']) rmSync(join(folder, name));
  });

  it('says what is wrong with a model', async () => {
    const encode = (options: object) => runOperator(encodeDense, { with: { ...options }, in: rows('one') });
    await expect(encode({ model: 'no/such' })).rejects.toThrow(/no folder is there/);
    await expect(encode({ model: 'hf:acme/none-such' })).rejects.toThrow(/is not on this machine/);
    await expect(encode({ model: folder, dimension: 3 })).rejects.toThrow(/dimension: 3.*vectors of 2/);
    await expect(encode({ model: folder, output: 'nope' })).rejects.toThrow(/has no output "nope"/);
    await expect(encode({ model: folder, device: 'dml' })).rejects.toThrow(/"dml" is not available/);
  });
});

describe('encode.tokens', () => {
  it('gives a vector a token, with its place', async () => {
    const [row] = await runOperator(encodeTokens, { with: { model: folder }, in: rows('one two') });
    expect(row.token_vectors).toEqual([TABLE.one, TABLE.two]);
    expect([row.token_starts, row.token_ends]).toEqual([
      [0, 4],
      [3, 7],
    ]);
  });

  it('of the embedded encoder: unit vectors of passages, weighted ones of questions', async () => {
    const norms = async (side: string) => {
      const [row] = await runOperator(encodeTokens, { with: { side }, in: rows('the photosynthesis') });
      return (row.token_vectors as number[][]).map(v => Math.hypot(...v));
    };
    for (const norm of await norms('passage')) expect(norm).toBeCloseTo(1, 5);
    const [common, ...rare] = await norms('query');
    expect(common).toBeLessThan(Math.max(...rare));
  });
});
