import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JudgedQuestion, RankingMetrics, type RankingOptions } from '../../src/metrics/index.ts';

function measure(questions: JudgedQuestion[], options?: RankingOptions): RankingMetrics {
  const metrics = new RankingMetrics(options);
  for (const question of questions) metrics.add(question);
  return metrics;
}

describe('RankingMetrics', () => {
  it('collapses hits of one document for gold@k and looks at raw hits for answer@k', () => {
    const metrics = measure(
      [
        {
          questionId: 'q1',
          answers: ['Paris'],
          goldDocIds: ['d2'],
          hits: {
            docIds: ['d1', 'd1', 'd2'],
            texts: ['no', 'no', 'It is Paris.'],
            scores: [3, 2, 1],
          },
        },
      ],
      { k: [1, 2, 3] },
    );
    const { metrics: values } = metrics.report();
    expect(values['gold@1']).toBe(0);
    expect(values['gold@2']).toBe(1);
    expect(values['answer@2']).toBe(0);
    expect(values['answer@3']).toBe(1);
    expect(values['mrr@10']).toBe(0.5);
    expect(values.map).toBe(0.5);
    expect(values['ndcg@10']).toBeCloseTo(1 / Math.log2(3), 12);
    expect(values['r-precision']).toBe(0);
    expect(values['recall@100']).toBe(1);
    expect(values['precision@3']).toBeCloseTo(1 / 3, 12);
    expect(values.mar?.strict).toBe(1);
    expect(values['judged@10']).toBeUndefined();
  });

  it('means run over the questions a metric applies to, and the others are counted', () => {
    const hits = { docIds: ['d1'], texts: ['alpha'], scores: [1] };
    const report = measure([
      { questionId: 'a', answers: ['alpha'], goldDocIds: ['d1'], hits },
      { questionId: 'b', answers: [], goldDocIds: ['d9'], hits },
      { questionId: 'c', answers: ['beta'], hits },
      { questionId: 'd', answers: ['alpha'], hits: { docIds: ['d1'] } },
      { questionId: 'e', answers: ['alpha'], goldDocIds: ['d1'], hits: { docIds: [] } },
      { questionId: 'f', relevance: { d1: 0 }, hits },
    ]).report();
    expect(report.questions).toBe(6);
    expect(report.metrics['gold@1']).toBeCloseTo(1 / 3, 12);
    expect(report.metrics['answer@1']).toBeCloseTo(1 / 3, 12);
    expect(report.metrics.map).toBe(0.25);
    expect(report.skipped).toEqual({ noGold: 3, noJudgements: 2, noAnswers: 2, noTexts: 1 });
    expect(report.zero).toEqual({ noHits: 1, noRelevant: 1 });
    expect(report.depth).toEqual({ min: 0, max: 1, mean: 5 / 6 });
  });

  it('has only the keys the data allows', () => {
    const hits = { docIds: ['d1'], texts: ['alpha'] };
    const onlyAnswers = measure([{ questionId: 'a', answers: ['alpha'], hits }], { k: [1] });
    expect(Object.keys(onlyAnswers.report().metrics)).toEqual(['answer@1', 'mar']);
    const onlyGrades = measure([{ questionId: 'a', relevance: new Map([['d1', 2]]), hits }], { k: [1] });
    expect(Object.keys(onlyGrades.report().metrics)).toEqual([
      'success@1',
      'mrr@10',
      'mrr',
      'recall@1',
      'recall@100',
      'precision@1',
      'map',
      'ndcg@10',
      'ndcg',
      'r-precision',
      'judged@10',
    ]);
    expect(measure([]).report()).toMatchObject({ questions: 0, metrics: {} });
  });

  it('gives the value of every question', () => {
    const metrics = measure([
      { questionId: 'a', goldDocIds: ['x'], hits: { docIds: ['x', 'y'] } },
      { questionId: 'b', hits: { docIds: ['x'] } },
      { questionId: 'c', goldDocIds: ['y'], hits: { docIds: ['x', 'y'] } },
    ]);
    expect(metrics.questionIds).toEqual(['a', 'b', 'c']);
    expect([...metrics.values('gold@1')]).toEqual([1, Number.NaN, 0]);
    expect([...metrics.values('mrr')]).toEqual([1, Number.NaN, 0.5]);
    expect(() => metrics.values('answer@1')).toThrow(/"answer@1" was not measured; there are: gold@1/);
  });

  it('curves are the metrics at every k', () => {
    const metrics = measure(
      [
        { questionId: 'a', goldDocIds: ['x'], hits: { docIds: ['w', 'x'] } },
        { questionId: 'b', goldDocIds: ['y', 'z'], hits: { docIds: ['z', 'w', 'y'] } },
      ],
      { curveDepth: 4 },
    );
    const curves = metrics.curves();
    expect(curves.gold).toEqual([
      [1, 0.5],
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    expect(curves.recall).toEqual([
      [1, 0.25],
      [2, 0.75],
      [3, 1],
      [4, 1],
    ]);
    expect(curves.answer).toBeUndefined();
    // gold says it already
    expect(curves.success).toBeUndefined();
    const judged = measure(
      [{ questionId: 'a', relevance: { y: 1, z: 2 }, hits: { docIds: ['x', 'z', 'y'] } }],
      {
        curveDepth: 3,
      },
    ).curves();
    expect(judged.success).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
    ]);
    expect(judged.recall?.map(([, y]) => y)).toEqual([0, 0.5, 1]);
  });

  it('refuses what does not fit, and says where', () => {
    const metrics = new RankingMetrics();
    metrics.add({ questionId: 'q', hits: { docIds: [] } });
    expect(() => metrics.add({ questionId: 'q', hits: { docIds: [] } })).toThrow(/question "q": added twice/);
    const short = { docIds: ['a', 'b'], scores: [1] };
    expect(() => metrics.add({ questionId: 'r', hits: short })).toThrow(
      /question "r": hits.scores has 1 entries, wanted 2/,
    );
    expect(() => measure([{ questionId: 'r', hits: { docIds: ['a'] } }], { order: 'score' })).toThrow(
      /needs hits.scores/,
    );
    expect(() => new RankingMetrics({ k: [0] })).toThrow(/k: found the cutoff 0/);
    // A refused question left nothing behind.
    expect(metrics.report().questions).toBe(1);
  });
});

