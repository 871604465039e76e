import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dedupeExact } from '../../../operators/dedupe/exact.ts';
import { MinHash, rowsInBand, similarity } from '../../../operators/dedupe/minhash.ts';
import { dedupeNear } from '../../../operators/dedupe/near.ts';
import { runOperator } from '../../../src/testing/index.ts';

const ids = (rows: readonly Record<string, unknown>[]): unknown[] => rows.map(r => r.doc_id).sort();

describe('dedupe.exact', () => {
  test('the smallest key stays, wherever it stands', async () => {
    const doc = (doc_id: string, text: string) => ({ doc_id, text });
    const given = [doc('c', 'x'), doc('b', 'y'), doc('a', 'x'), doc('d', 'y'), doc('e', 'z')];
    expect(ids(await runOperator(dedupeExact, { in: given, batchRows: 1 }))).toEqual(['a', 'b', 'e']);
    expect(ids(await runOperator(dedupeExact, { in: given }))).toEqual(['a', 'b', 'e']);
  });
  test('hundreds of one text, in any order and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...Array(300).keys()], { minLength: 250 }),
        fc.integer({ min: 1, max: 90 }),
        async (order, batchRows) => {
          const given = order.map(i => ({ doc_id: `d${1000 + i}`, text: `t${i % 2}` }));
          const wanted = [0, 1].map(rest => `d${1000 + Math.min(...order.filter(i => i % 2 === rest))}`);
          expect(ids(await runOperator(dedupeExact, { in: given, batchRows }))).toEqual(wanted.sort());
        },
      ),
      { numRuns: 8 },
    );
  });
  test('columns say what must be equal', async () => {
    const given = [
      { doc_id: 'a', title: 'T', text: 'x' },
      { doc_id: 'b', title: 'U', text: 'x' },
    ];
    expect(await runOperator(dedupeExact, { with: { columns: ['title', 'text'] }, in: given })).toHaveLength(
      2,
    );
  });
});

describe('MinHash', () => {
  test('estimates the share of shingles that two texts have in common', () => {
    const words = Array.from({ length: 400 }, (_, i) => `w${i}`);
    const hash = new MinHash(1, 512);
    // 300 of 400 in common, the other has 100 of its own: 300 / 500
    const other = [...words.slice(100), ...Array.from({ length: 100 }, (_, i) => `o${i}`)];
    const estimate = similarity(hash.signature(words.join(' ')), hash.signature(other.join(' ')));
    // four standard errors
    expect(Math.abs(estimate - 0.6)).toBeLessThan(4 * Math.sqrt((0.6 * 0.4) / 512));
    expect(similarity(hash.signature('A b, c'), hash.signature('a B c!'))).toBe(1);
  });
  test('bands find a pair at the threshold with .95', () => {
    // 128 hashes at .8: 1 − (1 − .8^8)^16 = .947, one row fewer .976
    expect(rowsInBand(128, 0.8)).toBe(7);
  });
});

test('dedupe.near leaves out what is near a smaller key, in Korean too', async () => {
  const text = '부산은 대한민국에서 두 번째로 큰 도시이며 가장 큰 항구가 있는 곳이다';
  const given = [
    { doc_id: '2', text: `${text}.` },
    { doc_id: '3', text: '서울은 대한민국의 수도이다' },
    { doc_id: '1', text },
  ];
  expect(ids(await runOperator(dedupeNear, { in: given, batchRows: 1 }))).toEqual(['1', '3']);
});
