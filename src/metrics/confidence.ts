/** How sure a mean is, and whether two runs differ. Everything is seeded and repeats exactly. */
import { seededRandom } from './random.ts';

export interface Interval {
  mean: number;
  low: number;
  high: number;
  /** Questions with a value. */
  questions: number;
}

export interface BootstrapOptions {
  /** Coverage, between 0 and 1. Default .95. */
  level?: number;
  /** Number of resamples. Default 2,000. */
  samples?: number;
  seed?: number;
}

export interface RandomisationOptions {
  /** Number of random sign assignments. Default 10,000. */
  rounds?: number;
  seed?: number;
}

/** Two runs on the same questions; differences are second minus first. */
export interface Comparison {
  questions: number;
  first: number;
  second: number;
  difference: number;
  /** Bootstrap interval of the difference. */
  low: number;
  high: number;
  /** Two-sided p-value of the paired randomisation test. */
  p: number;
  /** Questions the second run does better on, worse on, and equally well on. */
  wins: number;
  losses: number;
  ties: number;
}

/** Values closer than this are equal: sums of rounded fractions differ in the last bits. */
const EPSILON = 1e-12;

/**
 * Percentile bootstrap interval of a mean (Efron 1979). NaN entries are left out. The interval of no value
 * is NaN, of one value that value.
 *
 * @throws RangeError on a level outside (0, 1) or fewer than one resample.
 */
export function bootstrapInterval(values: Float64Array, options: BootstrapOptions = {}): Interval {
  const { level = 0.95, samples = 2000, seed = 1 } = options;
  if (!(level > 0 && level < 1))
    throw new RangeError(`level: found ${level}, wanted a number between 0 and 1`);
  checkCount('samples', samples);
  const kept = values.filter(value => !Number.isNaN(value));
  const size = kept.length;
  const mean = sumOf(kept) / size;
  if (size < 2) return { mean, low: mean, high: mean, questions: size };
  const random = seededRandom(seed);
  const scale = size / 2 ** 32;
  const means = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += kept[Math.floor(random() * scale)];
    means[s] = sum / size;
  }
  means.sort();
  const tail = (1 - level) / 2;
  return { mean, low: quantile(means, tail), high: quantile(means, 1 - tail), questions: size };
}

/**
 * Two-sided p-value of the paired randomisation test (Fisher; Smucker, Allan & Carterette 2007): how often
 * does a random swap of the two runs' values, question by question, give a mean difference at least as
 * large? All 2^n swaps are tried where that is no more than `rounds`, else p = (count + 1) / (rounds + 1).
 * Pairs with NaN on a side are left out; without a difference p is 1.
 *
 * @throws RangeError where the lengths differ or fewer than one round is asked for.
 */
export function randomisationTest(
  first: Float64Array,
  second: Float64Array,
  options: RandomisationOptions = {},
): number {
  const { rounds = 10_000, seed = 1 } = options;
  checkCount('rounds', rounds);
  // Pairs without a difference change no sum.
  const differences = pairDifferences(first, second).filter(difference => Math.abs(difference) > EPSILON);
  const size = differences.length;
  if (size === 0) return 1;
  const bound = Math.abs(sumOf(differences)) - EPSILON * size;
  let count = 0;
  if (size < 31 && 2 ** size <= rounds) {
    for (let signs = 0; signs < 2 ** size; signs++) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += (signs >>> i) & 1 ? differences[i] : -differences[i];
      if (Math.abs(sum) >= bound) count++;
    }
    return count / 2 ** size;
  }
  const random = seededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    let sum = 0;
    let signs = 0;
    for (let i = 0; i < size; i++) {
      signs = i % 32 === 0 ? random() : signs >>> 1;
      sum += signs & 1 ? differences[i] : -differences[i];
    }
    if (Math.abs(sum) >= bound) count++;
  }
  return (count + 1) / (rounds + 1);
}

/**
 * p-values of several tests, corrected so that the chance of one false finding among them stays at the level they are
 * held against (Holm 1979): the i-th smallest of n times n - i, never below a smaller one's, at most 1.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const corrected = new Array<number>(values.length);
  let least = 0;
  order.forEach((at, i) => {
    least = Math.max(least, Math.min(1, values[at] * (values.length - i)));
    corrected[at] = least;
  });
  return corrected;
}

/**
 * Compares two runs question by question. Entry i of both arrays is the same question; see `pairByQuestion`.
 * Pairs with NaN on a side are left out.
 */
export function compareRuns(
  first: Float64Array,
  second: Float64Array,
  options: BootstrapOptions & RandomisationOptions = {},
): Comparison {
  const differences = pairDifferences(first, second);
  const interval = bootstrapInterval(differences, options);
  const kept = (values: Float64Array, other: Float64Array): Float64Array =>
    values.filter((value, i) => !Number.isNaN(value) && !Number.isNaN(other[i]));
  const questions = differences.length;
  const wins = differences.filter(difference => difference > EPSILON).length;
  const losses = differences.filter(difference => difference < -EPSILON).length;
  return {
    questions,
    first: sumOf(kept(first, second)) / questions,
    second: sumOf(kept(second, first)) / questions,
    difference: interval.mean,
    low: interval.low,
    high: interval.high,
    p: randomisationTest(first, second, options),
    wins,
    losses,
    ties: questions - wins - losses,
  };
}

/**
 * Brings the values of two runs into one order: the questions of the first run that the second has too, in
 * the first run's order. `onlyFirst` and `onlySecond` count the others.
 */
export function pairByQuestion(
  first: { questionIds: readonly string[]; values: Float64Array },
  second: { questionIds: readonly string[]; values: Float64Array },
): {
  questionIds: string[];
  first: Float64Array;
  second: Float64Array;
  onlyFirst: number;
  onlySecond: number;
} {
  const at = new Map(second.questionIds.map((id, i) => [id, i]));
  const questionIds = first.questionIds.filter(id => at.has(id));
  const firstAt = new Map(first.questionIds.map((id, i) => [id, i]));
  return {
    questionIds,
    first: Float64Array.from(questionIds, id => first.values[firstAt.get(id) as number]),
    second: Float64Array.from(questionIds, id => second.values[at.get(id) as number]),
    onlyFirst: first.questionIds.length - questionIds.length,
    onlySecond: second.questionIds.length - questionIds.length,
  };
}

function pairDifferences(first: Float64Array, second: Float64Array): Float64Array {
  if (first.length !== second.length) {
    throw new RangeError(
      `paired runs: found ${first.length} and ${second.length} values, wanted one a question on both sides; bring them together with pairByQuestion`,
    );
  }
  return second.map((value, i) => value - first[i]).filter(difference => !Number.isNaN(difference));
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** Linear interpolation between the two nearest of the sorted values. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}: found ${value}, wanted a whole number from 1`);
  }
}
