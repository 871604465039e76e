import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace } from './millrace.ts';

const PIPELINE = `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl }, onError: dead-letter }
  - { id: passages, op: split.passages, with: { words: 4 }, onError: dead-letter }
  - { id: out, op: write.jsonl, with: { path: out.jsonl } }
`;
const good = (i: number) => ({ id: i, text: 'a b' });
const file = (rows: number, bad: (i: number) => boolean): string =>
  Array.from({ length: rows }, (_, i) => (bad(i) ? `{"id": ${i}, "text":\n` : jsonl([good(i)]))).join('');
const letterFiles = (here: string): string[] => {
  const root = join(here, '.millrace/p/dead-letters');
  return readdirSync(root).flatMap(run => readdirSync(join(root, run)).map(f => join(root, run, f)));
};

it('many bad records take little room, are listed in order, and leave when they are mended', async () => {
  const bad = 5000;
  const here = folderWith({ 'p.yaml': PIPELINE, 'docs.jsonl': file(bad + 1, i => i !== 7) });
  const run = await millrace(here, 'run', 'p.yaml');
  expect(run.code, run.stderr).toBe(0);
  // a letter has some 200 bytes of texts; a stream of its own would take 1,500
  const bytes = letterFiles(here).reduce((sum, path) => sum + statSync(path).size, 0);
  expect(bytes).toBeLessThan(300 * bad);
  const listed = jsonOf<{ id: string; where: string }[]>(
    await millrace(here, 'dead-letters', 'list', 'p.yaml', '--json'),
  );
  const lines = Array.from({ length: bad + 1 }, (_, i) => i + 1).filter(line => line !== 8);
  expect(listed.map(l => l.where)).toEqual(lines.map(line => `docs.jsonl:${line}`));
  expect(new Set(listed.map(l => l.id)).size).toBe(bad);
  const shown = await millrace(here, 'dead-letters', 'show', 'p.yaml', listed[3000].id, '--json');
  expect(jsonOf<{ record: string }[]>(shown)).toMatchObject([{ record: '{"id": 3001, "text":' }]);
  const text = await millrace(here, 'dead-letters', 'list', 'p.yaml', '--most', '3');
  expect(text.stdout).toContain('docs.jsonl:3');
  expect(text.stdout).toContain('… 4,997 more; --most 5000 lists all');
  // a crash in the middle of a letter leaves those before it
  appendFileSync(letterFiles(here)[0], new Uint8Array([255, 255, 255, 255, 64, 1, 0, 0, 16]));
  expect(jsonOf<unknown[]>(await millrace(here, 'dead-letters', 'list', 'p.yaml', '--json'))).toEqual(listed);
  writeFileSync(
    join(here, 'docs.jsonl'),
    file(bad + 1, () => false),
  );
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect((await millrace(here, 'dead-letters', 'list', 'p.yaml')).stdout).toBe('no dead letters\n');
});

it('rows and records of one run stand side by side, whole', async () => {
  const here = folderWith({
    'p.yaml': PIPELINE.replace('split.passages, with: { words: 4 }', 'clean.text, with: { column: text }'),
    'docs.jsonl': `${jsonl([good(1)])}{"id": 2,\n${jsonl([
      { id: 3, text: null },
      { id: 4, text: null },
    ])}`,
  });
  const run = await millrace(here, 'run', 'p.yaml');
  expect(run.code, run.stderr).toBe(0);
  const list = await millrace(here, 'dead-letters', 'list', 'p.yaml', '--json');
  expect(jsonOf<{ where: string }[]>(list).map(l => l.where)).toContain('docs.jsonl:2');
});

