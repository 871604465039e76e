/** `millrace index` over the kinds of indexes, and what it says of one that is damaged. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace } from './millrace.ts';

const docs = (n: number): string =>
  jsonl(Array.from({ length: n }, (_, i) => ({ id: `d${i}`, title: '', text: `common word${i}` })));
const pipeline = (sink: string, before = ''): string =>
  `name: p\nsteps:\n  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }\n${before}  - { id: index, op: ${sink}, with: { path: i } }\n`;

test('compact and rollback work on an index of vectors', async () => {
  const root = folderWith({
    'docs.jsonl': docs(3),
    'pipelines/p.yaml': pipeline('index.dense', '  - { id: vector, op: encode.dense }\n'),
  });
  expect(await millrace(root, 'run', 'p')).toMatchObject({ code: 0 });
  writeFileSync(join(root, 'docs.jsonl'), docs(2));
  expect(await millrace(root, 'run', 'p')).toMatchObject({ code: 0 });
  const compacted = await millrace(root, 'index', 'compact', 'i');
  expect(compacted).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^i: 2 documents, .*generation 3/),
  });
  // the index goes on under the name that the last run knows it by
  writeFileSync(join(root, 'docs.jsonl'), docs(4));
  const plan = jsonOf<{ flows: { mode: string }[] }>(await millrace(root, 'plan', 'p', '--json'));
  expect(plan.flows.map(f => f.mode)).toEqual(['changes']);
  expect(await millrace(root, 'index', 'rollback', 'i')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('generation 1 is live again'),
  });
});

test('verify says which generation is damaged and what to do; the next run that changes something drops it', async () => {
  const root = folderWith({ 'docs.jsonl': docs(2), 'pipelines/p.yaml': pipeline('index.sparse') });
  await millrace(root, 'run', 'p');
  const [segment] = readdirSync(join(root, 'i')).filter(n => n.endsWith('.seg'));
  // none of the old rows stays
  const next = docs(4).split('\n').slice(2).join('\n');
  writeFileSync(join(root, 'docs.jsonl'), next);
  await millrace(root, 'run', 'p');
  const bytes = readFileSync(join(root, 'i', segment));
  bytes[bytes.length >> 1] ^= 8;
  writeFileSync(join(root, 'i', segment), bytes);
  const verified = await millrace(root, 'index', 'verify', 'i');
  expect(verified.code).toBe(1);
  expect(verified.stderr.trim()).toBe(
    'help: generation 1, the one before the live one, is damaged: searches read generation 2, which is whole; ' +
      'the next run that changes the index drops it, and until then `index rollback` refuses it',
  );
  const back = await millrace(root, 'index', 'rollback', 'i');
  expect(back.code).not.toBe(0);
  expect(back.stderr).toContain('generation 1, the one before the live one, is damaged');
  writeFileSync(join(root, 'docs.jsonl'), next.replace('word3', 'word5'));
  await millrace(root, 'run', 'p');
  expect((await millrace(root, 'index', 'verify', 'i')).code).toBe(0);
});
