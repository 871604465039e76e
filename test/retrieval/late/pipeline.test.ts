/** Token vectors under the engine: encoding, indexing, changes, searching. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operators } from '../../../operators/index.ts';
import type { AnyStep } from '../../../src/define/index.ts';
import { check } from '../../../src/plan/index.ts';
import { LateIndex } from '../../../src/retrieval/index.ts';
import { startRun } from '../../../src/run/index.ts';
import { inFolder } from '../dense/support.ts';

const registryUrl = new URL('../../../operators/index.ts', import.meta.url).href;

async function run(root: string, steps: AnyStep[]): Promise<string> {
  const { plan, problems } = await check(
    { name: 'late', memory: '768 MiB', steps },
    { operators, root, mode: 'run' },
  );
  if (!plan) throw new Error(JSON.stringify(problems));
  const handle = startRun(plan, { registryUrl });
  let mode = '';
  handle.events.subscribe(e => {
    if (e.type === 'flow') mode = e.mode;
  });
  expect((await handle.result).error).toBeUndefined();
  return mode;
}

const lines = (rows: readonly object[]): string => rows.map(r => `${JSON.stringify(r)}\n`).join('');
const docs = [
  { doc_id: 'd1', title: 'Rivers', text: 'The Amazon is the largest river by discharge.' },
  { doc_id: 'd2', title: 'Money', text: 'The central bank raised interest rates to slow inflation.' },
  { doc_id: 'd3', title: 'Music', text: 'Beethoven wrote nine symphonies and was deaf at the end.' },
];
const index: AnyStep[] = [
  { id: 'docs', op: 'read.jsonl', with: { path: 'docs.jsonl' } },
  { id: 'encode', op: 'encode.tokens', with: { model: 'default' } },
  { id: 'late', op: 'index.late', with: { path: 'i/late' } },
];

describe('late interaction in a pipeline', () => {
  it(
    'takes changes of a source with the codebook it has, and finds what there is',
    () =>
      inFolder(async root => {
        await writeFile(join(root, 'docs.jsonl'), lines(docs));
        expect(await run(root, index)).toBe('full');
        const info = async () => {
          const found = await LateIndex.open(join(root, 'i/late'));
          found.close();
          return found.info;
        };
        const before = await info();
        expect(before.documents).toBe(3);
        await writeFile(
          join(root, 'docs.jsonl'),
          lines([docs[0], { ...docs[2], text: 'A deaf composer wrote symphonies.' }]),
        );
        expect(await run(root, index)).toBe('changes');
        const after = await info();
        expect(after.documents).toBe(2);
        expect(after.settings).toEqual(before.settings);
        await writeFile(
          join(root, 'questions.jsonl'),
          lines([
            { question_id: 'q1', question: 'composer of symphonies' },
            { question_id: 'q2', question: 'the largest river' },
          ]),
        );
        await run(root, [
          { id: 'questions', op: 'read.jsonl', with: { path: 'questions.jsonl', key: 'question_id' } },
          { id: 'tokens', op: 'encode.tokens', with: { column: 'question' } },
          { id: 'hits', op: 'search.late', with: { index: 'i/late', k: 1 } },
          { id: 'plain', op: 'select', with: { keep: ['question_id', 'rank', 'doc_id', 'text', 'source'] } },
          { id: 'out', op: 'write.jsonl', with: { path: 'hits.jsonl' } },
        ]);
        const hits = (await readFile(join(root, 'hits.jsonl'), 'utf8'))
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as Record<string, unknown>);
        expect(hits).toEqual([
          {
            question_id: 'q1',
            rank: 0,
            doc_id: 'd3',
            text: 'A deaf composer wrote symphonies.',
            source: 'late',
          },
          { question_id: 'q2', rank: 0, doc_id: 'd1', text: docs[0].text, source: 'late' },
        ]);
      }),
    60_000,
  );
});
