import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace } from './millrace.ts';

// Long documents hold the words of the questions most often; the short ones are what is asked for.
const topics = Array.from({ length: 24 }, (_, i) => `topic${i}`);
const short = topics.map((t, i) => ({ doc_id: `s${i}`, text: `${t} is short` }));
const long = topics.map((t, i) => ({
  doc_id: `l${i}`,
  text: `${t} ${t} ${Array.from({ length: 12 }, (_, j) => `filler${j}`).join(' ')}`,
}));
const here = folderWith({
  'docs.jsonl': jsonl([...short, ...long]),
  'questions.jsonl': jsonl(topics.map((t, i) => ({ question_id: `q${i}`, question: t, doc_ids: [`s${i}`] }))),
  'chance.jsonl': jsonl(
    topics
      .slice(0, 6)
      .map((t, i) => ({ question_id: `q${i}`, question: t, doc_ids: [i === 0 ? `l0` : `s${i}`] })),
  ),
  'index.yaml': `name: index
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: indexes/docs, analyzer: standard } }
`,
});

beforeAll(async () => {
  const { code, stderr } = await millrace(here, 'run', 'index.yaml');
  expect(code, stderr).toBe(0);
});

interface Tuned {
  best: { parameters: Record<string, number>; value: number };
  gain: boolean;
  points: unknown[];
  crossValidation: { first: number; second: number; p: number; wins: number; losses: number };
  plots: Record<string, string>;
}

describe('tune', () => {
  it('finds the parameters that a set of questions asks for, on questions held back, with a heat map', async () => {
    const asked = ['tune', 'indexes/docs', 'questions.jsonl', '--similarity', 'lucene:b=0'];
    const grid = ['--grid', 'k1=0.5:1.5:0.5', '--grid', 'b=0,0.5,1'];
    const found = jsonOf<Tuned>(await millrace(here, ...asked, ...grid, '--json', '--plots', 'out'));
    expect(found.points).toHaveLength(12);
    expect(found.best.value).toBe(1);
    expect(found.best.parameters.b).toBeGreaterThan(0);
    expect(found.crossValidation).toMatchObject({ first: 0, second: 1, wins: 24, losses: 0 });
    expect(found.gain).toBe(true);
    const svg = readFileSync(join(here, found.plots['tune-lucene']), 'utf8');
    expect(svg).toContain('gold@1 of lucene');
    const shown = await millrace(here, ...asked, ...grid, '--search', 'coordinate');
    expect(shown.stdout).toMatch(/k1 +b +gold@1/);
    expect(shown.stdout).toMatch(/as given/);
    expect(shown.stdout).toContain('the gain is more than chance gives');
  });

  it('says when a gain is inside the noise', async () => {
    const { code, stdout } = await millrace(here, 'tune', 'indexes/docs', 'chance.jsonl', '--folds', '2');
    expect(code).toBe(0);
    expect(stdout).toContain('the gain is inside the noise');
  });

  it('says what it cannot tune', async () => {
    const tune = (...args: string[]) => millrace(here, 'tune', 'indexes/docs', ...args);
    const cases: [string[], string][] = [
      [['questions.jsonl', '--grid', 'k2=1,2'], 'has no parameter "k2"'],
      [['questions.jsonl', '--grid', 'b=0:2:1'], 'b is 2, wanted a number at least 0, at most 1'],
      [['questions.jsonl', '--grid', 'b=1:0:0.1'], '--grid b: 1:0:0.1 is no range'],
      [['questions.jsonl', '--similarity', 'tfidf'], 'nothing of tfidf is tried by itself'],
      [['questions.jsonl', '--metric', 'gold@x'], '--metric gold@x: these questions do not have it'],
      [['docs.jsonl'], 'question_id'],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await tune(...args);
      expect([code !== 0, stderr], message).toEqual([true, expect.stringContaining(message)]);
    }
  });
});

