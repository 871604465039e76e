import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filter } from '../../../operators/shape/filter.ts';
import { runOperator } from '../../../src/testing/index.ts';

const rows = [
  { doc_id: 'a', text: 'Seoul is large', year: 1394, score: 0.5, ok: true, tags: ['city', 'capital'] },
  { doc_id: 'b', text: '서울은 수도이다', year: 2004, score: 1.5, ok: false, tags: [] },
  { doc_id: 'c', text: '', year: -3, score: 2, ok: true, tags: ['port'] },
  { doc_id: 'd', text: null, year: null, score: null, ok: null, tags: null },
];
const columns = { year: 'int32?', text: 'utf8?', tags: 'list<utf8>?' };

const kept = async (params: object): Promise<string> =>
  (await runOperator(filter, { with: { ...params }, columns, in: rows })).map(r => r.doc_id).join('');
const one = (column: string, is: string, value?: unknown, more: object = {}): Promise<string> =>
  kept({ all: [{ column, is, ...(value !== undefined && { value }), ...more }] });

describe('filter', () => {
  test.each<[string, string, unknown, string]>([
    ['text', 'equals', 'Seoul is large', 'a'],
    ['text', 'not', 'Seoul is large', 'bc'],
    ['text', 'in', ['', '서울은 수도이다'], 'bc'],
    ['text', 'not-in', ['', '서울은 수도이다'], 'a'],
    ['text', 'contains', '수도', 'b'],
    ['text', 'not-contains', '수도', 'ac'],
    ['text', 'contains', '', 'abc'],
    ['text', 'starts-with', 'Seoul', 'a'],
    ['text', 'ends-with', '이다', 'b'],
    ['text', 'matches', '^\\p{Script=Hangul}', 'b'],
    ['text', 'not-matches', '^\\p{Script=Hangul}', 'ac'],
    ['text', 'min-words', 3, 'a'],
    ['text', 'max-words', 2, 'bc'],
    ['text', 'exists', undefined, 'ab'],
    ['text', 'missing', undefined, 'cd'],
    ['year', 'min', 1394, 'ab'],
    ['year', 'max', 0, 'c'],
    ['year', 'equals', 2004, 'b'],
    ['year', 'in', [2004, -3], 'bc'],
    ['year', 'missing', undefined, 'd'],
    ['score', 'min', 1.5, 'bc'],
    ['ok', 'equals', true, 'ac'],
    ['ok', 'not', true, 'b'],
    ['tags', 'contains', 'capital', 'a'],
    ['tags', 'not-contains', 'capital', 'bc'],
    ['tags', 'exists', undefined, 'ac'],
  ])('%s %s %j', async (column, is, value, wanted) => {
    expect(await one(column, is, value)).toBe(wanted);
  });

  test('upper and lower case as one', async () => {
    expect(await one('text', 'contains', 'SEOUL', { ignoreCase: true })).toBe('a');
    expect(await one('text', 'matches', '^seoul', { ignoreCase: true })).toBe('a');
    expect(await one('text', 'contains', 'SEOUL')).toBe('');
  });

  test('all and any together', async () => {
    const any = [
      { column: 'year', is: 'min', value: 2000 },
      { column: 'tags', is: 'contains', value: 'port' },
    ];
    expect(await kept({ any })).toBe('bc');
    expect(await kept({ any, all: [{ column: 'ok', is: 'equals', value: true }] })).toBe('c');
  });

  test('contains finds what a search row by row finds, never across two rows', async () => {
    const piece = fc.array(fc.constantFrom('a', 'b', '가', '나'), { maxLength: 5 }).map(c => c.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), piece, async (texts, value) => {
        const got = await runOperator(filter, {
          with: { all: [{ column: 'text', is: 'contains', value }] },
          in: texts.map((text, i) => ({ doc_id: `${i}`, text })),
        });
        expect(got.map(r => r.text)).toEqual(texts.filter(t => t.includes(value)));
      }),
      { numRuns: 200 },
    );
  });

  test('what cannot be meant is refused before any data', async () => {
    await expect(kept({})).rejects.toThrow('with.all: give at least one condition');
    await expect(one('text', 'matches', '(')).rejects.toThrow('with.all[0].value: not a regular expression');
    await expect(one('text', 'in', 'x')).rejects.toThrow(
      'with.all[0].value: "in" takes a list, got text "x"',
    );
    await expect(one('text', 'exists', 1)).rejects.toThrow('"exists" takes no value');
    await expect(one('text', 'min', 1)).rejects.toThrow(
      '"min" does not go with column "text", which is Utf8',
    );
    await expect(one('tags', 'equals', 'x')).rejects.toThrow('which is List<Utf8>');
    await expect(one('txet', 'exists')).rejects.toThrow('filter reads column "txet"');
  });
});
