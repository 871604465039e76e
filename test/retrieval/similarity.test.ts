import { describe, expect, it } from 'vitest';
import { resolveSimilarity, type SimilaritySpec, similarities } from '../../src/retrieval/index.ts';
import { adaptSaturation } from '../../src/retrieval/sparse/similarity/bm25-adpt.ts';
import { solveSaturation } from '../../src/retrieval/sparse/similarity/bm25t.ts';
import { luceneIdf } from '../../src/retrieval/sparse/similarity/types.ts';
import { type Doc, hits, withIndex } from './helpers.ts';

const goldenA: Doc[] = [
  { key: 'd1', text: 'a b a c' },
  { key: 'd2', text: 'b c d' },
  { key: 'd3', text: 'a a a d e f' },
  { key: 'd4', text: 'e f g h' },
  { key: 'd5', text: 'a b' },
];

const k1b = { k1: 1.2, b: 0.75 };

// Reference scores for the query "a d", by hand from the published formulas.
const tableA: [SimilaritySpec, number[]][] = [
  [{ name: 'okapi', ...k1b }, [-0.455901, 0.368182, -0.198345, 0, -0.417345]],
  // rank_bm25's Okapi: a negative idf becomes .25 × the mean idf of the vocabulary
  [{ name: 'okapi', ...k1b, epsilon: 0.25 }, [0.121529, 0.368182, 0.397431, 0, 0.111251]],
  [{ name: 'robertson', ...k1b }, [0, 0.167355, 0.123655, 0, 0]],
  [{ name: 'lucene', ...k1b }, [0.331959, 0.435443, 0.664245, 0, 0.303885]],
  [{ name: 'bm25', ...k1b }, [0.73031, 0.957974, 1.461339, 0, 0.668548]],
  [{ name: 'atire', ...k1b }, [0.69214, 1.002643, 1.454962, 0, 0.633606]],
  [{ name: 'bm25l', ...k1b, delta: 0.5 }, [0.793151, 1.125603, 1.772426, 0, 0.748099]],
  [
    { name: 'bm25l', ...k1b, delta: 0.5, nonOccurring: true },
    [1.359631, 1.474365, 1.772426, 0.915242, 1.314578],
  ],
  [{ name: 'bm25+', ...k1b, delta: 1 }, [1.632322, 2.300759, 3.649014, 0, 1.552897]],
  [
    { name: 'bm25+', ...k1b, delta: 1, nonOccurring: true },
    [2.730935, 2.993906, 3.649014, 1.791759, 2.651509],
  ],
  [{ name: 'tfldp', b: 0.4, delta: 0.5 }, [1.137922, 1.518095, 2.562309, 0, 0.997055]],
  [{ name: 'tfldp', b: 0.4, delta: 1 }, [1.202374, 1.705916, 2.861501, 0, 1.101989]],
  [{ name: 'lm-dirichlet', mu: 10 }, [-0.182322, 0.143101, 0.395651, -0.672944, -0.08954]],
  [{ name: 'lm-jm', lambda: 0.5 }, [0.949081, 1.427116, 1.898161, 0, 0.949081]],
  [{ name: 'bm25t', b: 0.2 }, [0.689201, 0.928974, 1.643932, 0, 0.537462]],
];

