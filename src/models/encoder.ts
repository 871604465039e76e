/** Text encoders: texts in, one vector a text out, or one a token. */
import type { Prefixes } from './conventions.ts';
import { readEncoderSpec } from './encoder-config.ts';
import { type EncoderOverrides, type EncoderSpec, isStatic } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { encodeTokens, type TokenVectors } from './late.ts';
import { cutColumns, normalizeRows } from './pooling.ts';
import type { Provider } from './providers.ts';
import type { FailedProvider, SessionOptions } from './session.ts';
import { budgetFor } from './shapes.ts';
import { filterTokens, planBatches, type TokenRows } from './token-rows.ts';
import type { Tokenizer } from './tokenizer.ts';
import { Tower } from './tower.ts';

export type Side = 'query' | 'passage';

export interface EncoderOptions extends SessionOptions, EncoderOverrides {
  /** What messages call the model. Default: the folder's name. */
  readonly name?: string;
  /** Padded tokens in one run of the model: rows × longest row. Default 4,096, on a GPU 16,384. */
  readonly batchTokens?: number;
}

export interface EncodeOptions {
  /** Which prefix, and in a pair of encoders which one. Default `passage`. */
  readonly side?: Side;
  readonly signal?: AbortSignal;
}

export interface Encoded {
  /** rows × dimension, in the order of the texts. A text without a token is a row of zeros. */
  readonly vectors: Float32Array;
  readonly rows: number;
  readonly dimension: number;
  /** Tokens that were encoded, special ones included. */
  readonly tokens: number;
  /** Padding that was computed beside them. */
  readonly padding: number;
  /** Texts that were longer than the model takes, and were cut. */
  readonly cutRows: number;
}

export interface EncoderInfo {
  readonly name: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly pooling: string;
  readonly normalized: boolean;
  /** How vectors are compared: normalised ones by cosine, which is their dot product. */
  readonly similarity: 'cosine' | 'dot';
  readonly prefixes: Prefixes;
  readonly provider: Provider;
  /** Better providers that did not start, and why. */
  readonly failed: readonly FailedProvider[];
  readonly pair: boolean;
  readonly late: boolean;
  /** Where each setting was found. */
  readonly sources: Readonly<Record<string, string>>;
}

export class Encoder {
  readonly dimension: number;
  readonly info: EncoderInfo;
  readonly #passage: Tower;
  readonly #query: Tower;
  readonly #batchTokens: number;

  private constructor(passage: Tower, query: Tower, batchTokens: number) {
    const { spec } = passage;
    this.#passage = passage;
    this.#query = query;
    this.#batchTokens = batchTokens;
    this.dimension = spec.dimension ?? passage.dimension;
    this.info = {
      name: spec.name,
      dimension: this.dimension,
      maxTokens: spec.maxTokens,
      pooling: spec.pooling,
      normalized: spec.normalize,
      similarity: spec.normalize ? 'cosine' : 'dot',
      prefixes: { query: query.spec.prefixes.query, passage: spec.prefixes.passage },
      provider: passage.session.provider,
      failed: passage.session.failed,
      pair: query !== passage,
      late: spec.late !== undefined,
      sources: spec.sources,
    };
  }

