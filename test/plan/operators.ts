/** Small operators of every shape, with declarations like the real ones; the planner never opens them. */
import { existsSync } from 'node:fs';
import { LargeUtf8, Null } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, fixedList, float32, int32, list, utf8 } from '../../src/arrow/index.ts';
import { operator, readsPath, secret, UserError, writesPath } from '../../src/define/index.ts';

const never = () => {
  throw new Error('the planner opened an operator');
};
const any = { type: new Null(), nullable: true };

export const readDocs = operator({
  name: 'read.jsonl',
  version: 1,
  shape: 'source',
  summary: 'Reads documents.',
  params: z.strictObject({
    path: z.string().min(1).describe('file, glob or folder').meta(readsPath()),
    text: z.string().default('text').describe('name of the column of text'),
    large: z.boolean().default(false).describe('give text as LargeUtf8'),
    mustExist: z.boolean().default(false).describe('look at the file'),
  }),
  columns: (p, ctx): Columns => {
    if (p.mustExist && !existsSync(ctx.path(p.path))) throw new UserError(`there is no file ${p.path}`);
    const text = p.large ? { type: new LargeUtf8(), nullable: false } : utf8();
    return { doc_id: utf8(), title: utf8(), [p.text]: text };
  },
  key: () => ['doc_id'],
  examples: [],
  open: never,
});

export const readQuestions = operator({
  name: 'read.squad',
  version: 1,
  shape: 'source',
  summary: 'Reads questions or contexts.',
  params: z.strictObject({
    path: z.string().describe('file').meta(readsPath()),
    take: z.enum(['contexts', 'questions']).default('questions').describe('what to read'),
  }),
  columns: (p): Columns =>
    p.take === 'questions'
      ? { question_id: utf8(), question: utf8(), answers: list(utf8()) }
      : { doc_id: utf8(), title: utf8(), text: utf8() },
  key: p => [p.take === 'questions' ? 'question_id' : 'doc_id'],
  examples: [],
  open: never,
});

export const split = operator({
  name: 'split.passages',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Splits text into passages.',
  params: z.strictObject({
    words: z.int().positive().default(100).describe('words in a passage'),
    stride: z.int().min(0).default(0).describe('words shared with the passage before'),
    large: z.boolean().default(false).describe('give text as LargeUtf8'),
  }),
  check: p =>
    p.stride < p.words ? [] : [`with.stride: must be less than words (${p.words}), got ${p.stride}`],
  reads: () => ({ doc_id: utf8(), text: utf8() }),
  writes: (p): Columns => ({
    unit_id: utf8(),
    text: p.large ? { type: new LargeUtf8(), nullable: false } : utf8(),
    start: int32(),
    end: int32(),
  }),
  key: () => ['unit_id'],
  examples: [],
  open: never,
});

export const select = operator({
  name: 'select',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Keeps, renames and drops columns.',
  params: z.strictObject({
    drop: z.array(z.string()).default([]).describe('columns to drop'),
    rename: z.record(z.string(), z.string()).default({}).describe('old name: new name'),
  }),
  reads: p => Object.fromEntries([...p.drop, ...Object.keys(p.rename)].map(name => [name, any])),
  writes: () => ({}),
  passes: (p, input) =>
    Object.fromEntries(
      Object.keys(input).flatMap(name => (p.drop.includes(name) ? [] : [[name, p.rename[name] ?? name]])),
    ),
  examples: [],
  open: never,
});

export const encode = operator({
  name: 'encode.dense',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Encodes text into vectors.',
  params: z.strictObject({
    model: z.string().describe('name or path of the model'),
    column: z.string().default('text').describe('column of text'),
    dims: z.int().min(1).max(4096).default(384).describe('numbers in a vector'),
    token: z.string().optional().describe('access token').meta(secret()),
    asset: z.string().optional().describe('a file that counts').meta(readsPath()),
    fixed: z.number().min(0).default(0).describe('bytes of the model'),
  }),
  assets: p => (p.asset === undefined ? [] : [p.asset]),
  fixedBytes: p => p.fixed,
  reads: p => ({ [p.column]: utf8() }),
  writes: p => ({ vector: fixedList(p.dims, float32()) }),
  tokens: p => p.column,
  examples: [],
  open: never,
});

export const indexSparse = operator({
  name: 'index.sparse',
  version: 1,
  shape: 'sink',
  summary: 'Builds a sparse index.',
  params: z.strictObject({
    path: z.string().describe('folder of the index').meta(writesPath()),
    analyzer: z
      .enum(['standard', 'english', 'korean'])
      .default('standard')
      .describe('how text becomes terms'),
  }),
  reads: () => ({ unit_id: utf8(), text: utf8() }),
  examples: [],
  open: never,
});

