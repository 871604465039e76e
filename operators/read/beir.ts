import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Columns, int32, list, nullable, utf8 } from '../../src/arrow/index.ts';
import {
  type Decoded,
  type Json,
  operator,
  type PlanContext,
  type RecordError,
  readsPath,
  UserError,
} from '../../src/define/index.ts';
import { decodeLines, parseLines } from './jsonl.ts';
import { openBytes } from './lib/bytes.ts';
import { COMPRESSED, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { fixedLayout } from './lib/layout.ts';
import { LineCutter, recordBlocks } from './lib/lines.ts';
import { Rows, shownRecord } from './lib/rows.ts';
import { type BlockMeta, scanFiles } from './lib/source.ts';

const CORPUS: Columns = { doc_id: utf8(), title: nullable(utf8()), text: utf8() };
const QUERIES: Columns = {
  question_id: utf8(),
  question: utf8(),
  doc_ids: list(utf8()),
  relevance: list(int32()),
};

/** A file of the folder, plain or compressed. @throws UserError naming the folder and what it lacks. */
async function fileOf(folder: string, name: string, ctx: PlanContext): Promise<SourceFile> {
  const kind = { endings: [], what: `a BEIR folder's ${name}` };
  for (const ending of ['', ...COMPRESSED]) {
    const path = join(folder, name + ending);
    if (await stat(resolve(ctx.path(path))).catch(() => undefined))
      return (await resolveFiles(path, ctx, kind))[0];
  }
  return (await resolveFiles(join(folder, name), ctx, kind))[0];
}

interface Judged {
  readonly doc_ids: string[];
  readonly relevance: number[];
}

/** Judgements by question, in the file's order; documents judged 0 or less are no gold. */
async function readQrels(file: SourceFile): Promise<Map<string, Judged>> {
  const out = new Map<string, Judged>();
  let number = 0;
  for await (const block of recordBlocks(await openBytes(file), new LineCutter(), file.shown)) {
    for (const line of Buffer.from(block.raw.buffer).toString('utf8').split('\n')) {
      number++;
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (text === '') continue;
      const cells = text.split('\t');
      const score = Number(cells[2]);
      if (number === 1 && Number.isNaN(score)) continue;
      if (cells.length !== 3 || !Number.isInteger(score) || cells[2] === '')
        throw new UserError(
          `${file.shown}:${number}: found ${JSON.stringify(text.slice(0, 80))}, wanted query-id, corpus-id and a whole score between tabs`,
        );
      let judged = out.get(cells[0]);
      if (!judged) {
        judged = { doc_ids: [], relevance: [] };
        out.set(cells[0], judged);
      }
      if (score <= 0) continue;
      judged.doc_ids.push(cells[1]);
      judged.relevance.push(score);
    }
  }
  return out;
}

/** Queries of a block that the split judges, with their judgements. */
function decodeQueries(
  raw: Uint8Array,
  meta: BlockMeta,
  qrels: ReadonlyMap<string, Judged>,
  all: boolean,
): Decoded {
  const rows = new Rows(fixedLayout(QUERIES, ['question_id']), () => {});
  const errors: RecordError[] = [];
  parseLines(raw, meta, (record, where, source) => {
    if (typeof record === 'string') {
      errors.push({ where, message: record, record: source });
      return;
    }
    const id = typeof record._id === 'number' ? String(record._id) : record._id;
    const judged = typeof id === 'string' ? qrels.get(id) : undefined;
    if (!judged && !all && typeof id === 'string') return;
    const row = { question_id: id, question: record.text, ...(judged ?? { doc_ids: [], relevance: [] }) };
    const wrong = rows.push(row, '');
    if (wrong !== undefined) errors.push({ where, message: wrong, record: shownRecord(source) });
  });
  return { batch: rows.finish(), errors };
}

export const readBeir = operator({
  name: 'read.beir',
  version: 1,
  shape: 'source',
  summary: 'Reads a folder in BEIR format: its corpus, or its queries with their judgements.',
  description:
    'The folder holds `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`, plain or compressed (Thakur et al. 2021). Queries come with the documents judged relevant (score above 0) and their scores, in the order of the qrels file; queries that the split does not judge are left out. Judgements are held in memory.',
  params: z.strictObject({
    path: z.string().min(1).describe('the folder').meta(readsPath()),
    take: z
      .enum(['corpus', 'queries'])
      .describe('corpus: the documents; queries: the questions with judgements'),
    split: z.string().min(1).default('test').describe('which qrels/SPLIT.tsv, for queries'),
    all: z.boolean().default(false).describe('whether queries without a judgement are given too'),
  }),
  key: p => [p.take === 'corpus' ? 'doc_id' : 'question_id'],
  columns: async (p, ctx) => {
    await fileOf(p.path, `${p.take}.jsonl`, ctx);
    if (p.take === 'queries') await fileOf(p.path, `qrels/${p.split}.tsv`, ctx);
    return p.take === 'corpus' ? CORPUS : QUERIES;
  },
  examples: [
    {
      title: 'Queries with judgements',
      with: { path: 'tiny', take: 'queries' },
      files: {
        'tiny/queries.jsonl': '{"_id": "q1", "text": "who?"}\n{"_id": "q2", "text": "what?"}\n',
        'tiny/qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\td2\t2\nq1\td1\t1\nq1\td3\t0\n',
      },
      out: [{ question_id: 'q1', question: 'who?', doc_ids: ['d2', 'd1'], relevance: [2, 1] }],
    },
    {
      title: 'The corpus',
      with: { path: 'tiny', take: 'corpus' },
      files: { 'tiny/corpus.jsonl': '{"_id": "d1", "title": "T", "text": "one", "metadata": {}}\n' },
      out: [{ doc_id: 'd1', title: 'T', text: 'one' }],
    },
  ],
  open: async (p, ctx) => {
    const files = [await fileOf(p.path, `${p.take}.jsonl`, ctx)];
    const scan = (some: readonly SourceFile[], from?: Json) =>
      scanFiles(some, ctx, () => new LineCutter(), from);
    if (p.take === 'corpus') {
      const fixed = fixedLayout(CORPUS, ['doc_id']);
      const layout = {
        ...fixed,
        fields: fixed.fields.map(f => (f.column === 'doc_id' ? { ...f, field: '_id' } : f)),
      };
      return {
        ...fileSource(files, scan),
        decode: (raw: Uint8Array, meta: Json) =>
          decodeLines(raw, meta as unknown as BlockMeta, layout, ctx.warn),
      };
    }
    const judged = await fileOf(p.path, `qrels/${p.split}.tsv`, ctx);
    const qrels = await readQrels(judged);
    return {
      ...fileSource(files, scan, [judged]),
      decode: (raw: Uint8Array, meta: Json) => decodeQueries(raw, meta as unknown as BlockMeta, qrels, p.all),
    };
  },
});
