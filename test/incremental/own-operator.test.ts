/** Own operators whose code or files change between runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, jsonl, millrace } from '../cli/millrace.ts';

const of = (path: string): string => new URL(path, import.meta.url).href;

const pipeline = (suffix: string, version: number): string => `
import { operator, pipeline } from '${of('../../src/index.ts')}';
import { z } from '${of('../../node_modules/zod/index.js')}';
import { readFileSync } from 'node:fs';

const stop = operator({
  name: 'own.stop', version: ${version}, shape: 'map', summary: 'Drops a word.', params: z.strictObject({}),
  rows: 'same', reads: () => ({}), writes: () => ({}), assets: () => ['stop.txt'], examples: [],
  open: async (_, ctx) => {
    const text = readFileSync(ctx.path('stop.txt'), 'utf8') + '${suffix}';
    return { process: () => ({ columns: text === '' ? {} : {} }) };
  },
});
export default pipeline({
  name: 'own',
  operators: [stop],
  steps: [
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs.jsonl' } },
    { id: 'stop', op: 'own.stop' },
    { id: 'index', op: 'index.sparse', with: { path: 'ix' } },
  ],
});
`;

it('code that changed under its old version is told, and files of an operator are found under the root', async () => {
  const here = folderWith({
    'own.ts': pipeline('one', 1),
    'stop.txt': 'the',
    'docs.jsonl': jsonl([{ id: 'a', text: 'x' }]),
  });
  const run = await millrace(join(here, '..'), 'run', 'own.ts', '--root', here);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).not.toContain('its version');
  writeFileSync(join(here, 'own.ts'), pipeline('two', 1));
  const told = await millrace(here, 'run', 'own.ts');
  expect(told.stderr).toContain('the code of own.stop has changed, its version 1 has not');
  writeFileSync(join(here, 'own.ts'), pipeline('two', 2));
  const raised = await millrace(here, 'run', 'own.ts');
  expect([raised.code, raised.stderr.includes('its version')]).toEqual([0, false]);
  expect((await millrace(here, 'run', 'own.ts')).stderr).not.toContain('its version');
});
