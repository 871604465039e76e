import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  evaluateRun,
  parseQrels,
  parseRun,
  type Qrels,
  readQrels,
  readRun,
  runLines,
  writeQrels,
  writeRun,
} from '../../src/metrics/index.ts';

// The figures below are those of trec_eval's own code for these files (bench/metrics/trec-check.ts checks
// thousands of random ones), and can be followed by hand.
const QRELS = ['q1 0 a 1', 'q1 0 b 2', 'q1 0 c 0', 'q1 0 d -1', 'q2 0 a 0', 'q3 0 x 1', ''];
const RUN = [
  'q1 Q0 a 1 1.0 t',
  'q1 Q0 b 2 1.0 t',
  'q1 Q0 d 3 3.0 t',
  'q1\tQ0\tx\t4\t2.0\tt',
  'q2 Q0 a 1 1 t',
  'q9 Q0 a 1 1 t',
];

describe('run evaluation', () => {
  it('orders as trec_eval: d, x, then b before a', async () => {
    const result = evaluateRun(await parseQrels(QRELS), await parseRun(RUN), { k: [1, 5, 10] });
    const value = (name: string): number => result.metrics.values(name)[0];
    expect(result.metrics.questionIds).toEqual(['q1', 'q2']);
    expect(value('map')).toBeCloseTo(0.416667, 6);
    expect(value('mrr')).toBeCloseTo(0.333333, 6);
    expect(value('ndcg')).toBeCloseTo(0.543791241910304, 12);
    expect(value('ndcg@10')).toBeCloseTo(0.543791241910304, 12);
    expect(value('precision@5')).toBe(0.4);
    expect(value('recall@5')).toBe(1);
    expect(value('r-precision')).toBe(0);
    expect(value('success@1')).toBe(0);
    expect(value('success@5')).toBe(1);
  });

  it('skips missing questions, or counts them as -c does', async () => {
    const [qrels, run] = [await parseQrels(QRELS), await parseRun(RUN)];
    const skip = evaluateRun(qrels, run);
    expect(skip).toMatchObject({ missing: 1, unjudged: 1 });
    // q2 has no relevant document and counts as 0.
    expect(skip.metrics.report().metrics.map).toBeCloseTo(0.416667 / 2, 6);
    const zero = evaluateRun(qrels, run, { missing: 'zero' });
    expect(zero.metrics.report().metrics.map).toBeCloseTo(0.416667 / 3, 6);
    expect(zero.metrics.report().zero).toEqual({ noHits: 1, noRelevant: 1 });
  });
});

describe('files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-trec-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('come back as they were written, compressed too', async () => {
    const run = new Map([
      ['질문1', { docIds: ['문서', 'b'], scores: [0.1 + 0.2, -1e-7] }],
      [
        'q2',
        {
          docIds: Array.from({ length: 9000 }, (_, i) => `d${i}`),
          scores: Array.from({ length: 9000 }, (_, i) => 1 / (i + 1)),
        },
      ],
    ]);
    const qrels: Qrels = new Map([
      [
        '질문1',
        new Map([
          ['문서', 2],
          ['b', -1],
        ]),
      ],
    ]);
    for (const end of ['', '.gz']) {
      await writeRun(join(folder, `run${end}`), run);
      await writeQrels(join(folder, `qrels${end}`), qrels);
      expect(await readRun(join(folder, `run${end}`))).toMatchObject(run);
      expect(await readQrels(join(folder, `qrels${end}`))).toEqual(qrels);
    }
    expect(await readFile(join(folder, 'qrels'), 'utf8')).toBe('질문1 0 문서 2\n질문1 0 b -1\n');
  });

  it('reads the three columns of BEIR, CRLF and a byte order mark', async () => {
    const path = join(folder, 'test.tsv');
    await writeFile(path, '\ufeffquery-id\tcorpus-id\tscore\r\n1\td1\t1\r\n1\td2\t0\r\n');
    expect(await readQrels(path)).toEqual(
      new Map([
        [
          '1',
          new Map([
            ['d1', 1],
            ['d2', 0],
          ]),
        ],
      ]),
    );
  });

  it('ranks count from 1; one line a document; scores by rank on request', () => {
    const run = new Map([['q', { docIds: ['a', 'b', 'a', 'c'], scores: [1, 1, 0.5, 2] }]]);
    expect([...runLines(run, { tag: 'x' })]).toEqual(['q Q0 a 1 1 x\n', 'q Q0 b 2 1 x\n', 'q Q0 c 3 2 x\n']);
    expect([...runLines(run, { scores: 'rank' })].map(line => line.split(' ')[4])).toEqual(['4', '3', '1']);
  });

  it('says where a file is wrong', async () => {
    await expect(parseRun(['q Q0 a 1 1.0'], 'x.run')).rejects.toThrow(/^x\.run:1: found 5 fields, wanted 6/);
    await expect(parseRun(['q Q0 a 1 high t'], 'x.run')).rejects.toThrow(/x\.run:1: the score is "high"/);
    await expect(parseRun(['q Q0 a 1 1 t', 'q Q0 a 2 0 t'], 'x.run')).rejects.toThrow(
      /x\.run:2: .*"a" twice/,
    );
    await expect(parseQrels(['q 0 a 1', 'q 0 a 2'], 'x')).rejects.toThrow(/x:2: .*with 2, but 1 further up/);
    await expect(parseQrels(['q 0 a .5'], 'x')).rejects.toThrow(/wanted a whole number/);
    await expect(readRun(join(folder, 'none.run.gz'))).rejects.toThrow(/ENOENT/);
    await expect(readRun(join(folder, 'none.run'))).rejects.toThrow(/ENOENT/);
    expect(() => [...runLines([['q 1', { docIds: ['a'], scores: [1] }]])]).toThrow(/"q 1" holds white space/);
    expect(() => [...runLines([['q', { docIds: ['a'], scores: [Number.NaN] }]])]).toThrow(/score NaN/);
  });
});