describe('tune --merge', () => {
  // the first index knows even topics, and has a flat list of odd ones; the second knows odd ones
  const common = Array.from({ length: 9 }, (_, i) => ({ doc_id: `c${i}`, text: 'common words' }));
  const knowing = (half: number) =>
    jsonl([
      ...topics.map((t, i) => ({ doc_id: `s${i}`, text: i % 2 === half ? `${t} told` : 'nothing' })),
      ...common,
    ]);
  const build = (name: string) => `name: ${name}
steps:
  - { id: docs, op: read.jsonl, with: { path: ${name}.jsonl } }
  - { id: index, op: index.sparse, with: { path: indexes/${name}, analyzer: standard } }
`;
  const folder = folderWith({
    'even.jsonl': knowing(0),
    'odd.jsonl': knowing(1),
    'even.yaml': build('even'),
    'odd.yaml': build('odd'),
    'questions.jsonl': jsonl(
      topics.map((t, i) => ({ question_id: `q${i}`, question: `${t} common`, doc_ids: [`s${i}`] })),
    ),
  });
  const tune = (...args: string[]) =>
    millrace(folder, 'tune', 'indexes/even', 'questions.jsonl', '--merge', 'indexes/odd', ...args);
  beforeAll(async () => {
    for (const name of ['even.yaml', 'odd.yaml'])
      expect((await millrace(folder, 'run', name)).code, name).toBe(0);
  });

  it('trains a chooser that works in a pipeline as it is printed', async () => {
    const found = jsonOf<{
      alone: Record<string, number>;
      held: { mean: number };
      overBetter: { difference: number };
      logistic: { value: number; step: string };
      points: { parameters: object }[];
    }>(await tune('--grid', 'method=logistic', '--grid', 'weight=1', '--grid', 'depth=20,50', '--json'));
    expect(found.alone).toEqual({ 'indexes/even': 0.5, 'indexes/odd': 0.5 });
    expect(found.held.mean).toBe(1);
    expect(found.overBetter.difference).toBe(0.5);
    expect(found.logistic.value).toBe(1);
    // logistic has no weight; expz is the way as given, at three depths
    expect(found.points).toHaveLength(6);
    writeFileSync(
      join(folder, 'ask.yaml'),
      `name: ask
steps:
  - { id: questions, op: read.jsonl, with: { path: questions.jsonl, key: question_id, columns: { question: utf8, doc_ids: list<utf8> } } }
  - { id: first, op: search.sparse, from: questions, with: { index: indexes/even, k: 100 } }
  - { id: second, op: search.sparse, from: questions, with: { index: indexes/odd, k: 100 } }
  - ${found.logistic.step}
  - { id: measured, op: evaluate.retrieval, with: { k: [1], path: report.json } }
`,
    );
    const { code, stderr } = await millrace(folder, 'run', 'ask.yaml');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')).metrics['gold@1']).toBe(1);
  });

  it('shows what each index does alone, and the step to use', async () => {
    const { code, stdout, stderr } = await tune('--grid', 'weight=0,1', '--grid', 'method=minmax');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('alone: indexes/even 0.5000, indexes/odd 0.5000');
    expect(stdout).toMatch(/merged, on questions held back: 1\.0000 \(95% /);
    expect(stdout).toContain("from: ['first', 'second']");
  });

  it('encodes questions with the model that an index of vectors names', async () => {
    writeFileSync(
      join(folder, 'korean.yaml'),
      `name: korean
memory: 1 GiB
steps:
  - { id: docs, op: read.jsonl, with: { path: odd.jsonl } }
  - { id: vectors, op: encode.dense, with: { model: korean } }
  - { id: index, op: index.dense, with: { path: indexes/korean } }
`,
    );
    expect((await millrace(folder, 'run', 'korean.yaml')).code).toBe(0);
    const merge = ['tune', 'indexes/even', 'questions.jsonl', '--merge', 'indexes/korean'];
    const grid = ['--grid', 'method=expz', '--grid', 'depth=20'];
    const { code, stdout, stderr } = await millrace(folder, ...merge, ...grid);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('indexes/korean');
    const other = await millrace(folder, ...merge, ...grid, '--model', 'default');
    expect(other.stderr).toContain('--model default: the index holds vectors of korean');
  });

  it('says what it cannot tune, and looks at no test set', async () => {
    const cases: [string[], string][] = [
      [['--grid', 'k1=1'], 'merging has no such parameter'],
      [['--grid', 'method=sum'], 'methods are expz'],
      [['--grid', 'depth=0'], 'wanted whole numbers from 1'],
      [['--folds', '2'], 'wanted 3 or more to train method logistic'],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await tune(...args);
      expect([code !== 0, stderr], message).toEqual([true, expect.stringContaining(message)]);
    }
    const asked = (questions: string) =>
      millrace(folder, 'tune', 'indexes/even', questions, '--grid', 'b=0,1', '--json');
    const test = await asked('dataset:factbook/test');
    expect([test.code !== 0, test.stderr]).toEqual([true, expect.stringContaining('is a test set')]);
    const all = await asked('dataset:factbook');
    expect(all.stderr).toContain('dataset:factbook: dev; test is not looked at');
    expect(jsonOf<{ questions: number }>(all).questions).toBe(254);
  });
});

describe('compare', () => {
  const run = (rank: (i: number) => string[]) =>
    topics
      .map((_, i) =>
        rank(i)
          .map((d, r) => `q${i} Q0 ${d} ${r + 1} ${9 - r} x`)
          .join('\n'),
      )
      .join('\n');

  it('tells a better run from a worse one, with the questions won and lost, and plots all', async () => {
    const folder = folderWith({
      'old.trec': run(i => (i < 20 ? [`l${i}`, `s${i}`] : [`s${i}`, `l${i}`])),
      'new.trec': run(i => (i < 23 ? [`s${i}`, `l${i}`] : [`l${i}`, `s${i}`])),
      'same.trec': run(i => (i < 20 ? [`l${i}`, `s${i}`] : [`s${i}`, `l${i}`])),
      'qrels.txt': topics.map((_, i) => `q${i} 0 s${i} 1`).join('\n'),
    });
    const args = ['compare', 'old.trec', 'new.trec', '--qrels', 'qrels.txt'];
    const { runs, metric, plots } = jsonOf<{
      metric: string;
      runs: {
        comparison: Record<string, { difference: number; p: number }>;
        won: string[];
        lost: string[];
      }[];
      plots: Record<string, string>;
    }>(await millrace(folder, ...args, '--metric', 'success@1', '--json', '--plots', 'out'));
    expect(metric).toBe('success@1');
    const [{ comparison, won, lost }] = runs;
    expect(won).toEqual(topics.slice(0, 20).map((_, i) => `q${i}`));
    expect(lost).toEqual(['q23']);
    expect(comparison['success@1'].difference).toBeCloseTo(19 / 24, 12);
    expect(comparison['success@1'].p).toBeLessThan(0.001);
    expect(comparison['recall@20']).toMatchObject({ difference: 0, p: 1 });
    for (const name of ['success-10', 'success-100', 'recall-10', 'recall-100'])
      expect(existsSync(join(folder, plots[name]))).toBe(true);
    const { stdout } = await millrace(folder, ...args);
    expect(stdout).toContain('new against old');
    expect(stdout).toMatch(/won 20, lost 1; the difference is more than chance/);
    // three runs are a table first; a run that is named twice is one
    const [, old, young, ...rest] = args;
    const several = await millrace(
      folder,
      'compare',
      old,
      young,
      `./${old}`,
      'same.trec',
      ...rest,
      '--metric',
      'success@1',
    );
    expect(several.code, several.stderr).toBe(0);
    expect(several.stdout.split('\n')[0]).toMatch(/^run +success@1 +success@5/);
    expect(several.stdout).toMatch(/^new +0\.9583\*/m);
    expect(several.stdout).toContain("* differs from old: p < 0.05 with Holm's correction over 2 runs");
    expect(several.stdout).toMatch(
      /won 0, lost 0; the difference is no more .* \(p 1\.0000, corrected 1\.0000\)/,
    );
  });

  it('counts a question that one run of hits has nothing for', async () => {
    const hit = (q: number, d: string) => ({ question_id: `q${q}`, doc_id: d, score: 1, doc_ids: [`s${q}`] });
    const folder = folderWith({
      'a.jsonl': jsonl([hit(0, 's0'), hit(1, 's1')]),
      'b.jsonl': jsonl([hit(0, 's0')]),
    });
    const found = jsonOf<{ runs: { questions: number; lost: string[] }[] }>(
      await millrace(folder, 'compare', 'a.jsonl', 'b.jsonl', '--json'),
    );
    expect(found.runs[0]).toMatchObject({ questions: 2, lost: ['q1'] });
  });

  it('wants two runs, judgements, and a metric that is there', async () => {
    const folder = folderWith({ 'a.trec': 'q Q0 d 1 1 x\n', 'q.txt': 'q 0 d 1\n' });
    const cases: [string[], string][] = [
      [['a.trec'], 'one run is nothing to compare'],
      [['a.trec', 'a.trec'], '--qrels FILE'],
      [['a.trec', 'a.trec', '--qrels', 'q.txt', '--metric', 'gold@1'], 'was not measured'],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await millrace(folder, 'compare', ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});
