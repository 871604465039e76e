import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  dcg,
  firstRelevant,
  ndcg,
  precisionAt,
  recallAt,
  reciprocalRank,
  rPrecision,
} from '../../src/metrics/index.ts';

// Ranking d x b a, judged a 1, b 2, c 0, d -1.
const grades = [-1, 0, 2, 1];
const judged = [1, 2, 0, -1];

describe('measures of one list, worked by hand', () => {
  it('reciprocal rank, precision, recall, R-precision', () => {
    expect(firstRelevant(grades)).toBe(3);
    expect(reciprocalRank(grades)).toBeCloseTo(1 / 3, 12);
    expect(reciprocalRank(grades, 2)).toBe(0);
    expect(precisionAt(grades, 3)).toBeCloseTo(1 / 3, 12);
    expect(precisionAt(grades, 10)).toBeCloseTo(0.2, 12);
    expect(recallAt(grades, 2, 3)).toBe(0.5);
    expect(rPrecision(grades, 2)).toBe(0);
    expect(rPrecision([1, 0, 1, 1], 3)).toBeCloseTo(2 / 3, 12);
  });

  it('average precision counts what was not retrieved', () => {
    expect(averagePrecision(grades, 2)).toBeCloseTo((1 / 3 + 2 / 4) / 2, 12);
    expect(averagePrecision([1], 4)).toBe(0.25);
    expect(averagePrecision([0, 0], 0)).toBe(0);
  });

  it('nDCG with linear and exponential gain', () => {
    // (2/log2 4 + 1/log2 5) / (2 + 1/log2 3)
    expect(ndcg(grades, judged)).toBeCloseTo(1.430677 / 2.63093, 5);
    // (3/log2 4 + 1/log2 5) / (3 + 1/log2 3)
    expect(ndcg(grades, judged, 10, 'exponential')).toBeCloseTo(1.930677 / 3.63093, 5);
    expect(ndcg(grades, judged, 2)).toBe(0);
    expect(dcg([3, 0, 1], 10, 'exponential')).toBeCloseTo(7.5, 12);
    expect(ndcg([0], [0, -2])).toBe(0);
  });
});

describe('properties', () => {
  const lists = fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 30 });

  it('lie in [0, 1]; recall and the hits behind precision never fall with k', () => {
    fc.assert(
      fc.property(lists, fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 10 }), (list, missed) => {
        const all = [...list, ...missed];
        const relevant = all.filter(grade => grade >= 1).length;
        for (let k = 1; k <= 32; k++) {
          expect(recallAt(list, relevant, k)).toBeGreaterThanOrEqual(
            k > 1 ? recallAt(list, relevant, k - 1) : 0,
          );
          for (const gain of ['linear', 'exponential'] as const) {
            const value = ndcg(list, all, k, gain);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1 + 1e-12);
          }
        }
        expect(recallAt(list, relevant, 32)).toBeLessThanOrEqual(1);
        expect(averagePrecision(list, relevant)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('the best order has nDCG 1 wherever there is gain', () => {
    fc.assert(
      fc.property(lists, list => {
        const best = [...list].sort((a, b) => b - a);
        expect(ndcg(best, list)).toBe(list.some(grade => grade > 0) ? 1 : 0);
      }),
    );
  });
});
