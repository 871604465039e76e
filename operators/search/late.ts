import { z } from 'zod';
import { fixedList, float32, list, listView, utf8 } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { LateIndex, type LateSettings, lateGenerations } from '../../src/retrieval/late/index.ts';
import { segmentBytes } from '../../src/retrieval/store/rows-types.ts';
import { withIndex } from '../index/errors.ts';
import { sizeOf } from '../index/late.ts';
import { further } from './further.ts';
import { Found, hitColumns } from './hits.ts';
import { indexBytes, openSearched, vectorParams, vectorSearch } from './vectors.ts';

/** Compressed tokens that an open index keeps in memory. */
const CACHE_BYTES = 1 << 30;

export const searchLate = operator({
  name: 'search.late',
  version: 1,
  shape: 'map',
  rows: 'explode',
  batchRows: p => vectorSearch.batchRows(p),
  summary: 'Searches an index of index.late with the token vectors of each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns. \`score\` is MaxSim (ColBERT, Khattab & Zaharia 2020): for
each token of the question the greatest dot product with a token of the passage, summed; over the stored vectors, in
double precision, however a hit was found. Ties go by \`unit_id\`. A question without tokens has no hits.

Search goes in stages (PLAID, Santhanam et al. 2022): passages at the \`cells\` centroids nearest to each token of the
question; of these the \`candidates\` best by centroids alone; of these the best by their tokens, until what is left can
hardly be among the hits. \`exact: true\` looks at every token, and so does the search of a small index. Questions must be
encoded by the model that encoded the index; those of another are refused, where both say theirs.`,
  equality: 'approximate',
  params: z.strictObject({
    ...vectorParams,
    vectors: z.string().default('token_vectors').describe('the column of lists of vectors of questions'),
    exact: z.boolean().default(false).describe('looks at every token'),
    cells: z.int().positive().optional().describe('centroids a token; default by k'),
    candidates: z
      .int()
      .positive()
      .optional()
      .describe('passages scored by their tokens, at most; default by k'),
    source: z.string().default('late').describe('what the column source says, to tell lists of hits apart'),
  }),
  check: p => vectorSearch.check(p),
  reads: p => ({ question_id: utf8(), [p.vectors]: list(fixedList(0, float32())) }),
  writes: p => vectorSearch.writes(p),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: (p, ctx) =>
    indexBytes(ctx.path(p.index), lateGenerations, found => {
      const { codebook, dimension, bits } = found.settings as unknown as LateSettings;
      const bytes = segmentBytes(found) + (codebook?.bytes ?? 0);
      // centroids of tokens, and lists by them; of vectors that are not compressed, floats of halves
      const tokens = codebook ? (bytes / (3 + (dimension * bits) / 8)) * 6 : 2 * bytes;
      return Math.ceil(Math.min(bytes, CACHE_BYTES) + found.documents * 80 + tokens + (80 << 20));
    }),
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
    const { index, close } = await openSearched(
      p,
      ctx,
      'vectors',
      p.vectors,
      (dir, multiply) => LateIndex.open(dir, { cacheBytes: CACHE_BYTES, multiply }),
      (input, { info }) => [sizeOf(input, p.vectors), info.settings.from],
    );
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