it('a row whose key another has is kept whole, and comes in when that one is gone', async () => {
  const here = folderWith({
    'p.yaml': PIPELINE,
    'docs.jsonl': `${jsonl([good(1), { id: 1, text: 'twin' }])}{"id": 2,\n`,
  });
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  // flows that write whole do not look for keys that come twice
  writeFileSync(
    join(here, 'p.yaml'),
    indexed('docs', 'split').replace('docs.jsonl }', 'docs.jsonl }, onError: dead-letter'),
  );
  expect((await millrace(here, 'run', 'p.yaml', '--full')).code).toBe(0);
  const shown = await millrace(here, 'dead-letters', 'show', 'p.yaml', 'docs.jsonl: doc_id "1"', '--json');
  expect(jsonOf<unknown[]>(shown)).toMatchObject([
    { step: 'docs', where: 'docs.jsonl: doc_id "1"', row: { doc_id: '1', text: 'twin' } },
  ]);
  expect(await left(here)).toBe(2);
  const again = await millrace(here, 'dead-letters', 'run', 'p.yaml');
  expect(again.stderr).toContain('2 dead letters before, 2 now');
  writeFileSync(join(here, 'docs.jsonl'), jsonl([{ id: 1, text: 'twin' }]));
  expect((await millrace(here, 'dead-letters', 'run', 'p.yaml')).stderr).toContain(
    '2 dead letters before, 0 now',
  );
});

it('a record that never became a row is known by the key that stands in it', async () => {
  const yaml = (more: string) =>
    indexed('docs', 'split').replace('docs.jsonl }', `docs.jsonl${more} }, onError: dead-letter`);
  const here = folderWith({
    'p.yaml': yaml(''),
    'docs.jsonl': `${jsonl([
      { id: 'a', text: 'one', no: 1, rank: 1 },
      { id: 'b', text: 2, no: 7, rank: 3 },
    ])}{"id": "c",\n`,
  });
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  const knows = async (key: string): Promise<void> => {
    for (const command of ['why', 'trace'])
      expect((await millrace(here, command, 'p.yaml', key)).stdout).toMatch(
        /^docs.jsonl:2\n {2}put aside at step "docs" in run \S+: column "text": found number 2/,
      );
    const shown = await millrace(here, 'dead-letters', 'show', 'p.yaml', key, '--json');
    expect(jsonOf<unknown[]>(shown)).toMatchObject([{ where: 'docs.jsonl:2' }]);
  };
  await knows('b');
  for (const key of ['7', 'c', 'undefined'])
    expect((await millrace(here, 'why', 'p.yaml', key)).code).toBe(1);
  // by the fields that the step's parameters name
  writeFileSync(join(here, 'p.yaml'), yaml(', id: no'));
  await knows('7');
  writeFileSync(join(here, 'p.yaml'), yaml(', key: [id, rank]'));
  await knows('b, 3');
});

it('show without a letter says how to list them', async () => {
  const here = folderWith({ 'p.yaml': PIPELINE, 'docs.jsonl': jsonl([good(1)]) });
  await millrace(here, 'run', 'p.yaml');
  const { code, stderr } = await millrace(here, 'dead-letters', 'show', 'p.yaml');
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /needs the name of a letter\n +help: they are listed by: .*dead-letters list p.yaml\n/,
  );
});

it('rows that were skipped are tried again where bad rows go elsewhere now; why names the run that added a row', async () => {
  const skips = `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl }, onError: skip }
  - { id: index, op: index.sparse, with: { path: index } }
`;
  const here = folderWith({ 'p.yaml': skips, 'docs.jsonl': `${jsonl([good(1)])}{"id": 2,\n` });
  const run = await millrace(here, 'run', 'p.yaml');
  expect(run.code, run.stderr).toBe(0);
  expect((await millrace(here, 'plan', 'p.yaml')).stdout).toContain('docs: nothing to do');
  writeFileSync(join(here, 'p.yaml'), skips.replace('skip', 'dead-letter'));
  const plan = await millrace(here, 'plan', 'p.yaml');
  expect(plan.stdout).toContain('since "docs": onError: skip → dead-letter, and it had bad rows');
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  const listed = await millrace(here, 'dead-letters', 'list', 'p.yaml', '--json');
  expect(jsonOf<{ where: string }[]>(listed)).toMatchObject([{ where: 'docs.jsonl:2' }]);
  writeFileSync(join(here, 'p.yaml'), skips.replace('skip', 'fail'));
  const failed = await millrace(here, 'run', 'p.yaml');
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('docs.jsonl:2')]);

  writeFileSync(join(here, 'docs.jsonl'), jsonl([good(1), good(3)]));
  writeFileSync(join(here, 'p.yaml'), skips);
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  appendFileSync(join(here, 'docs.jsonl'), jsonl([good(4)]));
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect((await millrace(here, 'why', 'p.yaml', '4')).stdout).toMatch(/^ {2}added in run /m);
  expect((await millrace(here, 'why', 'p.yaml', '1')).stdout).toContain('as it was when it was first read');
});

