/** Files that a source reads, and what depends on more of them than their bytes: names, guessed columns, folders. */
import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readText } from '../../operators/read/text.ts';
import type { AnyOperator, AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { findInState, type RunOptions, startRun } from '../../src/run/index.ts';
import { listDeadLetters, stateFolderOf } from '../../src/state/index.ts';
import { folderWith, jsonl, jsonOf, millrace } from '../cli/millrace.ts';
import { operators, readTable } from './fixtures/operators.ts';
import { inFolder, type Ran, run, tryRun } from './shapes.ts';

const put = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
};
const table: AnyStep = { id: 't', op: 'inc.table', with: { path: 't' } };
const lines = (path: unknown = 'docs', onError: 'fail' | 'dead-letter' = 'fail'): AnyStep[] => [
  { id: 'src', op: 'read.jsonl', with: { path } as never, onError },
  table,
];
const rowsAt = (root: string): unknown[] => Object.values(readTable(join(root, 't')));
/** What the sink holds, and after a full run: one and the same. */
async function asFull(root: string, steps: AnyStep[], options: Partial<RunOptions> = {}): Promise<unknown[]> {
  const now = rowsAt(root);
  await run(root, steps, { full: true, ...options });
  expect(now).toEqual(rowsAt(root));
  return now;
}
const letters = async (root: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { where } of listDeadLetters(stateFolderOf(root, 'inc'))) found.push(where);
  return found;
};

it('a guessed column that has another type has all files read again', () =>
  inFolder(async root => {
    const steps = lines('docs', 'dead-letter');
    put(root, {
      'docs/a.jsonl': jsonl([{ id: 'a', text: 'one', year: 1999 }]),
      'docs/b.jsonl': jsonl([{ id: 'b', text: 'two', year: 'c. 1900' }]),
    });
    await run(root, steps);
    expect(await letters(root)).toEqual(['docs/b.jsonl:1']);
    put(root, { 'docs/a.jsonl': jsonl([{ id: 'a', text: 'one', year: '1999' }]) });
    const text = 'its columns: year int32? → utf8?';
    const again = await run(root, steps);
    expect(again.mode).toBe('replay');
    expect(again.reasons).toMatchObject([
      { step: 'src', text, what: 'columns', old: { year: 'int32?' }, now: { year: 'utf8?' } },
    ]);
    expect(await letters(root)).toEqual([]);
    expect(await asFull(root, steps)).toMatchObject([{ doc_id: 'a' }, { doc_id: 'b', year: 'c. 1900' }]);
    expect((await run(root, steps)).mode).toBe('nothing');
  }));

it('types that are guessed otherwise than before are warned of, with the file they come from', async () => {
  const year = (id: string, value: unknown) => jsonl([{ id, text: 'one', year: value }]);
  const yaml = (onError: string, more = '') =>
    `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: 'data/*.jsonl'${more} }, onError: ${onError} }
  - { id: index, op: index.sparse, with: { path: ix } }
`;
  const folder = folderWith({
    'p.yaml': yaml('dead-letter'),
    'data/fresh.jsonl': year('a', 1999) + year('b', 2026),
  });
  expect((await millrace(folder, 'run', 'p.yaml')).stderr).not.toContain('warning');
  put(folder, { 'data/a-empty.jsonl': '', 'data/a-first.jsonl': year('c', 'nineteen') });
  const warning =
    'warning  step "docs": column "year" was int32? and is utf8? now, guessed from data/a-first.jsonl, the first file with records';
  const pins = 'columns: { …, year: int32? }';
  const planned = await millrace(folder, 'plan', 'p.yaml');
  expect(planned.stderr).toContain(warning);
  expect(planned.stderr).toContain(pins);
  const json = jsonOf<{ flows: { warnings: object[] }[] }>(
    await millrace(folder, 'plan', 'p.yaml', '--full', '--json'),
  );
  expect(json.flows[0].warnings).toMatchObject([{ step: 'docs' }]);
  // a good record in a good file
  put(folder, { 'p.yaml': yaml('fail') });
  const failed = await millrace(folder, 'run', 'p.yaml');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain(warning);
  expect(failed.stderr).toContain(
    'data/fresh.jsonl:1: column "year": found number 1999, wanted utf8 (guessed from data/a-first.jsonl, the first file with records; columns: { year: ... } declares it)',
  );
  expect(failed.stderr).toContain(
    'help: declare the fields to read and their types in with.columns, or mend',
  );
  // declared, nothing is guessed
  put(folder, { 'p.yaml': yaml('dead-letter', ", columns: { id: utf8, text: utf8, year: 'int32?' }") });
  const pinned = await millrace(folder, 'run', 'p.yaml');
  expect([pinned.code, pinned.stderr]).toEqual([0, expect.not.stringContaining('warning')]);
  expect(pinned.stderr).toContain('1 dead letter is open');
});

