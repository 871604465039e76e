import { existsSync } from 'node:fs';
import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, fixedList, float32, utf8, vectorView, weighing } from '../../src/arrow/index.ts';
import { hint, operator, readsPath, UserError } from '../../src/define/index.ts';
import { DenseIndex } from '../../src/retrieval/dense/index.ts';
import { IndexError } from '../../src/retrieval/sparse/index.ts';
import { withIndex } from '../index/errors.ts';
import { checkColumns, further } from './further.ts';
import { Found, HITS, hitColumns } from './hits.ts';
import { openMultiplying } from './multiply.ts';
import { filterParam } from './query-params.ts';

/** Vectors that an open index keeps in memory. */
const CACHE_BYTES = 512 << 20;

export const searchDense = operator({
  name: 'search.dense',
  version: 1,
  shape: 'map',
  rows: 'explode',
  batchRows: p => Math.max(1, Math.min(64, Math.floor(6400 / p.k))),
  summary: 'Searches an index of index.dense with the vector of each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns. \`score\` is the dot product of the vectors, or their cosine
where the index was built with \`metric: cosine\`; ties go by \`unit_id\`. Questions must be encoded by the model that
encoded the index; vectors of another length are refused.

\`filter\` gives only hits whose stored columns meet it: a value, a list of values, or \`{ min, max }\`, each by column, as
in \`{ doc_id: [a, b] }\`. \`exact: true\` looks at every vector where the index has a graph.`,
  equality: 'approximate',
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    vector: z.string().default('vector').describe('the column of vectors of questions'),
    filter: filterParam.default({}).describe('conditions on stored columns that hits must meet'),
    exact: z.boolean().default(false).describe('looks at every vector, whatever the index has'),
    columns: z
      .record(z.string(), z.enum(['utf8', 'int32', 'float64', 'bool']))
      .default({})
      .describe('further stored columns to give back, each with its type'),
    source: z.string().default('dense').describe('what the column source says, to tell lists of hits apart'),
    threads: z.int().positive().default(1).describe('threads of the product of matrices').meta(hint()),
  }),
  check: p =>
    Object.keys(p.columns)
      .filter(name => Object.hasOwn(HITS, name))
      .map(name => `with.columns.${name}: is a column of every hit already`),
  reads: p => ({ question_id: utf8(), [p.vector]: fixedList(0, float32()) }),
  writes: (p, input) => ({
    ...HITS,
    ...further(p.columns),
    score: weighing(HITS.score, input[p.vector]?.weight),
  }),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: async (p, ctx) => {
    const dir = ctx.path(p.index);
    // not built yet, or not readable: open() says so where it matters
    if (!existsSync(dir)) return 64 << 20;
    try {
      const index = await DenseIndex.open(dir, { cacheBytes: 0 });
      const { bytes, documents } = index.info;
      index.close();
      return Math.min(bytes, CACHE_BYTES) + documents * 12 + (48 << 20);
    } catch (error) {
      if (error instanceof IndexError) return 64 << 20;
      throw error;
    }
  },
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
    const dir = ctx.path(p.index);
    const { opened: index, product } = await openMultiplying(p.threads, multiply =>
      withIndex(() => DenseIndex.open(dir, { cacheBytes: CACHE_BYTES, multiply })),
    );
    const close = async (): Promise<void> => {
      index.close();
      await product.close();
    };
    try {
      checkSize(ctx.inputs[0] ?? {}, p.vector, index, p.index);
      checkColumns(index, p.columns, p.index);
    } catch (error) {
      await close();
      throw error;
    }
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

/** @throws UserError where questions' vectors have another length than the index's */
function checkSize(input: Columns, name: string, index: DenseIndex, shown: string): void {
  const type = input[name]?.type;
  const size = type && DataType.isFixedSizeList(type) ? type.listSize : 0;
  const { dimension } = index.info.settings;
  if (size === dimension || index.info.documents === 0) return;
  throw new UserError(
    `with.vector: column "${name}" has vectors of ${size} numbers, the index at ${shown} holds vectors of ${dimension}`,
    { help: 'encode questions with the model that encoded the index' },
  );
}
