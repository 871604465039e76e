import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTrec } from '../../../operators/read/trec.ts';
import { writeTrec } from '../../../operators/write/trec.ts';
import { inspectOperator, runOperator } from '../../../src/testing/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-trec-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const hit = (q: number, rank: number, doc_id: string, score: number) => ({
  question_id: `q${q}`,
  rank,
  doc_id,
  score,
});
const columns = { score: 'float64' };

test('what is written reads back, in the order that trec_eval sees', async () => {
  const hits = [hit(1, 0, 'b', 2), hit(1, 1, 'a', 2), hit(1, 2, 'c', -0.125), hit(2, 0, '서울', 1e-7)];
  await inspectOperator(writeTrec, { root, with: { path: 'r.trec' }, in: hits, columns });
  const back = await runOperator(readTrec, { root, with: { path: 'r.trec' } });
  expect(back).toEqual(hits.map(h => ({ ...h, source: expect.any(String) })));
});

test('falling whole numbers keep the order of hits whose scores do not', async () => {
  const hits = [hit(1, 0, 'a', 1), hit(1, 1, 'z', 1), hit(1, 2, 'b', 7)];
  await inspectOperator(writeTrec, {
    root,
    with: { path: 'r.trec', scores: 'rank', tag: 't' },
    in: hits,
    columns,
  });
  expect(await readFile(join(root, 'r.trec'), 'utf8')).toBe('q1 Q0 a 1 3 t\nq1 Q0 z 2 2 t\nq1 Q0 b 3 1 t\n');
});

test('deleted hits are left out, and the lines of others stay', async () => {
  await inspectOperator(writeTrec, {
    root,
    with: { path: 'r.trec' },
    columns,
    keys: [['question_id', 'rank']],
    changes: [
      { upserts: [hit(1, 0, 'a', 3), hit(1, 1, 'a', 2), hit(2, 0, 'b', 1), hit(3, 0, 'c', 1)] },
      { deletes: [{ question_id: 'q2' }] },
      { upserts: [hit(4, 0, 'd', 1)] },
    ],
  });
  const lines = (await readFile(join(root, 'r.trec'), 'utf8')).trim().split('\n');
  expect(lines.map(l => l.split(' ').slice(0, 3).join(' '))).toEqual(['q1 Q0 a', 'q3 Q0 c', 'q4 Q0 d']);
});

test('qrels with grades, both ways', async () => {
  const rows = [
    { question_id: 'q1', doc_ids: ['a', 'b'], grades: [2, 0] },
    { question_id: 'q2', doc_ids: [], grades: [] },
  ];
  const wanted = { path: 'qrels.txt', take: 'qrels', relevance: 'grades' };
  const types = { doc_ids: 'list<utf8>', grades: 'list<int32>' };
  await inspectOperator(writeTrec, { root, with: wanted, in: rows, columns: types });
  expect(await readFile(join(root, 'qrels.txt'), 'utf8')).toBe('q1 0 a 2\nq1 0 b 0\n');
  expect(await runOperator(readTrec, { root, with: { path: 'qrels.txt', take: 'qrels' } })).toEqual([
    { question_id: 'q1', doc_ids: ['a', 'b'], relevance: [2n, 0n] },
  ]);
});

test('says which line is none, and which id a file cannot keep', async () => {
  await writeFile(join(root, 'bad.trec'), 'q1 Q0 a 1 1 x\nq1 Q0 b 2 high x\n');
  await expect(runOperator(readTrec, { root, with: { path: 'bad.trec' } })).rejects.toThrow(
    'bad.trec:2: the score is "high", wanted a number',
  );
  await expect(
    inspectOperator(writeTrec, { root, with: { path: 'r.trec' }, in: [hit(1, 0, 'a b', 1)], columns }),
  ).rejects.toThrow('holds white space');
});