describe('similarities', () => {
  it.each(tableA)('golden A: %o', async (similarity, scores) => {
    for (const parts of [[goldenA], goldenA.map(d => [d])]) {
      await withIndex(parts, index => {
        goldenA.forEach((doc, i) => {
          const explained = index.explain('a d', index.find(doc.key), { similarity });
          expect(explained.score, doc.key).toBeCloseTo(scores[i], 6);
          expect(explained.matches).toBe(doc.key !== 'd4');
        });
        const found = hits(index, 'a d', 10, similarity);
        expect(found.map(([key]) => key).sort()).toEqual(['d1', 'd2', 'd3', 'd5']);
        for (const [key, score] of found) {
          expect(score).toBe(index.explain('a d', index.find(key), { similarity }).score);
        }
      });
    }
  });

  it('golden B: counting absent terms takes the lower bound of bm25+ away', async () => {
    const fillers = Array.from({ length: 14 }, (_, i) => `x${i}`).join(' ');
    const docs: Doc[] = [`a b ${fillers}`, 'a a a a', 'c d', 'b c', 'd e', 'e f'].map((text, i) => ({
      key: `D${i + 1}`,
      text,
    }));
    await withIndex([docs], index => {
      const matching = hits(index, 'a b', 6, { name: 'bm25+', ...k1b, delta: 1 });
      expect(matching.map(([key]) => key)).toEqual(['D1', 'D2', 'D4']);
      for (const [i, score] of [3.76237, 3.426571, 2.887725].entries())
        expect(matching[i][1]).toBeCloseTo(score, 6);
      const all = hits(index, 'a b', 6, { name: 'bm25+', ...k1b, delta: 1, nonOccurring: true });
      expect(all.map(([key]) => key)).toEqual(['D2', 'D4', 'D1']);
      for (const [i, score] of [4.679334, 4.140488, 3.76237].entries())
        expect(all[i][1]).toBeCloseTo(score, 6);
      const other = index.explain('a b', index.find('D3'), {
        similarity: { name: 'bm25+', ...k1b, nonOccurring: true },
      });
      expect(other.score).toBeCloseTo(2.505526, 6);
    });
  });

  it('counts a repeated query term as often as it is repeated', async () => {
    await withIndex([goldenA], index => {
      for (const name of ['lucene', 'bm25+', 'bm25l'] as const) {
        const once = new Map(hits(index, 'a', 5, name));
        for (const [key, score] of hits(index, 'a a a', 5, name)) {
          expect(score).toBeCloseTo(3 * (once.get(key) ?? Number.NaN), 9);
        }
      }
    });
  });

  it('ln((N+1)/(n+.5)) is the Lucene idf', () => {
    for (const N of [1, 7, 1000, 8_800_000]) {
      for (let n = 1; n <= N; n = n * 3 + 1) {
        expect(Math.log((N + 1) / (n + 0.5))).toBeCloseTo(luceneIdf(N, n), 12);
      }
    }
  });

  it('refuses unknown names and parameters and values out of range, saying what is wanted', () => {
    expect(() => resolveSimilarity('bm26' as 'bm25')).toThrow(/"bm26".*lucene/s);
    expect(() => resolveSimilarity({ name: 'lucene', k: 1 })).toThrow(/no parameter "k".*k1, b/s);
    expect(() => resolveSimilarity({ name: 'lucene', b: 1.5 })).toThrow(
      /b is 1.5, wanted a number at least 0, at most 1/,
    );
    expect(() => resolveSimilarity({ name: 'lucene', k1: Number.NaN })).toThrow(/k1/);
    for (const { defaults, check, name } of similarities.values()) {
      expect(Object.keys(check).sort(), name).toEqual(Object.keys(defaults).sort());
      for (const [parameter, value] of Object.entries(defaults))
        expect(check[parameter](value)).toBeUndefined();
    }
  });
});

describe('parameters a term has of its own', () => {
  it('bm25-adpt: gains and k1 of two worked histograms', () => {
    const first = adaptSaturation([1000, 100, 40, 20, 10, 4, 0]);
    expect(first.gains.map(g => Number(g.toFixed(5)))).toEqual([0, 1.99781, 2.31617, 2.31617]);
    expect(first.k).toBeCloseTo(0.2968, 4);
    expect(first.loss).toBeCloseTo(0.001336, 6);
    expect(first.idf).toBeCloseTo(1.99781, 5);
    // {1: 70, 2: 12, 3: 10, 4: 5, 5: 3}
    const second = adaptSaturation([1000, 100, 30, 18, 8, 3, 0]);
    expect(second.gains.map(g => Number(g.toFixed(5)))).toEqual([0, 1.5887, 2.57143]);
    expect(second.k).toBeCloseTo(3.2435, 4);
  });

  it('bm25-adpt falls back to k1 1.2 and the Lucene idf without enough gains', () => {
    const alone = adaptSaturation([1000, 5]);
    expect(alone).toMatchObject({ k: 1.2, idf: luceneIdf(1000, 5) });
  });

  it('bm25t: k of the terms of golden A; g(1) = 1', () => {
    expect(solveSaturation(1)).toBeCloseTo(1, 6);
    // Lengths 4, 2, 6 with f 2, 1, 3 for "a"; 3, 6 with f 1, 1 for "d"; L = 3.8, b = .2.
    const mean = (pairs: [number, number][]) =>
      pairs.reduce((sum, [f, l]) => sum + Math.log(f / (0.8 + (0.2 * l) / 3.8) + 1), 0) / pairs.length;
    expect(
      solveSaturation(
        mean([
          [2, 4],
          [1, 2],
          [3, 6],
        ]),
      ),
    ).toBeCloseTo(1.097036, 6);
    expect(
      solveSaturation(
        mean([
          [1, 3],
          [1, 6],
        ]),
      ),
    ).toBeCloseTo(0.479831, 6);
  });

  it('tfidf: cosine of a two-term document by hand', async () => {
    // N = 2; "x" in both (idf 1), "y" in one (idf 1 + ln 2).
    await withIndex(
      [
        [
          { key: '1', text: 'x x y' },
          { key: '2', text: 'x' },
        ],
      ],
      index => {
        const idfY = 1 + Math.log(2);
        const wx = 1 + Math.log(2);
        const norm = Math.hypot(wx, idfY);
        const found = new Map(hits(index, 'x y', 5, 'tfidf'));
        expect(found.get('1')).toBeCloseTo((wx + idfY * idfY) / norm, 8);
        expect(found.get('2')).toBeCloseTo(1, 8);
      },
    );
  });
});
