import { z } from 'zod';
import { type Columns, float64, int32, int64, list, utf8 } from '../../src/arrow/index.ts';
import {
  type OpenContext,
  operator,
  type SourceChunk,
  type SourcePosition,
  UserError,
} from '../../src/define/index.ts';
import { parseQrels, parseRun } from '../../src/metrics/index.ts';
import { openBytes } from './lib/bytes.ts';
import { rowPosition } from './lib/columnar.ts';
import { type FileKind, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { fixedLayout } from './lib/layout.ts';
import { pathParam } from './lib/params.ts';
import { Rows } from './lib/rows.ts';

const KIND: FileKind = { endings: ['.trec', '.run', '.txt', '.qrels', '.tsv'], what: 'TREC files' };
const BATCH_ROWS = 4096;

const RUN: Columns = { question_id: utf8(), rank: int32(), doc_id: utf8(), score: float64(), source: utf8() };
const QRELS: Columns = { question_id: utf8(), doc_ids: list(utf8()), relevance: list(int64()) };

type Take = 'run' | 'qrels';

async function* linesOf(file: SourceFile): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  for await (const block of await openBytes(file)) {
    const lines = (rest + decoder.decode(block, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The rows of a file. @throws UserError on a line that is none of such a file, with its number */
async function rowsOfFile(file: SourceFile, take: Take): Promise<Record<string, unknown>[]> {
  try {
    if (take === 'qrels') {
      const qrels = await parseQrels(linesOf(file), file.shown);
      return [...qrels].map(([question_id, grades]) => ({
        question_id,
        doc_ids: [...grades.keys()],
        relevance: [...grades.values()].map(grade => BigInt(grade)),
      }));
    }
    const run = await parseRun(linesOf(file), file.shown);
    return [...run].flatMap(([question_id, { docIds, scores }]) => {
      const order = docIds.map((_, i) => i);
      // as trec_eval: by score, then by document from the last to the first
      order.sort((a, b) => scores[b] - scores[a] || compareText(docIds[b], docIds[a]));
      return order.map((at, rank) => ({
        question_id,
        rank,
        doc_id: docIds[at],
        score: scores[at],
        source: file.name,
      }));
    });
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    throw new UserError(error.message, {
      help: 'wanted a TREC run (take: run) or qrels (take: qrels)',
      cause: error,
    });
  }
}

async function* scanTrec(
  files: readonly SourceFile[],
  take: Take,
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const at = rowPosition(from);
  const layout = fixedLayout(
    take === 'run' ? RUN : QRELS,
    take === 'run' ? ['question_id', 'rank'] : ['question_id'],
  );
  for (const file of files) {
    if (at && file.shown < at.file) continue;
    ctx.signal.throwIfAborted();
    const found = await rowsOfFile(file, take);
    for (let start = at?.file === file.shown ? at.row : 0; start < found.length; start += BATCH_ROWS) {
      const rows = new Rows(layout, () => {});
      const end = Math.min(found.length, start + BATCH_ROWS);
      for (let i = start; i < end; i++) rows.push(found[i], '');
      yield {
        batch: rows.finish(),
        position: { file: file.shown, row: end },
        progress: end === found.length ? file.size : 0,
      };
    }
  }
}

export const readTrec = operator({
  name: 'read.trec',
  version: 1,
  shape: 'source',
  summary: 'Reads TREC run files as hits, or TREC and BEIR qrels as gold documents.',
  description: `A run gives a row a hit, in the order trec_eval sees: by score, equal scores by document from the last name to the
first; the rank column of the file is not used. \`source\` is the name of the file. Qrels give a row a question, with its
documents and their grades. A file is held in memory while it is read.`,
  params: z.strictObject({
    path: pathParam('TREC files'),
    take: z.enum(['run', 'qrels']).default('run').describe('run: a row a hit; qrels: a row a question'),
  }),
  key: p => (p.take === 'run' ? ['question_id', 'rank'] : ['question_id']),
  columns: async (p, ctx) => {
    await resolveFiles(p.path, ctx, KIND);
    return p.take === 'run' ? RUN : QRELS;
  },
  examples: [
    {
      title: 'Hits by score; the rank of the file does not count',
      with: { path: 'bm25.trec' },
      files: { 'bm25.trec': 'q1 Q0 a 1 0.5 x\nq1 Q0 b 2 1.5 x\n' },
      out: [
        { question_id: 'q1', rank: 0, doc_id: 'b', score: 1.5, source: 'bm25.trec' },
        { question_id: 'q1', rank: 1, doc_id: 'a', score: 0.5, source: 'bm25.trec' },
      ],
    },
    {
      title: 'Qrels',
      with: { path: 'qrels.txt', take: 'qrels' },
      files: { 'qrels.txt': 'q1 0 a 2\nq1 0 b 0\n' },
      out: [{ question_id: 'q1', doc_ids: ['a', 'b'], relevance: [2n, 0n] }],
    },
  ],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    return fileSource(files, (some, from) => scanTrec(some, p.take, ctx, from));
  },
});
