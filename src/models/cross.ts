/** Cross-encoders: a question and a passage in, one score out. */
import { ModelError } from './errors.ts';
import { numberOf, readConfig } from './folder.ts';
import { onnxFileOf } from './parts.ts';
import { type Feed, Session, type SessionOptions } from './session.ts';
import { budgetFor, shapesFor } from './shapes.ts';
import { padRows, planBatches } from './token-rows.ts';
import { Tokenizer } from './tokenizer.ts';

const KNOWN = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];
const DEFAULT_MAX_TOKENS = 512;

export interface CrossOptions extends SessionOptions {
  /** What messages call the model. */
  readonly name?: string;
  /** The ONNX file inside the folder. */
  readonly file?: string;
  /** Longest pair in tokens; default what the model's files say. The longer of both texts is cut first. */
  readonly maxTokens?: number;
  /** Padded tokens in one run. Default 4,096, on a GPU 16,384. */
  readonly batchTokens?: number;
}

/** A loaded cross-encoder (Nogueira & Cho 2019): a sequence classifier with one output, or two of which the second says yes. */
export class CrossEncoder {
  readonly maxTokens: number;
  readonly #tokenizer: Tokenizer;
  readonly #session: Session;
  readonly #output: string;
  readonly #batchTokens: number;

  private constructor(tokenizer: Tokenizer, session: Session, output: string, max: number, batch: number) {
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#output = output;
    this.maxTokens = max;
    this.#batchTokens = batch;
  }

  /** @throws ModelError where files are missing or the model is no cross-encoder */
  static async open(folder: string, options: CrossOptions = {}): Promise<CrossEncoder> {
    const onnx = onnxFileOf(folder, options.file);
    const tokenizer = await Tokenizer.open(`${folder}/tokenizer.json`);
    const session = await Session.open(onnx, options);
    try {
      const unknown = session.inputs.filter(i => !KNOWN.includes(i.name));
      const output =
        session.outputs.find(o => o.name === 'logits' && o.shape.length <= 2) ??
        session.outputs.find(o => o.shape.length === 2 && o.type.startsWith('float'));
      const width = output?.shape.at(-1);
      if (
        unknown.length > 0 ||
        !output ||
        (typeof width === 'number' && output.shape.length === 2 && width > 2)
      ) {
        const outputs = session.outputs.map(o => `${o.name} [${o.shape.join(', ')}]`).join(', ');
        throw new ModelError(`${options.name ?? folder}: is no cross-encoder; its outputs are ${outputs}`, {
          help: 'a cross-encoder gives one number a pair (logits [batch, 1]), or two',
        });
      }
      const config = await readConfig(folder, 'config.json');
      const told = numberOf((await readConfig(folder, 'tokenizer_config.json'))?.model_max_length);
      const positions = numberOf(config?.max_position_embeddings);
      const limit = Math.min(told ?? DEFAULT_MAX_TOKENS, positions ?? Number.POSITIVE_INFINITY);
      return new CrossEncoder(
        tokenizer,
        session,
        output.name,
        options.maxTokens ?? Math.min(limit, 8192),
        options.batchTokens ?? budgetFor(session.provider),
      );
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /**
   * The score of each pair: the model's logit, or where it has two, the second less the first. Pairs are sorted by length
   * and run under the token budget.
   * @returns one score a pair, and how many pairs were cut
   */
  async score(
    questions: readonly string[],
    passages: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ scores: Float32Array; cutRows: number }> {
    const pairs = await this.#tokenizer.encodePairs(questions, passages, { maxTokens: this.maxTokens });
    const scores = new Float32Array(questions.length);
    const shapes = shapesFor(this.#session.provider, this.maxTokens);
    for (const rows of planBatches(pairs.offsets, this.#batchTokens, { shapes })) {
      signal?.throwIfAborted();
      const padded = padRows(pairs, rows, this.#tokenizer.padId, { shapes });
      const shape = [padded.rows, padded.width];
      const feeds: Record<string, Feed> = {};
      for (const { name, type } of this.#session.inputs) {
        let data: BigInt64Array;
        if (name === 'input_ids') data = padded.ids;
        else if (name === 'attention_mask') data = padded.mask;
        else {
          data = new BigInt64Array(padded.rows * padded.width);
          rows.forEach((row, i) => {
            const [from, to] = [pairs.offsets[row], pairs.offsets[row + 1]];
            for (let t = from; t < to; t++) {
              const value = name === 'token_type_ids' ? pairs.typeIds[t] : t - from;
              data[i * padded.width + t - from] = BigInt(value);
            }
          });
        }
        feeds[name] =
          type === 'int32'
            ? { type: 'int32', data: Int32Array.from(data, Number), shape }
            : { type: 'int64', data, shape };
      }
      const { data, shape: got } = (await this.#session.run(feeds, [this.#output]))[this.#output];
      const width = got.length === 1 ? 1 : (got.at(-1) as number);
      rows.forEach((row, i) => {
        const values = data as Float32Array;
        scores[row] = width === 2 ? values[2 * i + 1] - values[2 * i] : values[width * i];
      });
    }
    return { scores, cutRows: pairs.cutRows };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
