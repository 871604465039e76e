import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coordinateSearch, foldsOf, gridPoints, tuneParameters } from '../../src/metrics/index.ts';

const axes = [
  { name: 'k1', values: [1, 2, 3] },
  { name: 'b', values: [0, 0.5] },
];

describe('tuning', () => {
  test('a grid has every point once', () => {
    expect(gridPoints(axes)).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
    ]);
    expect(gridPoints([])).toEqual([[]]);
  });

  test('folds are as even as can be, each question in one, the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 2, max: 9 }),
        fc.nat(),
        (n, folds, seed) => {
          const of = foldsOf(n, folds, seed);
          const sizes = Array.from({ length: folds }, (_, f) => of.filter(x => x === f).length);
          expect(sizes.reduce((a, b) => a + b)).toBe(n);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          expect(foldsOf(n, folds, seed)).toEqual(of);
        },
      ),
    );
    expect(() => foldsOf(10, 1)).toThrow('folds: found 1');
  });

  test('a coordinate search climbs to the top of one hill', () => {
    const wide = [
      { name: 'x', values: [0, 1, 2, 3, 4, 5] },
      { name: 'y', values: [0, 1, 2, 3] },
    ];
    const score = ([x, y]: readonly number[]) => -((x - 4) ** 2) - (y - 1) ** 2;
    expect(coordinateSearch(wide, [0, 3], score)).toEqual([4, 1]);
  });

  test('the best point, and each question measured with what was chosen without it', () => {
    // point [0, 0] is right on every question but one, point [2, 1] on that one alone
    const measure = ([k, b]: readonly number[]) =>
      Float64Array.from({ length: 20 }, (_, q) =>
        k === 0 && b === 0 ? Number(q !== 7) : k === 2 && b === 1 ? Number(q === 7) : 0,
      );
    const found = tuneParameters(axes, measure, { start: [1, 0], folds: 4 });
    expect(found.best).toEqual([0, 0]);
    expect(found.mean).toBeCloseTo(0.95, 12);
    expect(found.chosen).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(found.held).toEqual(measure([0, 0]));
    expect(tuneParameters(axes, measure, { start: [1, 0], folds: 4, search: 'coordinate' }).best).toEqual([
      0, 0,
    ]);
  });

  test('what fits the questions it was chosen on does not count as gain on the others', () => {
    // each point is right on its own sixth of the questions: whatever is chosen, it fails on those held back
    const measure = ([k, b]: readonly number[]) =>
      Float64Array.from({ length: 12 }, (_, q) => Number(q % 6 === k * 2 + b));
    const { mean, held } = tuneParameters(axes, measure, { start: [0, 0], folds: 12 });
    expect(mean).toBeCloseTo(1 / 6, 12);
    expect(held.reduce((a, b) => a + b)).toBeLessThan(2);
  });

  test('a point that learns is neither measured nor chosen by what it was taught with', () => {
    // "rote" knows what it has seen and nothing else; "plain" is right on every second question
    const ways = [{ name: 'way', values: ['plain', 'rote'] }];
    const taught: number[] = [];
    const found = tuneParameters(
      ways,
      ([way], mayLearn) => {
        if (mayLearn) taught.push(Array.from({ length: 12 }, (_, q) => q).filter(mayLearn).length);
        return Float64Array.from({ length: 12 }, (_, q) =>
          way === 0 ? q % 2 : Number(mayLearn === undefined || mayLearn(q)),
        );
      },
      { start: [0], folds: 3, learns: ([way]) => way === 1 },
    );
    expect(found.best).toEqual([0]);
    expect(found.chosen).toEqual([[0], [0], [0]]);
    // one fold left out, or two: never taught with all
    expect(new Set(taught)).toEqual(new Set([8, 4]));
    expect(() =>
      tuneParameters(ways, () => new Float64Array(4), { start: [0], folds: 2, learns: ([way]) => way === 1 }),
    ).toThrow('wanted 3 or more');
  });

  test('a point that learns is taken where what it learnt holds elsewhere', () => {
    const told: number[][] = [];
    const found = tuneParameters(
      [{ name: 'way', values: ['plain', 'learner'] }],
      ([way]) => Float64Array.from({ length: 9 }, (_, q) => (way === 0 ? Number(q > 6) : Number(q > 1))),
      {
        start: [0],
        folds: 3,
        learns: ([way]) => way === 1,
        learned: (point, values) => told.push([...point, ...values]),
      },
    );
    expect(found.best).toEqual([1]);
    expect(found.mean).toBeCloseTo(7 / 9, 12);
    expect(found.held).toEqual(Float64Array.of(0, 0, 1, 1, 1, 1, 1, 1, 1));
    expect(told).toEqual([[1, 0, 0, 1, 1, 1, 1, 1, 1, 1]]);
  });

  test('equal points: the nearest to the start; questions that do not count are left out', () => {
    const flat = () => Float64Array.of(1, Number.NaN, 0, 1);
    const found = tuneParameters(axes, flat, { start: [1, 1], folds: 2 });
    expect(found.best).toEqual([1, 1]);
    expect(found.mean).toBeCloseTo(2 / 3, 12);
    expect(found.held[1]).toBeNaN();
  });
});
