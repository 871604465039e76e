import { describe, expect, test } from 'vitest';
import { evaluateRetrieval } from '../../../operators/evaluate/retrieval.ts';
import type { Json } from '../../../src/define/index.ts';
import { inspectOperator, type Row, type RunOperatorOptions } from '../../../src/testing/index.ts';

const words = (n: number, ...more: string[]): string =>
  [...Array.from({ length: n - more.length }, () => 'w'), ...more].join(' ');
const hit = (question_id: string, rank: number, doc_id: string, text: string, more: Row = {}): Row => ({
  question_id,
  rank,
  unit_id: `${doc_id}#${rank}`,
  doc_id,
  text,
  score: 10 - rank,
  ...more,
});
const evaluate = (
  hits: readonly Row[],
  params: object = {},
  more: RunOperatorOptions & { written?: string[] } = {},
) => inspectOperator(evaluateRetrieval, { with: { k: [1, 2], ...params }, in: hits, ...more });
const metricsOf = (data: unknown): Record<string, number> =>
  (data as { metrics: Record<string, number> }).metrics;

describe('evaluate.retrieval', () => {
  test('gold and answers, worked out by hand', async () => {
    const q1 = { answers: ['Seoul'], doc_ids: ['a'] };
    const q2 = { answers: ['port'], doc_ids: ['b', 'c'] };
    const { report } = await evaluate([
      hit('q1', 0, 'x', 'It is Seoul.', q1),
      hit('q1', 1, 'a', 'nothing', q1),
      hit('q2', 0, 'b', 'none', q2),
      hit('q2', 1, 'b', 'a port', q2),
      hit('q2', 2, 'c', 'none', q2),
    ]);
    // q1: gold at rank 2; q2: documents b, c (b's second hit collapses), gold at 1, recall@1 .5, @2 1
    expect(metricsOf(report?.data)).toMatchObject({
      'gold@1': 0.5,
      'gold@2': 1,
      'answer@1': 0.5,
      'answer@2': 1,
      'recall@1': 0.25,
      'recall@2': 1,
      'mrr@10': 0.75,
      map: 0.75,
    });
    expect(report?.data).toMatchObject({ questions: 2 });
    expect(report?.text).toMatch(/2 questions[\s\S]*gold@1 +0\.5000/);
    expect(Object.keys(report?.plots ?? {})).toEqual(['top-k', 'mar']);
    expect(report?.plots?.mar).toMatch(/^<svg/);
  });

  test('two questions of one id are refused, apart or side by side', async () => {
    const q = { answers: ['Seoul'] };
    const twice = 'question_id "q1" is that of two questions';
    await evaluate([hit('q1', 1, 'a', '', q), hit('q1', 0, 'b', '', q), hit('q2', 0, 'a', '', q)]);
    const apart = [hit('q1', 0, 'a', '', q), hit('q2', 0, 'a', '', q), hit('q1', 1, 'b', '', q)];
    await expect(evaluate(apart)).rejects.toThrow(twice);
    await expect(evaluate([hit('q1', 0, 'a', '', q), hit('q1', 0, 'b', '', q)])).rejects.toThrow(twice);
  });

  test('mAR of the reference, over questions whose hits came in several batches', async () => {
    const q1 = { answers: ['alpha', 'beta'] };
    const q2 = { answers: ['gamma'] };
    const hits = [
      hit('q1', 0, 'a', words(50), q1),
      hit('q1', 1, 'b', words(60, 'alpha'), q1),
      hit('q1', 2, 'c', words(100), q1),
      hit('q1', 3, 'd', words(200, 'beta'), q1),
      hit('q2', 0, 'e', words(150, 'gamma'), q2),
      hit('q2', 1, 'f', words(30), q2),
    ];
    const { report } = await evaluate(hits, {}, { batchRows: 1 });
    const close = (value: number) => expect.closeTo(value, 6) as number;
    expect(report?.data).toMatchObject({
      metrics: { mar: { strict: close(0.941667), legacy: close(0.65) } },
    });
  });

  test('questions without hits count as 0; one that lost some of its hits counts once', async () => {
    const q = { answers: ['x'], doc_ids: ['a'] };
    const { report } = await evaluate(
      [],
      {},
      {
        in: undefined,
        changes: [
          { gone: [{ question_id: 'q2', question: '?', ...q }, hit('q1', 7, 'z', 'lost', q)] },
          { upserts: [hit('q1', 0, 'a', 'x', q)] },
          { gone: [{ question_id: 'q2', question: '?', ...q }] },
        ],
      },
    );
    expect(metricsOf(report?.data)).toMatchObject({ 'gold@1': 0.5, 'answer@1': 0.5 });
    expect(report?.data).toMatchObject({ questions: 2, zero: { noHits: 1 } });
    expect(report?.text).toContain('1 without hits, counted as 0');
  });

  test('judgements of a file, with grades', async () => {
    const { report } = await evaluate(
      [hit('q1', 0, 'a', 't'), hit('q1', 1, 'b', 't')],
      { qrels: 'qrels.txt', ndcg: [2] },
      {
        files: { 'qrels.txt': 'q1 0 a 1\nq1 0 b 2\n' },
      },
    );
    // DCG 1 + 2/log2(3), ideal 2 + 1/log2(3)
    expect(metricsOf(report?.data)['ndcg@2']).toBeCloseTo(
      (1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3)),
      12,
    );
  });

  test('writes the report and its plots', async () => {
    const { written } = await evaluate(
      [hit('q1', 0, 'a', 'x', { doc_ids: ['a'] })],
      { path: 'out/r.json' },
      {
        written: ['out/r.json', 'out/r.top-k.svg', 'out/r.mar.svg'],
      },
    );
    expect(metricsOf(JSON.parse(written['out/r.json'] ?? '') as Json)['gold@1']).toBe(1);
    expect(written['out/r.top-k.svg']).toMatch(/^<svg/);
    expect(written['out/r.mar.svg']).toBeUndefined();
  });

  test('gold may name passages', async () => {
    const { report } = await evaluate([hit('q1', 0, 'a', 'x', { doc_ids: ['a#0'] })], { by: 'unit_id' });
    expect(metricsOf(report?.data)['gold@1']).toBe(1);
  });

  test('what it cannot judge by is said', async () => {
    await expect(evaluate([hit('q1', 0, 'a', 'x')])).rejects.toThrow('there is nothing to judge by');
    await expect(evaluate([hit('q1', 0, 'a', 'x')], { qrels: 'no.txt' })).rejects.toThrow(
      'with.qrels: no.txt is not there',
    );
    await expect(
      evaluate([hit('q1', 0, 'a', 'x')], { qrels: 'bad.txt' }, { files: { 'bad.txt': 'q1 a' } }),
    ).rejects.toThrow('found 2 fields, wanted 4');
    await expect(evaluate([hit('q1', 0, 'a', 'x', { answers: 'x' })])).rejects.toThrow(
      'column "answers" is Utf8',
    );
  });
});
