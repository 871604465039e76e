import { existsSync } from 'node:fs';
import { z } from 'zod';
import { type Column, columnOf, typeName, utf8, utf8View } from '../../src/arrow/index.ts';
import { type Example, operator, readsPath, UserError } from '../../src/define/index.ts';
import {
  IndexError,
  resolveSimilarity,
  type SimilaritySpec,
  SparseIndex,
  similarities,
} from '../../src/retrieval/sparse/index.ts';
import { withIndex } from '../index/errors.ts';
import { Found, HITS, hitColumns } from './hits.ts';

const names = [...similarities.keys()] as [string, ...string[]];
const similarity = z.union([
  z.enum(names),
  z.object({ name: z.enum(names) }).catchall(z.union([z.number(), z.boolean(), z.string()])),
]);

/** Postings that an open index keeps in memory. */
const CACHE_BYTES = 256 << 20;

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
  batchRows: p => Math.max(1, Math.min(64, Math.floor(6400 / p.k))),
  summary: 'Searches an index of index.sparse with each question and gives the best hits.',
  description: `One row a hit, best first, with the question's columns; a question without hits gives none. A hit is a row of the
index that holds at least one term of the question. \`rank\` counts from 0; ties go by \`unit_id\`.

\`similarity\` is one of ${names.map(n => `\`${n}\``).join(', ')}, or an object with its parameters:
\`{ name: lucene, k1: 0.9, b: 0.4 }\`. The question goes through the analyzer that is stored with the index.

An index of documents (its key is not a unit's) gives each as the unit \`document\`. Where \`start\` and \`end\` are not
stored they are those of the whole text, a \`title\` that is not stored is empty. \`columns\` names further stored columns
and their types (\`utf8\`, \`int32\`, \`float64\`, \`bool\`).`,
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    similarity: similarity
      .default('lucene')
      .describe('how hits are scored: a name, or an object with name and parameters'),
    column: z.string().default('question').describe('the column of questions'),
    columns: z
      .record(z.string(), z.enum(['utf8', 'int32', 'float64', 'bool']))
      .default({})
      .describe('further stored columns to give back, each with its type'),
    source: z.string().default('sparse').describe('what the column source says, to tell lists of hits apart'),
  }),
  check: p => {
    const problems = Object.keys(p.columns)
      .filter(name => Object.hasOwn(HITS, name))
      .map(name => `with.columns.${name}: is a column of every hit already`);
    try {
      resolveSimilarity(p.similarity as SimilaritySpec);
    } catch (error) {
      if (!(error instanceof IndexError)) throw error;
      problems.push(`with.similarity: ${error.message.replace(/^similarity:? /, '')}`);
    }
    return problems;
  },
  reads: p => ({ question_id: utf8(), [p.column]: utf8() }),
  writes: p => ({ ...HITS, ...further(p.columns) }),
  key: (_, inputKey) => [...inputKey, 'rank'],
  batchBy: () => ['question_id'],
  fixedBytes: async (p, ctx) => {
    const dir = ctx.path(p.index);
    // not built yet, or not readable: open() says so where it matters
    if (!existsSync(dir)) return 32 << 20;
    try {
      const index = await SparseIndex.open(dir, { preload: false, cacheBytes: 0 });
      const { bytes, documents } = index.info;
      index.close();
      return Math.min(bytes, CACHE_BYTES) + documents * 24 + (8 << 20);
    } catch (error) {
      if (error instanceof IndexError) return 32 << 20;
      throw error;
    }
  },
  examples: [example],
  open: async (p, ctx) => {
    const dir = ctx.path(p.index);
    const index = await withIndex(() => SparseIndex.open(dir, { cacheBytes: CACHE_BYTES }));
    try {
      for (const [name, type] of Object.entries(p.columns)) {
        const stored = index.info.columns.find(c => c.name === name);
        if (stored?.type === type) continue;
        const known = index.info.columns.map(c => `${c.name} (${c.type})`).join(', ');
        throw new UserError(
          stored
            ? `with.columns.${name}: the index stores it as ${stored.type}, not ${type}`
            : `with.columns.${name}: the index at ${p.index} does not store it; it stores ${known}`,
          stored ? {} : { help: 'add it to "store" of index.sparse and build the index again' },
        );
      }
    } catch (error) {
      index.close();
      throw error;
    }
    const spec = p.similarity as SimilaritySpec;
    return {
      process: batch => {
        const questions = utf8View(batch, p.column);
        const found = new Found();
        for (let row = 0; row < questions.length; row++) {
          const { docs, scores } = index.search(questions.get(row), { k: p.k, similarity: spec });
          found.add(row, docs, scores);
        }
        return { parent: found.parents, columns: hitColumns(found, index, p.source, further(p.columns)) };
      },
      close: () => index.close(),
    };
  },
});

function further(columns: Readonly<Record<string, string>>): Record<string, Column> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, type]) => {
      const column = columnOf(type);
      if (!column) throw new TypeError(`no type ${type}; wanted one such as ${typeName(utf8().type)}`);
      return [name, { ...column, nullable: true }];
    }),
  );
}
