import {
  characterClass,
  codePointAt,
  DIGIT,
  EXTEND,
  HANGUL,
  IDEOGRAPH,
  LETTER,
  OTHER,
  SPACE,
  sequenceLength,
} from './characters.ts';
import { MAX_TOKEN_BYTES, TermStream } from './term-stream.ts';

// ASCII letters and digits to their lower-case byte, everything else to 0.
const lower = new Uint8Array(256);
for (let i = 0; i < 26; i++) lower[65 + i] = lower[97 + i] = 97 + i;
for (let i = 48; i < 58; i++) lower[i] = i;

const APOSTROPHE = 0x27;
const RIGHT_QUOTE = 0x2019;

/** The class of the character before or after a joining mark, for the UAX #29 rules WB6, WB7, WB11, WB12. */
function joinClass(bytes: Uint8Array, i: number, end: number): number {
  if (i >= end) return OTHER;
  const c = characterClass(codePointAt(bytes, i, end));
  return c === HANGUL ? LETTER : c;
}

/**
 * Words after Unicode UAX #29 as indexing needs them: runs of letters, digits and their marks; one
 * apostrophe or full stop between letters, one apostrophe, full stop or comma between digits, and
 * underscores join; Han and Hiragana characters stand alone.
 */
export abstract class WordStream extends TermStream {
  protected scan(bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end) {
      const c = bytes[i];
      if (c < 0x80) {
        if (lower[c] !== 0) i = this.word(bytes, i, end, end);
        else i++;
        continue;
      }
      const kind = characterClass(codePointAt(bytes, i, end));
      const length = sequenceLength(c);
      if (kind === LETTER || kind === DIGIT || kind === HANGUL) i = this.word(bytes, i, end, end);
      else if (kind === IDEOGRAPH) {
        this.single(bytes, i, Math.min(end, i + length));
        i += length;
      } else i += length;
    }
  }

  /**
   * Takes one word from `start` on and returns where it ends. `stop` bounds the word where a caller has
   * cut the text at a change of script.
   */
  protected word(bytes: Uint8Array, start: number, stop: number, end: number): number {
    const scratch = this.scratch;
    let i = start;
    let n = 0;
    let last = OTHER;
    while (i < stop) {
      const room = Math.min(stop, i + MAX_TOKEN_BYTES - n);
      let folded = 0;
      while (i < room) {
        folded = lower[bytes[i]];
        if (folded === 0) break;
        scratch[n++] = folded;
        i++;
      }
      if (i === stop || folded !== 0) break;
      const c = bytes[i];
      if (c < 0x80) {
        if (c === 0x5f) {
          // An underscore joins only where a word goes on after it.
          let after = i + 1;
          while (after < stop && bytes[after] === 0x5f) after++;
          const next = joinClass(bytes, after, stop);
          if ((next !== LETTER && next !== DIGIT) || n + after - i > MAX_TOKEN_BYTES) break;
          for (; i < after; i++) {
            scratch[n++] = c;
          }
          continue;
        }
        if (c !== APOSTROPHE && c !== 0x2e && c !== 0x2c) break;
        last = lastClass(bytes, start, i);
        const next = joinClass(bytes, i + 1, stop);
        const joins =
          c === 0x2c
            ? last === DIGIT && next === DIGIT
            : last === next && (last === LETTER || last === DIGIT);
        if (!joins || n >= MAX_TOKEN_BYTES) break;
        scratch[n++] = c;
        i++;
        continue;
      }
      const point = codePointAt(bytes, i, end);
      const length = sequenceLength(c);
      const kind = characterClass(point);
      if (point === RIGHT_QUOTE) {
        last = lastClass(bytes, start, i);
        if (last !== LETTER || joinClass(bytes, i + 3, stop) !== LETTER || n >= MAX_TOKEN_BYTES) break;
        // Typographic and plain apostrophes are one.
        scratch[n++] = APOSTROPHE;
        i += 3;
        continue;
      }
      if (kind === OTHER || kind === IDEOGRAPH || kind === SPACE) break;
      if (n + length > MAX_TOKEN_BYTES) break;
      for (let j = 0; j < length && i < end; j++, i++) {
        scratch[n++] = bytes[i];
      }
    }
    this.token(n, start, i);
    return i;
  }

  /** A character that is a word of its own, with the marks after it left out. */
  private single(bytes: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.scratch[i - start] = bytes[i];
    this.token(end - start, start, end);
  }
}

/** The class of the last base character before `i`. */
function lastClass(bytes: Uint8Array, start: number, i: number): number {
  let at = i;
  while (at > start) {
    at--;
    while (at > start && (bytes[at] & 0xc0) === 0x80) at--;
    const kind = characterClass(codePointAt(bytes, at, i));
    if (kind !== EXTEND) return kind === HANGUL ? LETTER : kind;
  }
  return OTHER;
}

/** NFC and lower case, whatever it was before. */
export const lowerCase = (word: string): string => word.normalize('NFC').toLowerCase().normalize('NFC');

/** NFC and lower case; nothing to do for plain ASCII, which the scanner lower-cases. */
export function foldWord(token: string): string {
  for (let i = 0; i < token.length; i++) {
    if (token.charCodeAt(i) > 0x7f) return lowerCase(token);
  }
  return token;
}

export class StandardStream extends WordStream {
  protected resolve(token: string): string {
    return foldWord(token);
  }
}

/** Runs of non-space characters. */
export class WhitespaceStream extends TermStream {
  private readonly lowercase: boolean;

  constructor(lowercase: boolean) {
    super();
    this.lowercase = lowercase;
  }

  protected scan(bytes: Uint8Array, start: number, end: number): void {
    const { scratch } = this;
    let from = start;
    let n = 0;
    for (let i = start; i < end; ) {
      const c = bytes[i];
      const stop = Math.min(end, i + sequenceLength(c));
      const blank =
        c < 0x80 ? c === 32 || (c >= 9 && c <= 13) : characterClass(codePointAt(bytes, i, end)) === SPACE;
      if (n > 0 && (blank || n + stop - i > MAX_TOKEN_BYTES)) {
        this.token(n, from, i);
        n = 0;
      }
      if (n === 0) from = i;
      if (!blank) for (let j = i; j < stop; j++) scratch[n++] = bytes[j];
      i = stop;
    }
    if (n > 0) this.token(n, from, end);
  }

  protected resolve(token: string): string {
    const composed = token.normalize('NFC');
    return this.lowercase ? composed.toLowerCase().normalize('NFC') : composed;
  }
}
