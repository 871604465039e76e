/** Model folders small enough to work out by hand: token vectors come from a table. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type OnnxNode, type OnnxTensor, type OnnxType, writeOnnx } from '../../src/models/onnx-write.ts';

/** Ids of the words; `[CLS]` and `[SEP]` stand around texts. */
export const WORDS = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'one',
  'two',
  'three',
  'query',
  'passage',
  ':',
  '.',
  '[Q]',
  '[D]',
];

export const tokenizerJson = (): string =>
  JSON.stringify({
    version: '1.0',
    added_tokens: [0, 1, 2, 3, 4, 12, 13].map(id => ({
      id,
      content: WORDS[id],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab: Object.fromEntries(WORDS.map((w, i) => [w, i])), unk_token: '[UNK]' },
  });

/** Two dimensions a token; the padding's would spoil every mean that took it in. */
export const TABLE: Record<string, [number, number]> = {
  '[PAD]': [1000, 1000],
  '[UNK]': [0, -8],
  '[CLS]': [2, 0],
  '[SEP]': [0, 2],
  '[MASK]': [5, 12],
  one: [1, 0],
  two: [0, 1],
  three: [3, 4],
  query: [7, 1],
  passage: [1, 7],
  ':': [0.5, 0.5],
  '.': [9, 9],
  '[Q]': [8, 6],
  '[D]': [6, 8],
};

const PAST = 'past_key_values.0.key';

export interface TinyOptions {
  readonly output?: string;
  /** Extra inputs, added to the vectors as numbers: token types and positions. */
  readonly inputs?: readonly string[];
  readonly type?: OnnxType;
  /** Token vectors are multiplied by the attention mask. */
  readonly masked?: boolean;
  /** Vectors are in half precision. */
  readonly half?: boolean;
  /** A decoder's cache of one layer, in this precision: its length is added to the vectors. */
  readonly past?: 'float32' | 'float16';
}

/** `output`[batch, sequence, 2] = table[input_ids], and what the options add. */
export function tinyOnnx(options: TinyOptions = {}): Uint8Array {
  const {
    output = 'last_hidden_state',
    inputs = [],
    type = 'int64',
    masked = false,
    half = false,
    past,
  } = options;
  const names = ['input_ids', 'attention_mask', ...inputs];
  const initializers: OnnxTensor[] = [
    { name: 'table', shape: [WORDS.length, 2], data: Float32Array.from(WORDS.flatMap(word => TABLE[word])) },
    { name: 'last', shape: [1], data: BigInt64Array.of(2n) },
  ];
  const nodes: OnnxNode[] = [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['v0'] }];
  let now = 'v0';
  const withInput = (name: string, op: string): void => {
    nodes.push(
      { op: 'Cast', inputs: [name], outputs: [`${name}_f`], attributes: { to: 1 } },
      { op: 'Unsqueeze', inputs: [`${name}_f`, 'last'], outputs: [`${name}_u`] },
      { op, inputs: [now, `${name}_u`], outputs: [`v_${name}`] },
    );
    now = `v_${name}`;
  };
  for (const name of inputs) withInput(name, 'Add');
  if (masked) withInput('attention_mask', 'Mul');
  if (past !== undefined) {
    nodes.push(
      { op: 'Cast', inputs: [PAST], outputs: ['past'], attributes: { to: 1 } },
      // the sum over an empty cache is 0: one that is not empty would show
      { op: 'ReduceSum', inputs: ['past'], outputs: ['sum'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: [now, 'sum'], outputs: ['v_past'] },
    );
    now = 'v_past';
  }
  nodes.push(
    half
      ? { op: 'Cast', inputs: [now], outputs: [output], attributes: { to: 10 } }
      : { op: 'Identity', inputs: [now], outputs: [output] },
  );
  return writeOnnx({
    name: 'tiny',
    inputs: [
      ...names.map(name => ({ name, type, shape: ['batch', 'sequence'] })),
      ...(past === undefined ? [] : [{ name: PAST, type: past, shape: ['batch', 2, 'past_sequence', 4] }]),
    ],
    outputs: [{ name: output, type: half ? 'float16' : 'float32', shape: ['batch', 'sequence', 2] }],
    initializers,
    nodes,
  });
}

/** The bytes of a safetensors file. */
export function safetensors(tensors: Record<string, { shape: number[]; data: Float32Array }>): Uint8Array {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const lead = Buffer.alloc(8);
  lead.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([lead, text, ...Object.values(tensors).map(t => Buffer.from(t.data.buffer))]);
}

/** Writes a model folder; objects become JSON. The caller removes it. */
export function modelFolder(files: Record<string, Uint8Array | string | object>, name = 'tiny'): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'millrace-model-')), name);
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    const data =
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
    writeFileSync(target, data);
  }
  return folder;
}

/** modules.json of sentence-transformers. */
export const modules = (...kinds: string[]): object[] =>
  kinds.map((kind, idx) => ({
    idx,
    name: String(idx),
    path: kind === 'Transformer' ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }));