export const indexDense = operator({
  name: 'index.dense',
  version: 1,
  shape: 'sink',
  summary: 'Builds a dense index.',
  params: z.strictObject({ path: z.string().describe('folder of the index').meta(writesPath()) }),
  reads: () => ({ unit_id: utf8(), vector: fixedList(0, float32()) }),
  examples: [],
  open: never,
});

const similarity = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('lucene').describe('which'),
    k1: z.number().min(0).default(0.9).describe('saturation'),
    b: z.number().min(0).max(1).default(0.4).describe('length'),
  }),
  z.strictObject({
    name: z.literal('dirichlet').describe('which'),
    mu: z.number().positive().default(2000).describe('prior'),
  }),
]);

export const searchSparse = operator({
  name: 'search.sparse',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Searches a sparse index.',
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    similarity: similarity.default({ name: 'lucene', k1: 0.9, b: 0.4 }).describe('how terms score'),
    weights: z
      .union([z.string(), z.array(z.number())])
      .optional()
      .describe('weights of fields'),
  }),
  reads: () => ({ question_id: utf8(), question: utf8() }),
  writes: () => ({ rank: int32(), unit_id: utf8(), score: float32() }),
  key: (_p, inputKey) => [...inputKey, 'rank'],
  examples: [],
  open: never,
});

export const searchDense = operator({
  name: 'search.dense',
  version: 1,
  shape: 'map',
  rows: 'explode',
  summary: 'Searches a dense index.',
  params: z.strictObject({
    index: z.string().describe('folder of the index').meta(readsPath()),
    k: z.int().positive().default(10).describe('hits a question'),
    dims: z.int().positive().default(384).describe('numbers in a vector'),
  }),
  reads: p => ({ question_id: utf8(), vector: fixedList(p.dims, float32()) }),
  writes: () => ({ rank: int32(), unit_id: utf8(), score: float32() }),
  key: (_p, inputKey) => [...inputKey, 'rank'],
  examples: [],
  open: never,
});

export const mergeHits = operator({
  name: 'merge.hits',
  version: 1,
  shape: 'join',
  summary: 'Merges hits of several searches.',
  params: z.strictObject({
    method: z.enum(['rrf', 'minmax', 'zscore']).default('rrf').describe('how scores are merged'),
    k: z.int().positive().default(10).describe('hits kept'),
  }),
  on: () => ['question_id'],
  reads: () => ({ question_id: utf8(), unit_id: utf8(), score: float32() }),
  writes: (_p, inputs) => ({ ...inputs[0], rank: int32(), unit_id: utf8(), score: float32() }),
  key: () => ['question_id', 'rank'],
  missing: () => 'partial',
  examples: [],
  open: never,
});

export const dedupe = operator({
  name: 'dedupe.exact',
  version: 1,
  shape: 'stream',
  summary: 'Drops rows of equal text.',
  params: z.strictObject({
    column: z.string().default('text').describe('column compared'),
    wait: z.boolean().default(false).describe('give nothing before the end'),
  }),
  holds: p => p.wait,
  reads: p => ({ [p.column]: utf8() }),
  writes: () => ({}),
  examples: [],
  open: never,
});

export const buffer = operator({
  name: 'rx.buffer',
  version: 1,
  shape: 'rx',
  summary: 'Holds batches back.',
  params: z.strictObject({ batches: z.int().min(0).default(0).describe('batches held') }),
  holds: p => p.batches,
  reads: () => ({}),
  writes: () => ({}),
  examples: [],
  open: never,
});

export const evaluate = operator({
  name: 'evaluate.retrieval',
  version: 1,
  shape: 'sink',
  gone: true,
  summary: 'Measures retrieval.',
  params: z.strictObject({ k: z.array(z.int().positive()).default([1, 5, 20]).describe('depths') }),
  batchBy: () => ['question_id'],
  reads: () => ({ question_id: utf8(), rank: int32(), unit_id: utf8() }),
  examples: [],
  open: never,
});

export const writeJsonl = operator({
  name: 'write.jsonl',
  version: 1,
  shape: 'sink',
  summary: 'Writes rows.',
  params: z.strictObject({ path: z.string().describe('file').meta(writesPath()) }),
  reads: () => ({}),
  examples: [],
  open: never,
});

export const operators = [
  readDocs,
  readQuestions,
  split,
  select,
  encode,
  indexSparse,
  indexDense,
  searchSparse,
  searchDense,
  mergeHits,
  dedupe,
  buffer,
  evaluate,
  writeJsonl,
] as const;
