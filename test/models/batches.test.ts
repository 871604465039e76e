import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FREE, fixedShapes, type Shapes } from '../../src/models/shapes.ts';
import { padRows, planBatches, tokenRowsOf } from '../../src/models/token-rows.ts';

const offsetsOf = (lengths: readonly number[]): Int32Array =>
  tokenRowsOf(lengths.map(n => new Int32Array(n))).offsets;
const plan = (lengths: readonly number[], budget: number, options = {}): number[][] =>
  planBatches(offsetsOf(lengths), budget, options).map(rows => [...rows]);
const costOf = (lengths: readonly number[], batches: readonly number[][], shapes: Shapes): number =>
  batches.reduce(
    (sum, rows) =>
      sum + shapes.rows(rows.length) * shapes.width(Math.max(1, ...rows.map(r => lengths[r]))) + shapes.run,
    0,
  );

/** Every batch as full as the budget allows, the longest rows first. */
function filled(lengths: readonly number[], budget: number): number[][] {
  const order = [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a] || a - b);
  const batches: number[][] = [];
  while (order.length > 0)
    batches.push(order.splice(0, Math.max(1, Math.floor(budget / Math.max(1, lengths[order[0]])))));
  return batches;
}

describe('batches', () => {
  it('end where the next row would pad more than a run costs', () => {
    // 3 × 100 and a run are 332, 100 and 2 × 10 and two runs 184
    expect(plan([10, 100, 10], 1000)).toEqual([[1], [0, 2]]);
    // 5 × 10 and a run are 82, 3 × 10 and 2 × 2 and two runs 98
    expect(plan([10, 10, 9, 2, 2], 1000)).toEqual([[0, 1, 2, 3, 4]]);
    // 20 rows of 10 are two batches of at most 120
    expect(
      plan(new Array(20).fill(10), 120)
        .map(rows => rows.length)
        .sort(),
    ).toEqual([12, 8].sort());
    expect(plan([500, 3], 100)).toEqual([[0], [1]]);
    expect(plan([], 100)).toEqual([]);
    expect(plan([0, 0], 100)).toEqual([[0, 1]]);
  });

  it('of one length only, where that is asked for', () => {
    expect(plan([4, 5, 4, 5, 4], 10, { exact: true })).toEqual([[1, 3], [0, 2], [4]]);
  });

  it('hold every row once, stay under the budget, and cost no more than full ones', () => {
    const shapes = fc.constantFrom(FREE, fixedShapes(64), { ...FREE, run: 0 }, { ...FREE, run: 1e6 });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 700 }),
        shapes,
        (lengths, budget, shapes) => {
          const batches = plan(lengths, budget, { shapes });
          expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
          for (const rows of batches) {
            const longest = Math.max(1, ...rows.map(r => lengths[r]));
            if (rows.length > 1)
              expect(shapes.rows(rows.length) * shapes.width(longest)).toBeLessThanOrEqual(budget);
          }
          if (shapes.rows(3) === 3)
            expect(costOf(lengths, batches, shapes)).toBeLessThanOrEqual(
              costOf(lengths, filled(lengths, budget), shapes),
            );
        },
      ),
    );
  });
});

describe('fixed shapes', () => {
  it('are few, and none is wider than the model allows', () => {
    const shapes = fixedShapes(100);
    expect([1, 8, 9, 13, 17, 25, 33, 49, 65, 97, 100].map(n => shapes.width(n))).toEqual([
      8, 8, 12, 16, 24, 32, 48, 64, 96, 100, 100,
    ]);
    // rows that a caller made longer stay whole
    expect(shapes.width(120)).toBe(120);
    expect([1, 2, 3, 5, 64, 65].map(n => shapes.rows(n))).toEqual([1, 2, 4, 8, 64, 128]);
    const seen = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const lengths = Array.from({ length: 10 + seed }, (_, i) => 1 + ((i * i * seed) % 100));
      const tokens = tokenRowsOf(lengths.map(n => new Int32Array(n)));
      for (const rows of planBatches(tokens.offsets, 1024, { shapes })) {
        const padded = padRows(tokens, rows, 0, { shapes });
        seen.add(`${padded.rows} × ${padded.width}`);
      }
    }
    expect(seen.size).toBeLessThanOrEqual(30);
  });

  it('fill rows up with padding, and attend to one token of a row that is only that', () => {
    const tokens = tokenRowsOf([[5, 6, 7], [8], [9]]);
    const padded = padRows(tokens, Int32Array.of(0, 1, 2), 1, { shapes: fixedShapes(4) });
    expect([padded.rows, padded.width]).toEqual([4, 4]);
    expect([...padded.ids].map(Number)).toEqual([5, 6, 7, 1, 8, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1]);
    expect([...padded.mask].map(Number)).toEqual([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
  });
});