it('an index whose columns the data changes is built anew, by the run itself', async () => {
  const folder = folderWith({
    'p.yaml':
      'name: p\nsteps:\n  - { id: docs, op: read.jsonl, with: { path: docs } }\n  - { id: index, op: index.sparse, with: { path: ix } }\n',
    'docs/a.jsonl': jsonl([{ id: 'a', text: 'alpha' }]),
    'docs/b.jsonl': jsonl([{ id: 'b', text: 'beta', title: 'second' }]),
  });
  await millrace(folder, 'run', 'p.yaml');
  writeFileSync(join(folder, 'docs/a.jsonl'), jsonl([{ id: 'a', text: 'alpha', title: 'first' }]));
  const told = 'since "docs": its columns: + title utf8?';
  expect((await millrace(folder, 'plan', 'p.yaml')).stdout).toContain(told);
  const ran = await millrace(folder, 'run', 'p.yaml');
  expect(ran.code).toBe(0);
  expect((await millrace(folder, 'why', 'p.yaml', 'b')).stdout).toContain(told);
  const search = await millrace(folder, 'search', 'ix', 'beta', '--json');
  expect(jsonOf<{ hits: unknown[] }>(search).hits).toMatchObject([{ title: 'second' }]);
});

/** The source of text files beside the operators of the tests. */
async function runTexts(root: string, path: unknown, options: Partial<RunOptions> = {}): Promise<Ran> {
  const all: AnyOperator[] = [...operators, readText];
  const steps: AnyStep[] = [{ id: 'src', op: 'read.text', with: { path } as never }, table];
  const { plan, problems } = await check({ name: 'inc', steps }, { operators: all, root, mode: 'run' });
  if (!plan) throw new Error(JSON.stringify(problems));
  const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;
  const handle = startRun(plan, { registryUrl, ...options });
  let mode = '';
  handle.events.subscribe(e => {
    if (e.type === 'flow') mode = e.mode;
  });
  const result = await handle.result;
  if (result.error) throw new Error(result.error.message);
  return { result, mode, reasons: [], interim: 0 };
}
const idsAt = (root: string): unknown[] => rowsAt(root).map(r => (r as { doc_id: string }).doc_id);

it('keys that are made of names are those of the path as it is', () =>
  inFolder(async root => {
    put(root, { 'data/sub/a.txt': 'one', 'data/sub/b.txt': 'two' });
    await runTexts(root, 'data');
    expect(idsAt(root)).toEqual(['sub/a.txt', 'sub/b.txt']);
    expect((await runTexts(root, 'data/sub')).mode).toBe('changes');
    expect(idsAt(root)).toEqual(['a.txt', 'b.txt']);
    // a file of a name that another has gives both longer names
    put(root, { 'other/a.txt': 'three' });
    await runTexts(root, ['data/sub', 'other']);
    const now = idsAt(root);
    expect(now).toEqual(['b.txt', 'data/sub/a.txt', 'other/a.txt']);
    await runTexts(root, ['data/sub', 'other'], { full: true });
    expect(idsAt(root)).toEqual(now);
    expect((await runTexts(root, ['data/sub', 'other'])).mode).toBe('nothing');
  }));

it('files whose names differ in their normal form alone are two', () =>
  inFolder(async root => {
    const [nfc, nfd] = ['é.jsonl'.normalize('NFC'), 'é.jsonl'.normalize('NFD')];
    put(root, {
      [`docs/${nfc}`]: jsonl([{ id: 'a', text: 'one' }]),
      [`docs/${nfd}`]: jsonl([{ id: 'b', text: 'two' }]),
    });
    // a file system may know one of them
    if (readdirSync(join(root, 'docs')).length < 2) return;
    await run(root, lines());
    expect((await run(root, lines())).mode).toBe('nothing');
    put(root, { [`docs/${nfd}`]: jsonl([{ id: 'b', text: 'other' }]) });
    expect((await run(root, lines())).mode).toBe('changes');
    expect(await asFull(root, lines())).toMatchObject([{ text: 'one' }, { text: 'other' }]);
  }));

