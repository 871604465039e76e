import { existsSync } from 'node:fs';
import type { RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import { utf8, utf8Data, utf8View } from '../../src/arrow/index.ts';
import { type Example, hint, operator, readsPath } from '../../src/define/index.ts';
import {
  IndexError,
  type Query,
  type QueryOptions,
  SparseIndex,
  scoringNames,
} from '../../src/retrieval/sparse/index.ts';
import { withIndex } from '../index/errors.ts';
import { checkWeightedTerms, weightedTerms } from '../index/weighted-terms.ts';
import { anyColumn } from '../shape/any-column.ts';
import { checkColumns, checkConditions, further } from './further.ts';
import { Found, HITS, hitColumns } from './hits.ts';
import {
  feedbackParam,
  filterParam,
  queryOptions,
  queryProblems,
  similarityParam,
  textColumn,
  weightsOf,
  weightsParam,
} from './query-params.ts';
import { openSearcher } from './searcher.ts';

/** What an open index keeps of postings and impacts, all threads together. */
const CACHE_BYTES = 256 << 20;

/** Hits of a batch, a thread: each comes with its text, of kilobytes where units are documents. */
const HITS_A_BATCH = 2048;

/** An example that needs an index: `before` are the steps that build it. */
const example: Example & { readonly before: readonly { op: string; with: object; in: readonly object[] }[] } =
  {
    title: 'The best passage',
    before: [
      {
        op: 'index.sparse',
        with: { path: 'indexes/sparse' },
        in: [
          {
            unit_id: 'a#0',
            doc_id: 'a',
            unit: 'passage',
            title: 'Seoul',
            text: 'Seoul is a big city',
            start: 0,
            end: 19,
          },
          {
            unit_id: 'b#0',
            doc_id: 'b',
            unit: 'passage',
            title: 'Busan',
            text: 'Busan is a port',
            start: 0,
            end: 15,
          },
        ],
      },
    ],
    with: { index: 'indexes/sparse', k: 1 },
    in: [
      { question_id: 'q1', question: 'Which port?' },
      { question_id: 'q2', question: 'Which river?' },
      { question_id: 'q3', question: 'the cities' },
    ],
    out: [
      {
        question_id: 'q1',
        rank: 0,
        unit: 'passage',
        unit_id: 'b#0',
        doc_id: 'b',
        title: 'Busan',
        text: 'Busan is a port',
      },
      { question_id: 'q3', rank: 0, unit_id: 'a#0', start: 0, end: 19, source: 'sparse' },
    ],
  };

export const searchSparse = operator({
  name: 'search.sparse',
  version: 1,
  shape: 'map',
  rows: 'explode',
  batchRows: p => Math.max(1, Math.min(64 * p.threads, Math.floor((HITS_A_BATCH * p.threads) / p.k))),
  summary: 'Searches an index of index.sparse with each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns; a question without hits gives none. A hit is a row of the
index that holds at least one term of the question. \`rank\` counts from 0; ties go by \`unit_id\`.

\`similarity\` is one of ${scoringNames.map(n => `\`${n}\``).join(', ')}, or an object with its parameters:
\`{ name: lucene, k1: 0.9, b: 0.4 }\`. \`bm25f\` weighs fields: \`{ name: bm25f, weights: { title: 2 }, b: { title: 0.3, text:
0.75 } }\`. \`ensemble\` adds several up in one pass, by weight or as the mean of scores put on one scale: \`{ name: ensemble,
combine: mean, of: [{ similarity: lucene }, { similarity: tfldp, weight: 0.5 }] }\`. The question goes through the analyzer
that is stored with the index. docs/similarities.md has the formulas.

A question is a bag of words, whatever signs it holds. With \`syntax: query\` it may say more: \`"exact phrase"\`, \`+must\`,
\`-not\`, \`title:word\`, \`word^2\`, and groups in parentheses; a sign without meaning where it stands is text, so every
question parses. \`field\` searches one text field only. \`filter\` keeps hits whose stored columns have a value (\`{ unit: passage
}\`), one of a list, or lie between \`min\` and \`max\`, both included. \`feedback\` adds terms of the best hits (RM3).

\`weights\` names a column of weighted query terms (objects such as \`{"term": 1.5}\` as JSON text, or lists), as a learned
sparse encoder gives them; then \`column\` is searched besides only where it is named. Weights of the index's field of weights
are scored by \`impact\`, the dot product.

\`explain\` adds the column \`explanation\`: JSON with the hit's score taken apart into \`terms\`, each with frequency, documents,
idf, length, length norm and what it adds, and a \`tree\` whose sums are exact.

An index of documents (its key is not a unit's) gives each as the unit \`document\`. Where \`start\` and \`end\` are not
stored they are those of the whole text, a \`title\` that is not stored is empty. \`columns\` names further stored columns
and their types (\`utf8\`, \`int32\`, \`float64\`, \`bool\`).

\`threads\` above 1 loads the index into memory that all of them share, and spreads the questions of a batch over them; hits
are the same. With \`parallel: 2\` besides, one batch's hits are put together while the next is searched. \`where: worker\`
instead gives each of its threads an index of its own.`,
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    similarity: similarityParam
      .optional()
      .describe(
        'how hits are scored: a name, or an object with name and parameters; default lucene, or impact where only weights of a field of weights are searched',
      ),
    column: z
      .string()
      .optional()
      .describe('the column of questions; default question, or none where weights are given'),
    syntax: z
      .enum(['plain', 'query'])
      .default('plain')
      .describe('whether a question is a bag of words or may use the query language'),
    field: z.string().optional().describe('search this text field only; default all text together'),
    filter: filterParam.default({}).describe('conditions on stored columns that a hit meets'),
    feedback: feedbackParam
      .default(false)
      .describe(
        'add terms of the best hits to the question: true, or an object with documents, terms, weight',
      ),
    weights: weightsParam
      .optional()
      .describe('the column of weighted query terms, or an object with column, weights and field'),
    explain: z.boolean().default(false).describe('add the column explanation'),
    columns: z
      .record(z.string(), z.enum(['utf8', 'int32', 'float64', 'bool']))
      .default({})
      .describe('further stored columns to give back, each with its type'),
    source: z.string().default('sparse').describe('what the column source says, to tell lists of hits apart'),
    threads: z
      .int()
      .positive()
      .max(256)
      .default(1)
      .describe('threads that answer the questions of a batch from one copy of the index')
      .meta(hint()),
  }),
  check: queryProblems,
  reads: p => {
    const text = textColumn(p);
    const weights = weightsOf(p);
    return {
      question_id: utf8(),
      ...(text === undefined ? {} : { [text]: utf8() }),
      ...(weights === undefined ? {} : { [weights.column]: anyColumn() }),
      ...(weights?.weights === undefined ? {} : { [weights.weights]: anyColumn() }),
    };
  },
  writes: p => ({ ...HITS, ...(p.explain ? { explanation: utf8() } : {}), ...further(p.columns) }),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: async (p, ctx) => {
    const dir = ctx.path(p.index);
    // not built yet, or not readable: open() says so where it matters
    if (!existsSync(dir)) return 32 << 20;
    try {
      const index = await SparseIndex.open(dir, { preload: false, cacheBytes: 0 });
      const { bytes, documents } = index.info;
      const whole = index.preloadBytes;
      index.close();
      if (p.threads === 1) return Math.min(bytes, CACHE_BYTES) + documents * 24 + (8 << 20);
      return whole + CACHE_BYTES + p.threads * (documents * 8 + (16 << 20));
    } catch (error) {
      if (error instanceof IndexError) return 32 << 20;
      throw error;
    }
  },
  examples: [example],
  open: async (p, ctx) => {
    const dir = ctx.path(p.index);
    const text = textColumn(p);
    const weights = weightsOf(p);
    const options = queryOptions(p);
    if (weights) checkWeightedTerms('with.weights', weights, ctx.inputs[0] ?? {});
    const searcher = await withIndex(() => openSearcher(dir, p.threads, CACHE_BYTES));
    const { index } = searcher;
    try {
      checkColumns(index, p.columns, p.index);
      checkConditions(index, options.filter ?? {});
      // a search for nothing, so that what does not fit the index is said before any question is read
      const nothing: Query = {
        ...(text === undefined ? {} : { text: '' }),
        ...(weights === undefined ? {} : { weights: {}, field: weights.field }),
      };
      await withIndex(() => index.search(nothing, { ...options, k: 1 }));
    } catch (error) {
      await searcher.close();
      throw error;
    }
    return {
      process: async batch => {
        const found = new Found();
        const explanations: string[] = [];
        const queries = Array.from({ length: batch.numRows }, (_, row) => queryOf(batch, row, text, weights));
        const results = await withIndex(() => searcher.search(queries, { ...options, k: p.k }));
        for (const [row, { docs, scores }] of results.entries()) {
          found.add(row, docs, scores);
          if (p.explain)
            for (const doc of docs) explanations.push(explanation(index, queries[row], doc, options));
        }
        const columns = hitColumns(found, index, p.source, further(p.columns));
        return {
          parent: found.parents,
          columns: p.explain ? { ...columns, explanation: utf8Data(explanations) } : columns,
        };
      },
      close: () => searcher.close(),
    };
  },
});

function queryOf(
  batch: RecordBatch,
  row: number,
  text: string | undefined,
  weights: ReturnType<typeof weightsOf>,
): Query {
  const question = text === undefined ? undefined : utf8View(batch, text).get(row);
  if (weights === undefined) return question ?? '';
  const terms = new Map<string, number>();
  for (const [term, weight] of weightedTerms(batch, weights, row) ?? [])
    terms.set(term, (terms.get(term) ?? 0) + weight);
  return { text: question, weights: terms, field: weights.field };
}

function explanation(index: SparseIndex, query: Query, doc: number, options: QueryOptions): string {
  const { score, length, terms, tree } = index.explain(query, doc, options);
  return JSON.stringify({ score, length, terms, tree });
}
