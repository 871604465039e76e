/**
 * Writes small ONNX models: inputs, initializers, nodes, outputs. Field numbers are those of onnx.proto (IR version 8).
 * Files of a graph are the same bytes for the same graph.
 */
import { ProtoWriter } from './protobuf.ts';

export type TensorData = Float32Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** A constant of the graph. `shape` multiplies to the length of `data`; an empty shape is a scalar. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type OnnxType = 'float32' | 'float16' | 'uint8' | 'int8' | 'int32' | 'int64';

/** An input or output. A string in the shape names a dimension that is only known at run time. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** A number is written as an integer attribute, `{ float }` as a float one. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
  /** Strings kept in the file beside the graph. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const ELEMENT: Record<OnnxType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 };
const IR_VERSION = 8;
const OPSET = 17;

function typeOf(data: TensorData): OnnxType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int32Array) return 'int32';
  return 'int64';
}

function tensorMessage({ name, shape, data }: OnnxTensor): ProtoWriter {
  const size = shape.reduce((product, n) => product * n, 1);
  if (size !== data.length) {
    throw new RangeError(
      `tensor "${name}": shape [${shape.join(', ')}] holds ${size} values, data has ${data.length}`,
    );
  }
  return new ProtoWriter()
    .ints(1, shape)
    .int(2, ELEMENT[typeOf(data)])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function attributeMessage(name: string, value: OnnxAttribute): ProtoWriter {
  const message = new ProtoWriter().string(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, 2);
  if (typeof value === 'string') return message.string(4, value).int(20, 3);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  for (const item of value) message.int(8, item);
  return message.int(20, 7);
}

function nodeMessage(node: OnnxNode, index: number): ProtoWriter {
  const message = new ProtoWriter();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, `${node.op}_${index}`).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {}))
    message.message(5, attributeMessage(name, value));
  return message;
}

function valueMessage({ name, type, shape }: OnnxValue): ProtoWriter {
  const dimensions = new ProtoWriter();
  for (const n of shape) {
    const dimension = new ProtoWriter();
    dimensions.message(1, typeof n === 'number' ? dimension.int(1, n) : dimension.string(2, n));
  }
  const tensor = new ProtoWriter().int(1, ELEMENT[type]).message(2, dimensions);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensor));
}

/**
 * The bytes of an ONNX model file.
 * @throws RangeError where a tensor's data does not fill its shape
 */
export function writeOnnx(graph: OnnxGraph): Uint8Array {
  const body = new ProtoWriter();
  graph.nodes.forEach((node, i) => {
    body.message(1, nodeMessage(node, i));
  });
  body.string(2, graph.name);
  for (const tensor of graph.initializers) body.message(5, tensorMessage(tensor));
  for (const input of graph.inputs) body.message(11, valueMessage(input));
  for (const output of graph.outputs) body.message(12, valueMessage(output));
  const model = new ProtoWriter()
    .int(1, IR_VERSION)
    .string(2, 'millrace')
    .message(7, body)
    .message(8, new ProtoWriter().string(1, '').int(2, OPSET));
  for (const [key, value] of Object.entries(graph.metadata ?? {}))
    model.message(14, new ProtoWriter().string(1, key).string(2, value));
  return model.finish();
}
