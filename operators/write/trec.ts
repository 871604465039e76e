import type { RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import {
  type Columns,
  columnData,
  float64,
  list,
  numbers,
  utf8,
  utf8View,
  valueAt,
} from '../../src/arrow/index.ts';
import { operator, UserError, writesPath } from '../../src/define/index.ts';
import { qrelsLines, runLines } from '../../src/metrics/index.ts';
import { openBytes } from '../read/lib/bytes.ts';
import { LineCutter, recordBlocks } from '../read/lib/lines.ts';
import { anyColumn } from '../shape/any-column.ts';
import { fileSink, type Rewrite } from './sink.ts';
import { publishFile } from './target.ts';

const RUN: Columns = { question_id: utf8(), doc_id: utf8(), score: float64() };

/** Lines of the hits of a batch, and the row each came from. A question's hits are all in one batch. */
function runOf(
  batch: RecordBatch,
  tag: string,
  scores: 'score' | 'rank',
): { lines: string[]; rows: number[] } {
  const questions = new Map<
    string,
    { docIds: string[]; scores: number[]; rows: number[]; seen: Set<string> }
  >();
  const ids = utf8View(batch, 'question_id');
  const docs = utf8View(batch, 'doc_id');
  const values = numbers(batch, 'score');
  for (let i = 0; i < batch.numRows; i++) {
    const question = ids.get(i);
    let hits = questions.get(question);
    if (hits === undefined) {
      hits = { docIds: [], scores: [], rows: [], seen: new Set() };
      questions.set(question, hits);
    }
    const doc = docs.get(i);
    // the first hit of a document stands for it
    if (hits.seen.has(doc)) continue;
    hits.seen.add(doc);
    hits.docIds.push(doc);
    hits.scores.push(values[i]);
    hits.rows.push(i);
  }
  return {
    lines: [...runLines(questions, { tag, scores })],
    rows: [...questions.values()].flatMap(q => q.rows),
  };
}

function qrelsOf(batch: RecordBatch, relevance: string | undefined): { lines: string[]; rows: number[] } {
  const lines: string[] = [];
  const rows: number[] = [];
  const ids = utf8View(batch, 'question_id');
  const documents = columnData(batch, 'doc_ids');
  const given = relevance === undefined ? undefined : columnData(batch, relevance);
  for (let i = 0; i < batch.numRows; i++) {
    const docs = (valueAt(documents, i) ?? []) as string[];
    const grades = given && (valueAt(given, i) as number[] | null);
    if (grades && grades.length !== docs.length)
      throw new UserError(`question "${ids.get(i)}" has ${docs.length} doc_ids and ${grades.length} grades`);
    const judged = new Map(docs.map((doc, d) => [doc, Number(grades?.[d] ?? 1)]));
    for (const line of qrelsLines(new Map([[ids.get(i), judged]]))) {
      lines.push(line);
      rows.push(i);
    }
  }
  return { lines, rows };
}

export const writeTrec = operator({
  name: 'write.trec',
  version: 1,
  shape: 'sink',
  summary: 'Writes hits as a TREC run file, or gold documents as TREC qrels.',
  description: `A run has a line a hit, \`question Q0 document rank score tag\`, ranks from 1; of a document that a question has twice
(in passages of it) the first hit is kept. Tools that follow trec_eval sort by score and ignore the rank: where hits are not
in the order of their scores, or have ties, \`scores: rank\` writes falling whole numbers instead. Qrels have a line a gold
document of a question, \`question 0 document grade\`; the grade is 1, or stands in the list column \`relevance\` names. Ids
cannot hold white space. \`.gz\` compresses. \`millrace evaluate\` and \`millrace compare\` read both.`,
  params: z.strictObject({
    path: z.string().min(1).describe('file to write; .gz, .br or .zst compresses it').meta(writesPath()),
    take: z
      .enum(['run', 'qrels'])
      .default('run')
      .describe('run: hits; qrels: the gold documents of questions'),
    tag: z
      .string()
      .regex(/^\S+$/, 'wanted a word')
      .default('millrace')
      .describe('the name of the run, its last column'),
    scores: z.enum(['score', 'rank']).default('score').describe('what stands as score of a hit'),
    relevance: z.string().optional().describe('qrels: the column of grades, a list beside doc_ids'),
  }),
  reads: p =>
    p.take === 'run'
      ? RUN
      : {
          question_id: utf8(),
          doc_ids: list(utf8()),
          ...(p.relevance === undefined ? {} : { [p.relevance]: anyColumn() }),
        },
  batchBy: p => (p.take === 'run' ? ['question_id'] : []),
  examples: [
    {
      title: 'A run; two passages of one document are one line',
      with: { path: 'out/run.trec', tag: 'bm25' },
      in: [
        { question_id: 'q1', rank: 0, doc_id: 'a', score: 2.5 },
        { question_id: 'q1', rank: 1, doc_id: 'b', score: 1.25 },
        { question_id: 'q1', rank: 2, doc_id: 'a', score: 1 },
        { question_id: 'q2', rank: 0, doc_id: 'b', score: 0.5 },
      ],
      columns: { score: 'float64' },
      written: {
        'out/run.trec': 'q1 Q0 a 1 2.5 bm25\nq1 Q0 b 2 1.25 bm25\nq2 Q0 b 1 0.5 bm25\n',
      },
    },
    {
      title: 'Qrels',
      with: { path: 'out/qrels.txt', take: 'qrels' },
      in: [{ question_id: 'q1', doc_ids: ['a', 'c'] }],
      written: { 'out/qrels.txt': 'q1 0 a 1\nq1 0 c 1\n' },
    },
  ],
  open: async (p, ctx) => {
    // the row of the input that each line came from: deletes count rows
    const origin: number[] = [];
    let before = 0;
    const rewrite: Rewrite = async (from, to, deletes) => {
      let line = 0;
      const blocks = await openBytes(from.file);
      for await (const block of recordBlocks(blocks, new LineCutter(), from.file.shown)) {
        const bytes = Buffer.from(block.raw.buffer);
        for (let start = 0; start < bytes.length; ) {
          const end = bytes.indexOf(10, start) + 1;
          const [question_id, , doc_id] = bytes.toString('utf8', start, end).split(' ');
          const values: Record<string, string> = { question_id, doc_id };
          if (!deletes.drops(origin[line++], name => values[name]))
            await to.write(bytes.subarray(start, end));
          start = end;
        }
      }
      return line;
    };
    return fileSink(
      p.path,
      ctx,
      () => ({
        rows: async (batch, target) => {
          const { lines, rows } =
            p.take === 'run' ? runOf(batch, p.tag, p.scores) : qrelsOf(batch, p.relevance);
          for (const row of rows) origin.push(before + row);
          before += batch.numRows;
          await target.write(Buffer.from(lines.join('')));
        },
      }),
      rewrite,
    );
  },
  publish: (p, token, ctx) => publishFile(p.path, token, ctx),
});
