/**
 * WordPiece for BERT tokenizers on the main road: text whose normalisation goes character by character. What each
 * character becomes is asked of the reference implementation once and remembered, so both agree by construction; text
 * with surrogates, combining marks or tokens of its own is left to the reference.
 */
import type { IntBuffer } from './int-buffer.ts';

/** What the reference makes of the character c between two letters: its normalised text and the words it then sees. */
export interface CharProbe {
  normalize(text: string): string;
  words(normalized: string): string[];
}

export interface WordPieceModel {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unknownId: number;
  /** Put before pieces inside a word: `##`. */
  readonly prefix: string;
  /** Words with more characters are unknown as a whole. */
  readonly maxWord: number;
  /** Texts of tokens that are matched before normalisation. */
  readonly added: readonly string[];
}

interface Pieces {
  readonly ids: number[];
  /** Relative to the begin of the word, in UTF-16 code units. */
  readonly starts: number[];
  readonly ends: number[];
}

const UNSEEN = 0;
const SPACE = 1;
const ALONE = 2;
const LETTER = 3;
const LETTERS = 4;
const DROPPED = 5;
const REFERENCE = 6;
const CACHED_WORDS = 1 << 17;
const CACHED_LENGTH = 40;

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

export class WordPiece {
  readonly #model: WordPieceModel;
  readonly #probe: CharProbe;
  readonly #added: RegExp | undefined;
  readonly #kind = new Uint8Array(65536);
  readonly #plain = new Uint16Array(65536);
  readonly #several = new Map<number, string>();
  readonly #words = new Map<string, Pieces>();
  readonly #longest: number;

  constructor(model: WordPieceModel, probe: CharProbe) {
    this.#model = model;
    this.#probe = probe;
    this.#added = model.added.length > 0 ? new RegExp(model.added.map(escaped).join('|')) : undefined;
    let longest = 1;
    for (const token of model.vocab.keys()) longest = Math.max(longest, token.length);
    this.#longest = longest;
    this.#kind.fill(REFERENCE, 0xd800, 0xe000);
    // Hangul jamo join with their neighbours
    this.#kind.fill(REFERENCE, 0x1100, 0x1200);
    this.#kind.fill(REFERENCE, 0xa960, 0xa980);
    this.#kind.fill(REFERENCE, 0xd7b0, 0xd800);
  }

  /**
   * Appends the tokens of a text, at most `limit` + 1 of them (one more than the limit says that it was cut).
   * @returns false, with nothing appended, where the text is one for the reference
   */
  encode(text: string, limit: number, ids: IntBuffer, starts?: IntBuffer, ends?: IntBuffer): boolean {
    if (this.#added?.test(text)) return false;
    const before = ids.length;
    const kind = this.#kind;
    let word = -1;
    for (let i = 0; i <= text.length; i++) {
      const code = i < text.length ? text.charCodeAt(i) : 32;
      let k = i < text.length ? kind[code] : SPACE;
      if (k === UNSEEN) k = this.#classify(code);
      if (k === LETTER || k === LETTERS || k === DROPPED) {
        if (word < 0) word = i;
        continue;
      }
      if (k === REFERENCE) {
        ids.length = before;
        if (starts && ends) starts.length = ends.length = before;
        return false;
      }
      if (word >= 0) {
        const pieces = this.#piecesOf(text.slice(word, i));
        ids.pushAll(pieces.ids);
        starts?.pushAll(pieces.starts, word);
        ends?.pushAll(pieces.ends, word);
        word = -1;
      }
      if (k === ALONE) {
        ids.push(this.#model.vocab.get(String.fromCharCode(this.#plain[code])) ?? this.#model.unknownId);
        starts?.push(i);
        ends?.push(i + 1);
      }
      if (ids.length - before > limit) break;
    }
    if (ids.length - before > limit + 1) {
      ids.length = before + limit + 1;
      if (starts && ends) starts.length = ends.length = ids.length;
    }
    return true;
  }

  #classify(code: number): number {
    const char = String.fromCharCode(code);
    const kind = this.#kindOf(char, code);
    this.#kind[code] = kind;
    return kind;
  }

  #kindOf(char: string, code: number): number {
    if (/\p{M}/u.test(char)) return REFERENCE;
    const around = this.#probe.normalize(`x${char}x`);
    if (!around.startsWith('x') || !around.endsWith('x') || around.length < 2) return REFERENCE;
    const inner = around.slice(1, -1);
    if (inner === '') return DROPPED;
    const words = this.#probe.words(around);
    if (words.length === 1 && words[0] === around) {
      if (inner.length === 1) {
        this.#plain[code] = inner.charCodeAt(0);
        return LETTER;
      }
      if (/[\ud800-\udfff]/.test(inner)) return REFERENCE;
      this.#several.set(code, inner);
      return LETTERS;
    }
    if (words.length === 2 && words[0] === 'x' && words[1] === 'x') return SPACE;
    if (words.length === 3 && words[0] === 'x' && words[1].length === 1 && words[2] === 'x') {
      this.#plain[code] = words[1].charCodeAt(0);
      return ALONE;
    }
    return REFERENCE;
  }

  #piecesOf(raw: string): Pieces {
    const known = this.#words.get(raw);
    if (known) return known;
    const pieces = this.#split(raw);
    if (raw.length <= CACHED_LENGTH) {
      if (this.#words.size >= CACHED_WORDS) this.#words.clear();
      // a slice keeps its whole text alive: the key is a copy
      this.#words.set(Buffer.from(raw, 'utf16le').toString('utf16le'), pieces);
    }
    return pieces;
  }

  /** Longest match first; a word with a part that is in no piece is unknown as a whole. */
  #split(raw: string): Pieces {
    const { vocab, unknownId, prefix, maxWord } = this.#model;
    let word = '';
    const from: number[] = [];
    for (let i = 0; i < raw.length; i++) {
      const code = raw.charCodeAt(i);
      const kind = this.#kind[code];
      if (kind === DROPPED) continue;
      const part = kind === LETTER ? String.fromCharCode(this.#plain[code]) : (this.#several.get(code) ?? '');
      for (let j = 0; j < part.length; j++) from.push(i);
      word += part;
    }
    if (word.length === 0) return { ids: [], starts: [], ends: [] };
    const whole: Pieces = { ids: [unknownId], starts: [from[0]], ends: [from[word.length - 1] + 1] };
    if (word.length > maxWord) return whole;
    const ids: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    for (let at = 0; at < word.length; ) {
      let end = Math.min(word.length, at + this.#longest);
      let id: number | undefined;
      for (; end > at; end--) {
        const piece = word.slice(at, end);
        id = vocab.get(at === 0 ? piece : prefix + piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return whole;
      ids.push(id);
      starts.push(from[at]);
      ends.push(from[end - 1] + 1);
      at = end;
    }
    return { ids, starts, ends };
  }
}
