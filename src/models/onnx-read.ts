/** What an ONNX file says of itself, read without loading it: its outputs, and the files that hold its weights. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export interface OnnxOutput {
  readonly name: string;
  /** Undefined where a size is only known at run time. */
  readonly shape: readonly (number | undefined)[];
}

// field numbers of onnx.proto
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;
const TENSOR_EXTERNAL = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;
const VALUE_NAME = 1;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_SHAPE = 2;
const SHAPE_DIM = 1;
const DIM_VALUE = 1;
const WINDOW = 1 << 12;

interface Field {
  readonly number: number;
  /** The value of a number; undefined for bytes. */
  readonly value?: number;
  readonly start: number;
  readonly end: number;
}

/** Reads protocol buffer fields of a file through a window, so that weights are stepped over and not read. */
class ProtoFile {
  readonly #fd: number;
  readonly size: number;
  readonly #window = new Uint8Array(WINDOW);
  #from = 0;
  #filled = 0;

  constructor(fd: number) {
    this.#fd = fd;
    this.size = fstatSync(fd).size;
  }

  #byte(at: number): number {
    if (at < this.#from || at >= this.#from + this.#filled) {
      this.#from = at;
      this.#filled = readSync(this.#fd, this.#window, 0, WINDOW, at);
      if (this.#filled === 0) throw new RangeError('ends early');
    }
    return this.#window[at - this.#from];
  }

  #varint(at: number): [number, number] {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte(at + i);
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return [value, at + i + 1];
    }
    throw new RangeError('a number has no end');
  }

  *fields(start: number, end: number): Generator<Field> {
    for (let at = start; at < end; ) {
      const [tag, after] = this.#varint(at);
      const number = Math.floor(tag / 8);
      const kind = tag % 8;
      if (kind === 0) {
        const [value, next] = this.#varint(after);
        yield { number, value, start: after, end: next };
        at = next;
      } else if (kind === 2) {
        const [length, body] = this.#varint(after);
        if (body + length > end) throw new RangeError('ends early');
        yield { number, start: body, end: body + length };
        at = body + length;
      } else if (kind === 1 || kind === 5) at = after + (kind === 1 ? 8 : 4);
      else throw new RangeError('is no protocol buffer');
    }
  }

  text({ start, end }: Field): string {
    return Buffer.from(Array.from({ length: end - start }, (_, i) => this.#byte(start + i))).toString('utf8');
  }
}

function outputOf(file: ProtoFile, value: Field): OnnxOutput {
  let name = '';
  const shape: (number | undefined)[] = [];
  const inside = function* (fields: Iterable<Field>, number: number): Generator<Field> {
    for (const field of fields) if (field.number === number) yield field;
  };
  for (const field of file.fields(value.start, value.end)) {
    if (field.number === VALUE_NAME) name = file.text(field);
    if (field.number !== VALUE_TYPE) continue;
    for (const tensor of inside(file.fields(field.start, field.end), TYPE_TENSOR))
      for (const dims of inside(file.fields(tensor.start, tensor.end), TENSOR_SHAPE))
        for (const dim of inside(file.fields(dims.start, dims.end), SHAPE_DIM)) {
          const [size] = [...inside(file.fields(dim.start, dim.end), DIM_VALUE)];
          shape.push(size?.value);
        }
  }
  return { name, shape };
}

/** Names the file that holds a tensor's values, where it is another. */
function locationOf(file: ProtoFile, tensor: Field): string | undefined {
  for (const entry of file.fields(tensor.start, tensor.end)) {
    if (entry.number !== TENSOR_EXTERNAL) continue;
    const parts = [...file.fields(entry.start, entry.end)];
    const text = (number: number): string =>
      parts.filter(part => part.number === number).map(part => file.text(part))[0] ?? '';
    if (text(ENTRY_KEY) === 'location') return text(ENTRY_VALUE);
  }
  return undefined;
}

/** Visits the fields of the graph; false where the file cannot be read as an ONNX file. */
function eachField(path: string, visit: (file: ProtoFile, field: Field) => void): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const file = new ProtoFile(fd);
    for (const graph of file.fields(0, file.size)) {
      if (graph.number !== MODEL_GRAPH) continue;
      for (const field of file.fields(graph.start, graph.end)) visit(file, field);
    }
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** The outputs of an ONNX file; undefined where it cannot be read as one. */
export function onnxOutputs(path: string): OnnxOutput[] | undefined {
  const found: OnnxOutput[] = [];
  const whole = eachField(path, (file, field) => {
    if (field.number === GRAPH_OUTPUT) found.push(outputOf(file, field));
  });
  return whole ? found : undefined;
}

/** The files that hold weights of an ONNX file, relative to its folder, each once. */
export function onnxExternal(path: string): string[] {
  const found = new Set<string>();
  eachField(path, (file, field) => {
    if (field.number !== GRAPH_INITIALIZER) return;
    const location = locationOf(file, field);
    if (location !== undefined) found.add(location);
  });
  return [...found];
}
