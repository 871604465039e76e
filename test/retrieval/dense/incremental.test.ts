/** Encoding, indexing, searching and merging under the engine. */
import { appendFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operators } from '../../../operators/index.ts';
import type { AnyStep } from '../../../src/define/index.ts';
import { embeddedFolder } from '../../../src/models/index.ts';
import { check } from '../../../src/plan/index.ts';
import { DenseIndex } from '../../../src/retrieval/index.ts';
import { startRun } from '../../../src/run/index.ts';
import { inFolder } from './support.ts';

const registryUrl = new URL('../../../operators/index.ts', import.meta.url).href;

const plan = (root: string, steps: AnyStep[]) =>
  check({ name: 'dense', memory: '768 MiB', steps }, { operators, root, mode: 'run' });

async function run(root: string, steps: AnyStep[], full = false): Promise<string> {
  const { plan: found, problems } = await plan(root, steps);
  if (!found) throw new Error(JSON.stringify(problems));
  const handle = startRun(found, { registryUrl, full });
  let mode = '';
  handle.events.subscribe(e => {
    if (e.type === 'flow') mode = e.mode;
  });
  expect((await handle.result).error).toBeUndefined();
  return mode;
}

const lines = (rows: readonly object[]): string => rows.map(r => `${JSON.stringify(r)}\n`).join('');
const docs = [
  {
    doc_id: 'd1',
    title: 'Rivers',
    text: 'The Amazon is the largest river by discharge. It flows through Brazil.',
  },
  { doc_id: 'd2', title: 'Money', text: 'The central bank raised interest rates to slow inflation.' },
  { doc_id: 'd3', title: 'Music', text: 'Beethoven wrote nine symphonies and was deaf at the end.' },
];
const index: AnyStep[] = [
  { id: 'docs', op: 'read.jsonl', with: { path: 'docs.jsonl' } },
  { id: 'split', op: 'split.passages', with: { words: 8 } },
  { id: 'encode', op: 'encode.dense', with: { model: 'default' }, batch: { tokens: 64 } },
  { id: 'dense', op: 'index.dense', with: { path: 'i/dense' } },
];

async function contents(root: string): Promise<unknown> {
  const found = await DenseIndex.open(join(root, 'i/dense'));
  try {
    const { dimension } = found.info.settings;
    const query = Float32Array.from({ length: dimension }, (_, c) => Math.sin(c + 1));
    const [{ docs: all, scores }] = await found.search(query, 1, { k: 100 });
    return found.rows(all).map((row, i) => ({ ...row, score: scores[i] }));
  } finally {
    found.close();
  }
}

