import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RULES, type RuleName } from '../../../operators/shape/clean-rules.ts';
import { cleanText } from '../../../operators/shape/clean-text.ts';
import { runOperator } from '../../../src/testing/index.ts';

const clean = async (text: string, ...rules: RuleName[]): Promise<unknown> =>
  (await runOperator(cleanText, { with: { rules }, in: [{ doc_id: 'a', text }] }))[0].text;

describe('rules', () => {
  test.each<[RuleName, string, string]>([
    ['nfc', 'e\u0301 \u1112\u1161\u11ab\u1100\u1173\u11af', 'é 한글'],
    ['nfkc', 'Ａｂｃ ﬁ ㈜ ｶﾞ', 'Abc fi (주) ガ'],
    ['control', 'a\u0000b\u00adc\u200bd\ufeffe\tf\ng', 'abcde\tf\ng'],
    ['control', '👩‍👩‍👧', '👩‍👩‍👧'],
    ['whitespace', '  a \n\n b\u00a0\u3000c ', 'a b c'],
    ['lines', ' a  b \r\n c\n\n\n\nd \n', 'a b\nc\n\nd'],
    [
      'dehyphenate',
      'infor-\nmation and re- \r\n  use, 1990-\n1995, A-\nB',
      'information and reuse, 1990-\n1995, A-\nB',
    ],
    ['quotes', '“a” ‘b’ «c» it’s', '"a" \'b\' "c" it\'s'],
    ['dashes', 'a–b—c−1', 'a-b-c-1'],
    ['urls', 'see (https://a.b/c?d=e), www.x.org. 참고 http://한국.kr', 'see (), . 참고 http://한국.kr'],
    ['html-tags', '<p class="x">a<br/>b</p><!-- c > d -->e 1 < 2', 'abe 1 < 2'],
    ['html-entities', 'a &amp;&lt;&#44032;&#xAC00;&nbsp;&nosuch; &', 'a &<가가\u00a0&nosuch; &'],
    ['underscores', 'New_York__City_ a_b', 'New York City  a b'],
    ['citations', 'so[1] and[2, 3][4–6] but [a] [1234]', 'so and but [a] [1234]'],
  ])('%s', async (rule, before, after) => {
    expect(await clean(before, rule)).toBe(after);
    expect(await clean(after, rule)).toBe(after);
  });

  test('are applied in the order they are named', async () => {
    expect(await clean('&lt;b&gt;x', 'html-entities', 'html-tags')).toBe('x');
    expect(await clean('&lt;b&gt;x', 'html-tags', 'html-entities')).toBe('<b>x');
  });

  test('nfc and nfkc are those of the language, on any text', async () => {
    const character = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom(
        '\u1100',
        '\u1161',
        '\u11a8',
        'ㄱ',
        'ㅏ',
        'ﾞ',
        'ｶ',
        '\u0301',
        'e',
        '\u0323',
        '\u09c7',
        '\u09be',
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(character, { maxLength: 12 }).map(c => c.join('')),
        async text => {
          // lone surrogates cannot be in UTF-8
          const whole = Buffer.from(text).toString();
          expect(await clean(whole, 'nfc')).toBe(whole.normalize('NFC'));
          expect(await clean(whole, 'nfkc')).toBe(whole.normalize('NFKC'));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('spans', () => {
  const run = (
    row: object,
    span: object,
    rules: RuleName[] = ['whitespace'],
    columns: Record<string, string> = {},
  ) => runOperator(cleanText, { with: { rules, spans: [span] }, columns, in: [{ doc_id: 'a', ...row }] });

  test('starts and ends move along, as single values', async () => {
    const [row] = await run({ text: '  a   bcd  ', start: 6, end: 9 }, { start: 'start', end: 'end' });
    expect(row).toMatchObject({ text: 'a bcd', start: 2, end: 5 });
  });

  test('texts become what stands there now', async () => {
    const [row] = await run(
      { text: 'Tom &amp; Jerry', starts: [0, 4], answers: ['Tom &amp; Jerry', '&amp;'] },
      { start: 'starts', text: 'answers' },
      ['html-entities'],
    );
    expect(row).toMatchObject({ text: 'Tom & Jerry', starts: [0, 4], answers: ['Tom & Jerry', '&'] });
  });

  test('no span, and a text that is not there', async () => {
    const [row] = await run(
      { text: ' x  y', starts: [-1, 1], answers: ['a  b', 'z  z'] },
      { start: 'starts', text: 'answers' },
    );
    expect(row).toMatchObject({ text: 'x y', starts: [-1, 0], answers: ['a b', 'z z'] });
  });

  test('null lists stay null, and rows after them keep their own spans', async () => {
    const rows = await runOperator(cleanText, {
      with: { rules: ['whitespace'], spans: [{ start: 'starts', text: 'answers' }] },
      columns: { starts: 'list<int32>?', answers: 'list<utf8>?' },
      in: [
        { doc_id: 'a', text: ' a', starts: null, answers: ['a  a'] },
        { doc_id: 'b', text: ' b', starts: [1], answers: null },
        { doc_id: 'c', text: '  c', starts: [2], answers: ['c'] },
      ],
    });
    expect(rows).toEqual([
      { doc_id: 'a', text: 'a', starts: null, answers: ['a a'] },
      { doc_id: 'b', text: 'b', starts: [0], answers: null },
      { doc_id: 'c', text: 'c', starts: [0], answers: ['c'] },
    ]);
  });

  test('the span of the cleaned text is what the columns say, whatever the rules', async () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b ',
        '  ',
        '\n',
        'e\u0301',
        '\u1112\u1161',
        '&amp;',
        '<b>',
        '[1]',
        '“',
        '—',
        '\u200b',
        '가',
        '😀',
        '-\nx',
      ],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.nat(11),
        fc.nat(4),
        fc.uniqueArray(fc.constantFrom(...RULES), { minLength: 1, maxLength: 4 }),
        async (pieces, from, length, rules) => {
          const start = pieces.slice(0, from).join('').length;
          const answer = pieces.slice(from, from + length).join('');
          const text = pieces.join('');
          const [row] = await run(
            { text, starts: [start], answers: [answer] },
            { start: 'starts', text: 'answers' },
            rules,
            {
              starts: 'list<int32>',
              answers: 'list<utf8>',
            },
          );
          const [at] = row.starts as number[];
          const [said] = row.answers as string[];
          if (answer !== '') expect((row.text as string).slice(at, at + said.length)).toBe(said);
          const [ends] = await run(
            { text, s: start, e: start + answer.length },
            { start: 's', end: 'e' },
            rules,
          );
          expect(ends.text).toBe(row.text);
          if (answer !== '')
            expect((ends.text as string).slice(ends.s as number, ends.e as number)).toBe(said);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each<[object, object, string]>([
    [{ text: 'x', s: 0 }, { start: 's' }, 'with.spans[0]: give either end or text'],
    [
      { text: 'x', s: 'no', e: 1 },
      { start: 's', end: 'e' },
      '"s" is Utf8 and "e" Int32; wanted Int32 and Int32',
    ],
    [{ text: 'x', s: [0], e: 1 }, { start: 's', end: 'e' }, 'or lists of them'],
    [{ text: 'x', s: [0, 1], a: ['x'] }, { start: 's', text: 'a' }, 'column "s" has 2 items and "a" has 1'],
  ])('%j with %j is refused', async (row, span, message) => {
    await expect(run(row, span)).rejects.toThrow(message);
  });
});
