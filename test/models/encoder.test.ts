import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Encoder, type EncoderOptions, openEncoder } from '../../src/models/encoder.ts';
import { readEncoderSpec } from '../../src/models/encoder-config.ts';
import { modelFolder, modules, safetensors, tinyOnnx, tokenizerJson } from './tiny-models.ts';

const folders: string[] = [];
const opened: Encoder[] = [];
afterEach(async () => {
  for (const encoder of opened.splice(0)) await encoder.close();
  for (const folder of folders.splice(0)) rmSync(dirname(folder), { recursive: true, force: true });
});

function folderOf(files: Record<string, Uint8Array | string | object>, name?: string): string {
  const folder = modelFolder({ 'tokenizer.json': tokenizerJson(), ...files }, name);
  folders.push(folder);
  return folder;
}
async function open(folder: string, options?: EncoderOptions): Promise<Encoder> {
  const encoder = await openEncoder(folder, options);
  opened.push(encoder);
  return encoder;
}
const near = (found: Float32Array, wanted: number[]): void => {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 5);
  });
};
const onnx = tinyOnnx();
const TASK = 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:';
const pooling = (mode: string) => ({ word_embedding_dimension: 2, [`pooling_mode_${mode}`]: true });

describe('pooling', () => {
  // [CLS] (2, 0), one (1, 0), three (3, 4), [SEP] (0, 2); padding has a vector that would spoil any mean
  const texts = ['one three', 'two'];
  const wanted: Record<string, number[]> = {
    mean_tokens: [6 / 4, 6 / 4, 2 / 3, 3 / 3],
    cls_token: [2, 0, 2, 0],
    lasttoken: [0, 2, 0, 2],
    max_tokens: [3, 4, 2, 2],
  };
  it.each(Object.keys(wanted))('%s, as 1_Pooling/config.json says', async mode => {
    const folder = folderOf({
      'onnx/model.onnx': onnx,
      'modules.json': modules('Transformer', 'Pooling'),
      '1_Pooling/config.json': pooling(mode),
    });
    const encoder = await open(folder);
    const found = await encoder.encode(texts);
    near(found.vectors, wanted[mode]);
    expect(found).toMatchObject({ rows: 2, dimension: 2, tokens: 7, padding: 1, cutRows: 0 });
    expect(encoder.info.similarity).toBe('dot');
  });

  it('is refused where a config asks for two at once, or for prompts left out', async () => {
    const files = { 'model.onnx': onnx, 'modules.json': modules('Transformer', 'Pooling') };
    const both = { ...pooling('cls_token'), ...pooling('mean_tokens') };
    await expect(readEncoderSpec(folderOf({ ...files, '1_Pooling/config.json': both }))).rejects.toThrow(
      /pooling_mode_cls_token \+ pooling_mode_mean_tokens/,
    );
    const without = { ...pooling('mean_tokens'), include_prompt: false };
    await expect(readEncoderSpec(folderOf({ ...files, '1_Pooling/config.json': without }))).rejects.toThrow(
      /include_prompt/,
    );
  });
});