it('a folder that cannot be listed deletes nothing', () =>
  inFolder(async root => {
    put(root, {
      'docs/a.jsonl': jsonl([{ id: 'a', text: 'one' }]),
      'docs/deep/b.jsonl': jsonl([{ id: 'b', text: 'two' }]),
    });
    await run(root, lines());
    nest(join(root, 'docs/deep'), () => mkdirSync(NAME));
    try {
      await expect(tryRun(root, lines())).rejects.toThrow('cannot be read: ENAMETOOLONG');
      expect(rowsAt(root)).toHaveLength(2);
    } finally {
      nest(join(root, 'docs/deep'), undefined, () => rmdirSync(NAME));
    }
  }));

const NAME = 'n'.repeat(200);
/** Folders within folders, until their path is too long: what not even root may list. */
function nest(folder: string, down?: () => void, up?: () => void): void {
  const cwd = process.cwd();
  process.chdir(folder);
  try {
    for (let depth = 0; depth < 22; depth++) {
      down?.();
      process.chdir(NAME);
    }
    for (let depth = 0; up && depth < 22; depth++) {
      process.chdir('..');
      up();
    }
  } finally {
    process.chdir(cwd);
  }
}

it('a path longer than a key of the ledger may be is a part like others', () =>
  inFolder(async root => {
    // 2,200 bytes: nine folders of eighty syllables
    const folders = Array.from({ length: 9 }, () => '가'.repeat(80)).join('/');
    const [long, twin] = [`docs/${folders}/a.jsonl`, `docs/${folders}/b.jsonl`];
    put(root, { [long]: jsonl([{ id: 'a', text: 'one' }]), [twin]: jsonl([{ id: 'b', text: 'two' }]) });
    await run(root, lines());
    expect((await run(root, lines())).mode).toBe('nothing');
    put(root, { [twin]: jsonl([{ id: 'b', text: 'other' }]) });
    const again = await run(root, lines());
    expect(again.result.steps[0]).toMatchObject({ changed: 1, kept: 1 });
    const [found] = await findInState(stateFolderOf(root, 'inc'), 'b');
    expect(found.part).toBe(twin);
    rmSync(join(root, twin));
    expect((await run(root, lines())).result.steps[0]).toMatchObject({ deleted: 1, kept: 1 });
    expect(await asFull(root, lines())).toMatchObject([{ text: 'one' }]);
  }));

it('--full passes over a commit that cannot be finished any more', () =>
  inFolder(async root => {
    put(root, { 'docs/a.jsonl': jsonl([{ id: 'a', text: 'one' }]) });
    process.env.MILLRACE_FAULT = 'after-record!';
    try {
      expect((await tryRun(root, lines())).result.status).toBe('failed');
    } finally {
      delete process.env.MILLRACE_FAULT;
    }
    const folder = stateFolderOf(root, 'inc');
    const journal = readdirSync(folder).find(name => name.startsWith('journal-')) as string;
    rmSync(join(folder, journal));
    mkdirSync(join(folder, journal));
    expect((await tryRun(root, lines())).result.status).toBe('failed');
    expect((await run(root, lines(), { full: true })).mode).toBe('full');
    expect((await run(root, lines())).mode).toBe('nothing');
    expect(rowsAt(root)).toHaveLength(1);
  }));

it.each([
  ['k', 'n'],
  ['yes', 'n'],
])('a key of 64-bit numbers and others: %s %s', (...key) =>
  inFolder(async root => {
    const columns = { k: 'utf8', n: 'int64', yes: 'bool', text: 'utf8' };
    const steps: AnyStep[] = [
      { id: 'src', op: 'read.jsonl', with: { path: 'docs', key, columns } as never, onError: 'dead-letter' },
      table,
    ];
    const big = 2 ** 52;
    const row = (n: number, text: string) => ({ k: `k${n}`, n: big + n, yes: n === 1, text });
    put(root, { 'docs/a.jsonl': jsonl([row(1, 'one'), row(2, 'two')]) });
    await run(root, steps);
    put(root, { 'docs/a.jsonl': jsonl([row(1, 'other'), row(1, 'twin')]) });
    expect((await run(root, steps)).result.steps[1]).toMatchObject({ changed: 1, deleted: 1 });
    const shown = { k: 'k "k1"', n: `n ${big + 1}`, yes: 'yes true' };
    const names = key.map(name => shown[name as 'k']).join(', ');
    expect(await letters(root)).toEqual([`docs/a.jsonl: ${names}`]);
    expect(await asFull(root, steps)).toMatchObject([{ text: 'other' }]);
  }),
);

