import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bootstrapInterval,
  compareRuns,
  holm,
  pairByQuestion,
  randomisationTest,
} from '../../src/metrics/index.ts';

const f64 = (...values: number[]): Float64Array => Float64Array.from(values);

describe('bootstrap', () => {
  it('is the same for the same seed, holds the mean, and differs by seed', () => {
    const values = Float64Array.from({ length: 200 }, (_, i) => (i * 7919) % 2);
    const one = bootstrapInterval(values, { seed: 7 });
    expect(bootstrapInterval(values, { seed: 7 })).toEqual(one);
    expect(bootstrapInterval(values, { seed: 8 })).not.toEqual(one);
    expect(one.mean).toBe(0.5);
    // 1.96·sqrt(.25/200) = .0693
    expect(one.low).toBeGreaterThan(0.41);
    expect(one.low).toBeLessThan(0.45);
    expect(one.high).toBeGreaterThan(0.55);
    expect(one.high).toBeLessThan(0.59);
  });

  it('leaves out NaN, and is a point for one value', () => {
    expect(bootstrapInterval(f64(0.5, Number.NaN))).toEqual({ mean: 0.5, low: 0.5, high: 0.5, questions: 1 });
    expect(bootstrapInterval(f64()).mean).toBeNaN();
    expect(() => bootstrapInterval(f64(1), { level: 95 })).toThrow(/level: found 95/);
  });

  it('lies within the range of the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        list => {
          const { low, high, mean } = bootstrapInterval(Float64Array.from(list), { samples: 50 });
          expect(low).toBeGreaterThanOrEqual(Math.min(...list) - 1e-9);
          expect(high).toBeLessThanOrEqual(Math.max(...list) + 1e-9);
          expect(mean).toBeLessThanOrEqual(Math.max(...list) + 1e-9);
        },
      ),
    );
  });
});

it('corrects p-values for the number of tests as Holm does', () => {
  // .01 · 3, then .03 · 2, then .04 · 1, which stays at the .06 of the smaller one
  expect(holm([0.01, 0.04, 0.03]).map(p => Number(p.toFixed(12)))).toEqual([0.03, 0.06, 0.06]);
  expect(holm([0.6, 0.7])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});

describe('paired randomisation', () => {
  it('tries every swap where there are few: five wins of one size give 2/32', () => {
    expect(randomisationTest(f64(0, 0, 0, 0, 0), f64(1, 1, 1, 1, 1))).toBe(2 / 32);
    // differences 1, 1, -1: all |sums| are 1 or 3, so at least 1 each time
    expect(randomisationTest(f64(0, 0, 1), f64(1, 1, 0))).toBe(1);
    expect(randomisationTest(f64(1, 2), f64(1, 2))).toBe(1);
  });

  it('samples where there are many, close to the exact value and the same for the same seed', () => {
    // 20 wins and 6 losses of one size: two-sided sign test, 2·P(X ≤ 6 of 26) = .00936
    const first = Float64Array.from({ length: 26 }, (_, i) => (i < 20 ? 0 : 1));
    const second = first.map(value => 1 - value);
    const p = randomisationTest(first, second, { rounds: 20_000 });
    expect(p).toBeGreaterThan(0.006);
    expect(p).toBeLessThan(0.013);
    expect(randomisationTest(first, second, { rounds: 20_000 })).toBe(p);
  });

  it('does not care which run comes first, and lies in (0, 1]', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(pairs, list => {
        const [a, b] = [
          Float64Array.from(list, pair => pair[0] / 4),
          Float64Array.from(list, pair => pair[1] / 4),
        ];
        const p = randomisationTest(a, b, { rounds: 2000 });
        expect(randomisationTest(b, a, { rounds: 2000 })).toBe(p);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('two runs', () => {
  it('wins, losses and ties, with what one side lacks left out', () => {
    const result = compareRuns(f64(0, 0.5, 1, 0.1 + 0.2, Number.NaN), f64(1, 0.25, 1, 0.3, 1));
    expect(result).toMatchObject({ questions: 4, wins: 1, losses: 1, ties: 2 });
    expect(result.difference).toBeCloseTo(0.1875, 12);
    expect(result.second - result.first).toBeCloseTo(0.1875, 12);
  });

  it('are paired by question', () => {
    const paired = pairByQuestion(
      { questionIds: ['a', 'b', 'c'], values: f64(1, 2, 3) },
      { questionIds: ['c', 'x', 'a', 'y'], values: f64(30, 0, 10, 0) },
    );
    expect(paired).toEqual({
      questionIds: ['a', 'c'],
      first: f64(1, 3),
      second: f64(10, 30),
      onlyFirst: 1,
      onlySecond: 2,
    });
    expect(() => compareRuns(f64(1), f64(1, 2))).toThrow(/found 1 and 2 values/);
  });
});
