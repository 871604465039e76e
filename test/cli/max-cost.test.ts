import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace, project } from './millrace.ts';

it('plan and run say what a run would cost, and stop where it is over --max-cost', async () => {
  const folder = folderWith({
    'docs.jsonl': jsonl([
      { id: 'a', title: '', text: 'one two' },
      { id: 'b', title: '', text: 'three' },
    ]),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: vectors, op: encode.dense }
  - { id: out, op: write.jsonl, with: { path: out.jsonl } }
`,
  });
  const plan = await millrace(folder, 'plan', 'p.yaml', '--json');
  const [flow] = jsonOf<{ flows: { steps: { id: string; cost?: unknown }[] }[] }>(plan).flows;
  expect(flow.steps.map(s => s.cost)).toEqual([undefined, { rows: 2, tokens: 4 }, undefined]);
  for (const command of ['plan', 'run']) {
    const over = await millrace(folder, command, 'p.yaml', '--max-cost', 'rows=1');
    expect(over.code).toBe(1);
    expect(over.stderr).toContain('the run would cost about 2 rows ("vectors" 2), --max-cost allows 1');
    if (command === 'run')
      expect(over.stderr).toMatch(/^to go on, with N from 2 on: .*run p\.yaml --max-cost rows=N$/m);
  }
  expect((await millrace(folder, 'plan', 'p.yaml', '--max-cost', 'tokens=4')).code).toBe(0);
  const wrong = await millrace(folder, 'run', 'p.yaml', '--max-cost', '5');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('--max-cost is 5, wanted rows=N or tokens=N');
});

it('plan tells no rows behind a splitter that has not run, and says so', async () => {
  const folder = project();
  const rowsOf = (text: string, step: string): string[] =>
    text
      .split('\n')
      .find(line => line.startsWith(`  ${step} `))
      ?.trim()
      .split(/\s+/)
      .slice(2) ?? [];
  const first = await millrace(folder, 'plan', 'split');
  expect(rowsOf(first.stdout, 'split')).toEqual(['≈+3', '≈3']);
  expect(rowsOf(first.stdout, 'out')).toEqual(['?']);
  expect(first.stderr).toContain('? is not known');
  expect(first.stderr).not.toContain('last run');
  expect((await millrace(folder, 'run', 'split')).code).toBe(0);
  // 12, 9 and 10 words, four a passage
  const again = await millrace(folder, 'plan', 'split', '--full');
  expect(rowsOf(again.stdout, 'out').slice(0, 2)).toEqual(['≈+9', '≈9']);
  expect(again.stderr).toContain('≈ is an estimate: what the last run over all rows made of each row');
  expect(again.stderr).not.toContain('?');
});

it('a cap of tokens holds where files are not read again, and where nobody knows them it is said', async () => {
  const folder = project();
  const file = (encode: string): string => `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: split, op: split.passages, with: { words: 4 } }
${encode}  - { id: out, op: write.jsonl, with: { path: out.jsonl } }
`;
  const encoded = file('  - { id: vectors, op: encode.dense }\n');
  writeFileSync(join(folder, 'p.yaml'), file(''));
  expect((await millrace(folder, 'run', 'p.yaml')).code).toBe(0);
  writeFileSync(join(folder, 'p.yaml'), encoded);
  const unknown = await millrace(folder, 'plan', 'p.yaml', '--max-cost', 'tokens=5');
  expect(unknown.code).toBe(0);
  const said =
    'how many tokens it will work on is not known beforehand: the run stops before it is more than 5';
  expect(unknown.stderr).toContain(`"vectors": ${said}`);
  const stopped = await millrace(folder, 'run', 'p.yaml', '--max-cost', 'tokens=5');
  expect(stopped.code).toBe(1);
  expect(stopped.stderr).toContain(`step "vectors": ${said}`);
  // nothing of it is kept, so the same would fail again
  expect(stopped.stderr).toMatch(/^to go on, with N from \d+ on: .*run p\.yaml --max-cost tokens=N$/m);
  expect((await millrace(folder, 'run', 'p.yaml')).code).toBe(0);
  // the encoder in the package is not cached: a file that was removed has every row encoded again
  rmSync(join(folder, 'out.jsonl'));
  for (const command of ['plan', 'run']) {
    const over = await millrace(folder, command, 'p.yaml', '--max-cost', 'tokens=5');
    expect(over.stderr).toMatch(/the run would cost about \d+ tokens \("vectors" \d+\), --max-cost allows 5/);
    expect(over.code).toBe(1);
  }
});

it('plan reads a source again that is another, and counts what it had refused', async () => {
  const folder = folderWith({
    'docs.jsonl': jsonl([
      { id: 'a', text: 'one two', body: 'x' },
      { id: 'b', text: 3, body: 'y' },
      { id: 'c', text: 'four', body: 'four' },
    ]),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, onError: dead-letter, with: { path: docs.jsonl, text: text, columns: { text: utf8 } } }
  - { id: index, op: index.sparse, with: { path: indexes/docs } }
`,
  });
  expect((await millrace(folder, 'run', 'p.yaml')).stderr).toContain('1 dead letter is open');
  const set = ['--set', 'steps.docs.with.text=body'];
  type Planned = { flows: { steps: { rows: unknown; work: number }[] }[] };
  const [docs, index] = jsonOf<Planned>(await millrace(folder, 'plan', 'p.yaml', ...set, '--json')).flows[0]
    .steps;
  // b comes in, a has another text, c is as it was and goes through with them
  expect(docs).toMatchObject({ rows: { added: 1, changed: 1, deleted: 0, kept: 1 }, work: 3 });
  expect(index.work).toBe(3);
  expect((await millrace(folder, 'run', 'p.yaml', ...set)).stderr).not.toContain('open');
});

it('the estimate holds a search that goes over all questions again once its index is another', async () => {
  const folder = folderWith({
    'docs.jsonl': jsonl([{ id: 'a', text: 'one two' }]),
    'questions.jsonl': jsonl([
      { question_id: 'q', question: 'one' },
      { question_id: 'r', question: 'two' },
    ]),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: indexes/docs } }
  - { id: questions, op: read.jsonl, after: index, with: { path: questions.jsonl, key: question_id } }
  - { id: hits, op: search.sparse, with: { index: indexes/docs, k: 1 } }
  - { id: vectors, op: encode.dense }
  - { id: out, op: write.jsonl, with: { path: hits.jsonl } }
`,
  });
  expect((await millrace(folder, 'run', 'p.yaml')).code).toBe(0);
  writeFileSync(join(folder, 'docs.jsonl'), jsonl([{ id: 'a', text: 'one two three' }]));
  for (const command of ['plan', 'run']) {
    const over = await millrace(folder, command, 'p.yaml', '--max-cost', 'rows=1');
    expect(over.stderr).toContain('the run would cost about 2 rows ("vectors" 2), --max-cost allows 1');
    expect(over.code).toBe(1);
  }
});