const INDEX = `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs }, onError: dead-letter }
  - { id: passages, op: split.passages, with: { words: 1 } }
  - { id: index, op: index.sparse, with: { path: ix } }
`;

it('trace names the line of a row, whatever stands before it', async () => {
  const folder = folderWith({
    'p.yaml': INDEX,
    'docs/a.jsonl': `\n\n${jsonl([{ id: 'a', text: 'one' }])}no JSON\n${jsonl([
      { id: 'a', text: 'twin' },
      { id: 'b', text: 'two' },
    ])}`,
    'c.yaml':
      'name: c\nsteps:\n  - { id: docs, op: read.csv, with: { path: c.csv } }\n  - { id: index, op: index.sparse, with: { path: ic } }\n',
    'c.csv': 'id,text\nx,"one\n\ntwo"\ny,three\n',
  });
  await millrace(folder, 'run', 'p.yaml');
  await millrace(folder, 'run', 'c.yaml');
  expect((await millrace(folder, 'trace', 'p.yaml', 'b')).stdout).toContain('docs/a.jsonl:6 (step "docs")');
  expect((await millrace(folder, 'trace', 'c.yaml', 'y')).stdout).toContain('c.csv:5 (step "docs")');
  // nothing but the ledger is left to tell
  rmSync(join(folder, 'docs'), { recursive: true });
  expect((await millrace(folder, 'trace', 'p.yaml', 'b')).stdout).toContain('docs/a.jsonl, row 2 of those');
});

it('trace says where the trail goes on behind a file that one flow writes and another reads', async () => {
  const folder = folderWith({
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: ix } }
  - { id: out, op: write.jsonl, from: docs, with: { path: out/docs.jsonl } }
  - { id: again, op: read.jsonl, with: { path: out }, after: out }
  - { id: second, op: index.sparse, with: { path: iy } }
`,
    'docs.jsonl': jsonl([{ id: 'a', text: 'one two' }]),
    // columns are guessed before it is written
    'out/docs.jsonl': jsonl([{ doc_id: 'a', text: '' }]),
  });
  expect((await millrace(folder, 'run', 'p.yaml')).code).toBe(0);
  const { stdout } = await millrace(folder, 'trace', 'p.yaml', 'a');
  expect(stdout).toContain(
    '→ "out" wrote out/docs.jsonl, which "again" reads: the key of its row there leads on',
  );
  expect(stdout).toContain('← "out" of flow "docs" wrote out/docs.jsonl: the key of its row there leads on');
});

it('why goes on to tell the parameters that made all rows go through, all of them', async () => {
  const folder = folderWith({
    'p.yaml': INDEX,
    'docs/a.jsonl': jsonl([{ id: 'a', text: 'one two' }]),
    'docs/b.jsonl': jsonl([{ id: 'b', text: 'three' }]),
  });
  await millrace(folder, 'run', 'p.yaml');
  const set = ['--set', 'steps.passages.with.words=2', '--set', 'steps.passages.with.stride=1'];
  const told = ['since "passages": with.words: 1 → 2', 'since "passages": with.stride: 0 → 1'];
  const plan = (await millrace(folder, 'plan', 'p.yaml', ...set)).stdout;
  for (const text of told) expect(plan).toContain(text);
  await millrace(folder, 'run', 'p.yaml', ...set);
  writeFileSync(join(folder, 'docs/b.jsonl'), jsonl([{ id: 'b', text: 'four five' }]));
  await millrace(folder, 'run', 'p.yaml', ...set);
  const why = (await millrace(folder, 'why', 'p.yaml', 'a')).stdout;
  expect(why).toContain('of changed rows only');
  expect(why).toContain('before that, every row went through');
  for (const text of told) expect(why).toContain(text);
  // what was there first, of all that is told, is the first run: it says nothing
  expect(why).not.toContain('has not run before');
  // another place is a parameter, not something else's doing
  const moved = await millrace(folder, 'plan', 'p.yaml', ...set, '--set', 'steps.index.with.path=iy');
  expect(moved.stdout).toContain('since "index": with.path: "ix" → "iy"');
});

it('a file that a step reads is named where it changed', async () => {
  const folder = folderWith({
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: ix } }
  - { id: questions, op: read.jsonl, with: { path: q.jsonl, key: question_id }, after: index }
  - { id: hits, op: search.sparse, with: { index: ix } }
  - { id: judged, op: index.sparse, with: { path: iy, key: unit_id } }
`,
    'docs.jsonl': jsonl([{ id: 'a', text: 'one two' }]),
    'q.jsonl': jsonl([{ question_id: 'q', question: 'one' }]),
  });
  await millrace(folder, 'run', 'p.yaml');
  writeFileSync(join(folder, 'docs.jsonl'), jsonl([{ id: 'a', text: 'one three' }]));
  const ran = await millrace(folder, 'run', 'p.yaml');
  expect(ran.code).toBe(0);
  expect((await millrace(folder, 'why', 'p.yaml', 'q')).stdout).toContain('what it reads has changed: ix');
});

