import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooserFeatures,
  compareKeys,
  fuse,
  type HitList,
  trainChooser,
  trusts,
} from '../../src/retrieval/fusion/index.ts';

// worked by hand
const sparse: HitList = { keys: ['a', 'b', 'c'], scores: [8, 6, 4] };
const dense: HitList = { keys: ['b', 'd'], scores: [0.9, 0.5] };

describe('fusion of two lists', () => {
  it('by exponentials of standard scores', () => {
    const { keys, scores, ranks } = fuse([sparse, dense], { method: 'expz' });
    // sparse: mean 6, sd √(8/3); dense counts as .9, .5 and a 0: mean .4667, sd √(.122/.9) = .36818
    const high = Math.sqrt(3 / 2);
    const [z9, z5, z0] = [0.9, 0.5, 0].map(s => (s - 1.4 / 3) / Math.sqrt(0.122 / 0.9));
    const sum = (a: number, b: number): number => Math.exp(0.3 * a) + Math.exp(0.3 * b);
    expect(keys).toEqual(['b', 'a', 'd', 'c']);
    for (const [i, want] of [sum(0, z9), sum(high, z0), sum(-high, z5), sum(-high, z0)].entries())
      expect(scores[i]).toBeCloseTo(want, 12);
    expect(ranks.map(r => [...r])).toEqual([
      [1, 0, -1, 2],
      [0, -1, 1, -1],
    ]);
  });

  it('by exponentials: the list whose best hit stands out wins, and a single hit does', () => {
    const even: HitList = { keys: [...'abcdefghijkl'], scores: Array.from({ length: 12 }, (_, i) => 12 - i) };
    const steep: HitList = { keys: [...'zyxwvutsrqpo'], scores: [9, ...new Array(11).fill(1)] };
    expect(fuse([even, steep], { method: 'expz' }).keys[0]).toBe('z');
    // a word that one document has: as if nine had 0, z is 3
    expect(fuse([{ keys: ['z'], scores: [4] }, even], { method: 'expz' }).keys[0]).toBe('z');
    // equal scores say what the list has and no more
    const { keys, scores } = fuse(
      [
        { keys: ['b', 'a'], scores: [2, 2] },
        { keys: ['c'], scores: [1] },
      ],
      {
        method: 'expz',
      },
    );
    expect(keys[0]).toBe('c');
    expect(scores[1]).toBeCloseTo(1 + Math.exp(-0.3), 12);
  });

  it('by exponentials: hits below the hundredth change nothing of those before', () => {
    const scores = Array.from({ length: 300 }, (_, i) => 50 / (i + 1));
    const all: HitList = { keys: scores.map((_, i) => String(i).padStart(3, '0')), scores };
    const best = (depth: number) => [...fuse([all], { method: 'expz', depth }).scores].slice(0, 100);
    expect(best(300)).toEqual(best(100));
  });

  it('by reciprocal ranks', () => {
    const { keys, scores, ranks } = fuse([sparse, dense], { method: 'rrf' });
    expect(keys).toEqual(['b', 'a', 'd', 'c']);
    expect([...scores]).toEqual([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63]);
    expect(ranks.map(r => [...r])).toEqual([
      [1, 0, -1, 2],
      [0, -1, 1, -1],
    ]);
  });

  it('by scores between 0 and 1', () => {
    const { keys, scores } = fuse([sparse, dense], { method: 'minmax', weights: [1, 2] });
    expect(keys).toEqual(['b', 'a', 'c', 'd']);
    expect([...scores]).toEqual([2.5, 1, 0, 0]);
    const flat = fuse([{ keys: ['x', 'y'], scores: [3, 3] }, dense], { method: 'minmax' });
    expect(flat.keys.map((key, i) => [key, flat.scores[i]])).toEqual([
      ['b', 1],
      ['x', 1],
      ['y', 1],
      ['d', 0],
    ]);
  });

  it('by standard scores; what a list lacks has its lowest', () => {
    const sd = Math.sqrt(8 / 3);
    const { keys, scores } = fuse([sparse, dense], { method: 'zscore' });
    // a 2/sd - 1, b 0 + 1, c -2/sd - 1, d -2/sd - 1
    expect(keys).toEqual(['b', 'a', 'c', 'd']);
    expect(scores[0]).toBeCloseTo(1, 12);
    expect(scores[1]).toBeCloseTo(2 / sd - 1, 12);
    expect(scores[2]).toBeCloseTo(-2 / sd - 1, 12);
    expect(scores[3]).toBeCloseTo(-2 / sd - 1, 12);
    const flat = fuse([{ keys: ['x'], scores: [0.1] }], { method: 'zscore' });
    expect([...flat.scores]).toEqual([0]);
  });

  it('by weighted scores; what a list lacks has its lowest', () => {
    const { keys, scores } = fuse([sparse, dense], { method: 'weighted', weights: [0.1, 1] });
    expect(keys).toEqual(['b', 'a', 'c', 'd']);
    // b .6 + .9, a .8 + .5, c .4 + .5, d .4 + .5
    for (const [i, want] of [1.5, 1.3, 0.9, 0.9].entries()) expect(scores[i]).toBeCloseTo(want, 12);
  });

  it('looks at no more than the depth', () => {
    const { keys } = fuse([sparse, dense], { method: 'rrf', depth: 1 });
    expect(keys).toEqual(['a', 'b']);
  });

  it('refuses weights of another number', () => {
    expect(() => fuse([sparse], { method: 'rrf', weights: [1, 2] })).toThrow(/wanted 1 numbers/);
    expect(() => fuse([sparse], { method: 'rrf', weights: [Number.NaN] })).toThrow(/wanted 1 numbers/);
  });
});

