import type { RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import {
  type Columns,
  int32,
  list,
  nullable,
  schemaOf,
  selectColumns,
  takeRows,
  utf8,
} from '../../src/arrow/index.ts';
import { type Change, type OpenContext, operator, type StreamInstance } from '../../src/define/index.ts';
import { TitleChanges } from './title-changes.ts';
import type { MergeNames } from './title-groups.ts';
import { TitleState } from './title-state.ts';

/** The columns that come out: those that came in, with what each document was added. */
const columnsOf = (text: string, input: Columns): Columns => ({
  ...input,
  [text]: utf8(),
  doc_ids: list(utf8()),
  starts: list(int32()),
});

export const mergeTitles = operator({
  name: 'merge.titles',
  version: 2,
  shape: 'stream',
  changes: true,
  summary: 'Joins the documents of one title into one.',
  description: `Texts are joined in the order of their documents' keys (numbers, also those within texts, as numbers: d9 before d10),
with the separator between, so the result does not depend on the order in which documents come. The joined document has
the id and the
other columns of its first one; \`doc_ids\` names all it was made of and \`starts\` says where the text of each begins
in the joined text, in UTF-16 code units. Titles are compared as they are. Documents with a null or empty title are
left alone. Joined documents come in the order in which their titles first appeared, after all documents have been
read.

What does not fit in the step's memory is cut by a hash of the title into files in a temporary folder; only the
documents of one title, and of those that share its file, need to fit at a time.

Incremental: the step remembers its documents, so the state grows by about their size. Titles of documents that are new,
changed or gone are joined anew, and no others.`,
  params: z.strictObject({
    separator: z.string().default('\n\n').describe('what stands between two texts'),
    title: z.string().default('title').describe('the column of titles'),
    text: z.string().default('text').describe('the column of texts'),
    id: z.string().default('doc_id').describe("the column of documents' ids"),
  }),
  reads: p => ({ [p.id]: utf8(), [p.title]: nullable(utf8()), [p.text]: utf8() }),
  writes: (p, input) => columnsOf(p.text, input),
  holds: () => true,
  examples: [
    {
      title: 'Two paragraphs of one article',
      with: { separator: ' ' },
      in: [
        { doc_id: 'a1', title: 'Seoul', text: 'It is a city.' },
        { doc_id: 'b1', title: 'Busan', text: 'It is a port.' },
        { doc_id: 'a2', title: 'Seoul', text: 'It is large.' },
      ],
      out: [
        {
          doc_id: 'a1',
          title: 'Seoul',
          text: 'It is a city. It is large.',
          doc_ids: ['a1', 'a2'],
          starts: [0, 14],
        },
        { doc_id: 'b1', title: 'Busan', text: 'It is a port.', doc_ids: ['b1'], starts: [0] },
      ],
    },
  ],
  open: (p, ctx) => {
    const names = { ...p, key: ctx.keys[0] ?? [p.id] };
    const schema = schemaOf(columnsOf(p.text, ctx.inputs[0] ?? {}));
    if (!ctx.state) throw new Error(`step "${ctx.step}" was opened without a state`);
    const known = new TitleChanges(names, schema, ctx, ctx.state);
    return known.isEmpty ? overAll(names, schema, ctx, known) : overChanges(known);
  },
});

/** All documents come: they are joined at the end, and remembered where a later run can know of them. */
function overAll(names: MergeNames, schema: Schema, ctx: OpenContext, known: TitleChanges): StreamInstance {
  const lasts = ctx.state?.lasts !== false;
  const note = (batch: RecordBatch): ((rows: Int32Array) => void) => {
    const documentOf = known.documents(batch);
    return rows => known.noteGroup(documentOf, rows);
  };
  // rows are held once, joined once and encoded once on their way
  const budget = Math.max(1 << 20, ctx.memory / 4);
  const state = new TitleState(names, schema, budget, () => ctx.tempFolder(), lasts ? note : undefined);
  return {
    process: async ({ deletes, upserts }) => {
      if (deletes?.numRows) {
        state.delete(deletes);
        if (lasts) known.forget(deletes);
      }
      if (upserts?.numRows) {
        const again = lasts ? known.note(upserts) : new Int32Array(0);
        if (again.length > 0) state.delete(selectColumns(takeRows(upserts, again), names.key));
        await state.add(upserts);
      }
      return [];
    },
    end: async function* (): AsyncGenerator<Change> {
      for await (const upserts of state.end()) yield { upserts };
      if (lasts) known.noteEnd();
    },
    close: () => state.close(),
  };
}

const overChanges = (known: TitleChanges): StreamInstance => ({
  process: change => {
    known.take(change);
    return [];
  },
  end: () => known.end(),
  needsAllRows: () => known.needsAllRows,
});