describe('order', () => {
  const goldAtOne = (docIds: string[], scores: number[], gold: string, options: RankingOptions): number =>
    measure([{ questionId: 'q', goldDocIds: [gold], hits: { docIds, scores } }], options).values('gold@1')[0];

  it('given: ties by key ascending, nothing else moves', () => {
    expect(goldAtOne(['b', 'a'], [1, 1], 'a', {})).toBe(1);
    expect(goldAtOne(['b', 'a'], [1, 2], 'b', {})).toBe(1);
  });

  it('score: by score, ties by key ascending; trec: ties by name descending, in single precision', () => {
    expect(goldAtOne(['b', 'a'], [1, 2], 'a', { order: 'score' })).toBe(1);
    expect(goldAtOne(['b', 'a'], [1, 1], 'a', { order: 'score' })).toBe(1);
    expect(goldAtOne(['a', 'b'], [1, 1], 'b', { order: 'trec' })).toBe(1);
    // 16777217 has no single-precision form of its own.
    expect(goldAtOne(['a', 'b'], [16777217, 16777216], 'b', { order: 'trec' })).toBe(1);
    expect(goldAtOne(['a', 'b'], [16777217, 16777216], 'a', { order: 'score' })).toBe(1);
    // By bytes an emoji comes after U+FFFD, by UTF-16 units before it.
    expect(goldAtOne(['\ufffd', '😀'], [1, 1], '😀', { order: 'trec' })).toBe(1);
  });

  it('unit ids break ties where they are given', () => {
    const hits = { docIds: ['a', 'b'], unitIds: ['2', '1'], scores: [1, 1] };
    expect(measure([{ questionId: 'q', goldDocIds: ['b'], hits }]).values('gold@1')[0]).toBe(1);
  });

  it('no permutation of the hits changes a metric by score, no permutation of ties by rank', () => {
    const hit = fc.record({ doc: fc.constantFrom(...'abcdefgh'), score: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(
        fc.array(hit, { maxLength: 12 }),
        fc.array(fc.double({ noNaN: true }), { minLength: 12 }),
        (hits, keys) => {
          const shuffled = hits
            .map((one, i) => ({ one, key: keys[i] }))
            .sort((a, b) => a.key - b.key)
            .map(({ one }) => one);
          const run = (list: typeof hits, options: RankingOptions): unknown =>
            measure(
              [
                {
                  questionId: 'q',
                  relevance: { a: 1, c: 3, e: 0, f: 2 },
                  hits: { docIds: list.map(one => one.doc), scores: list.map(one => one.score) },
                },
              ],
              options,
            ).report();
          for (const order of ['score', 'trec'] as const) {
            expect(run(shuffled, { order })).toEqual(run(hits, { order }));
          }
          const falling = (list: typeof hits): typeof hits => [...list].sort((a, b) => b.score - a.score);
          expect(run(falling(shuffled), {})).toEqual(run(falling(hits), {}));
        },
      ),
    );
  });
});
