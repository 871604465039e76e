/** Commands that look into the state write nothing there, and see what a run would find. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LEDGER_FORMAT } from '../../src/state/index.ts';
import { openStore } from '../../src/state/store.ts';
import { TABLE, tableKey } from '../../src/state/tables.ts';
import { BIN, folderWith, jsonl, jsonOf, millrace, start } from '../cli/millrace.ts';

const docs = (n: number, from = 0): string =>
  jsonl(Array.from({ length: n }, (_, i) => ({ id: `d${from + i}`, title: '', text: `one two three ${i}` })));
const project = (): string =>
  folderWith({
    'docs.jsonl': docs(10),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: split, op: split.passages, with: { words: 2 } }
  - { id: index, op: index.sparse, with: { path: out/index } }
`,
  });
const data = (here: string): string => join(here, '.millrace/p/ledger/data.mdb');

interface Told {
  readonly flows: readonly {
    mode: string;
    reasons: readonly { text: string }[];
    steps: readonly { id: string; rows: Record<string, number> }[];
  }[];
}
const planned = async (here: string) =>
  jsonOf<Told>(await millrace(here, 'plan', 'p.yaml', '--json')).flows[0];

it('plan in a fresh folder makes no state, and why says that it has not run', async () => {
  const here = project();
  expect(await planned(here)).toMatchObject({ mode: 'full', reasons: [{ text: 'it has not run before' }] });
  expect(existsSync(join(here, '.millrace'))).toBe(false);
  expect((await millrace(here, 'why', 'p.yaml', 'd1')).stderr).toContain('has not run yet');
});

it('a ledger of an older format is left to the next run, which says so until one has committed', async () => {
  const here = project();
  await millrace(here, 'run', 'p.yaml');
  const store = openStore(data(here));
  await store.put(tableKey(TABLE.meta, 0, Buffer.from('format')), Buffer.from(String(LEDGER_FORMAT - 1)));
  await store.close();
  rmSync(`${data(here)}.seal`);
  const before = readFileSync(data(here));
  const why = await millrace(here, 'why', 'p.yaml', 'd1');
  expect(why.code).toBe(1);
  expect(why.stderr).toContain(`format ${LEDGER_FORMAT - 1}`);
  const text = `its ledger was of format ${LEDGER_FORMAT - 1}, which this version does not go on from`;
  expect((await planned(here)).reasons).toEqual([{ text }]);
  expect(readFileSync(data(here)).equals(before)).toBe(true);
  // emptied by a run that came to nothing
  const failed = await start(here, ['run', 'p.yaml'], { MILLRACE_FAULT: 'before-record' }).ended;
  expect(failed.code).toBeNull();
  expect((await planned(here)).reasons).toEqual([{ text }]);
  await millrace(here, 'run', 'p.yaml');
  expect(await planned(here)).toMatchObject({ mode: 'nothing' });
}, 60_000);

describe('plan before a cut commit is finished', () => {
  it.each(['ledger!', 'after-record', 'after-publish'])(
    'sees what the next run will find (%s)',
    async fault => {
      const here = project();
      await start(here, ['run', 'p.yaml'], { MILLRACE_FAULT: fault }).ended;
      const before = readdirSync(join(here, '.millrace/p')).sort();
      expect(await planned(here)).toMatchObject({ mode: 'nothing' });
      writeFileSync(join(here, 'docs.jsonl'), docs(11));
      expect(await planned(here)).toMatchObject({
        mode: 'changes',
        steps: [{ rows: { added: 1, kept: 10 } }, {}, {}],
      });
      expect(readdirSync(join(here, '.millrace/p')).sort()).toEqual(before);
      const ran = jsonOf<{ steps: unknown[] }>(await millrace(here, 'run', 'p.yaml', '--json'));
      expect(ran.steps[0]).toMatchObject({ added: 1, kept: 10 });
    },
    60_000,
  );
});

it('why knows rows while a commit is half in the ledger', async () => {
  const here = folderWith({
    'docs.jsonl': docs(9000),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: out, op: index.sparse, with: { path: out/index } }
`,
  });
  await millrace(here, 'run', 'p.yaml');
  const more = readFileSync(join(here, 'docs.jsonl'), 'utf8').replaceAll(
    '"title":""',
    '"title":"t","lang":"en"',
  );
  writeFileSync(join(here, 'docs.jsonl'), more);
  const cut = await start(here, ['run', 'p.yaml'], { MILLRACE_FAULT: 'ledger-part!@3' }).ended;
  expect(cut.stderr).toContain('the disk is full');
  for (const key of ['d1', 'd8999']) {
    const [row] = jsonOf<{ why: unknown }[]>(await millrace(here, 'why', 'p.yaml', key, '--json'));
    expect(row.why).toMatchObject({ kind: 'changed', columns: { lang: { old: null, now: 'en' } } });
  }
  expect(await planned(here)).toMatchObject({ mode: 'nothing' });
  expect(
    jsonOf<{ steps: unknown[] }>(await millrace(here, 'run', 'p.yaml', '--json')).steps[0],
  ).toMatchObject({
    changed: 0,
    kept: 9000,
  });
}, 60_000);

it('plan counts the rows of sinks that go with their documents', async () => {
  const here = project();
  await millrace(here, 'run', 'p.yaml');
  // four words, two a passage
  writeFileSync(join(here, 'docs.jsonl'), docs(8) + docs(1, 20));
  const { steps } = await planned(here);
  expect(steps[0].rows).toMatchObject({ added: 1, deleted: 2, kept: 8 });
  expect(steps[1].rows).toMatchObject({ added: 1, changed: 0, deleted: 2 });
  // of twenty rows the four of two documents go
  expect(steps[2].rows).toMatchObject({ added: 2, changed: 0, deleted: 4, kept: 16 });
});

// whoever runs as root may write everywhere
it.skipIf(process.platform === 'win32')(
  'who may only read can look',
  async () => {
    const here = project();
    await millrace(here, 'run', 'p.yaml');
    for (const folder of ['.millrace/p/ledger', '.millrace/p'])
      for (const name of readdirSync(join(here, folder))) {
        const path = join(here, folder, name);
        chmodSync(path, name.includes('.') ? 0o444 : 0o555);
      }
    const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    chmodSync(here, 0o755);
    const look = (...args: string[]) =>
      spawnSync(process.execPath, [BIN, ...args], { cwd: here, encoding: 'utf8', ...asNobody });
    const found = look('why', 'p.yaml', 'd1');
    expect(found.stderr).toBe('');
    expect(found.stdout).toContain('d1');
    expect(look('plan', 'p.yaml').stdout).toContain('nothing to do');
    for (const folder of ['.millrace/p/ledger', '.millrace/p']) chmodSync(join(here, folder), 0o755);
  },
  60_000,
);
