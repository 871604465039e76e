/** Token pooling: what is most alike is joined, and long rows need no square of memory. */
import { describe, expect, it } from 'vitest';
import { poolTokenRows } from '../../../src/retrieval/late/index.ts';
import { random } from '../../../src/retrieval/random.ts';

const rowsOf = (...rows: (readonly number[])[][]) => {
  const offsets = [0];
  for (const row of rows) offsets.push(offsets[offsets.length - 1] + row.length);
  const tokens = rows.flat();
  return {
    dimension: tokens[0].length,
    offsets: Int32Array.from(offsets),
    vectors: Float32Array.from(tokens.flat()),
    starts: Int32Array.from(tokens, (_, t) => 10 * t),
    ends: Int32Array.from(tokens, (_, t) => 10 * t + 5),
  };
};

describe('token pooling', () => {
  it('joins the most alike to their mean, at length 1, with the place of the first', () => {
    const { offsets, vectors, starts, ends } = poolTokenRows(
      rowsOf(
        [
          [1, 0],
          [0, 1],
          [0.6, 0.8],
        ],
        [[-1, 0]],
      ),
      2,
    );
    // (0, 1) and (.6, .8) are .4 apart, squared; (1, 0) and (.6, .8) .8; their mean is along (.6, 1.8)
    expect([...offsets]).toEqual([0, 2, 3]);
    for (const [i, want] of [1, 0, 1 / Math.sqrt(10), 3 / Math.sqrt(10), -1, 0].entries())
      expect(vectors[i]).toBeCloseTo(want, 6);
    expect([...starts]).toEqual([0, 10, 30]);
    expect([...ends]).toEqual([5, 15, 35]);
  });

  it('of rows too long to compare all with all, in parts', () => {
    const next = random(3);
    // each direction twice, side by side
    const unit = (angle: number) => [Math.cos(angle), Math.sin(angle)];
    const angles = Array.from({ length: 10_000 }, () => 2 * Math.PI * next());
    const pairs = rowsOf(angles.flatMap(a => [unit(a), unit(a)]));
    const { offsets, vectors, starts } = poolTokenRows(pairs, 2);
    expect([...offsets]).toEqual([0, 10_000]);
    for (let v = 0; v < vectors.length; v += 2)
      expect(Math.hypot(vectors[v], vectors[v + 1])).toBeCloseTo(1, 5);
    expect(new Set(starts).size).toBe(10_000);
    // however few are wanted
    for (const factor of [700, 30_000])
      expect([...poolTokenRows(pairs, factor).offsets]).toEqual([0, Math.ceil(20_000 / factor)]);
  }, 60_000);
});
