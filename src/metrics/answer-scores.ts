/** Scores of a given answer against gold answers: SQuAD, KorQuAD and KLUE-MRC. */
import { normaliseKlue, normaliseKorquad, normaliseSquad } from './normalise.ts';

/** Which published script is followed. */
export type AnswerStyle = 'squad' | 'korquad' | 'klue';

const NORMALISE: Record<AnswerStyle, (text: string) => string> = {
  squad: normaliseSquad,
  korquad: normaliseKorquad,
  klue: normaliseKlue,
};

/** Gold answers that are empty after normalisation count for nothing; with none left the gold is "". */
function normalisedGolds(golds: readonly string[], style: AnswerStyle): string[] {
  const kept = golds.map(NORMALISE[style]).filter(gold => gold !== '');
  return kept.length > 0 ? kept : [''];
}

/**
 * Exact match: 1 where the answer equals one of the golds after normalisation, else 0. No golds (or empty
 * ones) mean that the question has no answer, and then "" is right.
 */
export function exactMatch(answer: string, golds: readonly string[], style: AnswerStyle = 'squad'): 0 | 1 {
  return normalisedGolds(golds, style).includes(NORMALISE[style](answer)) ? 1 : 0;
}

/**
 * F1 of two bags, the largest over the golds, from 0 to 1. `squad` and `klue`: of tokens; `korquad`: of
 * characters without spaces. Where one side is empty the score is 1 if both are, else 0 (SQuAD 2.0).
 */
export function answerF1(answer: string, golds: readonly string[], style: AnswerStyle = 'squad'): number {
  const given = pieces(NORMALISE[style](answer), style);
  let best = 0;
  for (const gold of normalisedGolds(golds, style)) best = Math.max(best, bagF1(given, pieces(gold, style)));
  return best;
}

/**
 * ROUGE-W as KLUE-MRC computes it (Park et al. 2021): the longest common run of characters, spaces
 * included, as precision and recall, their harmonic mean (beta 1); the largest over the golds, from 0 to 1.
 */
export function rougeW(answer: string, golds: readonly string[], style: AnswerStyle = 'klue'): number {
  const given = [...NORMALISE[style](answer)];
  let best = 0;
  for (const text of normalisedGolds(golds, style)) {
    const gold = [...text];
    const score =
      gold.length === 0 || given.length === 0
        ? Number(gold.length === given.length)
        : // 2PR/(P+R) with P = run/|given| and R = run/|gold|
          (2 * longestCommonRun(given, gold)) / (given.length + gold.length);
    best = Math.max(best, score);
  }
  return best;
}

function pieces(text: string, style: AnswerStyle): string[] {
  if (style === 'korquad') return [...text.replaceAll(' ', '')];
  return text === '' ? [] : text.split(' ');
}

function bagF1(given: readonly string[], gold: readonly string[]): number {
  if (given.length === 0 || gold.length === 0) return Number(given.length === gold.length);
  const left = new Map<string, number>();
  for (const piece of gold) left.set(piece, (left.get(piece) ?? 0) + 1);
  let same = 0;
  for (const piece of given) {
    const count = left.get(piece) ?? 0;
    if (count > 0) {
      left.set(piece, count - 1);
      same++;
    }
  }
  return (2 * same) / (given.length + gold.length);
}

function longestCommonRun(a: readonly string[], b: readonly string[]): number {
  let row = new Int32Array(b.length + 1);
  let next = new Int32Array(b.length + 1);
  let best = 0;
  for (const char of a) {
    for (let j = 0; j < b.length; j++) {
      const run = char === b[j] ? row[j] + 1 : 0;
      next[j + 1] = run;
      if (run > best) best = run;
    }
    [row, next] = [next, row];
  }
  return best;
}
