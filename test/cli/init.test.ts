import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, folderWith, jsonl, jsonOf, millrace, type Outcome, spawned } from './millrace.ts';

const korean = [
  { 번호: 'k1', 제목: '서울', 본문: '서울은 대한민국의 수도이며 한강이 흐른다.' },
  { 번호: 'k2', 제목: '부산', 본문: '부산은 남쪽의 항구 도시이다.' },
];

const corpora = folderWith({
  'docs.jsonl': jsonl(DOCUMENTS),
  'items.csv':
    'sku,name,description,price\nA1,Kettle,"A kettle of steel, for the stove and the fire",20\nA2,Pan,A pan of iron that lasts for the rest of your life,30\n',
  'korean.jsonl': jsonl(korean),
  'notes/one.md': '# Apples\n\nApples are a fruit of the autumn and of the cellar.\n',
  'notes/deep/two.md': '# Pears\n\nPears are soft and do not keep for long.\n',
  'notes/list.txt': 'not Markdown',
});

/** Runs `init` and then both pipelines, as a new user does. */
async function start(
  dir: string,
  corpus: string,
  ...more: string[]
): Promise<{ init: Outcome; runs: Outcome[] }> {
  const init = await millrace(corpora, 'init', dir, '--corpus', corpus, ...more);
  expect(init.code, init.stderr).toBe(0);
  const runs: Outcome[] = [];
  // a TypeScript pipeline imports the package by its name, which the real command makes these sources
  const run = more.includes('--typescript') ? spawned : millrace;
  for (const name of ['index', 'search']) runs.push(await run(join(corpora, dir), 'run', name, '--json'));
  return { init, runs };
}

const step = (outcome: Outcome, id: string): { rowsOut: number } =>
  jsonOf<{ steps: { id: string; rowsOut: number }[] }>(outcome).steps.find(s => s.id === id) as never;

describe('init', () => {
  it('makes a project on JSONL that runs at once, and says what it picked', async () => {
    const { init, runs } = await start('from-jsonl', 'docs.jsonl');
    expect(init.stderr).toMatch(/^id +id /m);
    expect(init.stderr).toMatch(/^title +title /m);
    expect(init.stderr).toMatch(/^text +text /m);
    expect(init.stderr).toMatch(/^analyzer +english /m);
    for (const { code, stderr } of runs) expect(code, stderr).toBe(0);
    expect(step(runs[0], 'documents').rowsOut).toBe(3);
    expect(step(runs[1], 'hits').rowsOut).toBeGreaterThan(0);
    const { stdout } = await millrace(join(corpora, 'from-jsonl'), 'search', 'indexes/corpus', 'port');
    expect(stdout).toContain('Busan');
  });

  it('picks the fields of a CSV file by their contents', async () => {
    const { init, runs } = await start('from-csv', 'items.csv', '--json');
    const { fields, corpus } = jsonOf<{ fields: Record<string, { field: string }>; corpus: { op: string } }>(
      init,
    );
    expect(corpus.op).toBe('read.csv');
    expect([fields.title.field, fields.text.field]).toEqual(['name', 'description']);
    for (const { code, stderr } of runs) expect(code, stderr).toBe(0);
    expect(step(runs[0], 'documents').rowsOut).toBe(2);
  });

  it('takes a folder of Markdown, and says what it leaves out', async () => {
    const { init, runs } = await start('from-folder', 'notes');
    expect(init.stderr).toContain('read by read.markdown');
    expect(init.stderr).toContain('left out: 1 plain text file');
    for (const { code, stderr } of runs) expect(code, stderr).toBe(0);
    expect(step(runs[0], 'documents').rowsOut).toBe(2);
  });

  it('sees Korean, and writes TypeScript where asked', async () => {
    const { init, runs } = await start('from-korean', 'korean.jsonl', '--typescript', '--id', '번호');
    expect(init.stderr).toMatch(/^analyzer +korean /m);
    expect(init.stderr).toMatch(/^title +제목 /m);
    expect(readFileSync(join(corpora, 'from-korean/pipelines/index.ts'), 'utf8')).toContain(
      "import { pipeline } from 'millrace'",
    );
    for (const { code, stderr } of runs) expect(code, stderr).toBe(0);
    const { stdout } = await millrace(join(corpora, 'from-korean'), 'search', 'indexes/corpus', '항구');
    expect(stdout).toContain('부산');
  });

  it('never overwrites', async () => {
    const there = folderWith({ 'docs.jsonl': jsonl(DOCUMENTS), 'README.md': 'mine' });
    const { code, stderr } = await millrace(there, 'init', '.', '--corpus', 'docs.jsonl');
    expect(code).toBe(2);
    expect(stderr).toContain('README.md');
    expect(readFileSync(join(there, 'README.md'), 'utf8')).toBe('mine');
    expect(readdirSync(there).sort()).toEqual(['README.md', 'docs.jsonl']);
  });

  it.each([
    ['nothing.jsonl', 'nothing is at nothing.jsonl'],
    ['picture.png', 'ends in ".png"'],
    ['empty.jsonl', 'holds no rows'],
    ['numbers.jsonl', 'no field of numbers.jsonl holds text'],
  ])('refuses %s', async (corpus, message) => {
    const folder = folderWith({ 'picture.png': 'x', 'empty.jsonl': '', 'numbers.jsonl': '{"a": 1}\n' });
    const { code, stderr } = await millrace(folder, 'init', 'project', '--corpus', corpus);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(readdirSync(folder)).not.toContain('project');
  });
});
