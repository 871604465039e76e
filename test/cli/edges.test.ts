import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandName, withCommandsAsCalled } from '../../src/cli/called.ts';
import { packageFolder } from '../../src/cli/package.ts';
import { BIN, DOCUMENTS, folderWith, jsonl, jsonOf, millrace, project, STACK } from './millrace.ts';

it.each([
  [['state', 'gc', '--days', 'abc'], '--days is abc, wanted a whole number from 0'],
  [['state', 'gc', '--days=-5'], '--days is -5, wanted a whole number from 0'],
  [['state', 'gc', '--days', '1.5'], '--days is 1.5, wanted a whole number from 0'],
  [['watch', 'split', '--quiet-ms', 'abc'], '--quiet-ms is abc, wanted a whole number from 0'],
  [['dead-letters', 'list', 'split', '--most', '0'], '--most is 0, wanted a whole number from 1'],
])('a number that is none is a wrong command: %j', async (args, message) => {
  const { code, stderr } = await millrace(project(), ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

it('--days 0 and separators are numbers', async () => {
  expect((await millrace(project(), 'state', 'gc', '--days', '0')).code).toBe(0);
  expect((await millrace(project(), 'state', 'gc', '--days', '1_000')).code).toBe(0);
});

it('an error that nobody expected is one JSON document, too', async () => {
  const here = folderWith({
    'package.json': '{ "type": "module" }',
    'p.js': `export default { name: 'p', get steps() { throw new TypeError('a defect'); } };`,
  });
  const outcome = await millrace(here, 'check', 'p.js', '--json');
  expect(outcome.code).toBe(1);
  expect(jsonOf(outcome)).toEqual({ status: 'failed', error: { message: 'a defect' } });
  expect(outcome.stderr).toContain('this is not an error of yours');
  expect(outcome.stderr).not.toMatch(STACK);
});

it('--root must be a folder that is there', async () => {
  const here = project();
  const missing = await millrace(here, 'check', 'split', '--root', 'nowhere');
  expect([missing.code, missing.stderr]).toEqual([
    2,
    `error  --root: ${join(here, 'nowhere')} is not there, wanted a folder\n`,
  ]);
  const file = await millrace(here, 'state', 'info', '--root', 'docs.jsonl', '--json');
  expect([file.code, jsonOf(file)]).toMatchObject([2, { status: 'failed' }]);
});

it('a command is shown as it can be typed where one is', () => {
  const checkout = packageFolder();
  const at = (cwd: string, env: Record<string, string>, script?: string) => commandName({ cwd, env, script });
  const npx = (script: string) => ({ npm_lifecycle_event: 'npx', npm_lifecycle_script: script });
  expect(at(checkout, { npm_lifecycle_event: 'millrace' }, BIN)).toBe('npm run -s millrace --');
  expect(at(checkout, { npm_lifecycle_event: 'start' }, BIN)).toBe('npm run -s millrace --');
  expect(at('/tmp', npx('millrace run x'), '/tmp/node_modules/.bin/millrace')).toBe('npx millrace');
  expect(at('/usr', npx('vitest run'), '/usr/bin/vitest')).toBe('millrace');
  expect(at(checkout, {}, BIN)).toBe('node bin/millrace.mjs');
  expect(at('/usr', {}, '/usr/bin/millrace')).toBe('millrace');
  const here = at(process.cwd(), process.env as Record<string, string>, process.argv[1]);
  expect(withCommandsAsCalled('`millrace operators` lists them; millrace is kind')).toBe(
    `\`${here} operators\` lists them; millrace is kind`,
  );
});

it('what to do next names the root, and comes after whole runs only', async () => {
  const here = project();
  const pipeline = `name: n
next: [millrace search indexes/x seoul]
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: split, op: split.passages, with: { words: 4 } }
  - { id: out, op: write.jsonl, with: { path: n.jsonl } }
`;
  writeFileSync(join(here, 'pipelines/n.yaml'), pipeline);
  expect((await millrace(here, 'run', 'n')).stderr).toContain(
    'to try next:\n  millrace search indexes/x seoul',
  );
  for (const part of [
    ['--limit', '1'],
    ['--stop-after', 'split'],
    ['--from', 'docs'],
  ]) {
    const { code, stderr } = await millrace(here, 'run', 'n', ...part);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('to try next')]);
  }
  writeFileSync(join(here, 'docs.jsonl'), `${jsonl(DOCUMENTS)}{"id": 4\n`);
  const above = await millrace(join(here, 'pipelines'), 'run', 'n', '--root', '..');
  expect(above.stderr).toContain('to go on: millrace run n --root ..');
});

it('check says what it could not check', async () => {
  const here = project();
  const missing = ['--set', 'steps.docs.with.path=later.jsonl'];
  const text = await millrace(here, 'check', 'split', ...missing);
  expect([text.code, text.stdout]).toEqual([
    0,
    expect.stringMatching(/^not fully checked {2}split: 1 warning; /),
  ]);
  expect(text.stdout).toContain('later steps were not checked against the columns');
  const json = await millrace(here, 'check', 'split', '--json', ...missing);
  expect(jsonOf(json)).toMatchObject({ ok: true, complete: false });
  expect(jsonOf(await millrace(here, 'check', 'split', '--json'))).toMatchObject({
    ok: true,
    complete: true,
  });
});
