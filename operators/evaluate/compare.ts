import { z } from 'zod';
import { int32, utf8, utf8View } from '../../src/arrow/index.ts';
import { operator, type Report, readsPath, UserError, writesPath } from '../../src/define/index.ts';
import { RankingMetrics } from '../../src/metrics/index.ts';
import { compareReport } from './compare-report.ts';
import { judgements } from './judgements.ts';
import { publishReport, ReportFiles } from './report-files.ts';

export const evaluateCompare = operator({
  name: 'evaluate.compare',
  version: 2,
  shape: 'sink',
  summary: 'Compares several runs over the same questions: one table, one plot of all, and which differ.',
  description: `A run is the hits whose column \`source\` says the same, as \`read.trec\` gives them from several files (the name of the
file, without its ending). The first run that comes, or \`against\`, is what the others are compared with: differences with
a bootstrap interval, the p of a paired randomisation test, corrected for the number of runs (Holm), and questions won and lost. A second table has the first printed metric of each run
and its difference with their intervals.
Plots show the top-k accuracy of all runs for k = 1 to 10 and 1 to 100, and recall where questions have several relevant
documents. Each judged question counts in each run, as 0 where the run has nothing for it. With \`path\` the report is
written there as JSON, and plots beside it as SVG. \`millrace compare\` does the same with files.`,
  params: z.strictObject({
    qrels: z.string().describe('a file of judgements, TREC or BEIR').meta(readsPath()),
    against: z
      .string()
      .optional()
      .describe('the run that others are compared with; default: the first that comes'),
    source: z.string().default('source').describe('the column that names the run of a hit'),
    by: z.string().default('doc_id').describe('the column of a hit that judgements name'),
    k: z
      .array(z.int().positive())
      .min(1)
      .default([1, 5, 20, 100])
      .describe('cutoffs of success@k, recall@k and precision@k'),
    print: z
      .array(z.string())
      .default(['success@1', 'success@5', 'success@20', 'success@100', 'mrr@10', 'map', 'ndcg@10'])
      .describe('names of the metrics in the printed table'),
    path: z.string().optional().describe('JSON file to write the report to').meta(writesPath()),
  }),
  reads: p => ({ question_id: utf8(), [p.by]: utf8(), rank: int32(), [p.source]: utf8() }),
  examples: [
    {
      title: 'Two runs of two questions',
      with: { qrels: 'qrels.txt', k: [1, 2], path: 'report.json' },
      files: { 'qrels.txt': 'q1 0 a 1\nq2 0 b 1\n' },
      in: [
        { question_id: 'q1', rank: 0, doc_id: 'a', source: 'old.trec' },
        { question_id: 'q2', rank: 0, doc_id: 'a', source: 'old.trec' },
        { question_id: 'q1', rank: 0, doc_id: 'a', source: 'new.trec' },
        { question_id: 'q2', rank: 0, doc_id: 'b', source: 'new.trec' },
      ],
      columns: { rank: 'int32' },
    },
  ],
  open: async (p, ctx) => {
    const qrels = await judgements(ctx.path(p.qrels), p.qrels);
    const files = p.path === undefined ? undefined : new ReportFiles(ctx.path(p.path));
    /** By run and question: documents in the order of their ranks. */
    const runs = new Map<string, Map<string, string[]>>();
    /** Documents by their names, so that each is held once. */
    const known = new Map<string, string>();
    const once = (doc: string): string => {
      const held = known.get(doc);
      if (held === undefined) known.set(doc, doc);
      return held ?? doc;
    };
    let report: Report | undefined;
    return {
      write: ({ upserts, deletes }) => {
        if (deletes?.numRows)
          throw new UserError('evaluate.compare measures whole runs and cannot take back some hits', {
            help: 'run with --full',
          });
        if (!upserts) return;
        const ids = utf8View(upserts, 'question_id');
        const docs = utf8View(upserts, p.by);
        const sources = utf8View(upserts, p.source);
        for (let row = 0; row < upserts.numRows; row++) {
          const name = nameOf(sources.get(row));
          const run = runs.get(name) ?? new Map<string, string[]>();
          runs.set(name, run);
          const found = run.get(ids.get(row)) ?? [];
          run.set(ids.get(row), found);
          found.push(once(docs.get(row)));
        }
      },
      prepare: async () => {
        if (p.against !== undefined && runs.size > 0 && !runs.has(p.against))
          throw new UserError(`with.against: there is no run "${p.against}"`, {
            help: `there are ${[...runs.keys()].join(', ')}`,
          });
        const names = [...runs.keys()].sort((a, b) => Number(b === p.against) - Number(a === p.against));
        const measured = new Map(
          names.map(name => {
            const metrics = new RankingMetrics({ k: p.k, mar: false });
            for (const [questionId, relevance] of qrels)
              metrics.add({ questionId, relevance, hits: { docIds: runs.get(name)?.get(questionId) ?? [] } });
            return [name, metrics];
          }),
        );
        report = await compareReport(measured, p.print);
        const token = (await files?.write(report)) ?? null;
        return { token, summary: { runs: names.length, questions: Number(report.data.questions) } };
      },
      report: () => report,
      abort: () => files?.remove(),
    };
  },
  publish: (_, token) => publishReport(token),
});

const nameOf = (source: string): string => source.replace(/\.(trec|run|txt)(\.(gz|br|zst))?$/, '');
