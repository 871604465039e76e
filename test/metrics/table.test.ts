import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, fitWidth, textTable } from '../../src/metrics/index.ts';

describe('display width', () => {
  it('counts terminal columns', () => {
    const widths: [string, number][] = [
      ['bm25', 4],
      ['한국어', 6],
      ['한국어'.normalize('NFD'), 6],
      ['é', 1],
      ['e\u0301', 1],
      ['👩‍👩‍👧', 2],
      ['🇰🇷', 2],
      ['❤️', 2],
      ['、', 2],
      ['ａ', 2],
      ['\u001b[31mred\u001b[0m', 3],
      ['a\u200bb', 2],
      ['', 0],
    ];
    for (const [text, width] of widths) expect([text, displayWidth(text)]).toEqual([text, width]);
  });

  it('cut texts fit', () => {
    expect(fitWidth('한국어 말뭉치', 6)).toBe('한국…');
    expect(fitWidth('abc', 3)).toBe('abc');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(displayWidth(fitWidth(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('text table', () => {
  it('aligns wide characters, numbers to the right', () => {
    const table = textTable(
      ['run', 'ndcg@10', { header: 'questions', align: 'right' }],
      [
        ['bm25', 0.682, '300'],
        ['하이브리드 🚀', 0.7, null],
        ['none', Number.NaN, 12],
      ],
    );
    expect(table.split('\n')).toEqual([
      'run            ndcg@10  questions',
      '-------------  -------  ---------',
      'bm25            0.6820        300',
      '하이브리드 🚀   0.7000          –',
      'none                 –         12',
    ]);
  });

  it('keeps a row on a line and cuts what is too long', () => {
    expect(textTable([{ header: 'text', maxWidth: 6 }], [['two\nlines']], { rule: false })).toBe(
      'text\ntwo l…',
    );
    expect(textTable(['a', 'b'], [])).toBe('a  b\n-  -');
  });
});
