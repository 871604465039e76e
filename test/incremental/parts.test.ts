/** Runs of a part of a pipeline between whole ones: what the ledger knows stays true. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace, start } from '../cli/millrace.ts';

const docs = (n: number): string =>
  jsonl(Array.from({ length: n }, (_, i) => ({ id: `d${i}`, title: '', text: `word number ${i}` })));
const project = (): string =>
  folderWith({
    'docs.jsonl': docs(300),
    'more.jsonl': docs(5),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: out/index } }
  - { id: other, op: index.sparse, from: docs, with: { path: out/other } }
  - { id: more, op: read.jsonl, after: index, with: { path: more.jsonl } }
  - { id: second, op: index.sparse, with: { path: out/second } }
`,
  });
interface Told {
  readonly flows: readonly { mode: string; reasons: readonly { step?: string; text: string }[] }[];
}
const planned = async (here: string): Promise<Told['flows']> =>
  jsonOf<Told>(await millrace(here, 'plan', 'p.yaml', '--json')).flows;
const modes = async (here: string): Promise<string[]> => (await planned(here)).map(f => f.mode);

it('a look at the first steps leaves ledger and record as they were', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  const looked = await millrace(here, 'run', 'p.yaml', '--stop-after', 'docs', '--show', '1');
  expect(looked.code, looked.stderr).toBe(0);
  expect(looked.stdout).toContain('word number 0');
  expect(await modes(here)).toEqual(['nothing', 'nothing']);
});

it('a look between leaves the commits of a killed run to go on from', async () => {
  const here = project();
  const killed = await start(here, ['run', 'p.yaml', '--commit-every', '100'], {
    MILLRACE_FAULT: 'after-ledger-interim',
  }).ended;
  expect(killed.code).toBeNull();
  expect((await millrace(here, 'run', 'p.yaml', '--stop-after', 'docs', '--show', '1')).code).toBe(0);
  expect((await modes(here))[0]).toBe('resume');
}, 60_000);

it('--from of a whole flow goes on from the ledger, and keeps it', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  writeFileSync(join(here, 'more.jsonl'), docs(6));
  const part = await millrace(here, 'run', 'p.yaml', '--from', 'more', '--json');
  expect(jsonOf<{ steps: unknown[] }>(part).steps[0]).toMatchObject({ id: 'more', added: 1, kept: 5 });
  expect(await modes(here)).toEqual(['nothing', 'nothing']);
});

it('a sink that a cut flow wrote is built anew by the next whole run, and no other', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect((await millrace(here, 'run', 'p.yaml', '--stop-after', 'index')).code).toBe(0);
  const [flow] = await planned(here);
  expect(flow).toMatchObject({
    mode: 'replay',
    reasons: [{ step: 'index', text: 'what it wrote was changed or removed since by something else' }],
  });
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect(await modes(here)).toEqual(['nothing', 'nothing']);
});

it('a cut flow that is killed while it publishes is finished by the next run', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  const cut = ['run', 'p.yaml', '--stop-after', 'index'];
  expect((await start(here, cut, { MILLRACE_FAULT: 'after-record' }).ended).code).toBeNull();
  expect((await millrace(here, 'run', 'p.yaml')).code).toBe(0);
  expect(await modes(here)).toEqual(['nothing', 'nothing']);
}, 60_000);

it('after a failure the command that is told does the rest', async () => {
  const here = project();
  mkdirSync(join(here, 'out'));
  writeFileSync(join(here, 'out/second'), 'a file where a folder belongs');
  const failed = await millrace(here, 'run', 'p.yaml');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('to go on: millrace run p.yaml\n');
  expect(failed.stderr).not.toContain('fails again');
  expect(failed.stderr).toContain('published before that and kept: "index", "other"');
  expect(existsSync(join(here, 'out/index'))).toBe(true);
  expect(await modes(here)).toEqual(['nothing', 'full']);
});