/** Documents of which the second has no text, indexed under these ids of steps. */
const indexed = (docs: string, split: string): string => `name: p
steps:
  - { id: ${docs}, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: ${split}, op: split.passages, with: { words: 4 }, onError: dead-letter }
  - { id: index, op: index.sparse, with: { path: out/index } }
`;
const texts = (...all: (string | null)[]): string => jsonl(all.map((text, id) => ({ id, text })));
const left = async (here: string): Promise<number> =>
  jsonOf<unknown[]>(await millrace(here, 'dead-letters', 'list', 'p.yaml', '--json')).length;

it('letters of steps that have other ids now leave when their rows are mended', async () => {
  const here = folderWith({ 'p.yaml': indexed('docs', 'split'), 'docs.jsonl': texts('a', null, null) });
  await millrace(here, 'run', 'p.yaml');
  expect(await left(here)).toBe(2);
  writeFileSync(join(here, 'p.yaml'), indexed('documents', 'passages'));
  writeFileSync(join(here, 'docs.jsonl'), texts('a', 'mended', null));
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect(await left(here)).toBe(1);
  // a run later the ledger still knows whose the other one is
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  const again = await millrace(here, 'dead-letters', 'run', 'p.yaml');
  expect(again.stderr).toContain('1 dead letter before, 1 now');
  writeFileSync(join(here, 'docs.jsonl'), texts('a', 'mended', 'mended'));
  expect((await millrace(here, 'dead-letters', 'run', 'p.yaml')).code).toBe(0);
  expect(await left(here)).toBe(0);
});

it('letters of steps that are gone leave with a run over all rows', async () => {
  const here = folderWith({ 'p.yaml': indexed('docs', 'split'), 'docs.jsonl': texts('a', null) });
  await millrace(here, 'run', 'p.yaml');
  expect(await left(here)).toBe(1);
  writeFileSync(join(here, 'p.yaml'), indexed('docs', 'other').replace('words: 4', 'words: 5'));
  writeFileSync(join(here, 'docs.jsonl'), texts('a', 'mended'));
  expect((await millrace(here, 'run', 'p.yaml', '--full')).code).toBe(0);
  expect(await left(here)).toBe(0);
});

it('letters that are open are told by run, also an idle one, and plan; why and trace know rows by them', async () => {
  const here = folderWith({ 'p.yaml': PIPELINE, 'docs.jsonl': `${texts('a', null)}{"id": 2,\n` });
  const open = '2 dead letters are open: ';
  const list = 'dead-letters list p.yaml';
  for (const command of ['run', 'run', 'plan']) {
    const { stderr } = await millrace(here, command, 'p.yaml');
    expect(stderr).toMatch(new RegExp(`^${open}.*${list}$`, 'm'));
  }
  for (const command of ['why', 'trace']) {
    const { stdout } = await millrace(here, command, 'p.yaml', '1');
    expect(stdout).toMatch(/put aside at step "passages" in run \S+: column "text" is null/);
    expect(stdout).not.toContain('no rows in sinks');
    const unread = await millrace(here, command, 'p.yaml', 'docs.jsonl:3');
    expect(unread.stdout).toMatch(/^docs.jsonl:3\n {2}put aside at step "docs" in run \S+: not JSON/);
    const [row] = jsonOf<{ deadLetters: object[] }[]>(await millrace(here, command, 'p.yaml', '1', '--json'));
    expect(row.deadLetters).toMatchObject([{ step: 'passages', where: 'doc_id 1' }]);
    const gone = await millrace(here, command, 'p.yaml', '7');
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('it may have been deleted')]);
  }
  const shown = await millrace(here, 'dead-letters', 'show', 'p.yaml', '1', '--json');
  expect(jsonOf<unknown[]>(shown)).toMatchObject([{ where: 'doc_id 1' }]);
  writeFileSync(join(here, 'docs.jsonl'), texts('a', 'b'));
  expect((await millrace(here, 'run', 'p.yaml')).stderr).not.toContain('open:');
});
