import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, fixedList, float32, utf8, vectorView, weighing } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { DenseIndex, denseGenerations } from '../../src/retrieval/dense/index.ts';
import { segmentBytes } from '../../src/retrieval/store/rows-types.ts';
import { withIndex } from '../index/errors.ts';
import { further } from './further.ts';
import { Found, HITS, hitColumns } from './hits.ts';
import { indexBytes, openSearched, vectorParams, vectorSearch } from './vectors.ts';

/** Vectors that an open index keeps in memory. */
const CACHE_BYTES = 512 << 20;

export const searchDense = operator({
  name: 'search.dense',
  version: 2,
  shape: 'map',
  rows: 'explode',
  batchRows: p => vectorSearch.batchRows(p),
  summary: 'Searches an index of index.dense with the vector of each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns. \`score\` is the dot product of the vectors, or their cosine
where the index was built with \`metric: cosine\`; ties go by \`unit_id\`. Questions must be encoded by the model that
encoded the index: vectors of another length are refused, and those of another model, where both say theirs. What has no
token has a vector of zeros: such a question has no hits, and such a passage is none.

\`filter\` gives only hits whose stored columns meet it: a value, a list of values, or \`{ min, max }\`, each by column, as
in \`{ doc_id: [a, b] }\`. \`exact: true\` looks at every vector where the index has a graph. A graph is asked for more where
a filter leaves too little of what it gives, and all is looked at where that does not do.`,
  equality: 'approximate',
  params: z.strictObject({
    ...vectorParams,
    vector: z.string().default('vector').describe('the column of vectors of questions'),
    exact: z.boolean().default(false).describe('looks at every vector, whatever the index has'),
    source: z.string().default('dense').describe('what the column source says, to tell lists of hits apart'),
  }),
  check: p => vectorSearch.check(p),
  reads: p => ({ question_id: utf8(), [p.vector]: fixedList(0, float32()) }),
  writes: (p, input) => ({
    ...vectorSearch.writes(p),
    score: weighing(HITS.score, input[p.vector]?.weight),
  }),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: (p, ctx) =>
    indexBytes(
      ctx.path(p.index),
      denseGenerations,
      found => Math.min(segmentBytes(found), CACHE_BYTES) + found.documents * 12 + (48 << 20),
    ),
  examples: [
    {
      title: 'The nearest passage',
      before: [
        {
          op: 'index.dense',
          with: { path: 'indexes/dense' },
          columns: { vector: 'fixed<2,float32>' },
          in: [
            { unit_id: 'a#0', doc_id: 'a', unit: 'passage', text: 'Seoul is a city', vector: [1, 0] },
            { unit_id: 'b#0', doc_id: 'b', unit: 'passage', text: 'Busan is a port', vector: [0, 1] },
          ],
        },
      ],
      with: { index: 'indexes/dense', k: 1 },
      columns: { vector: 'fixed<2,float32>' },
      in: [
        { question_id: 'q1', question: 'Which port?', vector: [0.5, 0.75] },
        { question_id: 'q2', question: 'Which city?', vector: [2, 1] },
      ],
      out: [
        { question_id: 'q1', rank: 0, unit_id: 'b#0', text: 'Busan is a port', score: 0.75, source: 'dense' },
        { question_id: 'q2', rank: 0, unit_id: 'a#0', unit: 'passage', score: 2 },
      ],
    },
  ],
  open: async (p, ctx) => {
    const { index, close } = await openSearched(
      p,
      ctx,
      'vector',
      p.vector,
      (dir, multiply) => DenseIndex.open(dir, { cacheBytes: CACHE_BYTES, multiply }),
      (input, { info }) => [sizeOf(input, p.vector), info.settings.dimension],
    );
    return {
      process: async batch => {
        const { values, length } = vectorView(batch, p.vector);
        const results = await withIndex(() =>
          index.search(values, length, { k: p.k, filter: p.filter, exact: p.exact }),
        );
        const found = new Found();
        results.forEach(({ docs, scores }, row) => {
          found.add(row, docs, scores);
        });
        return { parent: found.parents, columns: hitColumns(found, index, p.source, further(p.columns)) };
      },
      close,
    };
  },
});

function sizeOf(input: Columns, name: string): number {
  const type = input[name]?.type;
  return type && DataType.isFixedSizeList(type) ? type.listSize : 0;
}