  /** @throws ModelError where files are missing, cannot be loaded, or do not fit one another */
  static async open(spec: EncoderSpec, options: EncoderOptions = {}): Promise<Encoder> {
    const passage = await Tower.open(spec, options);
    let query = passage;
    try {
      if (spec.querySide) query = await Tower.open(spec.querySide, options);
      const wanted = spec.dimension;
      if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1 && wanted <= passage.dimension)) {
        throw new ModelError(`dimension: ${wanted}, but ${spec.name} gives vectors of ${passage.dimension}`, {
          help: `give a whole number from 1 to ${passage.dimension}`,
        });
      }
      if (query.dimension !== passage.dimension) {
        throw new ModelError(
          `${spec.name}: query vectors have ${query.dimension} dimensions, passage vectors ${passage.dimension}`,
        );
      }
    } catch (error) {
      await passage.close();
      if (query !== passage) await query.close();
      throw error;
    }
    return new Encoder(passage, query, options.batchTokens ?? budgetFor(passage.session.provider));
  }

  /** Longest text of a side in tokens, special ones included: ColBERT models have one for each. */
  longest(side: Side = 'passage'): number {
    const { spec } = side === 'query' ? this.#query : this.#passage;
    return side === 'query' && spec.late ? spec.late.queryTokens : spec.maxTokens;
  }

  /** The tokenizer of a side. */
  tokenizer(side: Side = 'passage'): Tokenizer {
    return side === 'query' ? this.#query.tokenizer : this.#passage.tokenizer;
  }

  /** Token ids of texts as this encoder takes them: prefix, special tokens, cut at its length. */
  async tokenize(
    texts: readonly string[],
    options: EncodeOptions & { offsets?: boolean } = {},
  ): Promise<TokenRows> {
    const { spec, tokenizer } = options.side === 'query' ? this.#query : this.#passage;
    const prefix = spec.prefixes[options.side ?? 'passage'];
    const tokens = await tokenizer.encode(prefix === '' ? texts : texts.map(text => prefix + text), {
      maxTokens: spec.maxTokens,
      specials: spec.specials,
      offsets: options.offsets,
    });
    const drop = new Set(spec.drop.map(token => tokenizer.idOf(token)));
    return drop.size === 0 ? tokens : filterTokens(tokens, id => !drop.has(id));
  }

  /**
   * Vectors of texts, or of token rows from `tokenize`. Rows are sorted by length and run in batches under the token
   * budget, so a batch holds little padding; they come back in the order given.
   * @throws DOMException `AbortError` where the signal fires between batches
   */
  async encode(texts: readonly string[] | TokenRows, options: EncodeOptions = {}): Promise<Encoded> {
    const tower = options.side === 'query' ? this.#query : this.#passage;
    const tokens = 'ids' in texts ? texts : await this.tokenize(texts, options);
    const raw = new Float32Array(tokens.rows * tower.dimension);
    let [ran, padding] = [0, 0];
    // a static encoder's sums would take another order beside longer rows, and it is quick enough without
    const exact = isStatic(tower.spec);
    for (const batch of planBatches(tokens.offsets, this.#batchTokens, { shapes: tower.shapes, exact })) {
      options.signal?.throwIfAborted();
      const work = await tower.encode(tokens, batch, raw);
      ran += work.tokens;
      padding += work.padding;
    }
    const vectors = cutColumns(raw, tower.dimension, this.dimension);
    if (tower.spec.normalize) normalizeRows(vectors, this.dimension);
    return {
      vectors,
      rows: tokens.rows,
      dimension: this.dimension,
      tokens: ran,
      padding,
      cutRows: tokens.cutRows,
    };
  }

  /**
   * A vector a token, for late interaction and phrase retrieval. A ColBERT model marks the side, fills queries up with
   * mask tokens and leaves punctuation of passages out; other models give every token of the text.
   * @throws ModelError where the model gives no token vectors
   */
  encodeTokens(texts: readonly string[], options: EncodeOptions = {}): Promise<TokenVectors> {
    const side = options.side ?? 'passage';
    return encodeTokens(side === 'query' ? this.#query : this.#passage, texts, {
      side,
      dimension: this.dimension,
      batchTokens: this.#batchTokens,
      signal: options.signal,
    });
  }

  /** Frees the models. */
  async close(): Promise<void> {
    await this.#passage.close();
    if (this.#query !== this.#passage) await this.#query.close();
  }
}

/**
 * Opens an encoder.
 * @param model a folder as `readEncoderSpec` reads it, or a spec
 * @throws ModelError where files are missing, cannot be loaded, or do not fit one another
 */
export async function openEncoder(
  model: string | EncoderSpec,
  options: EncoderOptions = {},
): Promise<Encoder> {
  const spec = typeof model === 'string' ? await readEncoderSpec(model, options, options.name) : model;
  return Encoder.open(spec, options);
}
