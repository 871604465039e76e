/** Codes of numbers by a trellis, and tokens in them: worked by hand, and against all codes there are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codebook } from '../../../src/retrieval/late/codebook.ts';
import { decodeToken, encodeTokens } from '../../../src/retrieval/late/codec.ts';
import {
  codeBytes,
  decodeNumbers,
  fittedValues,
  TrellisEncoder,
} from '../../../src/retrieval/late/trellis.ts';
import { random } from '../../../src/retrieval/random.ts';

const STATES = Float32Array.from({ length: 256 }, (_, s) => s);

function normals(count: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

describe('numbers by a trellis', () => {
  it('look up what the last 8 bits stand for', () => {
    // codes 1, 2, 3, 0, 1: states 1, 1·4+2, 6·4+3, 27·4, (108·4+1) mod 256; code 0 is highest
    const out = new Float32Array(5);
    decodeNumbers(Uint8Array.of(0b10110001, 0b01), 0, STATES, 5, 2, out);
    expect([...out]).toEqual([1, 6, 27, 108, 177]);
    const codes = new Uint8Array(2);
    new TrellisEncoder(STATES, 5, 2).encode(Float32Array.of(1, 6, 27, 108, 177), 0, 1, codes, 0);
    expect([...codes]).toEqual([0b10110001, 0b01]);
  });

  it('are as near as any codes are', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.nat(1000), (bits, seed) => {
        const d = 6 / bits;
        const values = normals(256, seed + 1);
        const numbers = normals(d, seed + 2);
        const squares = (codes: Uint8Array): number => {
          const out = new Float32Array(d);
          decodeNumbers(codes, 0, values, d, bits, out);
          return out.reduce((sum, x, c) => sum + (x - numbers[c]) ** 2, 0);
        };
        const codes = new Uint8Array(codeBytes(d, bits));
        new TrellisEncoder(values, d, bits as 1 | 2).encode(numbers, 0, 1, codes, 0);
        const least = Math.min(...Array.from({ length: 64 }, (_, all) => squares(Uint8Array.of(all))));
        expect(squares(codes)).toBeCloseTo(least, 4);
      }),
      { numRuns: 50 },
    );
  });

  it('are nearer to normal numbers than levels can be', () => {
    // best levels: .3634 of the squares are left at 1 bit, .1175 at 2 (Max 1960)
    for (const [bits, most] of [
      [1, 0.32],
      [2, 0.095],
    ] as const) {
      const d = 128;
      const values = fittedValues(normals(d * 600, 5), d, bits, random(1));
      expect(values).toEqual(fittedValues(normals(d * 600, 5), d, bits, random(1)));
      const test = normals(d * 100, 9);
      const encoder = new TrellisEncoder(values, d, bits);
      const codes = new Uint8Array(codeBytes(d, bits));
      const out = new Float32Array(d);
      let squares = 0;
      for (let at = 0; at < test.length; at += d) {
        encoder.encode(test, at, 1, codes, 0);
        decodeNumbers(codes, 0, values, d, bits, out);
        for (let c = 0; c < d; c++) squares += (out[c] - test[at + c]) ** 2;
      }
      expect(squares / test.length).toBeLessThan(most);
    }
  });
});

describe('tokens of a passage', () => {
  const book: Codebook = {
    from: 2,
    dimension: 2,
    bits: 2,
    projection: Float32Array.of(1, 0, 0, 1),
    centroids: Float32Array.of(1, 0, 0.55, 0.79),
    shares: Float32Array.from({ length: 16 }, (_, i) => (i - 8) * 0.05),
    values: Float32Array.from({ length: 256 }, (_, s) => [-1.5, -0.5, 0.5, 1.5][s & 3]),
    greatest: 0.2,
  };

  it('are a share, centroids, gains and codes', () => {
    // share (.1, -.05): levels 10 and 7. Token 0 is its centroid and the share but for (-.1, .05): size .0791, the nearest
    // is 31 - ln(.2/.0791)/ln 1.18 = 25.4, so 25: .0741; numbers -1.35 and .67 are nearest to -1.5 and .5, codes 0 and 2.
    // Least squares: (.15 + .025)/2.5 = .07: number 24.7, so 25 again. 1.1 - .1111 and -.05 + .037 have length .98896, norm
    // 1.0112: (1.0112 - .968)/.016 = 2.7, so 3: 1.016.
    // Token 1 is (.65, .74), its centroid and the share: no size, codes 0, length .9849, norm 1.0153, so 3: 1.016.
    const vectors = Float32Array.of(1, 0, 0.65, 0.74);
    const encoder = new TrellisEncoder(book.values, 2, 2);
    const payload = encodeTokens(vectors, Int32Array.of(0, 1), Float32Array.of(0.11, -0.04), book, encoder);
    expect([...payload]).toEqual([10 | (7 << 4), 0, 0, 1, 0, 25 | (3 << 5), 3 << 5, 2, 0]);
    const [a, b] = [0, 1].map(t => decodeToken(payload, 2, t, book));
    expect(a[0]).toBeCloseTo((1.1 - 1.5 * 0.07409) * 1.016, 4);
    expect(a[1]).toBeCloseTo((-0.05 + 0.5 * 0.07409) * 1.016, 4);
    expect(b[0]).toBeCloseTo(0.65 * 1.016, 4);
    expect(b[1]).toBeCloseTo(0.74 * 1.016, 4);
  });

  it('come back within a bound', () => {
    const d = 32;
    const values = fittedValues(normals(d * 500, 3), d, 2, random(1));
    const wide: Codebook = {
      ...book,
      from: d,
      dimension: d,
      projection: new Float32Array(d * d),
      centroids: new Float32Array(d),
      shares: undefined,
      values,
      greatest: 1 / Math.sqrt(d),
    };
    const encoder = new TrellisEncoder(values, d, 2);
    fc.assert(
      fc.property(fc.nat(), seed => {
        const x = normals(d, seed + 1);
        const length = Math.hypot(...x);
        const unit = x.map(v => v / length);
        const payload = encodeTokens(unit, Int32Array.of(0), new Float32Array(d), wide, encoder);
        const back = decodeToken(payload, 1, 0, wide);
        expect(Math.hypot(...back.map((v, c) => v - unit[c]))).toBeLessThan(0.5);
        expect(payload).toEqual(encodeTokens(unit, Int32Array.of(0), new Float32Array(d), wide, encoder));
      }),
      { numRuns: 200 },
    );
  });
});
