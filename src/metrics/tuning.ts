/** Choosing parameters by a measure, and how much of the gain is there on questions that were not looked at. */
import { seededRandom } from './random.ts';

/** A parameter and the values that are tried, in order. */
export interface Axis {
  readonly name: string;
  readonly values: readonly (number | string | boolean)[];
}

/** An index into each axis's values. */
export type GridPoint = readonly number[];

export interface TuningOptions {
  /** Parts of the questions; each is measured with what was best on the others. Default 5. */
  folds?: number;
  seed?: number;
  /** `grid` tries all points; `coordinate` moves along one axis after the other from `start`, until none helps. */
  search?: 'grid' | 'coordinate';
  /** Where a coordinate search begins and which of equal points is taken: the nearest to it. It learns nothing. */
  start: GridPoint;
  /**
   * Points that are trained before they can be measured. For these `measure` is told which questions may be learnt from,
   * and is called for each fold: no question is measured by what was learnt from it, nor by what was chosen on it. That
   * wants three folds or more.
   */
  learns?: (point: GridPoint) => boolean;
  /** Told of each point that learns, with each question's value by what the other folds taught. */
  learned?: (point: GridPoint, values: Float64Array) => void;
}

export interface Tuning {
  /** Best over all questions, and its mean there (of a point that learns: each fold measured by what the others taught). */
  best: GridPoint;
  mean: number;
  /** Each question measured with the point chosen without it. */
  held: Float64Array;
  /** The point chosen for each fold. */
  chosen: GridPoint[];
}

/** All points of a grid, the last axis running fastest. */
export function gridPoints(axes: readonly Axis[]): GridPoint[] {
  let points: number[][] = [[]];
  for (const { values } of axes) points = points.flatMap(point => values.map((_, i) => [...point, i]));
  return points;
}

const distance = (a: GridPoint, b: GridPoint): number =>
  a.reduce((sum, at, axis) => sum + Math.abs(at - b[axis]), 0);

/** The point with the highest score; of equal ones the nearest to `start`, then the first. */
function bestPoint(
  points: readonly GridPoint[],
  score: (point: GridPoint) => number,
  start: GridPoint,
): GridPoint {
  let best = points[0];
  let high = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    const value = score(point);
    if (value > high || (value === high && distance(point, start) < distance(best, start))) {
      best = point;
      high = value;
    }
  }
  return best;
}

/** Moves to the best point along one axis after the other, until a round changes nothing. */
export function coordinateSearch(
  axes: readonly Axis[],
  start: GridPoint,
  score: (point: GridPoint) => number,
): GridPoint {
  let at = start;
  for (;;) {
    const before = at;
    for (let axis = 0; axis < axes.length; axis++) {
      const line = axes[axis].values.map((_, i) => at.map((old, a) => (a === axis ? i : old)));
      at = bestPoint(line, score, at);
    }
    if (distance(at, before) === 0) return at;
  }
}

/** The fold of each question: shuffled, then dealt out. @throws RangeError on fewer than two folds. */
export function foldsOf(questions: number, folds: number, seed = 1): Int32Array {
  if (!Number.isInteger(folds) || folds < 2)
    throw new RangeError(`folds: found ${folds}, wanted a whole number from 2`);
  const random = seededRandom(seed);
  const order = Int32Array.from({ length: questions }, (_, i) => i);
  for (let i = questions - 1; i > 0; i--) {
    const j = Math.floor((random() / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const out = new Int32Array(questions);
  order.forEach((question, place) => {
    out[question] = place % folds;
  });
  return out;
}

function meanWhere(values: Float64Array, counts: (i: number) => boolean): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) || !counts(i)) continue;
    sum += values[i];
    n++;
  }
  return n === 0 ? Number.NaN : sum / n;
}

/**
 * Looks for the best point, over all questions and for each fold over the questions of the others. `measure`
 * gives a point's value for every question (NaN where it does not count); it is called once a point, and for points
 * that learn once for each set of questions that may be learnt from.
 */
export function tuneParameters(
  axes: readonly Axis[],
  measure: (point: GridPoint, mayLearn?: (question: number) => boolean) => Float64Array,
  options: TuningOptions,
): Tuning {
  const { folds = 5, seed = 1, search = 'grid', start, learns = () => false, learned } = options;
  if (folds < 3 && search === 'grid' && gridPoints(axes).some(learns))
    throw new RangeError(`folds: found ${folds}, wanted 3 or more where a point learns`);
  const measured = new Map<string, Float64Array>();
  const valuesOf = (point: GridPoint): Float64Array => {
    const key = point.join();
    let values = measured.get(key);
    if (values === undefined) {
      values = measure(point);
      measured.set(key, values);
    }
    return values;
  };
  const questions = valuesOf(start).length;
  const deal = foldsOf(questions, folds, seed);
  /** What a point that learns gives without the questions of two folds, or of one. */
  const without = (point: GridPoint, a: number, b: number): Float64Array => {
    const key = `${point.join()} ${Math.min(a, b)} ${Math.max(a, b)}`;
    let values = measured.get(key);
    if (values === undefined) {
      values = measure(point, i => deal[i] !== a && deal[i] !== b);
      measured.set(key, values);
    }
    return values;
  };
  /** A point's values on the questions outside of a fold, learnt from others of them (fold -1: on all). */
  const outside = (point: GridPoint, f: number): Float64Array => {
    if (!learns(point)) return valuesOf(point);
    const key = `${point.join()} outside ${f}`;
    const known = measured.get(key);
    if (known !== undefined) return known;
    const values = new Float64Array(questions).fill(Number.NaN);
    for (let j = 0; j < folds; j++) {
      if (j === f) continue;
      const own = without(point, j, f < 0 ? j : f);
      for (let i = 0; i < questions; i++) if (deal[i] === j) values[i] = own[i];
    }
    if (f < 0) learned?.(point, values);
    measured.set(key, values);
    return values;
  };
  const points = search === 'grid' ? gridPoints(axes) : [];
  const choose = (f: number): GridPoint => {
    const score = (point: GridPoint): number => meanWhere(outside(point, f), i => deal[i] !== f);
    return search === 'grid' ? bestPoint(points, score, start) : coordinateSearch(axes, start, score);
  };
  const best = choose(-1);
  const all = outside(best, -1);
  const held = new Float64Array(questions).fill(Number.NaN);
  const chosen: GridPoint[] = [];
  for (let f = 0; f < folds; f++) {
    const point = choose(f);
    chosen.push(point);
    const values = learns(point) ? without(point, f, f) : valuesOf(point);
    for (let i = 0; i < questions; i++) if (deal[i] === f) held[i] = values[i];
  }
  return { best, mean: meanWhere(all, () => true), held, chosen };
}