describe('a sentence-transformers folder', () => {
  it('has dense layers and normalisation', async () => {
    const encoder = await open(
      folderOf({
        'model.onnx': onnx,
        'modules.json': modules('Transformer', 'Pooling', 'Dense', 'Normalize'),
        '1_Pooling/config.json': pooling('cls_token'),
        '2_Dense/config.json': { activation_function: 'torch.nn.modules.activation.ReLU' },
        '2_Dense/model.safetensors': safetensors({
          'linear.weight': { shape: [3, 2], data: Float32Array.of(1.5, 0, 0, 1, -1, 0) },
          'linear.bias': { shape: [3], data: Float32Array.of(0, 4, 1) },
        }),
      }),
    );
    // (2, 0) → (3, 4, -1) → relu → length 1
    near((await encoder.encode(['one'])).vectors, [0.6, 0.8, 0]);
    expect(encoder.dimension).toBe(3);
    expect(encoder.info.similarity).toBe('cosine');
  });

  it('has prompts for each side, which are encoded with the text', async () => {
    const encoder = await open(
      folderOf({
        'model.onnx': onnx,
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': pooling('mean_tokens'),
        'config_sentence_transformers.json': { prompts: { query: 'query: ', document: 'passage: ' } },
      }),
    );
    expect(encoder.info.prefixes).toEqual({ query: 'query: ', passage: 'passage: ' });
    // [CLS] query : one [SEP]
    near((await encoder.encode(['one'], { side: 'query' })).vectors, [
      (2 + 7 + 0.5 + 1) / 5,
      (1 + 0.5 + 2) / 5,
    ]);
    near((await encoder.encode(['one'])).vectors, [(2 + 1 + 0.5 + 1) / 5, (7 + 0.5 + 2) / 5]);
  });

  it('has a length in tokens; what is cut is counted', async () => {
    const encoder = await open(
      folderOf({
        'model.onnx': onnx,
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': pooling('max_tokens'),
        'sentence_bert_config.json': { max_seq_length: 4 },
        'config.json': { max_position_embeddings: 512 },
      }),
    );
    const found = await encoder.encode(['one two three', 'one two']);
    expect(found.cutRows).toBe(1);
    near(found.vectors, [2, 2, 2, 2]);
    expect(encoder.info.sources.maxTokens).toBe('sentence_bert_config.json');
  });

  it('with two empty prompts says nothing of prefixes: sentence-transformers 5 writes them for every model', async () => {
    const prompts = (query: string, document: string) => ({
      'model.onnx': onnx,
      'config_sentence_transformers.json': { prompts: { query, document }, default_prompt_name: null },
    });
    const of = async (query: string, document: string) =>
      (await readEncoderSpec(folderOf(prompts(query, document), 'multilingual-e5-small'))).prefixes;
    expect(await of('', '')).toEqual({ query: 'query: ', passage: 'passage: ' });
    expect(await of('ask: ', '')).toEqual({ query: 'ask: ', passage: '' });
  });

  it('refuses a module that it does not know', async () => {
    const folder = folderOf({ 'model.onnx': onnx, 'modules.json': modules('Transformer', 'LSTM') });
    await expect(readEncoderSpec(folder)).rejects.toThrow(
      /module type "sentence_transformers\.models\.LSTM" is not known/,
    );
  });
});

describe('conventions by name', () => {
  it.each([
    ['multilingual-e5-small', 'mean', 'query: ', 'passage: '],
    ['bge-small-en-v1.5', 'cls', 'Represent this sentence for searching relevant passages: ', ''],
    ['bge-m3', 'cls', '', ''],
    ['gte-small', 'mean', '', ''],
    ['gte-multilingual-base', 'cls', '', ''],
    ['nomic-embed-text-v1.5', 'mean', 'search_query: ', 'search_document: '],
    ['KoSimCSE-roberta', 'cls', '', ''],
    ['sup-simcse-bert-base-uncased', 'cls', '', ''],
    ['multilingual-e5-large-instruct', 'mean', `${TASK} `, ''],
    ['e5-mistral-7b-instruct', 'last', `${TASK} `, ''],
    ['gte-Qwen2-1.5B-instruct', 'last', `${TASK} `, ''],
    ['Qwen3-Embedding-0.6B', 'last', TASK, ''],
  ])('%s', async (name, wanted, query, passage) => {
    const spec = await readEncoderSpec(folderOf({ 'model.onnx': onnx }, name));
    expect(spec.pooling).toBe(wanted);
    expect(spec.normalize).toBe(true);
    expect(spec.prefixes).toEqual({ query, passage });
    expect(spec.sources.pooling).toMatch(/^convention of/);
  });

  it('go by the name of the model, not by those of folders above it', async () => {
    const folder = folderOf({ 'model.onnx': onnx }, 'bge-small-experiments/mine');
    for (const name of [undefined, folder, 'models/bge-small-experiments/mine']) {
      const spec = await readEncoderSpec(folder, {}, name);
      expect([spec.pooling, spec.prefixes.query]).toEqual(['mean', '']);
    }
    const commit = '0123456789abcdef0123456789abcdef01234567';
    for (const path of [`models--BAAI--bge-small-en/snapshots/${commit}`, `BAAI--bge-small-en/${commit}`])
      expect((await readEncoderSpec(folderOf({ 'model.onnx': onnx }, path))).pooling).toBe('cls');
  });

  it('give way to files, and files to the caller', async () => {
    const folder = folderOf(
      {
        'model.onnx': onnx,
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': pooling('mean_tokens'),
      },
      'bge-small-en',
    );
    expect((await readEncoderSpec(folder)).pooling).toBe('mean');
    const given = await readEncoderSpec(folder, { pooling: 'last', prefixes: { query: 'q ' } });
    expect([given.pooling, given.prefixes.query, given.sources.pooling]).toEqual(['last', 'q ', 'given']);
  });

  it('RoBERTa leaves two positions unused', async () => {
    const folder = folderOf({
      'model.onnx': onnx,
      'config.json': { model_type: 'xlm-roberta', max_position_embeddings: 514 },
    });
    expect((await readEncoderSpec(folder)).maxTokens).toBe(512);
  });
});

