import { z } from 'zod';
import {
  columnData,
  float64,
  float64Data,
  int32,
  int32Data,
  isNull,
  takeData,
  utf8,
  utf8Data,
  utf8View,
} from '../../src/arrow/index.ts';
import { hint, operator, UserError } from '../../src/define/index.ts';
import { CrossEncoder, type Encoder, ModelError, resolveModel } from '../../src/models/index.ts';
import { compareKeys } from '../../src/retrieval/fusion/index.ts';
import { CutRows } from '../encode/cut-rows.ts';
import {
  asModelError,
  encoderParams,
  modelAssets,
  modelBytes,
  modelName,
  openModel,
  tellDevice,
} from '../encode/model.ts';

/** Scores of pairs, by a cross-encoder or by the vectors of an encoder. */
interface Scorer {
  readonly maxTokens: number;
  score(questions: string[], passages: string[]): Promise<{ scores: ArrayLike<number>; cutRows: number }>;
  close(): Promise<void>;
}

export const rerankCross = operator({
  name: 'rerank.cross',
  version: 1,
  shape: 'join',
  least: 1,
  summary: 'Scores the hits of each question anew with a cross-encoder, and puts the best first.',
  description: `A cross-encoder (Nogueira & Cho 2019) reads question and passage together: any sequence classifier as an ONNX file
with one output a pair, or two of which the second says yes, such as the ms-marco MiniLM and bge rerankers. \`score\`
becomes its logit, \`first_rank\` keeps the rank that the hit had. Pairs that are too long lose tokens of the longer text.

Given an encoder in place of a cross-encoder (the embedded \`default\`, for one), hits are scored by the dot product of both
texts' vectors: no index is needed for it. Only the best \`depth\` hits are scored; those after them keep their order
behind. It runs on the main thread; \`threads\` gives it cores.`,
  equality: 'recorded',
  params: z.strictObject({
    model: encoderParams.model.describe(
      'a cross-encoder, or an encoder: an embedded one, a folder, or hf:ORG/NAME',
    ),
    column: z.string().default('question').describe('the column of questions'),
    text: z.string().default('text').describe('the column of passages'),
    k: z.int().positive().optional().describe('hits a question; default: all there are'),
    depth: z.int().positive().default(100).describe('hits of each question that are scored'),
    maxTokens: z
      .int()
      .positive()
      .optional()
      .describe('longest pair in tokens; default: what the model takes'),
    device: encoderParams.device,
    threads: z.int().positive().default(2).describe('threads of the model').meta(hint()),
    batchTokens: encoderParams.batchTokens,
    source: z.string().optional().describe('what the column source says; default: as it was'),
  }),
  on: () => ['question_id'],
  reads: p => ({ question_id: utf8(), rank: int32(), unit_id: utf8(), [p.column]: utf8(), [p.text]: utf8() }),
  writes: (p, [input]) => ({
    ...input,
    rank: int32(),
    score: float64(),
    first_rank: int32(),
    ...(p.source !== undefined && { source: utf8() }),
  }),
  key: () => ['question_id', 'rank'],
  missing: () => 'partial',
  costly: true,
  assets: (p, ctx) => modelAssets(p.model, ctx),
  fixedBytes: (p, ctx) => modelBytes(p.model, p.batchTokens, ctx),
  examples: [
    {
      title: 'The embedded encoder as a scorer',
      with: { k: 1 },
      columns: { score: 'float64' },
      inputs: [
        [
          {
            question_id: 'q1',
            question: 'Which river carries the most water?',
            rank: 0,
            unit_id: 'a',
            text: 'The central bank raised interest rates.',
            score: 2,
          },
          {
            question_id: 'q1',
            question: 'Which river carries the most water?',
            rank: 1,
            unit_id: 'b',
            text: 'The Amazon is the largest river by discharge of water.',
            score: 1,
          },
        ],
      ],
      out: [{ question_id: 'q1', rank: 0, unit_id: 'b', first_rank: 1 }],
    },
  ],
  open: async (p, ctx) => {
    const scorer = await openScorer(p, ctx);
    const input = ctx.inputs[0] ?? {};
    const passed = Object.keys(input).filter(name => !['rank', 'score', 'first_rank'].includes(name));
    const cut = new CutRows();
    return {
      process: async ([batch]) => {
        for (const name of ['question_id', 'rank', 'unit_id', p.column, p.text]) {
          const data = columnData(batch, name);
          for (let row = 0; data.nullCount > 0 && row < data.length; row++)
            if (isNull(data, row)) throw new UserError(`rerank.cross: column "${name}" is null in a hit`);
        }
        const ids = utf8View(batch, 'question_id');
        const units = utf8View(batch, 'unit_id');
        const questions = utf8View(batch, p.column);
        const texts = utf8View(batch, p.text);
        const ranks = columnData(batch, 'rank').values as Int32Array;
        const groups: number[][] = [];
        for (let row = 0; row < ids.length; row++) {
          if (row > 0 && ids.get(row) === ids.get(row - 1)) groups[groups.length - 1].push(row);
          else groups.push([row]);
        }
        for (const rows of groups) rows.sort((a, b) => ranks[a] - ranks[b]);
        const scored = groups.flatMap(rows => rows.slice(0, p.depth));
        const { scores, cutRows } = await scorer.score(
          scored.map(row => questions.get(row)),
          scored.map(row => texts.get(row)),
        );
        cut.add(cutRows, scored.length);
        const byRow = new Map(scored.map((row, i) => [row, scores[i]]));
        const [take, rank, score]: [number[], number[], number[]] = [[], [], []];
        for (const rows of groups) {
          const best = rows
            .slice(0, p.depth)
            .sort(
              (a, b) =>
                (byRow.get(b) as number) - (byRow.get(a) as number) ||
                compareKeys(units.get(a), units.get(b)),
            );
          // what was not scored stays behind: below the lowest score, in its order
          const lowest = Math.min(...best.map(row => byRow.get(row) as number));
          [...best, ...rows.slice(p.depth)].slice(0, p.k).forEach((row, i) => {
            take.push(row);
            rank.push(i);
            score.push(byRow.get(row) ?? lowest - (i - best.length + 1));
          });
        }
        const rows = Int32Array.from(take);
        const columns = Object.fromEntries(
          passed.map(name => [name, takeData(columnData(batch, name), rows)]),
        );
        if (p.source !== undefined) {
          columns.source = utf8Data(take.map(() => p.source as string));
        }
        return {
          columns: {
            ...columns,
            rank: int32Data(Int32Array.from(rank)),
            score: float64Data(Float64Array.from(score)),
            first_rank: int32Data(Int32Array.from(take, row => ranks[row])),
          },
        };
      },
      close: async () => {
        cut.tell(ctx, scorer.maxTokens);
        await scorer.close();
      },
    };
  },
});

