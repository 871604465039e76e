/** KorQuAD's paragraphs among those of KoBEST BoolQ: more to confuse them with. */
import { z } from 'zod';
import { selectColumns } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { pipeline } from '../../src/index.ts';

/** Several sources as one: the columns of the first, rows as they come. */
const union = operator({
  name: 'bench.union',
  version: 1,
  shape: 'stream',
  inputs: 'many',
  summary: 'Gives the rows of several inputs, with the columns of the first.',
  params: z.strictObject({}),
  reads: () => ({}),
  writes: () => ({}),
  examples: [],
  open: (_, ctx) => {
    const names = Object.keys(ctx.inputs[0]);
    return {
      process: ({ upserts, deletes }) => [{ upserts: upserts && selectColumns(upserts, names), deletes }],
    };
  },
});

export default pipeline({
  name: 'korquad-kobest',
  description: 'Indexes the paragraphs of KorQuAD and KoBEST and measures the retrieval of 5,774 questions.',
  memory: '512 MiB',
  operators: [union],
  steps: [
    { id: 'korquad', op: 'read.dataset', with: { name: 'korquad1', take: 'documents' } },
    { id: 'kobest', op: 'read.dataset', with: { name: 'kobest-boolq', take: 'documents' } },
    { id: 'paragraphs', from: ['korquad', 'kobest'], op: 'bench.union' },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/korquad-kobest', analyzer: 'korean' } },

    { id: 'questions', after: 'index', op: 'read.dataset', with: { name: 'korquad1', take: 'questions' } },
    { id: 'hits', op: 'search.sparse', with: { index: 'indexes/korquad-kobest', k: 20 } },
    { id: 'retrieval', op: 'evaluate.retrieval', with: { k: [1, 5, 20] } },
  ],
});
