import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitPassages } from '../../../operators/split/passages.ts';
import { runOperator } from '../../../src/testing/index.ts';

const split = (text: string, words: number, stride = 0) =>
  runOperator(splitPassages, { with: { words, stride }, in: [{ doc_id: 'd', text }] });

// the same by strings and regular expressions, over Unicode's White_Space property
const WORD = /[^\p{White_Space}]+/gu;
function oracle(text: string, words: number, stride: number): { start: number; end: number; text: string }[] {
  const found = [...text.matchAll(WORD)].map(m => [m.index, m.index + m[0].length] as const);
  const out: { start: number; end: number; text: string }[] = [];
  for (let first = 0; first < found.length; first += words - stride) {
    const last = Math.min(first + words, found.length) - 1;
    const [start, end] = [found[first][0], found[last][1]];
    out.push({ start, end, text: text.slice(start, end) });
    if (last === found.length - 1) break;
  }
  return out;
}

// every character with White_Space, letters of one to four bytes, and look-alikes that are no space
const characters = fc.constantFrom(
  ...'ab.\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000',
  ...['é', '서', '울', '😀', '𝒳', '\u200b', '\ufeff', '\u180e', '\u0001', '\u2060', '\u0084', '\u1681'],
);

describe('split.passages', () => {
  test('agrees with a plain splitter on any text, and offsets name the passage', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(characters, { maxLength: 80 }).map(c => c.join('')),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(4),
        async (text, words, stride) => {
          fc.pre(stride < words);
          const got = await split(text, words, stride);
          expect(got.map(({ start, end, text }) => ({ start, end, text }))).toEqual(
            oracle(text, words, stride),
          );
          for (const p of got) expect(text.slice(p.start as number, p.end as number)).toBe(p.text);
          expect(got.map(p => p.unit_id)).toEqual(got.map((_, i) => `d#${i}`));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a stride of words makes no passage that the one before holds already', async () => {
    // words 0–3, 2–5: the second ends the text, so there is no third of words 4–5
    expect((await split('a b c d e f', 4, 2)).map(p => p.text)).toEqual(['a b c d', 'c d e f']);
    expect((await split('a b c d e f g', 4, 2)).map(p => p.text)).toEqual(['a b c d', 'c d e f', 'e f g']);
  });

  test('texts without words give nothing; the others keep their columns', async () => {
    const rows = await runOperator(splitPassages, {
      with: { words: 1 },
      in: [
        { doc_id: 'a', title: 'A', text: ' \u3000 ' },
        { doc_id: 'b', title: 'B', text: 'x y' },
        { doc_id: 'c', title: 'C', text: '' },
      ],
    });
    expect(rows.map(r => [r.unit_id, r.title, r.text])).toEqual([
      ['b#0', 'B', 'x'],
      ['b#1', 'B', 'y'],
    ]);
  });

  test('ordinals of two digits and more, and offsets of units', async () => {
    const text = Array.from({ length: 101 }, (_, i) => `w${i}`).join(' ');
    const rows = await runOperator(splitPassages, {
      with: { words: 1, of: 'units' },
      in: [{ unit_id: 'd#7', doc_id: 'd', text, start: 1000, end: 1000 + text.length }],
    });
    expect(rows[10]).toMatchObject({ unit_id: 'd#7#10', text: 'w10', start: 1000 + text.indexOf('w10') });
    expect(rows[100].unit_id).toBe('d#7#100');
  });

  test('a stride of as many words as a passage is refused', async () => {
    await expect(split('a', 2, 2)).rejects.toThrow('with.stride: must be less than words (2), got 2');
  });
});
