import { describe, expect, test } from 'vitest';
import { murmur3 } from '../../../operators/shape/hash.ts';
import { sample } from '../../../operators/shape/sample.ts';
import { runOperator } from '../../../src/testing/index.ts';

const docs = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => ({ doc_id: `d${from + i}`, n: from + i }));
const ids = async (params: object, given: { doc_id: string }[], batchRows?: number) =>
  (await runOperator(sample, { with: { ...params }, in: given, batchRows })).map(r => r.doc_id);

test('murmur3 gives the published values', () => {
  const hash = (text: string, seed: number): number => {
    const bytes = Buffer.from(text);
    return murmur3(bytes, 0, bytes.length, seed);
  };
  // verification values of the reference implementation (SMHasher)
  expect(hash('', 0)).toBe(0);
  expect(hash('', 1)).toBe(0x514e28b7);
  expect(hash('', 0xffffffff)).toBe(0x81f16f39);
  expect(hash('test', 0)).toBe(0xba6bd213);
  expect(hash('Hello, world!', 0)).toBe(0xc0363e43);
  expect(hash('The quick brown fox jumps over the lazy dog', 0)).toBe(0x2e4ff723);
});

describe('sample by fraction', () => {
  test('keeps about the fraction, by key: the same rows of a larger corpus, in any order', async () => {
    const some = await ids({ fraction: 0.2 }, docs(5000));
    // 5,000 draws of .2: a standard deviation of 28
    expect(Math.abs(some.length - 1000)).toBeLessThan(4 * 28.3);
    const more = await ids({ fraction: 0.2 }, docs(10_000).reverse());
    expect(more.filter(id => Number(String(id).slice(1)) < 5000).reverse()).toEqual(some);
  });

  test('a smaller fraction is part of a larger one; another seed gives another sample', async () => {
    const small = new Set(await ids({ fraction: 0.1 }, docs(2000)));
    const large = new Set(await ids({ fraction: 0.3 }, docs(2000)));
    expect([...small].every(id => large.has(id))).toBe(true);
    const other = await ids({ fraction: 0.1, seed: 1 }, docs(2000));
    expect(other.filter(id => small.has(id)).length).toBeLessThan(small.size / 2);
  });
});

describe('sample by number', () => {
  test('gives exactly that many, in order, whatever the batches', async () => {
    const whole = await ids({ rows: 100 }, docs(3000));
    expect(whole).toHaveLength(100);
    const numbers = whole.map(id => Number(String(id).slice(1)));
    expect([...numbers].sort((a, b) => a - b)).toEqual(numbers);
    expect(await ids({ rows: 100 }, docs(3000), 7)).toEqual(whole);
    expect(new Set(await ids({ rows: 100 }, docs(3000).reverse()))).toEqual(new Set(whole));
    // uniform: about half of them are from the first half
    expect(numbers.filter(n => n < 1500).length).toBeGreaterThan(25);
    expect(numbers.filter(n => n < 1500).length).toBeLessThan(75);
  });

  test('gives all where there are fewer', async () => {
    expect(await ids({ rows: 5 }, docs(3))).toEqual(['d0', 'd1', 'd2']);
  });

  test('deletes: fine while nothing was dropped, refused where a row that could stand in is gone', async () => {
    const changes = [{ upserts: docs(3) }, { deletes: [{ doc_id: 'd1' }] }, { upserts: docs(2, 3) }];
    const kept = await runOperator(sample, { with: { rows: 4 }, changes });
    expect(kept.map(r => r.doc_id)).toEqual(['d0', 'd2', 'd3', 'd4']);
    const [first] = await ids({ rows: 1 }, docs(3));
    const lost = runOperator(sample, {
      with: { rows: 1 },
      changes: [{ upserts: docs(3) }, { deletes: [{ doc_id: first }] }],
    });
    await expect(lost).rejects.toThrow('a row of the sample was deleted');
  });

  test('wants one of the two', async () => {
    await expect(ids({}, docs(1))).rejects.toThrow('give either fraction or rows');
    await expect(ids({ rows: 1, fraction: 0.5 }, docs(1))).rejects.toThrow('give either fraction or rows');
  });
});
