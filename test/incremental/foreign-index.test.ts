/** Indexes that something else built, removed or rebuilt: they are told apart from one's own, whatever their numbers. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace } from '../cli/millrace.ts';

const pipeline = (name: string): string => `name: ${name}
steps:
  - { id: docs, op: read.jsonl, with: { path: ${name}.jsonl } }
  - { id: index, op: index.sparse, with: { path: ix } }
`;
const docs = (...texts: string[]): string =>
  jsonl(texts.map((text, i) => ({ id: `d${i}`, title: '', text })));
const found = async (folder: string, words: string): Promise<number> =>
  jsonOf<{ hits: unknown[] }>(await millrace(folder, 'search', 'ix', words, '--json')).hits.length;

it('an index that another pipeline rebuilt is built anew, not taken for one’s own', async () => {
  const folder = folderWith({
    'one.yaml': pipeline('one'),
    'two.yaml': pipeline('two'),
    'one.jsonl': docs('alpha', 'beta'),
    'two.jsonl': docs('gamma', 'delta'),
  });
  await millrace(folder, 'run', 'one.yaml');
  rmSync(join(folder, 'ix'), { recursive: true });
  await millrace(folder, 'run', 'two.yaml');
  expect(await found(folder, 'alpha')).toBe(0);
  const again = await millrace(folder, 'run', 'one.yaml');
  expect(again.stderr).toContain('done');
  expect([await found(folder, 'alpha'), await found(folder, 'gamma')]).toEqual([1, 0]);
});

it('a search of another index of the same generation is done again', async () => {
  const folder = folderWith({
    'one.jsonl': docs('alpha'),
    'two.jsonl': docs('alpha too'),
    'q.jsonl': jsonl([{ question_id: 'q', question: 'alpha' }]),
    'search.yaml': `name: search
steps:
  - { id: questions, op: read.jsonl, with: { path: q.jsonl, key: question_id } }
  - { id: hits, op: search.sparse, with: { index: ix1 } }
  - { id: out, op: write.jsonl, with: { path: hits.jsonl } }
`,
  });
  for (const [i, name] of ['one', 'two'].entries()) {
    writeFileSync(join(folder, `${name}.yaml`), pipeline(name).replace('path: ix ', `path: ix${i + 1} `));
    await millrace(folder, 'run', `${name}.yaml`);
  }
  const texts = async (...args: string[]): Promise<string[]> => {
    await millrace(folder, 'run', 'search.yaml', ...args);
    return readFileSync(join(folder, 'hits.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { text: string }).text);
  };
  expect(await texts()).toEqual(['alpha']);
  expect(await texts('--set', 'steps.hits.with.index=ix2')).toEqual(['alpha too']);
});

it('a compacted index is one’s own: the next run goes on with what changed', async () => {
  const folder = folderWith({ 'one.yaml': pipeline('one'), 'one.jsonl': docs('alpha', 'beta', 'gamma') });
  await millrace(folder, 'run', 'one.yaml');
  writeFileSync(join(folder, 'one.jsonl'), docs('alpha', 'beta', 'delta'));
  await millrace(folder, 'run', 'one.yaml');
  const done = await millrace(folder, 'index', 'compact', 'ix');
  expect([done.code, done.stdout]).toEqual([
    0,
    expect.stringMatching(/^ix: 3 documents, 2 segments, .+ → 1 segment, /),
  ]);
  writeFileSync(join(folder, 'one.jsonl'), docs('alpha', 'beta', 'epsilon'));
  const next = await millrace(folder, 'run', 'one.yaml', '--json');
  expect(jsonOf<{ steps: unknown[] }>(next).steps[0]).toMatchObject({ changed: 1, kept: 2 });
  expect([await found(folder, 'delta'), await found(folder, 'epsilon')]).toEqual([0, 1]);
  const back = await millrace(folder, 'index', 'rollback', 'ix', '--json');
  expect(jsonOf(back)).toEqual({ path: 'ix', generation: 3 });
  expect(await found(folder, 'delta')).toBe(1);
  await millrace(folder, 'run', 'one.yaml');
  expect([await found(folder, 'delta'), await found(folder, 'epsilon')]).toEqual([0, 1]);
});
