import { expect, it, vi } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace } from './millrace.ts';

const there = vi.hoisted(() => ({ is: false }));
vi.mock('../../src/models/runtime.ts', async original => {
  const { ModelError } = await import('../../src/models/errors.ts');
  return {
    ...(await original<object>()),
    runtimeFolder: () => {
      if (!there.is) throw new ModelError('onnxruntime-node cannot be loaded', { help: 'npm install it' });
      return '/there';
    },
  };
});

it('check warns of steps that run models where their library is not installed', async () => {
  const here = folderWith({
    'docs.jsonl': jsonl([{ id: 1, title: '', text: 'one' }]),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: vectors, op: encode.dense }
  - { id: out, op: write.jsonl, with: { path: out.jsonl } }
`,
  });
  const problems = async () =>
    jsonOf<{ problems: object[] }>(await millrace(here, 'check', 'p.yaml', '--json')).problems;
  expect(await problems()).toMatchObject([
    { severity: 'warning', where: 'steps[1] "vectors"', code: 'no-model-runtime', help: 'npm install it' },
  ]);
  there.is = true;
  expect(await problems()).toEqual([]);
});
