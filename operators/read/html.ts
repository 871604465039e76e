import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { operator } from '../../src/define/index.ts';
import { DOCUMENT_COLUMNS, documentSource, titleOf } from './lib/documents.ts';
import { type FileKind, resolveFiles } from './lib/files.ts';
import { htmlSource, pageText } from './lib/html-text.ts';
import { pathParam } from './lib/params.ts';

const KIND: FileKind = { endings: ['.html', '.htm', '.xhtml'], what: 'HTML files' };

export const readHtml = operator({
  name: 'read.html',
  version: 1,
  shape: 'source',
  summary: 'Reads HTML pages, a document a file: the title and the visible text.',
  description:
    'Blocks stand on lines of their own, with a blank line around paragraphs, headings, lists and tables; cells of a table row are parted by tabs; white space is collapsed outside `pre`; alternative texts of images are kept. Scripts, styles, templates, embedded objects and form choices are never text. The title is the `title` element, else the first `h1`, else the file name. A page that is not UTF-8 is read in the charset it names; the key is its path as in read.text.',
  params: z.strictObject({
    path: pathParam('HTML files'),
    furniture: z
      .boolean()
      .default(false)
      .describe('whether navigation, asides and footers (nav, aside, footer) are text as well'),
  }),
  key: () => ['doc_id'],
  columns: async (p, ctx) => {
    await resolveFiles(p.path, ctx, KIND);
    return DOCUMENT_COLUMNS;
  },
  examples: [
    {
      title: 'A page',
      with: { path: 'page.html' },
      files: {
        'page.html':
          '<!doctype html><title>Ants</title><nav>Home</nav><h1>On  ants</h1><p>They <b>dig</b>.<br>They farm.<script>x()</script>',
      },
      out: [{ doc_id: 'page.html', title: 'Ants', text: 'On ants\n\nThey dig.\nThey farm.' }],
    },
  ],
  open: async (p, ctx) =>
    documentSource(await resolveFiles(p.path, ctx, KIND), ctx, (bytes, name) => {
      const page = pageText(htmlSource(bytes, isUtf8(bytes)), p.furniture);
      return [{ title: page.title ?? titleOf(name), text: page.text }];
    }),
});
