/** One loaded model: token ids in, vectors out. An encoder has one, or one a side. */
import type { EncoderSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { feedsFor, INPUT_HELP, strangeInputs } from './feeds.ts';
import { linearGraph, staticEncoderGraph } from './graphs.ts';
import { type LateTokens, lateTokensOf } from './late-tokens.ts';
import { poolTokens } from './pooling.ts';
import { type Output, type PortInfo, Session, type SessionOptions } from './session.ts';
import { type Shapes, shapesFor } from './shapes.ts';
import { type PaddedIds, padRows, type TokenRows } from './token-rows.ts';
import { Tokenizer } from './tokenizer.ts';

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

/** A length that holds a token of the text beside the special ones. @throws ModelError */
function checkRoom(spec: EncoderSpec, tokenizer: Tokenizer): void {
  const around = spec.specials ? tokenizer.specialTokens : 0;
  const lengths = spec.late
    ? // the marker of the side
      [spec.late.queryTokens - 1, spec.late.passageTokens - 1]
    : [spec.maxTokens];
  if (Math.min(...lengths) > around) return;
  throw new ModelError(
    `maxTokens: ${spec.maxTokens} leaves no token for the text; ${spec.name} puts ${around + (spec.late ? 1 : 0)} around each`,
    { help: `give ${around + (spec.late ? 2 : 1)} or more` },
  );
}

export class Tower {
  readonly spec: EncoderSpec;
  readonly tokenizer: Tokenizer;
  readonly session: Session;
  /** Of the model's own vectors, after its layers. */
  readonly dimension: number;
  /** The tokens that a ColBERT model adds and leaves out. */
  readonly late?: LateTokens;
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
    late?: LateTokens,
  ) {
    this.spec = spec;
    this.tokenizer = tokenizer;
    this.session = session;
    this.#layers = layers;
    this.#output = output;
    this.dimension = dimension;
    this.late = late;
    this.shapes = shapesFor(session.provider, spec.maxTokens);
  }

  static async open(spec: EncoderSpec, options: SessionOptions): Promise<Tower> {
    const tokenizer = await Tokenizer.open(spec.tokenizer);
    const model = typeof spec.onnx === 'string' ? spec.onnx : staticEncoderGraph(spec.onnx);
    const session = await Session.open(model, options);
    const opened: Session[] = [session];
    try {
      const strange = strangeInputs(session.inputs);
      if (strange !== undefined) {
        throw new ModelError(`${session.path}: is no text encoder; its inputs are ${strange}`, {
          help: INPUT_HELP,
        });
      }
      checkRoom(spec, tokenizer);
      const late = spec.late && (await lateTokensOf(spec.name, spec.late, tokenizer));
      for (const layer of spec.layers)
        opened.push(await Session.open(linearGraph(layer), { threads: options.threads }));
      const output = chooseOutput(spec, session.outputs, session.path);
      const port = session.outputs.find(o => o.name === output.name) as PortInfo;
      let dimension = spec.layers.at(-1)?.outputs ?? port.shape.at(-1);
      if (typeof dimension !== 'number') {
        // the file does not say it: one token tells
        const probe = new Tower(spec, tokenizer, session, opened.slice(1), output, 0, late);
        const { vectors } = await probe.tokens(
          await tokenizer.encode(['a'], { specials: spec.specials }),
          Int32Array.of(0),
        );
        dimension = vectors.shape.at(-1) as number;
      }
      return new Tower(spec, tokenizer, session, opened.slice(1), output, dimension, late);
    } catch (error) {
      for (const one of opened) await one.close();
      throw error;
    }
  }

  /** The model's chosen output for some rows. @param attended see padRows */
  async tokens(
    tokens: Pick<TokenRows, 'offsets' | 'ids'>,
    rows: Int32Array,
    attended?: Int32Array,
  ): Promise<{ vectors: Output; padded: PaddedIds }> {
    const padded = padRows(tokens, rows, this.tokenizer.padId, { attended, shapes: this.shapes });
    const result = await this.session.run(feedsFor(this.session.inputs, padded), [this.#output.name]);
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