it('dead letters of a source are tried again though their file is as it was', () =>
  inFolder(async root => {
    put(root, { 'docs/a.jsonl': `no JSON\n${jsonl([{ id: 'a', text: 'one' }])}` });
    const steps = lines('docs', 'dead-letter');
    const first = await run(root, steps);
    const redo = new Map([['src', new Set(['docs/a.jsonl:1'])]]);
    const again = await run(root, steps, { redo });
    expect(again.result.steps[0]).toMatchObject({ deadLetters: 1, rowsIn: 1, kept: 1 });
    expect(await letters(root)).toEqual(['docs/a.jsonl:1']);
    expect(first.result.status).toBe('ok');
  }));

it('of a row behind a join it is said that nothing leads back from it', async () => {
  const folder = folderWith({
    'p.yaml': `name: p
steps:
  - { id: questions, op: read.jsonl, with: { path: q.jsonl, key: question_id } }
  - { id: one, op: search.sparse, with: { index: ix } }
  - { id: two, op: search.sparse, from: questions, with: { index: ix } }
  - { id: hits, op: merge.hits, from: [one, two] }
  - { id: kept, op: index.sparse, with: { path: iy, key: unit_id } }
`,
    'docs.yaml':
      'name: docs\nsteps:\n  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }\n  - { id: passages, op: split.passages }\n  - { id: index, op: index.sparse, with: { path: ix } }\n',
    'docs.jsonl': jsonl([{ id: 'a', text: 'one two' }]),
    'q.jsonl': jsonl([{ question_id: 'q', question: 'one' }]),
  });
  await millrace(folder, 'run', 'docs.yaml');
  expect((await millrace(folder, 'run', 'p.yaml')).code).toBe(0);
  const traced = await millrace(folder, 'trace', 'p.yaml', 'a#0');
  expect(traced.code).not.toBe(0);
  expect(traced.stderr).toContain(
    '"a#0" is a row of "kept"; which source rows it came from is not remembered',
  );
});

it('trace marks the unit that was asked for, also where there are many', async () => {
  const folder = folderWith({
    'p.yaml':
      'name: p\nsteps:\n  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }\n  - { id: passages, op: split.passages, with: { words: 2 } }\n  - { id: index, op: index.sparse, with: { path: ix } }\n',
    'docs.jsonl': jsonl([{ id: 'a', text: 'one two '.repeat(30) }]),
  });
  await millrace(folder, 'run', 'p.yaml');
  const lines = async (key: string): Promise<string[]> =>
    (await millrace(folder, 'trace', 'p.yaml', key)).stdout.split('\n').filter(l => /a#\d|more/.test(l));
  expect((await lines('a#1')).slice(0, 3)).toEqual(['      a#0', '    ▸ a#1', '      a#2']);
  expect((await lines('a#27')).slice(-3)).toEqual(['      a#19', '    ▸ a#27', '      … 9 more']);
  expect((await lines('a')).at(-1)).toBe('      … 10 more');
});
