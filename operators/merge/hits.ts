import type { Data, RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import {
  type Columns,
  columnData,
  concatData,
  dataOf,
  float64,
  float64Data,
  int32,
  int32Data,
  isNull,
  list,
  nullable,
  numbers,
  sameType,
  takeData,
  utf8,
  utf8View,
} from '../../src/arrow/index.ts';
import { operator, UserError } from '../../src/define/index.ts';
import { choose, type Fused, fuse, type HitList } from '../../src/retrieval/fusion/index.ts';

const hit = (question_id: string, rank: number, unit_id: string, score: number, source: string) => ({
  question_id,
  question: 'Which port?',
  rank,
  unit_id,
  text: `text of ${unit_id}`,
  score,
  source,
});

/** Where a question's rows are in one input. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export const mergeHits = operator({
  name: 'merge.hits',
  version: 2,
  shape: 'join',
  summary: 'Merges the hits that several searches give for the same questions into one list.',
  description: `Hits are the same where their \`unit_id\` is. Methods:

- \`expz\`: Σ weight · exp(.3 z), z being a score less the mean of the best hundred of its list, by their standard
  deviation; a hit that a list lacks has the z of its lowest. So a list counts for as much as its best hits stand out in it,
  question by question, and no training is needed. Lists of fewer than ten hits, where another list has more, count as
  filled up to ten by scores of 0.
- \`rrf\`: Σ weight / (60 + rank), rank from 1 (Cormack, Clarke & Buettcher 2009). Looks at no scores.
- \`minmax\`: scores of each list are brought to 0…1 (all equal: 1), then summed; a hit that a list lacks has 0 of it.
- \`zscore\`: scores less their mean, by their standard deviation; a hit that a list lacks has its lowest.
- \`weighted\`: scores as they are; a hit that a list lacks has its lowest.
- \`logistic\`: takes the first list or the second, as a chooser says that looks at how the first one's scores fall (means
  of the best 2, 4 and 8 after softmax). \`chooser\` has its weights; \`millrace tune --merge\` trains them on questions with
  known answers.

\`weights\` has one factor a list, in the order of \`from\`. Where nothing is said, \`expz\` takes what the encoder of a list says
of itself (\`fusionWeight\` in its encoder.json: .6 of \`default\`, .1 of \`korean\`; other static encoders .6) and 1 for all else,
other methods 1. The number goes from encode.dense through search.dense to here; hits from a file, or with scores that
another step wrote, count 1. \`millrace tune --merge\` chooses method, weights and depth on questions of one's own. Only the best \`depth\` hits of each list count. Ties go by
\`unit_id\`. \`source_ranks\` keeps the rank that a hit had in each list, null where the list lacks it. A question that one
list has no hits for keeps those of the others. Columns that all inputs have go through.`,
  params: z.strictObject({
    method: z
      .enum(['expz', 'rrf', 'minmax', 'zscore', 'weighted', 'logistic'])
      .default('expz')
      .describe('how lists become one'),
    k: z.int().positive().default(10).describe('hits a question'),
    depth: z.int().positive().default(1000).describe('hits of each list that count'),
    weights: z
      .array(z.number())
      .optional()
      .describe('a factor a list; default: with expz what the encoder of a list says, else 1'),
    c: z.number().min(0).default(60).describe('what rrf adds to ranks'),
    chooser: z
      .strictObject({
        weights: z
          .tuple([z.number(), z.number(), z.number()])
          .describe('of the means of the best 2, 4 and 8'),
        bias: z.number().describe('what is added'),
      })
      .optional()
      .describe('the weights of the logistic chooser'),
    source: z.string().default('merged').describe('what the column source says'),
  }),
  check: p => [
    ...(p.method === 'logistic' && !p.chooser
      ? ['with.chooser: method logistic needs the weights of a chooser']
      : []),
    ...(p.method === 'logistic' && p.weights ? ['with.weights: method logistic takes none'] : []),
  ],
  on: () => ['question_id'],
  reads: () => ({
    question_id: utf8(),
    rank: int32(),
    unit_id: utf8(),
    score: float64(),
  }),
  writes: (_, inputs) => ({
    ...common(inputs),
    rank: int32(),
    score: float64(),
    source: utf8(),
    source_ranks: list(int32()),
  }),
  key: () => ['question_id', 'rank'],
  missing: () => 'partial',
  examples: [
    {
      title: 'Words, and vectors at .3',
      with: { weights: [1, 0.3], k: 2 },
      columns: { score: 'float64' },
      inputs: [
        [
          hit('q1', 0, 'a', 7, 'sparse'),
          hit('q1', 1, 'b', 1, 'sparse'),
          hit('q1', 2, 'd', 1, 'sparse'),
          hit('q1', 3, 'e', 1, 'sparse'),
        ],
        [
          hit('q1', 0, 'c', 0.9, 'dense'),
          hit('q1', 1, 'b', 0.8, 'dense'),
          hit('q1', 2, 'd', 0.8, 'dense'),
          hit('q1', 3, 'e', 0.8, 'dense'),
        ],
      ],
      out: [
        { question_id: 'q1', rank: 0, unit_id: 'a', source: 'merged', source_ranks: [0, null] },
        { question_id: 'q1', rank: 1, unit_id: 'c', source: 'merged', source_ranks: [null, 0] },
      ],
    },
    {
      title: 'Reciprocal ranks: what both lists have comes first',
      with: { method: 'rrf', k: 2 },
      columns: { score: 'float64' },
      inputs: [
        [hit('q1', 0, 'a', 7, 'sparse'), hit('q1', 1, 'b', 5, 'sparse')],
        [hit('q1', 0, 'b', 0.9, 'dense'), hit('q1', 1, 'c', 0.8, 'dense')],
      ],
      out: [
        { question_id: 'q1', rank: 0, unit_id: 'b', source: 'merged', source_ranks: [1, 0] },
        { question_id: 'q1', rank: 1, unit_id: 'a', source: 'merged', source_ranks: [0, null] },
      ],
    },
    {
      title: 'Scores brought to 0…1, the second list twice as heavy',
      with: { method: 'minmax', weights: [1, 2] },
      columns: { score: 'float64' },
      inputs: [
        [hit('q1', 0, 'a', 8, 'sparse'), hit('q1', 1, 'b', 6, 'sparse'), hit('q1', 2, 'c', 4, 'sparse')],
        [hit('q1', 0, 'b', 0.9, 'dense'), hit('q1', 1, 'd', 0.5, 'dense')],
      ],
      out: [
        { rank: 0, unit_id: 'b', score: 2.5, text: 'text of b' },
        { rank: 1, unit_id: 'a', score: 1, text: 'text of a' },
        { rank: 2, unit_id: 'c', score: 0, text: 'text of c' },
        { rank: 3, unit_id: 'd', score: 0, text: 'text of d' },
      ],
    },
  ],
  open: (p, ctx) => {
    const lists = ctx.inputs.length;
    if (p.weights && p.weights.length !== lists)
      throw new UserError(
        `with.weights: has ${p.weights.length} numbers, wanted one for each of ${lists} inputs`,
      );
    if (p.method === 'logistic' && lists !== 2)
      throw new UserError(`with.method: logistic chooses between two inputs, got ${lists}`);
    const passed = Object.keys(common(ctx.inputs)).filter(name => !WRITTEN.has(name));
    const weights =
      p.weights ?? (p.method === 'expz' ? ctx.inputs.map(columns => columns.score?.weight ?? 1) : undefined);
    const merge = (found: readonly HitList[]): Fused => {
      if (p.method !== 'logistic') return fuse(found, { method: p.method, depth: p.depth, weights, c: p.c });
      return choose(p.chooser as NonNullable<typeof p.chooser>, found[0], found[1], p.depth);
    };
    return {
      process: inputs => {
        const hits = inputs.map(batch => new InputHits(batch));
        const base = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, b) => sum + b.numRows, 0));
        const [take, ranks]: [number[], number[]] = [[], []];
        const scores: number[] = [];
        const places: (readonly (number | null)[])[] = [];
        for (const question of inOrder(hits.map(h => h.questions))) {
          const found = hits.map(h => h.list(question));
          const fused = merge(found);
          const n = Math.min(p.k, fused.keys.length);
          for (let i = 0; i < n; i++) {
            const own = fused.ranks.map(r => r[i]);
            const from = own.findIndex(r => r >= 0);
            take.push(base[from] + found[from].rows[own[from]]);
            ranks.push(i);
            scores.push(fused.scores[i]);
            places.push(own.map((r, l) => (r < 0 ? null : found[l].ranks[r])));
          }
        }
        const rows = Int32Array.from(take);
        return {
          columns: {
            ...Object.fromEntries(
              passed.map((name): [string, Data] => [
                name,
                takeData(concatData(inputs.map(batch => columnData(batch, name))), rows),
              ]),
            ),
            rank: int32Data(Int32Array.from(ranks)),
            score: float64Data(Float64Array.from(scores)),
            source: takeData(dataOf(utf8().type, [p.source]), new Int32Array(rows.length)),
            source_ranks: dataOf(list(int32()).type, places),
          },
        };
      },
    };
  },
});

const WRITTEN = new Set(['rank', 'score', 'source', 'source_ranks']);

/** The columns that all inputs have, of one type. */
function common(inputs: readonly Columns[]): Columns {
  const [first, ...others] = inputs;
  return Object.fromEntries(
    Object.entries(first ?? {})
      .filter(([name, c]) => others.every(o => Object.hasOwn(o, name) && sameType(o[name].type, c.type)))
      .map(([name, c]) => [name, others.some(o => o[name].nullable) ? nullable(c) : c]),
  );
}

/** The hits of one input, question by question. */
class InputHits {
  readonly questions: string[] = [];
  readonly #ranges = new Map<string, Range>();
  readonly #units: ReturnType<typeof utf8View>;
  readonly #ranks: Int32Array;
  readonly #scores: Float64Array;

  constructor(batch: RecordBatch) {
    for (const name of ['question_id', 'rank', 'unit_id', 'score']) {
      const data = columnData(batch, name);
      for (let row = 0; data.nullCount > 0 && row < data.length; row++)
        if (isNull(data, row)) throw new UserError(`merge.hits: column "${name}" is null in a hit`);
    }
    const ids = utf8View(batch, 'question_id');
    this.#units = utf8View(batch, 'unit_id');
    this.#ranks = numbers(batch, 'rank') as Int32Array;
    this.#scores = numbers(batch, 'score') as Float64Array;
    for (let from = 0; from < ids.length; ) {
      const id = ids.get(from);
      let to = from + 1;
      while (to < ids.length && ids.get(to) === id) to++;
      this.questions.push(id);
      this.#ranges.set(id, { from, to });
      from = to;
    }
  }

  /** A question's hits by rank; of equal units the best one. */
  list(question: string): HitList & { rows: number[]; ranks: number[] } {
    const { from, to } = this.#ranges.get(question) ?? { from: 0, to: 0 };
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    rows.sort((a, b) => this.#ranks[a] - this.#ranks[b]);
    const seen = new Set<string>();
    const kept = rows.filter(row => {
      const unit = this.#units.get(row);
      return !seen.has(unit) && seen.add(unit);
    });
    return {
      keys: [...seen],
      scores: kept.map(row => this.#scores[row]),
      rows: kept,
      ranks: kept.map(row => this.#ranks[row]),
    };
  }
}

/** Questions of all inputs, each once, in the order they have in every input. */
function inOrder(inputs: readonly (readonly string[])[]): string[] {
  let order: string[] = [];
  for (const questions of inputs) {
    const places = new Map(order.map((id, i) => [id, i]));
    const merged: string[] = [];
    let next = 0;
    for (const id of questions) {
      const place = places.get(id);
      if (place === undefined) merged.push(id);
      else while (next <= place) merged.push(order[next++]);
    }
    order = [...merged, ...order.slice(next)];
  }
  return order;
}