describe('dense retrieval in a pipeline', () => {
  it(
    'takes changes of a source, and is what a fresh run would build',
    () =>
      inFolder(async root => {
        let now = docs;
        const save = (to: string): Promise<void> => writeFile(join(to, 'docs.jsonl'), lines(now));
        await save(root);
        expect(await run(root, index)).toBe('full');
        for (const edited of [
          [docs[0], { ...docs[1], text: 'Rates fell, and prices rose.' }, docs[2]],
          [docs[2], { ...docs[0], doc_id: 'd9' }],
          [],
        ]) {
          now = edited;
          await save(root);
          expect(await run(root, index)).toBe('changes');
          const fresh = await inFolder(async other => {
            await save(other);
            await run(other, index, true);
            return contents(other);
          });
          expect(await contents(root)).toEqual(fresh);
        }
      }),
    60_000,
  );

  it(
    'finds by words, by vectors and by both',
    () =>
      inFolder(async root => {
        await writeFile(join(root, 'docs.jsonl'), lines(docs));
        await writeFile(
          join(root, 'questions.jsonl'),
          lines([
            { question_id: 'q1', question: 'a composer who could not hear' },
            { question_id: 'q2', question: 'interest rates' },
          ]),
        );
        await run(root, [
          ...index.slice(0, 2),
          { id: 'sparse', op: 'index.sparse', with: { path: 'i/sparse', analyzer: 'english' } },
          { ...index[2], from: 'split' },
          index[3],
          {
            id: 'questions',
            op: 'read.jsonl',
            after: ['sparse', 'dense'],
            with: { path: 'questions.jsonl', key: 'question_id' },
          },
          { id: 'vectors', op: 'encode.dense', with: { column: 'question' } },
          { id: 'words', op: 'search.sparse', from: 'vectors', with: { index: 'i/sparse', k: 5 } },
          { id: 'near', op: 'search.dense', from: 'vectors', with: { index: 'i/dense', k: 2 } },
          { id: 'both', op: 'merge.hits', from: ['words', 'near'], with: { k: 2 } },
          { id: 'plain', op: 'select', with: { drop: ['vector'] } },
          { id: 'out', op: 'write.jsonl', with: { path: 'hits.jsonl' } },
        ]);
        const hits = (await readFile(join(root, 'hits.jsonl'), 'utf8'))
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as Record<string, unknown>);
        // no word of the first question is in the corpus: its hits are those of vectors alone
        const first = hits.filter(h => h.question_id === 'q1');
        expect(first[0]).toMatchObject({ rank: 0, doc_id: 'd3', source_ranks: [null, 0] });
        expect(hits.filter(h => h.question_id === 'q2')[0]).toMatchObject({
          doc_id: 'd2',
          source_ranks: [0, 0],
        });
      }),
    60_000,
  );

  it(
    'refuses questions of another model whose vectors are as long, by name',
    () =>
      inFolder(async root => {
        await writeFile(join(root, 'docs.jsonl'), lines(docs));
        await run(root, index);
        await writeFile(join(root, 'q.jsonl'), lines([{ question_id: 'q', question: 'rates' }]));
        // the same encoder with other files
        const other = join(root, 'other');
        await cp(embeddedFolder('default'), other, { recursive: true });
        await appendFile(join(other, 'tokenizer.json'), '\n');
        const ask = async (model: string, more: object = {}) => {
          const { plan: found } = await plan(root, [
            { id: 'q', op: 'read.jsonl', with: { path: 'q.jsonl', key: 'question_id' } },
            { id: 'v', op: 'encode.dense', with: { column: 'question', model } },
            { id: 'h', op: 'search.dense', with: { index: 'i/dense', ...more } },
            { id: 'p', op: 'select', with: { drop: ['vector'] } },
            { id: 'o', op: 'write.jsonl', with: { path: 'o.jsonl' } },
          ]);
          if (!found) throw new Error('no plan');
          return (await startRun(found, { registryUrl }).result).error?.message;
        };
        expect(await ask('default')).toBeUndefined();
        expect(await ask(other)).toMatch(
          /column "vector" has vectors of .*other, the index at i\/dense holds those of default/,
        );
        expect(await ask(other, { anyModel: true })).toBeUndefined();
        const found = await DenseIndex.open(join(root, 'i/dense'));
        expect(found.info.settings.model?.name).toBe('default');
        found.close();
      }),
    60_000,
  );

  it(
    'refuses vectors of another model, by name',
    () =>
      inFolder(async root => {
        await writeFile(join(root, 'docs.jsonl'), lines(docs));
        await run(root, index);
        await writeFile(join(root, 'q.jsonl'), lines([{ question_id: 'q', question: 'rates' }]));
        const { plan: found } = await plan(root, [
          { id: 'q', op: 'read.jsonl', with: { path: 'q.jsonl', key: 'question_id' } },
          { id: 'v', op: 'encode.dense', with: { column: 'question', model: 'korean' } },
          { id: 'h', op: 'search.dense', with: { index: 'i/dense' } },
          { id: 'o', op: 'write.arrow', with: { path: 'o.arrow' } },
        ]);
        if (!found) throw new Error('no plan');
        const { error } = await startRun(found, { registryUrl }).result;
        expect(error?.message).toMatch(/vectors of 128 numbers, the index at i\/dense holds vectors of 256/);
      }),
    60_000,
  );
});
