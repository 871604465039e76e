import { z } from 'zod';
import { operator } from '../../src/define/index.ts';
import { DOCUMENT_COLUMNS, type Document, documentSource, titleOf, utf8Text } from './lib/documents.ts';
import { type FileKind, resolveFiles } from './lib/files.ts';
import { type MarkdownText, markdownText } from './lib/markdown-text.ts';
import { pathParam } from './lib/params.ts';

const KIND: FileKind = { endings: ['.md', '.markdown', '.mdx'], what: 'Markdown files' };

/** A document a section: sections with deeper headings than `level` stay with the one above. */
function bySection({ sections }: MarkdownText, title: string, level: number): Document[] {
  const documents: { title: string; texts: string[] }[] = [];
  const path: string[] = [];
  for (const section of sections) {
    const last = documents.at(-1);
    if (last && section.level > level) {
      last.texts.push(section.text);
      continue;
    }
    path.length = Math.max(0, section.level - 1);
    if (section.level > 0) path[section.level - 1] = section.heading;
    const names = [title, ...path.filter(name => name !== undefined && name !== title)];
    documents.push({ title: names.join(' > '), texts: [section.text] });
  }
  return documents.map((d, part) => ({ part, title: d.title, text: d.texts.join('\n\n') }));
}

export const readMarkdown = operator({
  name: 'read.markdown',
  version: 1,
  shape: 'source',
  summary: 'Reads Markdown files, a document a file or a section: the title and the text without marks.',
  description:
    'The title is `title` of the YAML front matter, else the first heading of level 1, else the file name. Headings, paragraphs, code, quotes, list items and table rows keep their lines; links are their text, images their alternative text. The key is the path as in read.text, and with `split: heading` the path, # and the number of the section, from 0; its title is the path of headings.',
  params: z.strictObject({
    path: pathParam('Markdown files'),
    split: z
      .enum(['file', 'heading'])
      .default('file')
      .describe('file: a document a file; heading: a document a section'),
    level: z
      .int()
      .min(1)
      .max(6)
      .default(2)
      .describe('deepest heading that begins a section of its own, where split is heading'),
  }),
  key: () => ['doc_id'],
  columns: async (p, ctx) => {
    await resolveFiles(p.path, ctx, KIND);
    return DOCUMENT_COLUMNS;
  },
  examples: [
    {
      title: 'A file',
      with: { path: 'a.md' },
      files: { 'a.md': '---\ntitle: Ants\n---\n# On ants\n\nThey *dig* [far](x).\n' },
      out: [{ doc_id: 'a.md', title: 'Ants', text: 'On ants\n\nThey dig far.' }],
    },
    {
      title: 'A document a section',
      with: { path: 'a.md', split: 'heading' },
      files: { 'a.md': '# Ants\n\nSmall.\n\n## Food\n\n- leaves\n- fungi\n' },
      out: [
        { doc_id: 'a.md#0', title: 'Ants', text: 'Ants\n\nSmall.' },
        { doc_id: 'a.md#1', title: 'Ants > Food', text: 'Food\n\nleaves\nfungi' },
      ],
    },
  ],
  open: async (p, ctx) =>
    documentSource(await resolveFiles(p.path, ctx, KIND), ctx, (bytes, name) => {
      const markdown = markdownText(utf8Text(bytes));
      const title = markdown.title ?? titleOf(name);
      if (p.split === 'heading') return bySection(markdown, title, p.level);
      return [{ title, text: markdown.sections.map(s => s.text).join('\n\n') }];
    }),
});
