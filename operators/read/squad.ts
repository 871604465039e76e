import { z } from 'zod';
import { contextId } from '../../datasets/formats/context-id.ts';
import { bool, type Columns, int32, list, nullable, utf8 } from '../../src/arrow/index.ts';
import {
  type OpenContext,
  operator,
  type RecordError,
  type SourceChunk,
  type SourcePosition,
} from '../../src/define/index.ts';
import { rowPosition } from './lib/columnar.ts';
import { type FileKind, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { fixedLayout } from './lib/layout.ts';
import { pathParam } from './lib/params.ts';
import { Rows, shownRecord } from './lib/rows.ts';
import { QuestionReader, squadParagraphs } from './lib/squad-format.ts';

const KIND: FileKind = { endings: ['.json'], what: 'SQuAD-format files' };
const BATCH_BYTES = 512 * 1024;
const BATCH_ROWS = 1024;

const CONTEXTS: Columns = { doc_id: utf8(), title: nullable(utf8()), text: utf8() };
const QUESTIONS: Columns = {
  question_id: utf8(),
  question: utf8(),
  answers: list(utf8()),
  answer_starts: list(int32()),
  doc_ids: list(utf8()),
  title: nullable(utf8()),
  answerable: bool(),
};

type Take = 'contexts' | 'questions';

interface Item {
  readonly where: string;
  readonly row?: Record<string, unknown>;
  readonly wrong?: string;
  readonly record?: unknown;
  readonly bytes: number;
}

/** The rows of a file, or what is wrong with them. `seen` holds the contexts that were given already. */
async function* items(file: SourceFile, take: Take, seen: Set<string>): AsyncGenerator<Item> {
  for await (const paragraph of squadParagraphs(file)) {
    const { where } = paragraph;
    if ('wrong' in paragraph) {
      yield { where, wrong: paragraph.wrong, record: paragraph.record, bytes: 0 };
      continue;
    }
    const { context, title, qas } = paragraph;
    const doc_id = contextId(context);
    if (take === 'contexts') {
      if (seen.has(doc_id)) continue;
      seen.add(doc_id);
      yield { where, row: { doc_id, title, text: context }, bytes: context.length };
      continue;
    }
    const reader = new QuestionReader(context);
    for (const [q, qa] of qas.entries()) {
      try {
        yield {
          where: `${where}.qas[${q}]`,
          row: { ...reader.read(qa), doc_ids: [doc_id], title },
          bytes: 256,
        };
      } catch (error) {
        yield { where: `${where}.qas[${q}]`, wrong: (error as Error).message, record: qa, bytes: 0 };
      }
    }
  }
}

async function* scanSquad(
  files: readonly SourceFile[],
  take: Take,
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const at = rowPosition(from);
  const layout = fixedLayout(take === 'contexts' ? CONTEXTS : QUESTIONS, [
    take === 'contexts' ? 'doc_id' : 'question_id',
  ]);
  const seen = new Set<string>();
  for (const file of files) {
    // contexts that were given before are known by walking through them again
    if (at && file.shown < at.file && take === 'questions') continue;
    const skip = !at || file.shown > at.file ? 0 : file.shown === at.file ? at.row : Number.POSITIVE_INFINITY;
    let rows = new Rows(layout, () => {});
    let errors: RecordError[] = [];
    let bytes = 0;
    let item = 0;
    let said = 0;
    const chunk = (progress: number): SourceChunk => {
      const out = { batch: rows.finish(), errors, position: { file: file.shown, row: item }, progress };
      rows = new Rows(layout, () => {});
      errors = [];
      bytes = 0;
      said += progress;
      return out;
    };
    for await (const found of items(file, take, seen)) {
      if (item++ < skip) continue;
      ctx.signal.throwIfAborted();
      const wrong = found.wrong ?? rows.push(found.row as Record<string, unknown>, '');
      if (wrong !== undefined)
        errors.push({
          where: `${file.shown}:${found.where}`,
          message: wrong,
          record: shownRecord(JSON.stringify(found.record ?? found.row)),
        });
      bytes += found.bytes;
      if (bytes >= BATCH_BYTES || rows.rows >= BATCH_ROWS) yield chunk(Math.min(bytes, file.size - said));
    }
    if (skip < Number.POSITIVE_INFINITY && (rows.rows > 0 || errors.length > 0))
      yield chunk(file.size - said);
  }
}

const tiny = (question: object): string =>
  JSON.stringify({
    data: [{ title: 'Ants', paragraphs: [{ context: 'An 🐜 digs deep.', qas: [question] }] }],
  });

export const readSquad = operator({
  name: 'read.squad',
  version: 1,
  shape: 'source',
  summary:
    'Reads SQuAD-format files (SQuAD 1 and 2, KorQuAD 1, SQuADShifts): their contexts or their questions.',
  description:
    "A context is named by the first 16 hex digits of the SHA-256 of its text, in both takes, so a question's `doc_ids` name its context, and equal contexts are one row. `answer_start` of the file counts code points; `answer_starts` counts UTF-16 units, and an answer that does not stand where the file says is a row error. Questions marked `is_impossible` have no answers. A file is held in memory while it is read.",
  params: z.strictObject({
    path: pathParam('SQuAD-format JSON files'),
    take: z
      .enum(['contexts', 'questions'])
      .describe('contexts: a document a paragraph; questions: a row a question'),
  }),
  key: p => [p.take === 'contexts' ? 'doc_id' : 'question_id'],
  columns: async (p, ctx) => {
    await resolveFiles(p.path, ctx, KIND);
    return p.take === 'contexts' ? CONTEXTS : QUESTIONS;
  },
  examples: [
    {
      title: 'Contexts',
      with: { path: 'ants.json', take: 'contexts' },
      files: { 'ants.json': tiny({}) },
      out: [{ doc_id: 'bee5666fd58bbb12', title: 'Ants', text: 'An 🐜 digs deep.' }],
    },
    {
      title: 'Questions: the offset is converted',
      with: { path: 'ants.json', take: 'questions' },
      files: {
        'ants.json': tiny({ id: 'q1', question: 'How?', answers: [{ text: 'deep', answer_start: 10 }] }),
      },
      out: [
        {
          question_id: 'q1',
          question: 'How?',
          answers: ['deep'],
          answer_starts: [11],
          doc_ids: ['bee5666fd58bbb12'],
          title: 'Ants',
          answerable: true,
        },
      ],
    },
  ],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    return {
      ...fileSource(files, (some, from) => scanSquad(some, p.take, ctx, from)),
      // equal contexts of several files are one, so a file cannot be read without the others
      ...(files.length > 1 &&
        p.take === 'contexts' && { parts: undefined, scan: from => scanSquad(files, p.take, ctx, from) }),
    };
  },
});
