import { expect, test } from 'vitest';
import { evaluateCompare } from '../../../operators/evaluate/compare.ts';
import { inspectOperator, type Row } from '../../../src/testing/index.ts';

const ids = Array.from({ length: 12 }, (_, i) => `q${i}`);
const files = { 'qrels.txt': ids.map(id => `${id} 0 good-${id} 1`).join('\n') };
/** Hits of a run that has the good document of `right` questions first, of the others second; of the last one nothing. */
const run = (source: string, right: number): Row[] =>
  ids.slice(0, -1).flatMap((id, i) => {
    const docs = i < right ? [`good-${id}`, 'bad'] : ['bad', `good-${id}`];
    return docs.map((doc_id, rank) => ({ question_id: id, rank, doc_id, source }));
  });

interface Data {
  questions: number;
  against: string;
  runs: Record<string, { metrics: Record<string, number>; against?: Record<string, Record<string, number>> }>;
}

test('runs beside each other, and what differs from one of them by more than chance', async () => {
  const { report } = await inspectOperator(evaluateCompare, {
    with: { qrels: 'qrels.txt', against: 'old', k: [1, 2] },
    files,
    in: [...run('new.trec', 11), ...run('old.trec.gz', 0), ...run('other.txt', 1)],
    columns: { rank: 'int32' },
  });
  const data = report?.data as unknown as Data;
  expect([data.questions, data.against, Object.keys(data.runs)]).toEqual([
    12,
    'old',
    ['old', 'new', 'other'],
  ]);
  // the question without hits counts in all of them
  expect(data.runs.new.metrics['success@1']).toBeCloseTo(11 / 12, 12);
  expect(data.runs.old.metrics['success@2']).toBeCloseTo(11 / 12, 12);
  expect(data.runs.old.against).toBeUndefined();
  // 11 swaps that all go one way: 2 of 2^11; times 2 runs
  expect(data.runs.new.against?.['success@1']).toMatchObject({
    p: 2 / 2 ** 11,
    holm: 4 / 2 ** 11,
    wins: 11,
    losses: 0,
  });
  expect(data.runs.other.against?.['success@1']).toMatchObject({ p: 1, holm: 1, wins: 1 });
  const lines = (report?.text ?? '').split('\n');
  expect(lines.find(l => l.startsWith('new'))).toMatch(/^new +0\.9167\*/);
  expect(lines.find(l => l.startsWith('other'))).toMatch(/^other +0\.0833 /);
  // eleven twelfths of both: every resample of the swaps has as much over old as it has right
  const [, second] = (report?.text ?? '').split('\n\n');
  const row = second.split('\n').find(l => l.startsWith('new')) ?? '';
  const [mean, low, high, over, ...bounds] = [...row.matchAll(/[+-]?\d\.\d{4}/g)].map(m => Number(m[0]));
  expect([mean, over]).toEqual([0.9167, 0.9167]);
  expect(low).toBeLessThan(mean);
  expect(high).toBe(1);
  expect(bounds.slice(0, 2)).toEqual([low, high]);
  expect(row).toMatch(/ 11 +0$/);
  expect(Object.keys(report?.plots ?? {})).toEqual(['success-10', 'success-100', 'recall-10', 'recall-100']);
});

test('nothing is printed of metrics that are not there', async () => {
  const { report } = await inspectOperator(evaluateCompare, {
    with: { qrels: 'qrels.txt', print: ['gold@1'] },
    files,
    in: [...run('new', 11), ...run('old', 0)],
    columns: { rank: 'int32' },
  });
  expect(report?.text).toContain('12 questions');
});

test('no hits, and a run that is not there', async () => {
  const { report } = await inspectOperator(evaluateCompare, {
    with: { qrels: 'qrels.txt' },
    files,
    in: [],
    columns: { question_id: 'utf8', rank: 'int32', doc_id: 'utf8', source: 'utf8' },
  });
  expect(report?.data).toMatchObject({ questions: 0, runs: {} });
  await expect(
    inspectOperator(evaluateCompare, {
      with: { qrels: 'qrels.txt', against: 'older' },
      files,
      in: run('old.trec', 1),
      columns: { rank: 'int32' },
    }),
  ).rejects.toThrow(/with\.against: there is no run "older"/);
});
