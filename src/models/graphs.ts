/** Small graphs that Millrace writes itself: static encoders, exact vector search, linear layers. */
import { type OnnxGraph, type OnnxNode, type OnnxTensor, writeOnnx } from './onnx-write.ts';

/** Token vectors, in 8 bits or as floats: the vector of token t is `scale[t] · codes[t·dimension …]`. */
export interface StaticTable {
  readonly tokens: number;
  readonly dimension: number;
  /** tokens × dimension; 8-bit codes go from -127 to 127. */
  readonly codes: Int8Array | Float32Array;
  /** One factor a token, its weight in the mean included. */
  readonly scale: Float32Array;
}

/**
 * A static encoder (model2vec, van Dongen & Tulkens 2024; weights in the manner of SIF, Arora et al. 2017): the mean of
 * the token vectors of a text. Inputs `input_ids` and `attention_mask` (int64, batch × sequence), output
 * `sentence_embedding` (float32, batch × dimension), not normalised. A row with an empty mask gives zeros.
 */
export function staticEncoderGraph(table: StaticTable, metadata: Record<string, string> = {}): Uint8Array {
  const { tokens, dimension, codes, scale } = table;
  const node = (
    op: string,
    inputs: string[],
    output: string,
    attributes?: OnnxNode['attributes'],
  ): OnnxNode => ({
    op,
    inputs,
    outputs: [output],
    attributes,
  });
  const initializers: OnnxTensor[] = [
    { name: 'codes', shape: [tokens, dimension], data: codes },
    { name: 'scale', shape: [tokens], data: scale },
    { name: 'one', shape: [], data: Float32Array.of(1) },
    { name: 'row_axis', shape: [1], data: BigInt64Array.of(1n) },
  ];
  return writeOnnx({
    name: 'static_encoder',
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'sequence'] },
    ],
    outputs: [{ name: 'sentence_embedding', type: 'float32', shape: ['batch', dimension] }],
    initializers,
    nodes: [
      node('Gather', ['codes', 'input_ids'], 'gathered'),
      node('Cast', ['gathered'], 'vectors', { to: 1 }),
      node('Gather', ['scale', 'input_ids'], 'weights'),
      node('Cast', ['attention_mask'], 'mask', { to: 1 }),
      node('Mul', ['weights', 'mask'], 'masked'),
      node('Unsqueeze', ['masked', 'row_axis'], 'row'),
      // one product a text: [1 × sequence] · [sequence × dimension] weighs and sums in a single pass
      node('MatMul', ['row', 'vectors'], 'summed'),
      node('Squeeze', ['summed', 'row_axis'], 'sum'),
      node('ReduceSum', ['mask', 'row_axis'], 'count', { keepdims: 1 }),
      node('Max', ['count', 'one'], 'divisor'),
      node('Div', ['sum', 'divisor'], 'sentence_embedding'),
    ],
    metadata,
  });
}

/**
 * Exact search as one graph: MatMul, then TopK. Inputs `queries` (float32, queries × dimension), `vectors` (float32,
 * dimension × rows, so a row-major rows × dimension matrix is transposed once by the caller, or `transposed: false` does
 * it here) and `k` (int64, one value, at most the number of rows); outputs `scores` (float32) and `rows` (int64), both
 * queries × k, the best first, ties by the lower row.
 */
export function exactSearchGraph(options: { dimension: number; transposed?: boolean }): Uint8Array {
  const { dimension, transposed = true } = options;
  const nodes: OnnxNode[] = [];
  if (!transposed) {
    nodes.push({ op: 'Transpose', inputs: ['vectors'], outputs: ['columns'], attributes: { perm: [1, 0] } });
  }
  nodes.push(
    { op: 'MatMul', inputs: ['queries', transposed ? 'vectors' : 'columns'], outputs: ['all'] },
    {
      op: 'TopK',
      inputs: ['all', 'k'],
      outputs: ['scores', 'rows'],
      attributes: { axis: -1, largest: 1, sorted: 1 },
    },
  );
  return writeOnnx({
    name: 'exact_search',
    inputs: [
      { name: 'queries', type: 'float32', shape: ['queries', dimension] },
      { name: 'vectors', type: 'float32', shape: transposed ? [dimension, 'count'] : ['count', dimension] },
      { name: 'k', type: 'int64', shape: [1] },
    ],
    outputs: [
      { name: 'scores', type: 'float32', shape: ['queries', 'kept'] },
      { name: 'rows', type: 'int64', shape: ['queries', 'kept'] },
    ],
    initializers: [],
    nodes,
  });
}

/** A product of matrices: inputs `a` (rows × inner) and `b` (inner × columns), output `y` (rows × columns), all float32. */
export function matMulGraph(): Uint8Array {
  return writeOnnx({
    name: 'matmul',
    inputs: [
      { name: 'a', type: 'float32', shape: ['rows', 'inner'] },
      { name: 'b', type: 'float32', shape: ['inner', 'columns'] },
    ],
    outputs: [{ name: 'y', type: 'float32', shape: ['rows', 'columns'] }],
    initializers: [],
    nodes: [{ op: 'MatMul', inputs: ['a', 'b'], outputs: ['y'] }],
  });
}

export type Activation = 'identity' | 'tanh' | 'relu' | 'gelu';

/** A linear layer: `weight` is outputs × inputs as PyTorch stores it. */
export interface LinearLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
  readonly activation: Activation;
}

/** A linear layer and its activation: input `x` (float32, rows × inputs), output `y` (float32, rows × outputs). */
export function linearGraph(layer: LinearLayer): Uint8Array {
  const { inputs, outputs, weight, bias, activation } = layer;
  const initializers: OnnxTensor[] = [{ name: 'weight', shape: [outputs, inputs], data: weight }];
  if (bias) initializers.push({ name: 'bias', shape: [outputs], data: bias });
  const linear = activation === 'identity' ? 'y' : 'linear';
  const nodes: OnnxNode[] = [
    {
      op: 'Gemm',
      inputs: bias ? ['x', 'weight', 'bias'] : ['x', 'weight'],
      outputs: [linear],
      attributes: { transB: 1 },
    },
  ];
  if (activation === 'tanh') nodes.push({ op: 'Tanh', inputs: [linear], outputs: ['y'] });
  if (activation === 'relu') nodes.push({ op: 'Relu', inputs: [linear], outputs: ['y'] });
  if (activation === 'gelu') {
    // x · (1 + erf(x / √2)) / 2
    initializers.push(
      { name: 'root', shape: [], data: Float32Array.of(Math.SQRT1_2) },
      { name: 'one', shape: [], data: Float32Array.of(1) },
      { name: 'half', shape: [], data: Float32Array.of(0.5) },
    );
    nodes.push(
      { op: 'Mul', inputs: [linear, 'root'], outputs: ['scaled'] },
      { op: 'Erf', inputs: ['scaled'], outputs: ['erf'] },
      { op: 'Add', inputs: ['erf', 'one'], outputs: ['gate'] },
      { op: 'Mul', inputs: ['gate', 'half'], outputs: ['halved'] },
      { op: 'Mul', inputs: [linear, 'halved'], outputs: ['y'] },
    );
  }
  const graph: OnnxGraph = {
    name: 'linear',
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', inputs] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['rows', outputs] }],
    initializers,
    nodes,
  };
  return writeOnnx(graph);
}
