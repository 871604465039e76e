/** index.sparse under the engine: an index that took changes answers as one that was built anew. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operators } from '../../operators/index.ts';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { SparseIndex } from '../../src/retrieval/index.ts';
import { startRun } from '../../src/run/index.ts';

const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;

interface Document {
  doc_id: string;
  title: string;
  text: string;
}

async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-index-'));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const save = (root: string, name: string, docs: readonly Document[]): Promise<void> =>
  writeFile(join(root, name), docs.map(d => `${JSON.stringify(d)}\n`).join(''));

async function run(root: string, steps: AnyStep[], full = false): Promise<string> {
  const { plan, problems } = await check(
    { name: 'edits', memory: '512 MiB', steps },
    { operators, root, mode: 'run' },
  );
  if (!plan) throw new Error(JSON.stringify(problems));
  const handle = startRun(plan, { registryUrl, full });
  let mode = '';
  handle.events.subscribe(e => {
    if (e.type === 'flow') mode = e.mode;
  });
  const result = await handle.result;
  expect(result.error).toBeUndefined();
  return mode;
}

/** Every hit of some queries: key, score and stored text. */
async function answers(root: string, queries: readonly string[]): Promise<unknown> {
  const index = await SparseIndex.open(join(root, 'i'));
  try {
    return queries.map(query => {
      const { docs, scores } = index.search(query, { k: 100, similarity: 'lm-dirichlet' });
      return index.rows(docs).map((row, i) => ({ ...row, score: scores[i] }));
    });
  } finally {
    index.close();
  }
}

const doc = (n: number, text: string): Document => ({ doc_id: `d${n}`, title: `t${n}`, text });

describe('index.sparse takes changes of a source', () => {
  it.each<[string, object, AnyStep[]]>([
    ['documents', {}, []],
    ['units of documents', {}, [{ id: 'split', op: 'split.passages', with: { words: 3 } }]],
    ['documents with fields and positions', { fields: ['title', 'text'], positions: true }, []],
  ])(
    '%s',
    async (_, params, between) => {
      await inFolder(async root => {
        const steps: AnyStep[] = [
          { id: 'docs', op: 'read.jsonl', with: { path: '*.jsonl' } },
          ...between,
          { id: 'index', op: 'index.sparse', with: { path: 'i', analyzer: 'whitespace', ...params } },
        ];
        const queries = ['a b', 'common word', 'zz new', 't1 t3', 'rare'];
        const files: Record<string, Document[]> = {
          'p.jsonl': Array.from({ length: 8 }, (_, i) =>
            doc(i, `a common word ${i % 2 ? 'b b' : 'c'} x${i}`),
          ),
          'q.jsonl': [doc(20, 'rare word in here'), doc(21, 'a b c d e f g')],
        };
        const write = async (to: string): Promise<void> => {
          for (const [name, docs] of Object.entries(files)) await save(to, name, docs);
        };
        await write(root);
        expect(await run(root, steps)).toBe('full');
        const edits: (() => void)[] = [
          () => {
            files['p.jsonl'][3].text = 'a new zz text, longer than it was before';
          },
          () => {
            files['p.jsonl'].splice(0, 2);
            files['q.jsonl'].push(doc(22, 'common zz zz'));
          },
          () => {
            files['q.jsonl'] = [];
            files['p.jsonl'][0].title = 'another';
          },
        ];
        for (const edit of edits) {
          edit();
          await write(root);
          expect(await run(root, steps)).toBe('changes');
          const wanted = await inFolder(async fresh => {
            await write(fresh);
            await run(fresh, steps, true);
            return answers(fresh, queries);
          });
          expect(await answers(root, queries)).toEqual(wanted);
        }
      });
    },
    60_000,
  );
});
