/** What a model does on a device that this machine need not have: a runtime that claims one and works on the CPU. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { openEncoder } from '../../src/models/encoder.ts';
import type { Provider, ProviderList } from '../../src/models/providers.ts';
import { type Runtime, runtime } from '../../src/models/runtime.ts';
import { Session } from '../../src/models/session.ts';
import { modelFolder, modules, tinyOnnx, tokenizerJson } from './tiny-models.ts';

const machine = (...present: Provider[]): ProviderList => ({
  platform: 'linux',
  arch: 'x64',
  present: ['cpu', ...present],
});

interface Fake extends Runtime {
  readonly settings: InferenceSession.SessionOptions[];
  /** Rows × width of each run. */
  readonly shapes: string[];
}

/** Starts every provider but those in `broken`. */
function fake(broken: readonly Provider[] = []): Fake {
  const real = runtime();
  const settings: InferenceSession.SessionOptions[] = [];
  const shapes: string[] = [];
  const create = async (model: string | Uint8Array, wanted: InferenceSession.SessionOptions) => {
    const [provider] = wanted.executionProviders as Provider[];
    if (broken.includes(provider)) throw new Error('no driver');
    settings.push(wanted);
    const options = { ...wanted, executionProviders: ['cpu'] };
    const session = await (typeof model === 'string'
      ? real.InferenceSession.create(model, options)
      : real.InferenceSession.create(model, options));
    const run = session.run.bind(session) as (feeds: InferenceSession.FeedsType, ...more: never[]) => unknown;
    session.run = ((feeds: InferenceSession.FeedsType, ...more: never[]) => {
      shapes.push(Object.values(feeds)[0].dims.join(' × '));
      return run(feeds, ...more);
    }) as typeof session.run;
    return session;
  };
  return {
    Tensor: real.Tensor,
    InferenceSession: { create } as Runtime['InferenceSession'],
    settings,
    shapes,
  };
}

const folder = modelFolder({
  'tokenizer.json': tokenizerJson(),
  'model.onnx': tinyOnnx(),
  'modules.json': modules('Transformer', 'Pooling', 'Normalize'),
  '1_Pooling/config.json': { word_embedding_dimension: 2, pooling_mode_mean_tokens: true },
  'sentence_bert_config.json': { max_seq_length: 20 },
});
afterAll(() => rmSync(dirname(folder), { recursive: true, force: true }));

const texts = Array.from({ length: 90 }, (_, i) => 'one two three '.repeat((i * 7) % 9).trim());

describe('a device that plans for each shape', () => {
  it('gives what the CPU gives, in few shapes, whatever the texts', async () => {
    const gpu = fake();
    const here = await openEncoder(folder);
    const there = await openEncoder(folder, { device: 'cuda', providers: machine('cuda'), runtime: gpu });
    expect(there.info.provider).toBe('cuda');
    for (const n of [1, 2, 3, 7, 40, 41, 90]) {
      const [a, b] = [await here.encode(texts.slice(0, n)), await there.encode(texts.slice(0, n))];
      expect([...b.vectors]).toEqual([...a.vectors]);
      expect(b.tokens).toBe(a.tokens);
      expect(b.padding).toBeGreaterThanOrEqual(a.padding);
      expect(b.cutRows).toBe(a.cutRows);
    }
    const shapes = [...new Set(gpu.shapes)].map(shape => shape.split(' × ').map(Number));
    for (const [rows, width] of shapes) {
      expect(Math.log2(rows) % 1).toBe(0);
      expect([8, 12, 16, 20]).toContain(width);
    }
    const tokens = await there.encodeTokens(texts.slice(0, 5));
    expect([...tokens.vectors]).toEqual([...(await here.encodeTokens(texts.slice(0, 5))).vectors]);
    await here.close();
    await there.close();
  });

  it('has one session, which batches that run side by side share', async () => {
    const gpu = fake();
    const encoder = await openEncoder(folder, {
      device: 'auto',
      threads: 3,
      providers: machine('cuda'),
      runtime: gpu,
    });
    const all = await Promise.all(texts.map(text => encoder.encode([text])));
    const together = await encoder.encode(texts);
    expect(all.flatMap(one => [...one.vectors])).toEqual([...together.vectors]);
    expect(gpu.settings).toHaveLength(1);
    expect(gpu.settings[0]).toMatchObject({
      executionProviders: ['cuda'],
      intraOpNumThreads: 3,
      enableMemPattern: true,
    });
    await encoder.close();
  });

  it('runs more tokens at once than a core does, unless it is told', async () => {
    const words = Array.from(
      { length: 400 },
      () => 'one two three one two three one two three one two three',
    );
    const [gpu, told] = [fake(), fake()];
    const options = { device: 'cuda', providers: machine('cuda') } as const;
    const wide = await openEncoder(folder, { ...options, runtime: gpu });
    const narrow = await openEncoder(folder, { ...options, runtime: told, batchTokens: 512 });
    await wide.encode(words);
    await narrow.encode(words);
    // 400 rows of 14 tokens: two more runs cost less than 112 rows of padding
    expect(gpu.shapes.sort()).toEqual(['128 × 16', '16 × 16', '256 × 16']);
    expect(new Set(told.shapes)).toEqual(new Set(['32 × 16', '16 × 16']));
    await wide.close();
    await narrow.close();
  });
});

describe('a provider', () => {
  const options = (device: Provider | 'auto', library: Runtime, ...present: Provider[]) => ({
    device,
    providers: machine(...present),
    runtime: library,
  });

  it('of DirectML plans no memory', async () => {
    const library = fake();
    const encoder = await openEncoder(folder, options('dml', library, 'dml'));
    expect(library.settings[0]).toMatchObject({
      executionProviders: ['dml'],
      enableMemPattern: false,
      executionMode: 'sequential',
    });
    await encoder.close();
  });

  it('that does not start is named with what to look at, and under auto the next one is taken', async () => {
    const library = fake(['cuda']);
    await expect(openEncoder(folder, options('cuda', library, 'cuda'))).rejects.toThrow(
      /device: "cuda" did not start for .*model\.onnx \(no driver\)/,
    );
    const encoder = await openEncoder(folder, options('auto', library, 'cuda', 'dml'));
    expect(encoder.info.provider).toBe('dml');
    await encoder.close();
    const last = await openEncoder(folder, options('auto', fake(['cuda', 'dml']), 'cuda', 'dml'));
    expect(last.info.provider).toBe('cpu');
    await last.close();
    await expect(Session.open('nowhere.onnx', options('cuda', library))).rejects.toThrow(
      /"cuda" is not available on linux-x64/,
    );
  });
});
