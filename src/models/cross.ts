/** Cross-encoders: a question and a passage in, one score out. */
import { ModelError } from './errors.ts';
import { feedsFor, strangeInputs } from './feeds.ts';
import { lengthOf } from './length.ts';
import { onnxFileOf } from './parts.ts';
import { scoreOutput } from './score-output.ts';
import { Session, type SessionOptions } from './session.ts';
import { budgetFor, shapesFor } from './shapes.ts';
import { type PaddedIds, type PairRows, padRows, planBatches } from './token-rows.ts';
import { Tokenizer } from './tokenizer.ts';

/** Above that, a pair costs more memory than anyone means to spend: longer models are asked for it by maxTokens. */
const LONGEST = 8192;

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

function noCross(name: string, session: Session, width?: number): ModelError {
  const outputs = session.outputs.map(o => `${o.name} [${o.shape.join(', ')}]`).join(', ');
  const many = width === undefined ? '' : `, ${width} numbers a pair`;
  return new ModelError(`${name}: is no cross-encoder; its outputs are ${outputs}${many}`, {
    code: 'no-cross-encoder',
    help: 'a cross-encoder gives one number a pair (logits [batch, 1]), or two',
  });
}

/** Type ids of pairs, laid out as their padded tokens. */
function typeIdsOf(pairs: PairRows, rows: Int32Array, padded: PaddedIds): BigInt64Array {
  const laid = new BigInt64Array(padded.rows * padded.width);
  rows.forEach((row, i) => {
    const from = pairs.offsets[row];
    for (let t = from; t < pairs.offsets[row + 1]; t++)
      laid[i * padded.width + t - from] = BigInt(pairs.typeIds[t]);
  });
  return laid;
}

/** A loaded cross-encoder (Nogueira & Cho 2019): a sequence classifier with one output, or two of which the second says yes. */
export class CrossEncoder {
  readonly maxTokens: number;
  /** What it runs on, and what was tried before. */
  readonly device: Pick<Session, 'provider' | 'failed'>;
  readonly #name: string;
  readonly #tokenizer: Tokenizer;
  readonly #session: Session;
  readonly #output: string;
  readonly #batchTokens: number;

  private constructor(
    name: string,
    tokenizer: Tokenizer,
    session: Session,
    output: string,
    max: number,
    batch: number,
  ) {
    this.#name = name;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.device = session;
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
      const output = scoreOutput(session.outputs.filter(o => o.type.startsWith('float')));
      if (strangeInputs(session.inputs) !== undefined || !output)
        throw noCross(options.name ?? folder, session);
      const [limit] = await lengthOf([folder]);
      const encoder = new CrossEncoder(
        options.name ?? folder,
        tokenizer,
        session,
        output.name,
        options.maxTokens ?? Math.min(limit, LONGEST),
        options.batchTokens ?? budgetFor(session.provider),
      );
      const around = tokenizer.pairTokens;
      if (encoder.maxTokens < around + 2) {
        throw new ModelError(
          `maxTokens: ${encoder.maxTokens} leaves no room for two texts; ${options.name ?? folder} puts ${around} around them`,
          { help: `give ${around + 2} or more` },
        );
      }
      // an encoder of one vector a text may leave its width open: one pair tells it from a score
      if (typeof output.shape[1] === 'string') await encoder.score(['a'], ['a']);
      return encoder;
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
      const types = typeIdsOf(pairs, rows, padded);
      const feeds = feedsFor(this.#session.inputs, padded, types);
      const { data, shape: got } = (await this.#session.run(feeds, [this.#output]))[this.#output];
      const width = got.length === 1 ? 1 : (got.at(-1) as number);
      if (width > 2) throw noCross(this.#name, this.#session, width);
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
