/** A model's tokenizer, from its tokenizer.json: batches of texts to token ids, offsets in UTF-16 code units. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Encoding, Tokenizer as NativeTokenizer } from 'tokenizers';
import { composed, restore } from './composed.ts';
import { ModelError } from './errors.ts';
import { IntBuffer } from './int-buffer.ts';
import type { PairRows, TokenRows } from './token-rows.ts';
import { assemblePairs, assembleRows, type RawRows, type Template, templateOf } from './token-template.ts';
import { composes, type HangulRule, padIdOf, preparedJson, type TokenizerJson } from './tokenizer-json.ts';
import { codePointStarts } from './utf16.ts';
import { WordPiece } from './wordpiece.ts';

const require = createRequire(import.meta.url);

export interface EncodeOptions {
  /** Longest row in tokens, special ones included. Without it nothing is cut. */
  readonly maxTokens?: number;
  /** Whether the model's special tokens are put around each text. Default true. */
  readonly specials?: boolean;
  /** Whether offsets are given. Default false. */
  readonly offsets?: boolean;
}

export interface PairOptions {
  /** Longest row in tokens, special ones included. Without it nothing is cut. */
  readonly maxTokens?: number;
  /**
   * What becomes of a pair that is too long: `windows` over the second text, each sharing `stride` tokens with the one
   * before; the `second` text is cut; the `longest` of both is cut token by token. Default `longest`.
   */
  readonly overflow?: 'windows' | 'second' | 'longest';
  readonly stride?: number;
  readonly offsets?: boolean;
}

const BLOCK = 256;

export class Tokenizer {
  /** Fills up short rows. */
  readonly padId: number;
  /** Tokens of the vocabulary, added ones included. */
  readonly size: number;
  /** What was done so that Hangul meets the vocabulary. */
  readonly hangul: HangulRule;
  /** Tokens put around a single text. */
  readonly specialTokens: number;
  /** Tokens put around a pair. */
  readonly pairTokens: number;
  readonly #native: NativeTokenizer;
  readonly #template: Template;
  readonly #words: WordPiece | undefined;
  readonly #composes: boolean;

  private constructor(native: NativeTokenizer, json: TokenizerJson, hangul: HangulRule, template: Template) {
    this.#native = native;
    this.#template = template;
    this.hangul = hangul;
    this.padId = padIdOf(json);
    this.size = native.getVocabSize(true);
    this.specialTokens = template.single.before.length + template.single.after.length;
    const { before, middle, after } = template.pair;
    this.pairTokens = before.length + middle.length + after.length;
    this.#words = wordPieceOf(json, native);
    this.#composes = composes(json);
  }

