/** Retrieval quality of the sparse index through whole pipelines, on the shared corpora. */
import { findDataset } from '../../datasets/index.ts';
import korquad from '../../pipelines/korquad.ts';
import newWiki from '../../pipelines/new-wiki.ts';
import scifact from '../../pipelines/scifact.ts';
import type { Pipeline } from '../../src/define/index.ts';
import { scratchFolder } from '../lib/folders.ts';
import { planOf, runPlan } from '../lib/plan.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import korquadKobest from './korquad-kobest.ts';

interface Case {
  readonly label: string;
  readonly pipeline: Pipeline;
  /** Datasets that must be there. */
  readonly needs: readonly string[];
  /** Metric → the least that is wanted. */
  readonly bars: Readonly<Record<string, number>>;
}

const CASES: readonly Case[] = [
  {
    label: 'new_wiki + squad2-dev',
    pipeline: newWiki,
    needs: ['new-wiki', 'squad2-dev'],
    bars: { 'gold@1': 0.768, 'gold@20': 0.96 },
  },
  { label: 'KorQuAD dev', pipeline: korquad, needs: ['korquad1'], bars: { 'gold@1': 0.89 } },
  {
    label: 'KorQuAD dev + KoBEST',
    pipeline: korquadKobest,
    needs: ['korquad1', 'kobest-boolq'],
    bars: { 'gold@1': 0.84 },
  },
  { label: 'SciFact test', pipeline: scifact, needs: ['scifact'], bars: { 'ndcg@10': 0.679 } },
];

const METRICS = ['gold@1', 'gold@5', 'gold@20', 'answer@1', 'mrr@10', 'ndcg@10'];

async function missingOf(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const missing = await findDataset(name).available({});
    if (missing !== undefined) return missing;
  }
  return undefined;
}

export async function run({ log }: BenchOptions): Promise<BenchReport> {
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  const missing: string[] = [];
  const scratch = await scratchFolder();
  try {
    for (const { label, pipeline, needs, bars: wanted } of CASES) {
      const absent = await missingOf(needs);
      if (absent !== undefined) {
        missing.push(`${label}: ${absent}`);
        continue;
      }
      log(`${label}: running the pipeline ${pipeline.name}`);
      const { result } = await runPlan(await planOf(pipeline, scratch.path));
      const { questions, metrics } = result.reports.retrieval.data as {
        questions: number;
        metrics: Record<string, number | undefined>;
      };
      const indexed = result.steps.find(s => s.id === 'index')?.rowsIn ?? 0;
      rows.push([
        label,
        indexed,
        questions,
        ...METRICS.map(m => metrics[m]?.toFixed(4) ?? ''),
        result.seconds,
      ]);
      for (const [metric, least] of Object.entries(wanted)) {
        bars.push({
          name: `${label}: ${metric}`,
          value: metrics[metric] ?? Number.NaN,
          bound: 'at least',
          wanted: least,
        });
      }
    }
  } finally {
    await scratch.remove();
  }
  return {
    tables: [
      {
        title:
          'Lucene-style BM25, k1 1.2, b 0.75, whole paragraphs; english: Porter stemmer, 33 stop words; korean: bigrams',
        columns: ['', 'indexed', 'questions', ...METRICS, 'seconds'],
        rows,
      },
    ],
    bars,
    notes: [
      'gold: the paragraph the question was written for is among the first k; answer: one of the first k holds an answer',
      'seconds: reading, indexing, searching and measuring, one thread',
    ],
    missing,
  };
}
