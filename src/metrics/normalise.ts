/**
 * Text normalisation of the published answer metrics. Pure functions from string to string; texts are
 * stored as they came, so this is the only place where metrics change them.
 */

// Python's `string.punctuation`: the 32 ASCII marks.
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;
// What Python's str.split() takes as white space; JavaScript's \s differs in five characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the separators 1C to 1F are white space there
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
// \b of JavaScript knows ASCII letters only, and would find an article in "thé".
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;
const KORQUAD_MARKS = /['"《》<>〈〉()‘’]/g;

function collapse(text: string): string {
  return text.replace(WHITE_SPACE, ' ').replace(/^ | $/g, '');
}

/**
 * NFC and case-folded (lower case; ß as ss, final sigma as sigma), every run of white space as one space.
 * Nothing is deleted.
 */
export function foldText(text: string): string {
  const lower = text.normalize('NFC').toLowerCase();
  return collapse(/[ßς]/.test(lower) ? lower.replace(/ß/g, 'ss').replace(/ς/g, 'σ') : lower);
}

/**
 * SQuAD's answer normalisation (Rajpurkar et al. 2016, the official script): lower case, ASCII punctuation
 * deleted, the articles a, an and the replaced by a space, white space collapsed. NFC first.
 */
export function normaliseSquad(text: string): string {
  return collapse(text.normalize('NFC').toLowerCase().replace(ASCII_PUNCTUATION, '').replace(ARTICLES, ' '));
}

/**
 * KorQuAD 1.0's answer normalisation (Lim et al. 2019, the official script): each of `' " 《 》 < > 〈 〉 ( ) ‘ ’`
 * to a space, lower case, ASCII punctuation deleted, white space collapsed. NFC first.
 */
export function normaliseKorquad(text: string): string {
  return collapse(
    text.normalize('NFC').replace(KORQUAD_MARKS, ' ').toLowerCase().replace(ASCII_PUNCTUATION, ''),
  );
}

/**
 * KLUE-MRC's answer normalisation (Park et al. 2021, as its baseline code does it): lower case, ASCII
 * punctuation deleted, white space collapsed; marks such as 《 》 stay. NFC first.
 */
export function normaliseKlue(text: string): string {
  return collapse(text.normalize('NFC').toLowerCase().replace(ASCII_PUNCTUATION, ''));
}

// DPR's SimpleTokenizer: a run of letters, digits and marks, or one other visible character.
const DPR_TOKEN = /[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]/gu;

/**
 * The tokens Dense Passage Retrieval compares (Karpukhin et al. 2020, `SimpleTokenizer`, uncased): runs of
 * letters, digits and marks, and single other visible characters, of the lower-cased NFD text. Korean
 * syllables come out as jamo: compare them with tokens made the same way only.
 */
export function dprTokens(text: string): string[] {
  return text.normalize('NFD').toLowerCase().match(DPR_TOKEN) ?? [];
}

// Scripts in which words touch their particles or each other.
const UNSPACED =
  /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;
const LETTER = /\p{L}/gu;
// Below U+0E00 there is no letter of those scripts.
const MAYBE_UNSPACED = /[\u0e00-\uffff]/;

/**
 * Share of the letters of `text` that belong to scripts whose words are not set apart by spaces from
 * particles or from each other (Korean, Chinese, Japanese, Thai, ...), from 0 to 1.
 */
export function unspacedShare(text: string): number {
  if (!MAYBE_UNSPACED.test(text)) return 0;
  const letters = text.match(LETTER)?.length ?? 0;
  return letters === 0 ? 0 : (text.match(UNSPACED)?.length ?? 0) / letters;
}
