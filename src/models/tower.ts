/** One loaded model: token ids in, vectors out. An encoder has one, or one a side. */
import type { EncoderSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { linearGraph, staticEncoderGraph } from './graphs.ts';
import { poolTokens } from './pooling.ts';
import { type Feed, type Output, type PortInfo, Session, type SessionOptions } from './session.ts';
import { type Shapes, shapesFor } from './shapes.ts';
import { type PaddedIds, padRows, type TokenRows } from './token-rows.ts';
import { Tokenizer } from './tokenizer.ts';

const KNOWN_INPUTS = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];
const VECTOR_OUTPUTS = ['sentence_embedding', 'text_embeds', 'embeddings', 'dense_vecs'];
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings', 'contextual', 'hidden_states'];

/** Padded tokens that ran, and how many of them were text. */
export interface Work {
  readonly tokens: number;
  readonly padding: number;
}

function chooseOutput(
  spec: EncoderSpec,
  outputs: readonly PortInfo[],
  path: string,
): { name: string; tokens: boolean } {
  const listed = outputs.map(o => `${o.name} [${o.shape.join(', ')}]`).join(', ');
  if (spec.output !== undefined) {
    const found = outputs.find(o => o.name === spec.output);
    if (!found)
      throw new ModelError(`${path}: has no output "${spec.output}"`, { help: `outputs: ${listed}` });
    return { name: found.name, tokens: found.shape.length === 3 };
  }
  const named = (names: readonly string[], rank: number): PortInfo | undefined =>
    names.map(n => outputs.find(o => o.name === n && o.shape.length === rank)).find(o => o !== undefined) ??
    outputs.find(o => o.shape.length === rank && o.type.startsWith('float'));
  const tokens = named(TOKEN_OUTPUTS, 3);
  const vector = named(VECTOR_OUTPUTS, 2);
  // a vector that the file computes is what its exporter pooled; layers and late models need the tokens
  const exact = outputs.find(o => o.name === VECTOR_OUTPUTS[0] && o.shape.length === 2);
  if (!spec.late && spec.layers.length === 0 && exact) return { name: exact.name, tokens: false };
  if (spec.pooling !== 'none' && tokens) return { name: tokens.name, tokens: true };
  if (vector) return { name: vector.name, tokens: false };
  if (tokens) return { name: tokens.name, tokens: true };
  throw new ModelError(`${path}: no output is a vector a text or a vector a token`, {
    help: `outputs: ${listed}`,
  });
}

export class Tower {
  readonly spec: EncoderSpec;
  readonly tokenizer: Tokenizer;
  readonly session: Session;
  /** Of the model's own vectors, after its layers. */
  readonly dimension: number;
  /** Of what it runs. */
  readonly shapes: Shapes;
  readonly #layers: readonly Session[];
  readonly #output: { name: string; tokens: boolean };

  private constructor(
    spec: EncoderSpec,
    tokenizer: Tokenizer,
    session: Session,
    layers: readonly Session[],
    output: { name: string; tokens: boolean },
    dimension: number,
  ) {
    this.spec = spec;
    this.tokenizer = tokenizer;
    this.session = session;
    this.#layers = layers;
    this.#output = output;
    this.dimension = dimension;
    this.shapes = shapesFor(session.provider, spec.maxTokens);
  }