describe('fusion of any lists', () => {
  const list = fc
    .uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), fc.double({ noNaN: true, min: -9, max: 9 })), {
      selector: ([key]) => key,
      maxLength: 12,
    })
    .map(hits => hits.sort((a, b) => b[1] - a[1]))
    .map((hits): HitList => ({ keys: hits.map(h => h[0]), scores: hits.map(h => h[1]) }));
  const method = fc.constantFrom('expz', 'rrf', 'minmax', 'zscore', 'weighted' as const);

  it('has every key once, best first, and an empty list changes nothing', () => {
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 3 }), method, (lists, how) => {
        const fused = fuse(lists, { method: how as 'rrf' });
        expect([...fused.keys].sort()).toEqual([...new Set(lists.flatMap(l => l.keys))].sort());
        for (let i = 1; i < fused.keys.length; i++) {
          const tie = fused.scores[i - 1] === fused.scores[i];
          expect(fused.scores[i - 1]).toBeGreaterThanOrEqual(fused.scores[i]);
          if (tie) expect(compareKeys(fused.keys[i - 1], fused.keys[i])).toBeLessThan(0);
        }
        const more = fuse([...lists, { keys: [], scores: [] }], { method: how as 'rrf' });
        expect(more.keys).toEqual(fused.keys);
        expect([...more.scores]).toEqual([...fused.scores]);
      }),
    );
  });

  it('orders keys as their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe('the chooser', () => {
  it('looks at the best 2, 4 and 8 after softmax', () => {
    // softmax of ln 6, ln 3, ln 1 is .6, .3, .1
    const features = chooserFeatures([Math.log(3), Math.log(6), 0]);
    for (const [i, want] of [0.45, 1 / 3, 1 / 3].entries()) expect(features[i]).toBeCloseTo(want, 12);
    expect(chooserFeatures([])).toEqual([0, 0, 0]);
  });

  it('learns that a list whose scores fall steeply is right', () => {
    const steep = [9, 3, 2, 1, 1, 1, 1, 1];
    const flat = [3, 3, 3, 3, 3, 3, 3, 3];
    const examples = Array.from({ length: 40 }, (_, i) => ({
      scores: (i % 2 ? steep : flat).map((s, j) => s + ((i * 7 + j * 3) % 5) / 10),
      right: i % 2 === 1,
    }));
    const chooser = trainChooser(examples);
    expect(trusts(chooser, steep)).toBeGreaterThan(0.8);
    expect(trusts(chooser, flat)).toBeLessThan(0.2);
    expect(() => trainChooser(examples.filter(e => e.right))).toThrow(/of both kinds/);
  });
});
