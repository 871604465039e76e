/**
 * Classes of code points for word segmentation, after the word-break classes of Unicode UAX #29 cut down
 * to what indexing needs. Pages of 256 code points are filled on first use.
 */
export const OTHER = 0;
/** Alphabetic letters that join into words. */
export const LETTER = 1;
export const DIGIT = 2;
/** Han and Hiragana: each character is a word of its own in the standard segmentation. */
export const IDEOGRAPH = 3;
/** Marks and joiners, which belong to the character before. */
export const EXTEND = 4;
export const HANGUL = 5;
export const SPACE = 6;

const ideograph = /[\p{Script=Han}\p{Script=Hiragana}]/u;
const hangul = /\p{Script=Hangul}/u;
const letter = /\p{Alphabetic}/u;
const digit = /\p{Nd}/u;
const extend = /\p{M}|\u200c|\u200d|\u00ad/u;
const space = /[\s\u0085]/u;

function classify(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  if (hangul.test(character) && letter.test(character)) return HANGUL;
  if (ideograph.test(character) && letter.test(character)) return IDEOGRAPH;
  if (extend.test(character)) return EXTEND;
  if (letter.test(character)) return LETTER;
  if (digit.test(character)) return DIGIT;
  return space.test(character) ? SPACE : OTHER;
}

const pages: (Uint8Array | undefined)[] = new Array(0x1100);

function fillPage(page: number): Uint8Array {
  const classes = new Uint8Array(256);
  for (let i = 0; i < 256; i++) classes[i] = classify(page * 256 + i);
  pages[page] = classes;
  return classes;
}

/** The class of a code point, 0 ≤ codePoint ≤ 0x10ffff. */
export function characterClass(codePoint: number): number {
  const page = codePoint >>> 8;
  return (pages[page] ?? fillPage(page))[codePoint & 255];
}

/** Bytes of the UTF-8 sequence that `lead` opens; 1 for a stray continuation byte. */
export function sequenceLength(lead: number): number {
  return lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Decodes the code point at `i`; a sequence cut short by `end` or a stray byte gives U+FFFD. */
export function codePointAt(bytes: Uint8Array, i: number, end: number): number {
  const lead = bytes[i];
  if (lead < 0x80) return lead;
  const length = sequenceLength(lead);
  if (length === 1 || i + length > end) return 0xfffd;
  if (length === 2) return ((lead & 31) << 6) | (bytes[i + 1] & 63);
  if (length === 3) return ((lead & 15) << 12) | ((bytes[i + 1] & 63) << 6) | (bytes[i + 2] & 63);
  const point =
    ((lead & 7) << 18) | ((bytes[i + 1] & 63) << 12) | ((bytes[i + 2] & 63) << 6) | (bytes[i + 3] & 63);
  return point > 0x10ffff ? 0xfffd : point;
}
