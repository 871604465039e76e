import { z } from 'zod';
import { numbers, utf8View } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { Pieces, splitReads, UNIT_COLUMNS, unitsOf, unitTells } from './units.ts';
import { Words } from './words.ts';

export const splitPassages = operator({
  name: 'split.passages',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Splits the text of each document into passages of a number of words.',
  description: `Words are runs of non-space, where space is every character with Unicode's White_Space property; nothing is
normalised, so a passage is a piece of the text exactly as it stood. A passage starts \`words - stride\` words after the
one before it; the last one may be shorter, and a passage that would hold only words of the one before is not made.
A text without words gives no passage.

\`start\` and \`end\` count UTF-16 code units of the document's text: \`text.slice(start, end)\` is the passage. The id of
a passage is that of its document, \`#\` and its number from 0. With \`of: units\` the rows are units themselves: ids
build on \`unit_id\`, and offsets go on counting in the document.`,
  params: z.strictObject({
    words: z.int().positive().default(100).describe('words in a passage'),
    stride: z.int().min(0).default(0).describe('words shared with the passage before'),
    of: z
      .enum(['documents', 'units'])
      .default('documents')
      .describe('what is split: documents (by doc_id), or units (by unit_id, offsets added to their start)'),
  }),
  check: p =>
    p.stride < p.words ? [] : [`with.stride: must be less than words (${p.words}), got ${p.stride}`],
  reads: p => splitReads(p.of),
  writes: () => UNIT_COLUMNS(),
  key: () => ['unit_id'],
  tells: p => unitTells(p.of),
  examples: [
    {
      title: 'Two passages',
      with: { words: 2 },
      in: [{ doc_id: 'a', text: 'one two three' }],
      out: [
        { unit_id: 'a#0', doc_id: 'a', unit: 'passage', text: 'one two', start: 0, end: 7 },
        { unit_id: 'a#1', doc_id: 'a', unit: 'passage', text: 'three', start: 8, end: 13 },
      ],
    },
    {
      title: 'One word shared; the title goes along',
      with: { words: 3, stride: 1 },
      in: [{ doc_id: 'a', title: 'Seoul', text: '서울은  한국의 수도이다. It is large' }],
      out: [
        { unit_id: 'a#0', title: 'Seoul', text: '서울은  한국의 수도이다.', start: 0, end: 14 },
        { unit_id: 'a#1', title: 'Seoul', text: '수도이다. It is', start: 9, end: 20 },
        { unit_id: 'a#2', title: 'Seoul', text: 'is large', start: 18, end: 26 },
      ],
    },
  ],
  open: p => {
    const found = new Words();
    const step = p.words - p.stride;
    return {
      process: batch => {
        const texts = utf8View(batch, 'text');
        const pieces = new Pieces();
        for (let row = 0; row < texts.length; row++) {
          const count = found.scan(texts.bytes, texts.offsets[row], texts.offsets[row + 1]);
          for (let first = 0; first < count; first += step) {
            const last = Math.min(first + p.words, count) - 1;
            pieces.add(row, found.from[first], found.to[last], found.start[first], found.end[last]);
            if (last === count - 1) break;
          }
        }
        const units = p.of === 'units';
        const ids = utf8View(batch, units ? 'unit_id' : 'doc_id');
        return unitsOf(pieces, 'passage', '#', ids, texts, units ? numbers(batch, 'start') : undefined);
      },
    };
  },
});