async function openScorer(
  p: {
    readonly model: string;
    readonly maxTokens?: number;
    readonly device: 'auto' | 'cpu' | 'cuda' | 'dml' | 'coreml';
    readonly threads: number;
    readonly batchTokens?: number;
  },
  ctx: { path(relative: string): string; warn(message: string): void; readonly signal: AbortSignal },
): Promise<Scorer> {
  const { signal } = ctx;
  try {
    const model = await resolveModel(modelName(p.model, ctx), { offline: true });
    const cross = await CrossEncoder.open(model.folder, { ...p, name: p.model, file: model.file });
    tellDevice(p, cross.device, ctx);
    return {
      maxTokens: cross.maxTokens,
      score: async (questions, passages) => {
        try {
          return await cross.score(questions, passages, signal);
        } catch (error) {
          throw asModelError(error);
        }
      },
      close: () => cross.close(),
    };
  } catch (error) {
    // no classifier: perhaps an encoder
    if (!(error instanceof ModelError && error.code === 'no-cross-encoder')) throw asModelError(error);
  }
  const encoder: Encoder = await openModel(p, 'query', ctx);
  return {
    maxTokens: encoder.longest('passage'),
    score: async (questions, passages) => {
      const distinct = [...new Set(questions)];
      const place = new Map(distinct.map((text, i) => [text, i]));
      const q = await encoder.encode(distinct, { side: 'query', signal });
      const t = await encoder.encode(passages, { side: 'passage', signal });
      const d = encoder.dimension;
      const scores = Float64Array.from(questions, (text, i) => {
        const at = (place.get(text) as number) * d;
        let sum = 0;
        for (let c = 0; c < d; c++) sum += q.vectors[at + c] * t.vectors[i * d + c];
        return sum;
      });
      return { scores, cutRows: t.cutRows };
    },
    close: () => encoder.close(),
  };
}
