import { existsSync } from 'node:fs';
import { z } from 'zod';
import { fixedList, float32, list, listView, utf8 } from '../../src/arrow/index.ts';
import { hint, operator, readsPath, UserError } from '../../src/define/index.ts';
import { LateIndex } from '../../src/retrieval/late/index.ts';
import { IndexError } from '../../src/retrieval/sparse/index.ts';
import { withIndex } from '../index/errors.ts';
import { sizeOf } from '../index/late.ts';
import { checkColumns, further } from './further.ts';
import { Found, HITS, hitColumns } from './hits.ts';
import { openMultiplying } from './multiply.ts';
import { filterParam } from './query-params.ts';

/** Compressed tokens that an open index keeps in memory. */
const CACHE_BYTES = 1 << 30;

export const searchLate = operator({
  name: 'search.late',
  version: 1,
  shape: 'map',
  rows: 'explode',
  batchRows: p => Math.max(1, Math.min(64, Math.floor(6400 / p.k))),
  summary: 'Searches an index of index.late with the token vectors of each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns. \`score\` is MaxSim (ColBERT, Khattab & Zaharia 2020): for
each token of the question the greatest dot product with a token of the passage, summed; over the stored vectors, in
double precision, however a hit was found. Ties go by \`unit_id\`. A question without tokens has no hits.

Search goes in stages (PLAID, Santhanam et al. 2022): passages at the \`cells\` centroids nearest to each token of the
question; of these the \`candidates\` best by centroids alone; of these the best by their tokens, until what is left can
hardly be among the hits. \`exact: true\` looks at every token.`,
  equality: 'approximate',
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    vectors: z.string().default('token_vectors').describe('the column of lists of vectors of questions'),
    filter: filterParam.default({}).describe('conditions on stored columns that hits must meet'),
    exact: z.boolean().default(false).describe('looks at every token'),
    cells: z.int().positive().optional().describe('centroids a token; default by k'),
    candidates: z
      .int()
      .positive()
      .optional()
      .describe('passages scored by their tokens, at most; default by k'),
    columns: z
      .record(z.string(), z.enum(['utf8', 'int32', 'float64', 'bool']))
      .default({})
      .describe('further stored columns to give back, each with its type'),
    source: z.string().default('late').describe('what the column source says, to tell lists of hits apart'),
    threads: z.int().positive().default(1).describe('threads of the product of matrices').meta(hint()),
  }),
  check: p =>
    Object.keys(p.columns)
      .filter(name => Object.hasOwn(HITS, name))
      .map(name => `with.columns.${name}: is a column of every hit already`),
  reads: p => ({ question_id: utf8(), [p.vectors]: list(fixedList(0, float32())) }),
  writes: p => ({ ...HITS, ...further(p.columns) }),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: async (p, ctx) => {
    const dir = ctx.path(p.index);
    // not built yet, or not readable: open() says so where it matters
    if (!existsSync(dir)) return 64 << 20;
    try {
      const index = await LateIndex.open(dir, { cacheBytes: 0 });
      const { bytes, documents, tokens } = index.info;
      index.close();
      return Math.min(bytes, CACHE_BYTES) + documents * 80 + tokens * 6 + (80 << 20);
    } catch (error) {
      if (error instanceof IndexError) return 64 << 20;
      throw error;
    }
  },
  examples: [
    {
      title: 'The passage whose tokens are nearest',
      before: [
        {
          op: 'index.late',
          with: { path: 'indexes/late' },
          columns: { token_vectors: 'list<fixed<2,float32>>' },
          in: [
            {
              unit_id: 'a#0',
              doc_id: 'a',
              text: 'Seoul city',
              token_vectors: [
                [1, 0],
                [0, 1],
              ],
            },
            {
              unit_id: 'b#0',
              doc_id: 'b',
              text: 'Busan port',
              token_vectors: [
                [-1, 0],
                [0, -1],
              ],
            },
          ],
        },
      ],
      with: { index: 'indexes/late', k: 1 },
      columns: { token_vectors: 'list<fixed<2,float32>>' },
      in: [
        {
          question_id: 'q1',
          question: 'Which city?',
          token_vectors: [
            [2, 1],
            [0, 0.5],
          ],
        },
        { question_id: 'q2', question: 'Which port?', token_vectors: [[-0.5, 0.25]] },
        { question_id: 'q3', question: '', token_vectors: [] },
      ],
      out: [
        { question_id: 'q1', rank: 0, unit_id: 'a#0', text: 'Seoul city', source: 'late' },
        { question_id: 'q2', rank: 0, unit_id: 'b#0', unit: 'unit' },
      ],
    },
  ],
  open: async (p, ctx) => {
    const dir = ctx.path(p.index);
    const { opened: index, product } = await openMultiplying(p.threads, multiply =>
      withIndex(() => LateIndex.open(dir, { cacheBytes: CACHE_BYTES, multiply })),
    );
    const close = async (): Promise<void> => {
      index.close();
      await product.close();
    };
    try {
      const size = sizeOf(ctx.inputs[0] ?? {}, p.vectors);
      const { from } = index.info.settings;
      if (size !== from && index.info.documents > 0)
        throw new UserError(
          `with.vectors: column "${p.vectors}" has vectors of ${size} numbers, the index at ${p.index} holds vectors of ${from}`,
          { help: 'encode questions with the model that encoded the index' },
        );
      checkColumns(index, p.columns, p.index);
    } catch (error) {
      await close();
      throw error;
    }
    const { k, filter, exact, cells, candidates } = p;
    return {
      process: async batch => {
        const { offsets, items, length } = listView(batch, p.vectors);
        const { from } = index.info.settings;
        const values = items.children[0].values as Float32Array;
        const found = new Found();
        for (let row = 0; row < length; row++) {
          const vectors = values.subarray(offsets[row] * from, offsets[row + 1] * from);
          const { docs, scores } = await withIndex(() =>
            index.search(vectors, { k, filter, exact, cells, candidates }),
          );
          found.add(row, docs, scores);
        }
        return { parent: found.parents, columns: hitColumns(found, index, p.source, further(p.columns)) };
      },
      close,
    };
  },
});
