import type { RecordBatch } from 'apache-arrow';
import { DataType } from 'apache-arrow';
import { z } from 'zod';
import {
  type Columns,
  hasColumn,
  int32,
  list,
  listView,
  numbers,
  Utf8View,
  utf8,
  utf8View,
} from '../../src/arrow/index.ts';
import { operator, type Report, readsPath, UserError, writesPath } from '../../src/define/index.ts';
import { RankingMetrics } from '../../src/metrics/index.ts';
import { judgements } from './judgements.ts';
import { type Gathered, QuestionHits } from './question-hits.ts';
import { publishReport, ReportFiles } from './report-files.ts';
import { retrievalReport } from './retrieval-report.ts';

const cutoffs = (about: string) => z.array(z.int().positive()).min(1).describe(about);

export const evaluateRetrieval = operator({
  name: 'evaluate.retrieval',
  version: 1,
  shape: 'sink',
  gone: true,
  summary: 'Measures how well hits answer their questions: gold, answers, recall, MRR, MAP, nDCG and mAR.',
  description: `Hits come with their question's columns. What is measured depends on what is known of a question:

| known | measured |
|---|---|
| \`doc_ids\` (List<Utf8>): the documents or passages it was written for | \`gold@k\`, and with grade 1 each \`recall@k\`, \`precision@k\`, \`success@k\`, \`mrr@10\`, \`map\`, \`ndcg@10\`, \`r-precision\` |
| \`answers\` (List<Utf8>) | \`answer@k\` (an answer occurs in one of the first k texts) and \`mar\`, mean average recall over context length (strict, legacy, any hit) |
| \`qrels\`, a file of TREC or BEIR judgements | the ranking measures with those grades |

Hits of one document collapse to the first for all but \`answer@k\` and \`mar\`. A question without hits counts as 0 where
it can be judged; one that a metric cannot judge is left out of it and counted in \`skipped\`. The ranking measures agree
with trec_eval on the same hits. With \`path\`, the report is written there as JSON, and plots beside it as SVG.`,
  params: z.strictObject({
    k: cutoffs('cutoffs of gold@k, answer@k and success@k').default([1, 5, 20, 100]),
    recall: cutoffs('cutoffs of recall@k; default: k and 100').optional(),
    precision: cutoffs('cutoffs of precision@k; default: k').optional(),
    mrr: cutoffs('cutoffs of mrr@k').default([10]),
    ndcg: cutoffs('cutoffs of ndcg@k').default([10]),
    gain: z
      .enum(['linear', 'exponential'])
      .default('linear')
      .describe('gain of a grade in nDCG: g, or 2^g - 1'),
    match: z
      .enum(['auto', 'token', 'substring', 'folded'])
      .default('auto')
      .describe(
        'how an answer is found in a text: on token borders, anywhere after normalisation, by script',
      ),
    mar: z.boolean().default(true).describe('whether mAR is measured, where answers and texts are there'),
    gold: z.string().default('doc_ids').describe('the column of gold documents, a list of texts'),
    answers: z.string().default('answers').describe('the column of answers, a list of texts'),
    by: z.string().default('doc_id').describe('the column of a hit that gold documents and judgements name'),
    qrels: z.string().optional().describe('a file of judgements, TREC or BEIR').meta(readsPath()),
    curves: z.boolean().default(true).describe('whether the report has curves over k and context length'),
    print: z
      .array(z.string())
      .optional()
      .describe('names of the metrics in the printed table, as `gold@1`; default: all'),
    path: z.string().optional().describe('JSON file to write the report to').meta(writesPath()),
  }),
  reads: p => ({ question_id: utf8(), [p.by]: utf8(), rank: int32() }),
  batchBy: () => ['question_id'],
  examples: [
    {
      title: 'Two questions, one gold each',
      with: { k: [1, 2], path: 'report.json', curves: false },
      in: [
        {
          question_id: 'q1',
          doc_ids: ['a'],
          answers: ['Seoul'],
          rank: 0,
          unit_id: 'b#0',
          doc_id: 'b',
          text: 'It is Seoul.',
          score: 2,
        },
        {
          question_id: 'q1',
          doc_ids: ['a'],
          answers: ['Seoul'],
          rank: 1,
          unit_id: 'a#0',
          doc_id: 'a',
          text: 'A port',
          score: 1,
        },
        {
          question_id: 'q2',
          doc_ids: ['c'],
          answers: ['no'],
          rank: 0,
          unit_id: 'b#1',
          doc_id: 'b',
          text: 'A river',
          score: 1,
        },
      ],
    },
  ],
  open: async (p, ctx) => {
    const input = ctx.inputs[0] ?? {};
    for (const name of [p.gold, p.answers]) wantTexts(name, input);
    if (!p.qrels && !Object.hasOwn(input, p.gold) && !Object.hasOwn(input, p.answers))
      throw new UserError(
        `evaluate.retrieval: hits have neither "${p.gold}" nor "${p.answers}", and no qrels are given; there is nothing to judge by`,
        {
          help: 'questions need a list of gold documents or of answers, or name a file of judgements in with.qrels',
        },
      );
    const qrels = p.qrels === undefined ? undefined : await judgements(ctx.path(p.qrels), p.qrels);
    const { k, recall, precision, mrr, ndcg, gain, match, mar } = p;
    const metrics = new RankingMetrics({ k, recall, precision, mrr, ndcg, gain, match, mar });
    const files = p.path === undefined ? undefined : new ReportFiles(ctx.path(p.path));
    const pending = new QuestionHits(question => {
      metrics.add({ ...question, relevance: qrels?.get(question.questionId) });
    });
    let report: Report | undefined;

    const gone = (batch: RecordBatch): void => {
      if (!hasColumn(batch, 'question_id')) return;
      const ids = utf8View(batch, 'question_id');
      const gold = lists(batch, p.gold);
      const answers = lists(batch, p.answers);
      for (let row = 0; row < ids.length; row++) pending.without(ids.get(row), gold?.(row), answers?.(row));
    };
    const hits = (batch: RecordBatch): void => {
      const ids = utf8View(batch, 'question_id');
      const docs = utf8View(batch, p.by);
      const ranks = numbers(batch, 'rank') as Int32Array;
      const text = (name: string) => (hasColumn(batch, name) ? utf8View(batch, name) : undefined);
      const texts = text('text');
      const units = text('unit_id');
      const scores = hasColumn(batch, 'score') ? numbersOf(batch, 'score') : undefined;
      const gold = lists(batch, p.gold);
      const answers = lists(batch, p.answers);
      for (let from = 0; from < ids.length; ) {
        const id = ids.get(from);
        let to = from + 1;
        while (to < ids.length && ids.get(to) === id) to++;
        const cut = (view: Utf8View | undefined): string[] | undefined =>
          view && Array.from({ length: to - from }, (_, i) => view.get(from + i));
        const own: Gathered = {
          docIds: cut(docs) as string[],
          unitIds: cut(units),
          texts: cut(texts),
          scores: scores && Array.from(scores.subarray(from, to)),
        };
        pending.add(id, gold?.(from), answers?.(from), own, ranks.subarray(from, to));
        from = to;
      }
    };
    return {
      write: change => {
        if (change.deletes?.numRows)
          throw new UserError(
            'evaluate.retrieval measures all questions at once and cannot take back some of them',
            {
              help: 'run with --full',
            },
          );
        if (change.upserts?.numRows) hits(change.upserts);
        if (change.gone?.numRows) gone(change.gone);
      },
      prepare: async () => {
        pending.end();
        report = await retrievalReport(metrics, p);
        const token = (await files?.write(report)) ?? null;
        return { token, summary: { questions: Number(report.data.questions) } };
      },
      report: () => report,
      abort: () => files?.remove(),
    };
  },
  publish: (_, token) => publishReport(token),
});

function wantTexts(name: string, input: Columns): void {
  if (!Object.hasOwn(input, name)) return;
  const { type } = input[name];
  if (!DataType.isList(type) || !DataType.isUtf8(type.children[0].type))
    throw new UserError(`evaluate.retrieval: column "${name}" is ${type}, wanted ${list(utf8()).type}`);
}

/** The texts of a row of a list column, or undefined where there is no such column. */
function lists(batch: RecordBatch, name: string): ((row: number) => string[]) | undefined {
  if (!hasColumn(batch, name)) return undefined;
  const { offsets, items } = listView(batch, name);
  const texts = new Utf8View(items);
  return row =>
    Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => texts.get(offsets[row] + i));
}

function numbersOf(batch: RecordBatch, name: string): Float64Array | Float32Array {
  const data = batch.data.children[batch.schema.fields.findIndex(f => f.name === name)];
  return (data.values as Float64Array).subarray(0, data.length);
}