  /**
   * Opens a tokenizer.json.
   * @param options `reference` leaves every text to the `tokenizers` package (the fast path gives the same, sooner)
   * @throws ModelError where the file is absent, no JSON, or of a kind that the package does not know
   */
  static async open(file: string, options: { reference?: boolean } = {}): Promise<Tokenizer> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (cause) {
      throw new ModelError(`${file}: cannot be read (${(cause as Error).message})`, {
        cause,
        help: 'a model folder needs its tokenizer.json; models with vocab.txt or sentencepiece.model alone must be exported with one (save_pretrained of a fast tokenizer writes it)',
      });
    }
    return Tokenizer.fromJson(text, file, options);
  }

  /** The same from the text of a tokenizer.json; `name` stands in messages. */
  static async fromJson(
    text: string,
    name = 'tokenizer.json',
    options: { reference?: boolean } = {},
  ): Promise<Tokenizer> {
    let parsed: TokenizerJson;
    try {
      parsed = JSON.parse(text) as TokenizerJson;
      if (typeof parsed?.model !== 'object') throw new Error('it has no "model"');
    } catch (cause) {
      throw new ModelError(`${name}: not a tokenizer.json (${(cause as Error).message})`, { cause });
    }
    const { json, hangul } = preparedJson(parsed);
    const { Tokenizer: Native } = require('tokenizers') as typeof import('tokenizers');
    let native: NativeTokenizer;
    try {
      native = Native.fromString(JSON.stringify(json));
    } catch (cause) {
      throw new ModelError(`${name}: the tokenizers package refuses it (${(cause as Error).message})`, {
        cause,
      });
    }
    const template = await templateOf(native);
    const full = { ...json, padding: parsed.padding };
    return new Tokenizer(
      native,
      options.reference ? { ...full, pre_tokenizer: null } : full,
      hangul,
      template,
    );
  }

  /** Ids of texts. Rows are in the order of the texts. */
  async encode(texts: readonly string[], options: EncodeOptions = {}): Promise<TokenRows> {
    const { maxTokens = Number.POSITIVE_INFINITY, specials = true, offsets = false } = options;
    const around = specials ? this.#template.single : { before: [], after: [] };
    const room = maxTokens - around.before.length - around.after.length;
    if (!(room >= 1)) throw new RangeError(`maxTokens: ${maxTokens} leaves no token for the text`);
    return assembleRows(await this.#raw(texts, room, offsets), around, room);
  }

  /** Ids of pairs of texts, as rerankers and readers take them. Both lists have the same length. */
  async encodePairs(
    first: readonly string[],
    second: readonly string[],
    options: PairOptions = {},
  ): Promise<PairRows> {
    if (first.length !== second.length)
      throw new RangeError(`pairs: ${first.length} first texts, but ${second.length} second ones`);
    const {
      maxTokens = Number.POSITIVE_INFINITY,
      overflow = 'longest',
      stride = 0,
      offsets = false,
    } = options;
    // a question often stands before many passages: each distinct text is tokenized once
    const distinct = [...new Set(first)];
    const at = new Map(distinct.map((text, i) => [text, i]));
    const firstRows = Int32Array.from(first, text => at.get(text) as number);
    const a = await this.#raw(distinct, Number.POSITIVE_INFINITY, offsets);
    const b = await this.#raw(second, Number.POSITIVE_INFINITY, offsets);
    return assemblePairs(a, firstRows, b, this.#template.pair, { maxTokens, overflow, stride });
  }

  /** The text of ids, special tokens left out. */
  decode(ids: ArrayLike<number>): Promise<string> {
    return this.#native.decode(Array.from(ids), true);
  }

  /** The id of a token as the vocabulary spells it. */
  idOf(token: string): number | undefined {
    return this.#native.tokenToId(token) ?? undefined;
  }

  tokenOf(id: number): string | undefined {
    return this.#native.idToToken(id) ?? undefined;
  }

  /** Tokens of texts without special ones, at most `limit` + 1 a text. */
  async #raw(texts: readonly string[], limit: number, offsets: boolean): Promise<RawRows> {
    const ids = new IntBuffer();
    const starts = offsets ? new IntBuffer() : undefined;
    const ends = offsets ? new IntBuffer() : undefined;
    const bounds = new Int32Array(texts.length + 1);
    const out = { ids, starts, ends };
    // where the tokenizer composes by itself, ids are the same without, and only places are lost
    const compose = this.hangul !== 'as configured' || (offsets && this.#composes);
    for (let from = 0; from < texts.length; from += BLOCK) {
      const given = texts.slice(from, from + BLOCK);
      const sources = compose ? given.map(composed) : [];
      const block = compose ? given.map((text, i) => sources[i]?.text ?? text) : given;
      const fast = this.#fast(block, limit, offsets);
      const slow = block.filter((_, i) => fast.lengths[i] < 0);
      const encodings =
        slow.length > 0 ? await this.#native.encodeBatch(slow, { addSpecialTokens: false }) : [];
      let nextFast = 0;
      let nextSlow = 0;
      block.forEach((text, i) => {
        const length = fast.lengths[i];
        if (length < 0) appendEncoding(encodings[nextSlow++], text, limit, out);
        else {
          ids.pushAll(fast.ids.subarray(nextFast, nextFast + length));
          if (fast.starts) starts?.pushAll(fast.starts.subarray(nextFast, nextFast + length));
          if (fast.ends) ends?.pushAll(fast.ends.subarray(nextFast, nextFast + length));
          nextFast += length;
        }
        bounds[from + i + 1] = ids.length;
        const source = sources[i];
        if (source && starts && ends)
          restore(source, starts.view(bounds[from + i]), ends.view(bounds[from + i]));
      });
    }
    return {
      rows: texts.length,
      offsets: bounds,
      ids: ids.take(),
      starts: starts?.take(),
      ends: ends?.take(),
    };
  }

  /** Tokens of the texts that the fast path takes, one after another; length -1 for the others. */
  #fast(
    block: readonly string[],
    limit: number,
    offsets: boolean,
  ): { lengths: Int32Array; ids: Int32Array; starts?: Int32Array; ends?: Int32Array } {
    const lengths = new Int32Array(block.length).fill(-1);
    const words = this.#words;
    if (!words) return { lengths, ids: new Int32Array(0) };
    const ids = new IntBuffer();
    const starts = offsets ? new IntBuffer() : undefined;
    const ends = offsets ? new IntBuffer() : undefined;
    block.forEach((text, i) => {
      const before = ids.length;
      if (words.encode(text, limit, ids, starts, ends)) lengths[i] = ids.length - before;
    });
    return { lengths, ids: ids.take(), starts: starts?.take(), ends: ends?.take() };
  }
}

function appendEncoding(
  encoding: Encoding,
  text: string,
  limit: number,
  out: { ids: IntBuffer; starts?: IntBuffer; ends?: IntBuffer },
): void {
  const all = encoding.getIds();
  const ids = all.length > limit + 1 ? all.slice(0, limit + 1) : all;
  out.ids.pushAll(ids);
  if (!out.starts || !out.ends) return;
  const units = codePointStarts(text);
  const spans = encoding.getOffsets();
  for (let t = 0; t < ids.length; t++) {
    const [start, end] = spans[t];
    out.starts.push(units ? units[start] : start);
    out.ends.push(units ? units[end] : end);
  }
}

/** The fast path, where the tokenizer is BERT's: its normalizer, its words, WordPiece. */
function wordPieceOf(json: TokenizerJson, native: NativeTokenizer): WordPiece | undefined {
  const { model, normalizer, pre_tokenizer: words, added_tokens: added = [] } = json;
  const parts =
    (normalizer?.normalizers as { type: string }[] | undefined) ?? (normalizer ? [normalizer] : []);
  const plain = parts.every(part => part.type === 'BertNormalizer' || part.type === 'NFC');
  if (model.type !== 'WordPiece' || words?.type !== 'BertPreTokenizer' || !plain) return undefined;
  // tokens that are matched after normalisation would have to be looked for in another text than the one given
  if (added.some(token => token.normalized && !token.special)) return undefined;
  const vocab = new Map(Object.entries(model.vocab as Record<string, number>));
  const unknownId = vocab.get(model.unk_token ?? '[UNK]');
  const [normal, pre] = [native.getNormalizer(), native.getPreTokenizer()];
  if (unknownId === undefined || !normal || !pre) return undefined;
  return new WordPiece(
    {
      vocab,
      unknownId,
      prefix: model.continuing_subword_prefix ?? '##',
      maxWord: model.max_input_chars_per_word ?? 100,
      added: added.map(token => token.content),
    },
    {
      normalize: text => normal.normalizeString(text),
      words: text => pre.preTokenizeString(text).map(([word]) => word),
    },
  );
}
