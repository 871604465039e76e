import { z } from 'zod';
import { numbers, utf8View } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { abbreviations, eachSentence } from './sentence-bounds.ts';
import { Pieces, splitReads, UNIT_COLUMNS, unitsOf, unitTells } from './units.ts';

export const splitSentences = operator({
  name: 'split.sentences',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Splits the text of each document into sentences.',
  description: `Boundaries are those of Unicode Standard Annex 29 as \`Intl.Segmenter\` gives them for the locale; white space at
both ends of a sentence is left out. A line break always ends a sentence, so text that was wrapped at a width
should go through \`clean.text\` first. Annex 29 ends a sentence after "Dr. "; with \`abbreviations: true\` English
titles, initials and the like ("Fig. 2", "Jan. 5", "J. Smith") do not.

\`start\` and \`end\` count UTF-16 code units of the document's text: \`text.slice(start, end)\` is the sentence. The id of
a sentence is that of its document, \`#s\` and its number from 0. With \`of: units\` the rows are units themselves, as
\`split.passages\` gives them: ids build on \`unit_id\`, and offsets go on counting in the document.`,
  params: z.strictObject({
    locale: z.string().default('en').describe('language of the text as a BCP 47 tag such as en, ko or de-AT'),
    abbreviations: z
      .boolean()
      .default(true)
      .describe(
        'whether sentences go on after well-known abbreviations of the language (English has a list)',
      ),
    more: z
      .array(z.string())
      .default([])
      .describe('further abbreviations after which a sentence goes on, such as "Abb."'),
    of: z
      .enum(['documents', 'units'])
      .default('documents')
      .describe('what is split: documents (by doc_id), or units (by unit_id, offsets added to their start)'),
  }),
  check: p => {
    try {
      Intl.getCanonicalLocales(p.locale);
      return [];
    } catch {
      return [`with.locale: must be a BCP 47 language tag such as en or ko, got ${JSON.stringify(p.locale)}`];
    }
  },
  reads: p => splitReads(p.of),
  writes: () => UNIT_COLUMNS(),
  key: () => ['unit_id'],
  tells: p => unitTells(p.of),
  examples: [
    {
      title: 'An abbreviation does not end a sentence',
      with: {},
      in: [{ doc_id: 'a', text: 'Dr. Kim came. She left at 3.5 p.m. today!\nWhy?' }],
      out: [
        { unit_id: 'a#s0', doc_id: 'a', unit: 'sentence', text: 'Dr. Kim came.', start: 0, end: 13 },
        { unit_id: 'a#s1', unit: 'sentence', text: 'She left at 3.5 p.m. today!', start: 14, end: 41 },
        { unit_id: 'a#s2', unit: 'sentence', text: 'Why?', start: 42, end: 46 },
      ],
    },
    {
      title: 'Sentences of passages count in the document',
      with: { locale: 'ko', of: 'units' },
      in: [{ unit_id: 'a#1', doc_id: 'a', text: '서울은 수도이다. 크다.', start: 100, end: 113 }],
      out: [
        { unit_id: 'a#1#s0', doc_id: 'a', text: '서울은 수도이다.', start: 100, end: 109 },
        { unit_id: 'a#1#s1', doc_id: 'a', text: '크다.', start: 110, end: 113 },
      ],
    },
  ],
  open: p => {
    const segmenter = new Intl.Segmenter(p.locale, { granularity: 'sentence' });
    const joins = abbreviations(p.abbreviations ? p.locale : '', p.more);
    return {
      process: batch => {
        const texts = utf8View(batch, 'text');
        const pieces = new Pieces();
        const { bytes } = texts;
        for (let row = 0; row < texts.length; row++) {
          const text = texts.get(row);
          let at = texts.offsets[row];
          const ascii = texts.offsets[row + 1] - at === text.length;
          let unit = 0;
          // the byte of a UTF-16 offset; asked for in ascending order
          const byteOf = (offset: number): number => {
            if (ascii) at += offset - unit;
            else
              for (let u = unit; u < offset; ) {
                const b = bytes[at];
                at += b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
                u += b < 0xf0 ? 1 : 2;
              }
            unit = offset;
            return at;
          };
          eachSentence(text, segmenter, joins, (start, end) => {
            pieces.add(row, byteOf(start), byteOf(end), start, end);
          });
        }
        const units = p.of === 'units';
        const ids = utf8View(batch, units ? 'unit_id' : 'doc_id');
        return unitsOf(pieces, 'sentence', '#s', ids, texts, units ? numbers(batch, 'start') : undefined);
      },
    };
  },
});
