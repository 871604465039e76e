import { DataType, type RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import {
  columnData,
  hasColumn,
  int32,
  listView,
  nullable,
  numbers,
  Utf8View,
  utf8,
  utf8View,
} from '../../src/arrow/index.ts';
import { type Json, operator } from '../../src/define/index.ts';
import {
  type Analyzer,
  type AnalyzerSpec,
  createAnalyzer,
  snippet,
} from '../../src/retrieval/analysis/index.ts';
import { analyzerParam, analyzerProblems } from '../tokenize/analyzer-param.ts';

/** A question that is shown, with its best hits. */
interface Shown {
  readonly question: string;
  readonly answers: readonly string[];
  readonly hits: {
    readonly title: string;
    readonly source: string;
    readonly score: number;
    readonly passage: string;
  }[];
}

export const showHits = operator({
  name: 'show.hits',
  version: 1,
  shape: 'sink',
  summary: 'Shows the best hits of a few questions with their sources and the words that match.',
  description: `For people: the report's text has a paragraph a question, hits as \`title (source)\` and the stretch of the text
that holds most of the question's words, which stand between « and » (bold on a terminal). \`questions\` names them; without
it, the first \`count\` questions that come are shown.`,
  params: z.strictObject({
    questions: z.array(z.string()).optional().describe('question_ids to show, in this order'),
    count: z.int().positive().default(3).describe('how many questions to show where none are named'),
    hits: z.int().positive().default(2).describe('hits to show of each'),
    width: z.int().min(20).default(240).describe('characters of text to show of a hit'),
    analyzer: analyzerParam.default('english').describe('how words are compared; the analyzer of the index'),
    source: z.string().default('doc_id').describe('the column that says where a hit is from'),
  }),
  check: p => analyzerProblems(p.analyzer),
  reads: p => ({
    question_id: utf8(),
    question: utf8(),
    rank: int32(),
    title: nullable(utf8()),
    text: utf8(),
    [p.source]: nullable(utf8()),
  }),
  batchBy: () => ['question_id'],
  examples: [
    {
      title: 'One question',
      with: { count: 1, hits: 1 },
      in: [
        {
          question_id: 'q1',
          question: 'Which ports are there?',
          rank: 0,
          doc_id: 'b',
          title: 'Busan',
          text: 'Busan is a port.',
          score: 1.5,
        },
        {
          question_id: 'q1',
          question: 'Which ports are there?',
          rank: 1,
          doc_id: 'a',
          title: 'Seoul',
          text: 'Seoul is a city.',
          score: 0.5,
        },
      ],
    },
  ],
  open: (p, ctx) => {
    const analyzer = createAnalyzer(p.analyzer as AnalyzerSpec);
    const shown = new Map<string, Shown>();
    const wanted = p.questions && new Set(p.questions);
    return {
      write: ({ upserts }) => {
        if (!upserts || (!wanted && shown.size > p.count)) return;
        take(upserts, shown, analyzer, { ...p, wanted });
      },
      prepare: () => ({ token: null }),
      report: () => {
        const ids = p.questions?.filter(id => shown.has(id)) ?? [...shown.keys()].slice(0, p.count);
        const missing = p.questions?.filter(id => !shown.has(id)) ?? [];
        if (missing.length > 0) ctx.warn(`no hits came for ${missing.map(id => `"${id}"`).join(', ')}`);
        const all = ids.map(id => ({ question_id: id, ...(shown.get(id) as Shown) }));
        return { data: { shown: all as unknown as Json }, text: all.map(paragraph).join('\n\n') };
      },
    };
  },
});

interface Taking {
  readonly wanted: Set<string> | undefined;
  readonly count: number;
  readonly hits: number;
  readonly width: number;
  readonly source: string;
}

function take(batch: RecordBatch, shown: Map<string, Shown>, analyzer: Analyzer, p: Taking): void {
  const ids = utf8View(batch, 'question_id');
  const questions = utf8View(batch, 'question');
  const ranks = numbers(batch, 'rank');
  const [titles, texts, sources] = ['title', 'text', p.source].map(name => utf8View(batch, name));
  const scores = hasColumn(batch, 'score') ? numbers(batch, 'score') : undefined;
  for (let row = 0; row < batch.numRows; row++) {
    if (ranks[row] >= p.hits) continue;
    const id = ids.get(row);
    if (p.wanted ? !p.wanted.has(id) : shown.size >= p.count && !shown.has(id)) continue;
    const question = questions.get(row);
    const entry = shown.get(id) ?? { question, answers: answersOf(batch, row), hits: [] };
    shown.set(id, entry);
    const text = texts.get(row);
    entry.hits.push({
      title: titles.get(row),
      source: sources.get(row),
      score: scores?.[row] ?? 0,
      passage: snippet(text, question, analyzer, p.width, { open: '«', close: '»' }).replace(/\s+/g, ' '),
    });
  }
}

function answersOf(batch: RecordBatch, row: number): string[] {
  if (!hasColumn(batch, 'answers') || !DataType.isList(columnData(batch, 'answers').type)) return [];
  const { offsets, items } = listView(batch, 'answers');
  const view = new Utf8View(items);
  return Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => view.get(offsets[row] + i));
}

function paragraph({ question, answers, hits }: Shown): string {
  const lines = [question];
  if (answers.length > 0) lines.push(`  expected: ${answers.join(' | ')}`);
  hits.forEach(({ title, source, score, passage }, i) => {
    lines.push(`  ${i + 1}. ${title || source} (${source}, score ${score.toFixed(2)})`, `     ${passage}`);
  });
  return lines.join('\n');
}
