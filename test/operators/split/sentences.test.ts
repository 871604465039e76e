import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eachSentence } from '../../../operators/split/sentence-bounds.ts';
import { splitSentences } from '../../../operators/split/sentences.ts';
import { runOperator } from '../../../src/testing/index.ts';

const split = (text: string, params: object = {}) =>
  runOperator(splitSentences, { with: { ...params }, in: [{ doc_id: 'd', text }] });
const texts = async (text: string, params: object = {}) => (await split(text, params)).map(s => s.text);

// Intl.Segmenter over the whole text at once, trimmed by Unicode's White_Space
const TRIM = /^[\p{White_Space}]*([\s\S]*?)[\p{White_Space}]*$/u;
function whole(text: string): string[] {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text);
  return [...segments].map(s => TRIM.exec(s.segment)?.[1] ?? '').filter(s => s !== '');
}

const piece = fc.constantFrom(
  ...[
    'One two. ',
    'Is it? ',
    '"Yes!" he said. ',
    'the end',
    '3.5 kg ',
    '. ',
    '? ',
    '\n',
    '\r\n',
    '\u2029',
    '😀. ',
    '서울이다. ',
    'U.S. forces ',
    '(a) ',
    '... ',
    '5. ',
    '"123" ',
    '\u0085',
  ],
);

describe('split.sentences', () => {
  test('windows and lines change no boundary', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 300, maxLength: 900 }), pieces => {
        const text = pieces.join('');
        const got: string[] = [];
        const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
        eachSentence(text, segmenter, undefined, (start, end) => got.push(text.slice(start, end)));
        expect(got).toEqual(whole(text));
      }),
      { numRuns: 60 },
    );
  });

  test('a sentence longer than a window is one', async () => {
    const long = `${'word '.repeat(5000)}end.`;
    expect(await texts(`${long} Next one.`)).toEqual([long, 'Next one.']);
    const noLetters = `${'1 2 3 '.repeat(1000)}`.trim();
    expect(await texts(noLetters)).toEqual([noLetters]);
  });

  test('offsets name the sentence, past characters of two units', async () => {
    const text = '😀 Hi there. 서울은 수도이다. \u00a0 Ends 𝒳.';
    const rows = await split(text);
    expect(rows.map(r => r.text)).toEqual(['😀 Hi there.', '서울은 수도이다.', 'Ends 𝒳.']);
    for (const r of rows) expect(text.slice(r.start as number, r.end as number)).toBe(r.text);
    expect(rows.map(r => r.unit_id)).toEqual(['d#s0', 'd#s1', 'd#s2']);
  });

  test('English abbreviations and initials do not end a sentence', async () => {
    expect(await texts('Mr. Smith met J. R. Smith on Jan. 5. See Fig. 2 below. No. 5 won.')).toEqual([
      'Mr. Smith met J. R. Smith on Jan. 5.',
      'See Fig. 2 below.',
      'No. 5 won.',
    ]);
    // "No" is an abbreviation before a number only, and I is a word
    expect(await texts('He said no. No. It was I. She knew.')).toEqual([
      'He said no.',
      'No.',
      'It was I.',
      'She knew.',
    ]);
    expect(await texts('She took vitamin C. It helped.')).toEqual(['She took vitamin C.', 'It helped.']);
    expect(await texts('Mr. Smith came.', { abbreviations: false })).toEqual(['Mr.', 'Smith came.']);
  });

  test('own abbreviations, with or without their stop', async () => {
    expect(await texts('Siehe Abb. Drei hier. Ende.', { locale: 'de', more: ['Abb.'] })).toEqual([
      'Siehe Abb. Drei hier.',
      'Ende.',
    ]);
  });

  test('an impossible locale is refused', async () => {
    await expect(split('a', { locale: 'no such' })).rejects.toThrow(
      'with.locale: must be a BCP 47 language tag',
    );
  });
});