describe('batches', () => {
  it('do not change results, whatever the budget; padding is counted', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => 'one two three '.repeat((i * 7) % 11).trim());
    const folder = folderOf({ 'model.onnx': onnx });
    const wide = await open(folder);
    const narrow = await open(folder, { batchTokens: 8 });
    const [a, b] = [await wide.encode(texts), await narrow.encode(texts)];
    expect([...a.vectors]).toEqual([...b.vectors]);
    expect(a.tokens).toBe(b.tokens);
    expect(a.padding).toBeGreaterThan(0);
    expect(b.padding).toBe(0);
    const rows = await wide.tokenize(texts);
    expect([...(await wide.encode(rows)).vectors]).toEqual([...a.vectors]);
    expect(await wide.encode([])).toMatchObject({ rows: 0, tokens: 0, cutRows: 0 });
  });

  it('stop at a signal', async () => {
    const encoder = await open(folderOf({ 'model.onnx': onnx }));
    await expect(encoder.encode(['one'], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  it('run side by side on one encoder', async () => {
    const encoder = await open(folderOf({ 'model.onnx': onnx }));
    const texts = ['one', 'two', 'three'];
    const all = await Promise.all(texts.map(text => encoder.encode([text])));
    const together = await encoder.encode(texts);
    expect(all.flatMap(one => [...one.vectors])).toEqual([...together.vectors]);
  });
});

describe('inputs and outputs', () => {
  it('token types are 0, positions count up, in 32 or 64 bits', async () => {
    for (const type of ['int32', 'int64'] as const) {
      const encoder = await open(
        folderOf({ 'model.onnx': tinyOnnx({ inputs: ['token_type_ids', 'position_ids'], type }) }),
        { pooling: 'last', normalize: false },
      );
      // [CLS] one [SEP]: (0, 2) at position 2
      near((await encoder.encode(['one'])).vectors, [2, 4]);
    }
  });

  it('caches of a decoder are empty, vectors in half precision are read', async () => {
    for (const past of ['float32', 'float16'] as const) {
      const graph = tinyOnnx({ past, half: past === 'float16' });
      const encoder = await open(folderOf({ 'model.onnx': graph }, 'Qwen3-Embedding'), {
        normalize: false,
        prefixes: { query: '', passage: '' },
      });
      // [SEP]
      near((await encoder.encode(['one', 'one three'])).vectors, [0, 2, 0, 2]);
      near((await encoder.encodeTokens(['three'])).vectors, [3, 4]);
    }
  });

  it('a length that leaves no token for a text is refused at once', async () => {
    await expect(open(folderOf({ 'model.onnx': onnx }), { maxTokens: 2 })).rejects.toMatchObject({
      name: 'ModelError',
      message: expect.stringMatching(/maxTokens: 2 leaves no token for the text; .* puts 2 around each/),
      help: 'give 3 or more',
    });
    const encoder = await open(folderOf({ 'model.onnx': onnx }), { maxTokens: 3 });
    expect((await encoder.encode(['one two'])).cutRows).toBe(1);
  });

  it('what is no text encoder is refused with its inputs and outputs', async () => {
    await expect(open(folderOf({ 'model.onnx': tinyOnnx({ inputs: ['pixel_values'] }) }))).rejects.toThrow(
      /is no text encoder; its inputs are input_ids, attention_mask, pixel_values/,
    );
    await expect(open(folderOf({ 'model.onnx': onnx }), { output: 'pooled' })).rejects.toThrow(
      /has no output "pooled"/,
    );
    await expect(open(folderOf({ 'a.onnx': onnx, 'b.onnx': onnx }))).rejects.toThrow(/2 ONNX files/);
    await expect(open(folderOf({}))).rejects.toThrow(/no ONNX file/);
    await expect(open(folderOf({ 'model.onnx': onnx }), { dimension: 3 })).rejects.toThrow(
      /dimension: 3, but tiny gives vectors of 2/,
    );
  });

  it('Matryoshka: leading dimensions, then normalised', async () => {
    const folder = folderOf({ 'model.onnx': onnx });
    const encoder = await open(folder, { dimension: 1, pooling: 'cls' });
    near((await encoder.encode(['one', 'two'])).vectors, [1, 1]);
    expect(encoder.dimension).toBe(1);
  });
});

describe('a pair of encoders', () => {
  it('has a model for each side, compared by dot product', async () => {
    const files = (table: Uint8Array, side: string) => ({
      [`${side}/model.onnx`]: table,
      [`${side}/tokenizer.json`]: tokenizerJson(),
    });
    const folder = folderOf({
      ...files(onnx, 'ctx_encoder'),
      ...files(tinyOnnx({ inputs: ['position_ids'] }), 'question_encoder'),
    });
    const encoder = await open(folder, { pooling: 'last' });
    expect(encoder.info).toMatchObject({ pair: true, similarity: 'dot' });
    near((await encoder.encode(['one'])).vectors, [0, 2]);
    near((await encoder.encode(['one'], { side: 'query' })).vectors, [2, 4]);
  });
});

describe('token vectors', () => {
  it('of any encoder, with offsets into the text and without the prefix', async () => {
    const encoder = await open(folderOf({ 'model.onnx': onnx }), {
      normalize: false,
      prefixes: { passage: 'passage: ' },
    });
    const found = await encoder.encodeTokens(['one three', '']);
    near(found.vectors, [1, 0, 3, 4]);
    expect([...found.offsets]).toEqual([0, 2, 2]);
    expect([[...found.starts], [...found.ends]]).toEqual([
      [0, 4],
      [3, 9],
    ]);
  });

  const colbert = {
    'model.onnx': tinyOnnx({ masked: true }),
    'artifact.metadata': {
      query_token_id: '[Q]',
      doc_token_id: '[D]',
      query_maxlen: 6,
      doc_maxlen: 6,
      mask_punctuation: true,
    },
  };

  it('of ColBERT: a marker, no punctuation in passages, queries filled with mask tokens', async () => {
    const encoder = await open(folderOf(colbert));
    expect(encoder.info.late).toBe(true);
    const passages = await encoder.encodeTokens(['one . two', 'one two three one two']);
    // [CLS] [D] one two [SEP], each of length 1; the second is cut to 6
    expect([...passages.offsets]).toEqual([0, 5, 11]);
    near(passages.vectors.subarray(0, 10), [1, 0, 0.6, 0.8, 1, 0, 0, 1, 0, 1]);
    expect(passages.cutRows).toBe(1);
    const queries = await encoder.encodeTokens(['one'], { side: 'query' });
    // [CLS] [Q] one [SEP] [MASK] [MASK]; the mask tokens are not attended to, and this model gives zeros for those
    expect([...queries.offsets]).toEqual([0, 6]);
    near(queries.vectors, [1, 0, 0.8, 0.6, 1, 0, 0, 1, 0, 0, 0, 0]);
  });

  it('of ColBERT with attention to the tokens that fill a query, and a linear layer', async () => {
    const encoder = await open(
      folderOf({
        'model.onnx': tinyOnnx({ masked: true }),
        'modules.json': [
          ...modules('Transformer'),
          { idx: 1, name: '1', path: '1_Dense', type: 'pylate.models.Dense.Dense' },
        ],
        '1_Dense/config.json': { activation_function: 'torch.nn.modules.linear.Identity' },
        '1_Dense/model.safetensors': safetensors({
          'linear.weight': { shape: [2, 2], data: Float32Array.of(0, 1, 1, 0) },
        }),
        'config_sentence_transformers.json': {
          query_prefix: '[Q] ',
          document_prefix: '[D] ',
          query_length: 5,
          document_length: 8,
          attend_to_expansion_tokens: true,
          skiplist_words: ['.'],
        },
      }),
    );
    const queries = await encoder.encodeTokens(['one'], { side: 'query' });
    near(queries.vectors, [0, 1, 0.6, 0.8, 0, 1, 1, 0, 12 / 13, 5 / 13]);
  });
});

describe('a ColBERT model', () => {
  const settings = { query_token_id: '[Q]', doc_token_id: '[D]', query_maxlen: 6, doc_maxlen: 8 };
  const files = { 'model.onnx': tinyOnnx({ masked: true }), 'artifact.metadata': settings };

  it('has the mask token that its tokenizer names, and is refused at once where there is none', async () => {
    const other = { ...files, 'tokenizer.json': tokenizerJson().replaceAll('[MASK]', '<mask>') };
    await expect(open(folderOf(other))).rejects.toMatchObject({
      message: expect.stringMatching(/has no token "\[MASK\]"/),
      help: expect.stringMatching(/mask_token of tokenizer_config\.json/),
    });
    for (const mask_token of ['<mask>', { content: '<mask>' }]) {
      const encoder = await open(folderOf({ ...other, 'tokenizer_config.json': { mask_token } }));
      const { offsets, ids } = await encoder.encodeTokens(['one'], { side: 'query' });
      expect([...offsets]).toEqual([0, 6]);
      expect([...ids.subarray(4)]).toEqual([4, 4]);
    }
    await expect(
      open(folderOf({ ...files, 'artifact.metadata': { ...settings, doc_token_id: '[X]' } })),
    ).rejects.toThrow(/has no token "\[X\]"/);
  });

  it('says its own lengths, is cut sooner by maxTokens, and takes no prefix', async () => {
    const folder = folderOf({ ...files, 'config.json': { max_position_embeddings: 512 } });
    const encoder = await open(folder);
    expect([encoder.info.maxTokens, encoder.longest('passage'), encoder.longest('query')]).toEqual([8, 8, 6]);
    expect(encoder.info.sources.maxTokens).toBe('artifact.metadata');
    const short = await open(folder, { maxTokens: 5 });
    const text = 'one two three one two three';
    for (const side of ['query', 'passage'] as const) {
      const found = await short.encodeTokens([text], { side });
      expect([found.offsets[1], found.cutRows, short.longest(side)]).toEqual([5, 1, 5]);
    }
    await expect(open(folder, { prefixes: { query: 'ask: ' } })).rejects.toThrow(
      /prefix: .* is a ColBERT model, which has markers in their place/,
    );
    await expect(open(folder, { maxTokens: 3 })).rejects.toThrow(/puts 3 around each/);
  });
});

describe('static models', () => {
  it('of model2vec: a table, weights, a mapping; no special tokens, unknown words left out', async () => {
    const folder = folderOf({
      'config.json': { model_type: 'model2vec', normalize: false },
      'model.safetensors': safetensors({
        embeddings: { shape: [3, 2], data: Float32Array.of(9, 9, 1, 2, 3, 4) },
        mapping: { shape: [14], data: Float32Array.of(0, 0, 0, 0, 0, 1, 2, 2, 0, 0, 0, 0, 0, 0) },
        weights: { shape: [14], data: Float32Array.from({ length: 14 }, (_, i) => (i === 6 ? 0.5 : 1)) },
      }),
    });
    const encoder = await open(folder);
    // one (1, 2), two ½ · (3, 4), three (3, 4); "four" is unknown
    const found = await encoder.encode(['one two', 'three four', 'four', '']);
    near(found.vectors, [1.25, 2, 3, 4, 0, 0, 0, 0]);
    expect(found.tokens).toBe(3);
  });
});
