import { z } from 'zod';
import { nullable, utf8, utf8DataOf, utf8View } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';

export const concatTitle = operator({
  name: 'concat.title',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Puts the title in front of the text.',
  description: `The text becomes title, separator, text; where the title is null or empty it stays as it is. The title goes on in
its own column too.

\`start\` and \`end\` of units, and other offsets, are not moved: they go on counting in the document's text without the
title. Where \`into\` names another column, \`text\` stays the span that they name, which is the better choice for units
whose offsets are used later.`,
  params: z.strictObject({
    title: z.string().default('title').describe('the column of titles'),
    text: z.string().default('text').describe('the column of texts'),
    into: z.string().default('text').describe('the column that gets title and text'),
    separator: z.string().default('\n').describe('what stands between title and text'),
  }),
  reads: p => ({ [p.title]: nullable(utf8()), [p.text]: utf8() }),
  writes: p => ({ [p.into]: utf8() }),
  examples: [
    {
      title: 'Title and text in one',
      with: { separator: ': ' },
      columns: { title: 'utf8?' },
      in: [
        { doc_id: 'a', title: 'Seoul', text: 'It is a city.' },
        { doc_id: 'b', title: null, text: 'A text without a title.' },
      ],
      out: [
        { doc_id: 'a', title: 'Seoul', text: 'Seoul: It is a city.' },
        { doc_id: 'b', title: null, text: 'A text without a title.' },
      ],
    },
    {
      title: 'Into a column of its own',
      with: { into: 'passage', separator: ' ' },
      in: [{ unit_id: 'a#0', title: '서울', text: '수도이다.', start: 4, end: 9 }],
      out: [
        { unit_id: 'a#0', title: '서울', text: '수도이다.', start: 4, end: 9, passage: '서울 수도이다.' },
      ],
    },
  ],
  open: p => {
    const between = Buffer.from(p.separator);
    return {
      process: batch => {
        const titles = utf8View(batch, p.title);
        const texts = utf8View(batch, p.text);
        const rows = texts.length;
        const offsets = new Int32Array(rows + 1);
        const titleBytes = (i: number): number =>
          titles.isNull(i) ? 0 : titles.offsets[i + 1] - titles.offsets[i];
        for (let i = 0; i < rows; i++) {
          const title = titleBytes(i);
          const text = texts.offsets[i + 1] - texts.offsets[i];
          offsets[i + 1] = offsets[i] + text + (title > 0 ? title + between.length : 0);
        }
        const bytes = new Uint8Array(offsets[rows]);
        for (let i = 0; i < rows; i++) {
          let at = offsets[i];
          if (titleBytes(i) > 0) {
            bytes.set(titles.slice(i), at);
            at += titleBytes(i);
            bytes.set(between, at);
            at += between.length;
          }
          bytes.set(texts.slice(i), at);
        }
        return { columns: { [p.into]: utf8DataOf(bytes, offsets) } };
      },
    };
  },
});
