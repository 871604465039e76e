import { z } from 'zod';
import { operator } from '../../src/define/index.ts';
import { DOCUMENT_COLUMNS, documentSource, titleOf, utf8Text } from './lib/documents.ts';
import { type FileKind, resolveFiles } from './lib/files.ts';
import { pathParam } from './lib/params.ts';

const KIND: FileKind = { endings: ['.txt', '.text'], what: 'text files' };

export const readText = operator({
  name: 'read.text',
  version: 1,
  shape: 'source',
  summary: 'Reads text files, a document a file.',
  description:
    'The key is the path relative to the folder (or to the fixed part of the glob), the title the file name without its ending, both in NFC; the text is as it stands. A file that is not UTF-8 is a row error.',
  params: z.strictObject({ path: pathParam('text files, .txt or .text where a folder is given') }),
  key: () => ['doc_id'],
  columns: async (p, ctx) => {
    await resolveFiles(p.path, ctx, KIND);
    return DOCUMENT_COLUMNS;
  },
  examples: [
    {
      title: 'A folder',
      with: { path: 'notes' },
      files: { 'notes/a.txt': 'one two', 'notes/deep/b.txt': 'three\n' },
      out: [
        { doc_id: 'a.txt', title: 'a', text: 'one two' },
        { doc_id: 'deep/b.txt', title: 'b', text: 'three\n' },
      ],
    },
  ],
  open: async (p, ctx) =>
    documentSource(await resolveFiles(p.path, ctx, KIND), ctx, (bytes, name) => [
      { title: titleOf(name), text: utf8Text(bytes) },
    ]),
});
