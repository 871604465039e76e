/** Does a retrieved text hold an answer? Token match, substring match, and the choice between them. */
import { dprTokens, foldText, normaliseKorquad, unspacedShare } from './normalise.ts';

/**
 * How an answer is looked for in a text.
 * - `token`: its tokens occur one after another (DPR: lower-cased NFD, runs of letters, digits and marks).
 * - `substring`: its NFC, KorQuAD-normalised form occurs anywhere, so "서울은" holds "서울".
 * - `folded`: its NFC, case-folded form occurs, on token borders unless the script is one without them.
 * - `auto`: `substring` where the answer holds a letter of a script like Korean, or at least a fifth of the
 *   text's letters are of one; `token` otherwise.
 */
export type AnswerMatch = 'auto' | 'token' | 'substring' | 'folded';

/** A text prepared for matching; its forms are made when they are first asked for. */
export class MatchText {
  readonly text: string;
  #tokens: string | undefined;
  #normalised: string | undefined;
  #folded: string | undefined;
  #unspaced: boolean | undefined;
  #words: number | undefined;
  #pieces: number | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Number of runs of non-space. */
  get words(): number {
    this.#words ??= this.text.match(/\S+/g)?.length ?? 0;
    return this.#words;
  }

  /** Number of pieces between single spaces, empty ones included. */
  get pieces(): number {
    this.#pieces ??= this.text.split(' ').length;
    return this.#pieces;
  }

  /** Tokens with a space before, between and after them, so that a run of tokens is a substring. */
  get tokens(): string {
    this.#tokens ??= ` ${dprTokens(this.text).join(' ')} `;
    return this.#tokens;
  }

  get normalised(): string {
    this.#normalised ??= normaliseKorquad(this.text);
    return this.#normalised;
  }

  get folded(): string {
    this.#folded ??= foldText(this.text);
    return this.#folded;
  }

  get unspaced(): boolean {
    this.#unspaced ??= unspacedShare(this.text) >= 0.2;
    return this.#unspaced;
  }
}

/** An answer prepared for matching many texts. */
export class AnswerMatcher {
  readonly answer: string;
  readonly match: AnswerMatch;
  readonly #tokens: string;
  readonly #normalised: string;
  readonly #folded: string;
  readonly #unspaced: boolean;

  constructor(answer: string, match: AnswerMatch = 'auto') {
    this.answer = answer;
    this.match = match;
    this.#tokens = ` ${dprTokens(answer).join(' ')} `;
    this.#normalised = normaliseKorquad(answer);
    this.#folded = foldText(answer);
    this.#unspaced = unspacedShare(answer) > 0;
  }

  /** True where nothing is left of the answer after normalisation: such an answer matches no text. */
  get empty(): boolean {
    if (this.match === 'folded') return this.#folded === '';
    if (this.match === 'substring') return this.#normalised === '';
    return this.#tokens.length === 2;
  }

  /** Whether `text` holds the answer. */
  test(text: MatchText): boolean {
    if (this.match === 'folded') return this.testFolded(text);
    if (this.match === 'substring' || (this.match === 'auto' && (this.#unspaced || text.unspaced))) {
      return this.#normalised !== '' && text.normalised.includes(this.#normalised);
    }
    return this.#tokens.length > 2 && text.tokens.includes(this.#tokens);
  }

  /** The match of mAR: NFC and case-folded, on token borders unless answer or text is of a script without. */
  testFolded(text: MatchText): boolean {
    const form = this.#folded;
    if (form === '') return false;
    if (this.#unspaced || text.unspaced) return text.folded.includes(form);
    for (let at = text.folded.indexOf(form); at >= 0; at = text.folded.indexOf(form, at + 1)) {
      if (isBorder(text.folded, at) && isBorder(text.folded, at + form.length)) return true;
    }
    return false;
  }
}

const WORD_BEFORE = /[\p{L}\p{N}\p{M}]$/u;
const WORD_AFTER = /^[\p{L}\p{N}\p{M}]/u;

/** Whether a token can begin or end at `at`: not between two characters of one word. */
function isBorder(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  return !(WORD_BEFORE.test(text.slice(Math.max(0, at - 2), at)) && WORD_AFTER.test(text.slice(at, at + 2)));
}

/**
 * Whether `text` holds one of the answers.
 *
 * @example hasAnswer('수도는 서울은 아니다', ['서울']) // true
 */
export function hasAnswer(text: string, answers: readonly string[], match: AnswerMatch = 'auto'): boolean {
  const prepared = new MatchText(text);
  return answers.some(answer => new AnswerMatcher(answer, match).test(prepared));
}

/**
 * Prepared texts kept by content: passages are retrieved again and again by different questions. Holds at
 * most `maxChars` UTF-16 units of text (a text's prepared forms come on top, each about as long as the
 * text); when they are exceeded the texts used longest ago go.
 */
export class TextCache {
  readonly #maxChars: number;
  readonly #kept = new Map<string, MatchText>();
  #chars = 0;

  constructor(maxChars = 16_000_000) {
    this.#maxChars = maxChars;
  }

  get(text: string): MatchText {
    const found = this.#kept.get(text);
    if (found !== undefined) {
      this.#kept.delete(text);
      this.#kept.set(text, found);
      return found;
    }
    const made = new MatchText(text);
    this.#kept.set(text, made);
    this.#chars += text.length;
    while (this.#chars > this.#maxChars && this.#kept.size > 1) {
      const oldest = this.#kept.keys().next().value as string;
      this.#kept.delete(oldest);
      this.#chars -= oldest.length;
    }
    return made;
  }
}
