/**
 * mAR, mean average recall over context length: how much of the answers a reader would have in front of it
 * with a context of up to 100, 200, ... 3,000 words, averaged over those lengths.
 */
import { AnswerMatcher, MatchText } from './answers.ts';

/** The longest context, in words. */
export const MAR_WORDS = 3000;
/** Number of lengths looked at: every 100 words. */
export const MAR_BINS = 30;
const BIN_WORDS = MAR_WORDS / MAR_BINS;

/** What one question's results hold, bin by bin. All three are of length `MAR_BINS`. */
export interface MarBins {
  /** Share of the answers found in a context of at most 100·(bin + 1) words. */
  readonly strict: Float64Array;
  /** 1 from the bin on in which the first answer is found. */
  readonly anyHit: Float64Array;
  /** As first published; zero past the last bin the results reach. */
  readonly legacy: Float64Array;
  /** Number of bins the results reach in the legacy count. */
  readonly legacyBins: number;
}

/** mAR over all questions, each from 0 to 1, and the curves behind it. */
export interface MarReport {
  /** Questions counted: those with at least one answer. */
  questions: number;
  /** Mean over questions and all 30 bins of the share of answers found. */
  strict: number;
  /** The same with 1 for a question as soon as one of its answers is found. */
  anyHit: number;
  /** As first published: words split on one space, case-sensitive substrings, bins up to the longest run. */
  legacy: number;
  /** Context lengths (words) and the mean recall at each; `legacy` ends with the longest run. */
  curve: { words: number[]; strict: number[]; anyHit: number[]; legacy: number[] };
}

/**
 * Bins of one question. `texts` are its results in rank order, `matchers` its answers (at least one, none empty;
 * an answer given twice counts twice, as in the published figures).
 *
 * Strict: words are runs of non-space, and a text that ends the context at exactly 100 words still belongs
 * to the first bin; an answer is found where its NFC, case-folded form occurs (on token borders, anywhere
 * in scripts such as Korean). Legacy: words are what lies between single spaces, ⌊words/100⌋ is the bin.
 */
export function marBins(texts: Iterable<MatchText>, matchers: readonly AnswerMatcher[]): MarBins {
  const strict = new Float64Array(MAR_BINS);
  const anyHit = new Float64Array(MAR_BINS);
  const legacy = new Float64Array(MAR_BINS);
  const found = new Uint8Array(matchers.length);
  const foundLegacy = new Uint8Array(matchers.length);
  let words = 0;
  let legacyWords = 0;
  let legacyBins = 0;
  let strictOpen = true;
  let legacyOpen = true;
  for (const text of texts) {
    words += text.words;
    legacyWords += text.pieces;
    const bin = Math.max(0, Math.ceil(words / BIN_WORDS) - 1);
    const legacyBin = Math.floor(legacyWords / BIN_WORDS);
    strictOpen = strictOpen && bin < MAR_BINS;
    if (legacyBin >= MAR_BINS) {
      legacyOpen = false;
      legacyBins = MAR_BINS;
    }
    if (!strictOpen && !legacyOpen) break;
    if (strictOpen) {
      const share = findMore(found, matchers, matcher => matcher.testFolded(text));
      strict[bin] = share;
      anyHit[bin] = share > 0 ? 1 : 0;
    }
    if (legacyOpen) {
      legacy[legacyBin] = findMore(foundLegacy, matchers, matcher => text.text.includes(matcher.answer));
      legacyBins = legacyBin + 1;
    }
  }
  for (const bins of [strict, anyHit, legacy]) {
    for (let i = 1; i < MAR_BINS; i++) if (bins[i] === 0) bins[i] = bins[i - 1];
  }
  return { strict, anyHit, legacy, legacyBins };
}

function findMore(
  found: Uint8Array,
  matchers: readonly AnswerMatcher[],
  test: (matcher: AnswerMatcher) => boolean,
): number {
  let count = 0;
  for (let i = 0; i < matchers.length; i++) {
    if (found[i] === 0 && test(matchers[i])) found[i] = 1;
    count += found[i];
  }
  return count / matchers.length;
}

/** Collects mAR one question at a time; keeps sums only. */
export class MarAccumulator {
  readonly #strict = new Float64Array(MAR_BINS);
  readonly #anyHit = new Float64Array(MAR_BINS);
  readonly #legacy = new Float64Array(MAR_BINS);
  #legacyBins = 0;
  #questions = 0;

  /** Adds one question; gives its strict and any-hit means over the bins. */
  add(bins: MarBins): { strict: number; anyHit: number } {
    this.#questions++;
    this.#legacyBins = Math.max(this.#legacyBins, bins.legacyBins);
    let strict = 0;
    let anyHit = 0;
    for (let i = 0; i < MAR_BINS; i++) {
      this.#strict[i] += bins.strict[i];
      this.#anyHit[i] += bins.anyHit[i];
      this.#legacy[i] += bins.legacy[i];
      strict += bins.strict[i];
      anyHit += bins.anyHit[i];
    }
    return { strict: strict / MAR_BINS, anyHit: anyHit / MAR_BINS };
  }

  report(): MarReport {
    const mean = (sums: Float64Array, bins: number): number[] =>
      Array.from(sums.subarray(0, bins), sum => (this.#questions === 0 ? 0 : sum / this.#questions));
    const average = (values: number[]): number =>
      values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
    const strict = mean(this.#strict, MAR_BINS);
    const anyHit = mean(this.#anyHit, MAR_BINS);
    const legacy = mean(this.#legacy, this.#legacyBins);
    return {
      questions: this.#questions,
      strict: average(strict),
      anyHit: average(anyHit),
      legacy: average(legacy),
      curve: { words: strict.map((_, i) => (i + 1) * BIN_WORDS), strict, anyHit, legacy },
    };
  }
}

/**
 * mAR of a set of questions. Empty answers do not count, nor do questions left without answers.
 *
 * @param questions the texts of the results in rank order, and the answers
 */
export function meanAverageRecall(
  questions: Iterable<{ texts: readonly string[]; answers: readonly string[] }>,
): MarReport {
  const mar = new MarAccumulator();
  for (const { texts, answers } of questions) {
    const matchers = answers.map(answer => new AnswerMatcher(answer, 'folded')).filter(one => !one.empty);
    if (matchers.length === 0) continue;
    const prepared = texts.map(text => new MatchText(text));
    mar.add(marBins(prepared, matchers));
  }
  return mar.report();
}