  static async open(spec: EncoderSpec, options: SessionOptions): Promise<Tower> {
    const tokenizer = await Tokenizer.open(spec.tokenizer);
    const model = typeof spec.onnx === 'string' ? spec.onnx : staticEncoderGraph(spec.onnx);
    const session = await Session.open(model, options);
    const opened: Session[] = [session];
    try {
      const unknown = session.inputs.filter(input => !KNOWN_INPUTS.includes(input.name));
      if (unknown.length > 0 || !session.inputs.some(input => input.name === 'input_ids')) {
        throw new ModelError(
          `${session.path}: is no text encoder; its inputs are ${session.inputs.map(i => i.name).join(', ')}`,
          { help: `an encoder has input_ids, and of ${KNOWN_INPUTS.slice(1).join(', ')} what it needs` },
        );
      }
      for (const layer of spec.layers)
        opened.push(await Session.open(linearGraph(layer), { threads: options.threads }));
      const output = chooseOutput(spec, session.outputs, session.path);
      const port = session.outputs.find(o => o.name === output.name) as PortInfo;
      let dimension = spec.layers.at(-1)?.outputs ?? port.shape.at(-1);
      if (typeof dimension !== 'number') {
        // the file does not say it: one token tells
        const probe = new Tower(spec, tokenizer, session, opened.slice(1), output, 0);
        const { vectors } = await probe.tokens(
          await tokenizer.encode(['a'], { specials: spec.specials }),
          Int32Array.of(0),
        );
        dimension = vectors.shape.at(-1) as number;
      }
      return new Tower(spec, tokenizer, session, opened.slice(1), output, dimension);
    } catch (error) {
      for (const one of opened) await one.close();
      throw error;
    }
  }

  #feeds(padded: PaddedIds): Record<string, Feed> {
    const shape = [padded.rows, padded.width];
    const size = padded.rows * padded.width;
    const feeds: Record<string, Feed> = {};
    for (const { name, type } of this.session.inputs) {
      let data: BigInt64Array;
      if (name === 'input_ids') data = padded.ids;
      else if (name === 'attention_mask') data = padded.mask;
      else {
        data = new BigInt64Array(size);
        if (name === 'position_ids') for (let i = 0; i < size; i++) data[i] = BigInt(i % padded.width);
      }
      feeds[name] =
        type === 'int32'
          ? { type: 'int32', data: Int32Array.from(data, Number), shape }
          : { type: 'int64', data, shape };
    }
    return feeds;
  }

  /** The model's chosen output for some rows. @param attended see padRows */
  async tokens(
    tokens: Pick<TokenRows, 'offsets' | 'ids'>,
    rows: Int32Array,
    attended?: Int32Array,
  ): Promise<{ vectors: Output; padded: PaddedIds }> {
    const padded = padRows(tokens, rows, this.tokenizer.padId, { attended, shapes: this.shapes });
    const result = await this.session.run(this.#feeds(padded), [this.#output.name]);
    return { vectors: result[this.#output.name], padded };
  }

  /** Whether the output is a vector a token. */
  get givesTokens(): boolean {
    return this.#output.tokens;
  }

  /** A matrix through the linear layers. */
  async project(x: Float32Array, from: number): Promise<Float32Array> {
    let data = x;
    let width = from;
    for (const [i, session] of this.#layers.entries()) {
      const result = await session.run({ x: { type: 'float32', data, shape: [data.length / width, width] } });
      data = result.y.data as Float32Array;
      width = this.spec.layers[i].outputs;
    }
    return data;
  }

  /** Encodes some rows into `out` (all rows × dimension), each at its own place; not normalised. */
  async encode(tokens: TokenRows, rows: Int32Array, out: Float32Array): Promise<Work> {
    const { vectors, padded } = await this.tokens(tokens, rows);
    const lengths = Int32Array.from(rows, r => tokens.offsets[r + 1] - tokens.offsets[r]);
    const count = lengths.reduce((sum, n) => sum + n, 0);
    const d = vectors.shape.at(-1) as number;
    let data = vectors.data as Float32Array;
    if (this.#output.tokens) {
      const pooled = new Float32Array(rows.length * d);
      const places = Int32Array.from(rows, (_, i) => i);
      const pooling = this.spec.pooling === 'none' ? 'mean' : this.spec.pooling;
      poolTokens(
        data,
        { rows: rows.length, width: padded.width, dimension: d },
        lengths,
        pooling,
        pooled,
        places,
      );
      data = pooled;
    }
    const projected = await this.project(data, d);
    const n = this.dimension;
    for (let i = 0; i < rows.length; i++) {
      // a text without a token has no vector: zeros, whatever the model says of padding
      if (lengths[i] > 0) out.set(projected.subarray(i * n, (i + 1) * n), rows[i] * n);
    }
    return { tokens: count, padding: padded.rows * padded.width - count };
  }

  async close(): Promise<void> {
    await this.session.close();
    for (const layer of this.#layers) await layer.close();
  }
}
