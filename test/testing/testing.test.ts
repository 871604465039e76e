import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { columnData, rowsOf, utf8, utf8Data } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { inspectOperator, rows, runOperator } from '../../src/testing/index.ts';

const types = (batch: ReturnType<typeof rows>): Record<string, string> =>
  Object.fromEntries(batch.schema.fields.map(f => [f.name, String(f.type)]));

describe('rows', () => {
  test('guesses types from all values', () => {
    const batch = rows([
      { a: 'x', b: 1, c: 1, d: true, e: [], f: null },
      { a: null, b: 2.5, c: 2 ** 40, d: false, e: [1, 2] },
    ]);
    expect(types(batch)).toEqual({
      a: 'Utf8',
      b: 'Float64',
      c: 'Int64',
      d: 'Bool',
      e: 'List<Int32>',
      f: 'Utf8',
    });
    expect(rowsOf(batch)[1]).toEqual({ a: null, b: 2.5, c: 2n ** 40n, d: false, e: [1, 2], f: null });
  });
  test('takes named types, for columns without rows too', () => {
    expect(types(rows({ score: 'float32', tags: 'list<utf8>' }, [{ score: 1 }]))).toEqual({
      score: 'Float32',
      tags: 'List<Utf8>',
    });
    expect(rows({ a: utf8() }, []).numRows).toBe(0);
  });
  test('says what does not fit', () => {
    expect(() => rows([{ a: 1 }, { a: 'x' }])).toThrow('column "a": its values are of several types');
    expect(() => rows({ a: 'text' }, [{ a: 'x' }])).toThrow('column "a": "text" names no type');
    expect(() => rows({ a: 'int32' }, [{ a: 1.5 }])).toThrow('column "a"');
  });
});

const params = z.strictObject({ times: z.int().positive().default(2).describe('how often') });
let closed = 0;
const twice = operator({
  name: 'test.twice',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Gives each text several times.',
  params,
  reads: () => ({ text: utf8() }),
  writes: () => ({ copy: utf8() }),
  key: (_, key) => [...key, 'copy'],
  examples: [],
  open: p => ({
    process: batch => {
      if (batch.numRows === 7) throw new Error('seven');
      const parent = new Int32Array(batch.numRows * p.times).map((_, i) => Math.floor(i / p.times));
      return { parent, columns: { copy: utf8Data(Array.from(parent, (_, i) => `c${i % p.times}`)) } };
    },
    close: () => {
      closed++;
    },
  }),
});

describe('runOperator', () => {
  test('gives rows with the columns that pass through', async () => {
    expect(await runOperator(twice, { in: [{ doc_id: 'a', text: 'x' }] })).toEqual([
      { doc_id: 'a', text: 'x', copy: 'c0' },
      { doc_id: 'a', text: 'x', copy: 'c1' },
    ]);
  });
  test('cuts the input, takes batches, and tells more when asked', async () => {
    const batch = rows([
      { doc_id: 'a', text: 'x' },
      { doc_id: 'b', text: 'y' },
      { doc_id: 'c', text: 'z' },
    ]);
    const { batches, step } = await inspectOperator(twice, { with: { times: 1 }, in: batch, batchRows: 2 });
    expect(batches.map(b => b.numRows)).toEqual([2, 1]);
    expect(step.key).toEqual(['doc_id', 'copy']);
    const whole = await inspectOperator(twice, { with: { times: 1 }, in: [batch] });
    // every row once: the columns are those that went in
    expect(columnData(whole.batches[0], 'text')).toBe(columnData(batch, 'text'));
  });
  test('closes after success and after failure', async () => {
    closed = 0;
    await runOperator(twice, { in: [{ text: 'x' }] });
    expect(closed).toBe(1);
    const seven = Array.from({ length: 7 }, () => ({ text: 'x' }));
    await expect(runOperator(twice, { in: seven })).rejects.toThrow('seven');
    expect(closed).toBe(2);
  });
  test('refuses what the planner refuses', async () => {
    const run = (given: object, row: object) => runOperator(twice, { with: { ...given }, in: [{ ...row }] });
    await expect(run({ tims: 1 }, { text: 'x' })).rejects.toThrow(
      'with.tims: test.twice has no such parameter (did you mean times?)',
    );
    await expect(run({ times: 0 }, { text: 'x' })).rejects.toThrow('with.times');
    await expect(run({}, { txt: 'x' })).rejects.toThrow(
      'test.twice reads column "text" (Utf8); the input has txt',
    );
    await expect(run({}, { text: 1 })).rejects.toThrow('but the input gives it as Int32');
    await expect(run({}, { doc_id: 'a', text: null })).rejects.toThrow(
      'column "text" is null in row 0 (doc_id a)',
    );
    await expect(runOperator(twice)).rejects.toThrow('give its rows as "in" or "inputs"');
  });
});
