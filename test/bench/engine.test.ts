/** The sides that `bench engine` compares must do the same work. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordBatchReader } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generators, handLoop, observables } from '../../bench/engine/loop.ts';
import { partsOf } from '../../bench/engine/parts.ts';
import { planOf, runPlan } from '../../bench/lib/plan.ts';
import { varied } from '../../bench/lib/text.ts';
import { rowsOf } from '../../src/arrow/index.ts';
import type { Plan } from '../../src/plan/types.ts';

let root: string;
let input: string;
const DOCUMENTS = 4000;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-bench-test-'));
  input = join(root, 'documents.jsonl');
  const lines = Array.from({ length: DOCUMENTS }, (_, i) =>
    JSON.stringify({ doc_id: `d${i}`, title: `T${i % 7}`, text: `w${i} `.repeat(1 + (i % 90)).trim() }),
  );
  await writeFile(input, `${lines.join('\n')}\n`);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const plan = (output: string): Promise<Plan> =>
  planOf(
    {
      name: 'same-work',
      steps: [
        { id: 'read', op: 'read.jsonl', with: { path: 'documents.jsonl' } },
        { id: 'split', op: 'split.passages', with: { words: 20 } },
        { id: 'terms', op: 'analyze' },
        { id: 'write', op: 'write.arrow', with: { path: output } },
      ],
    },
    root,
  );

async function written(output: string): Promise<Record<string, unknown>[]> {
  const reader = RecordBatchReader.from(await readFile(join(root, output)));
  return [...reader].flatMap(batch => rowsOf(batch));
}

describe('bench engine', () => {
  it('the loop, the pipeline, the generators and RxJS write the same bytes', async () => {
    await runPlan(await plan('pipeline.arrow'), false);
    await handLoop(await plan('loop.arrow'));
    await generators(await plan('generators.arrow'));
    await observables(await plan('rx.arrow'));
    const wanted = await readFile(join(root, 'pipeline.arrow'));
    expect(wanted.length).toBeGreaterThan(1_000_000);
    for (const other of ['loop', 'generators', 'rx']) {
      expect(wanted.equals(await readFile(join(root, `${other}.arrow`))), other).toBe(true);
    }
  });

  it('the parts of the bare threads are the whole file, each line once', async () => {
    const parts = await partsOf(input, root, 3);
    expect(parts.length).toBe(3);
    const rows: Record<string, unknown>[] = [];
    for (const [i, part] of parts.entries()) {
      await handLoop(await plan(`part-${i}.arrow`), part);
      rows.push(...(await written(`part-${i}.arrow`)));
    }
    await handLoop(await plan('whole.arrow'));
    expect(rows).toEqual(await written('whole.arrow'));
  });
});

describe('generated text', () => {
  const source = [
    { title: 'a', text: 'the cat sat on the mat and looked at the dog' },
    { title: 'b', text: 'a dog ran over the hill' },
  ];
  it('keeps the paragraphs as they are once, then exchanges words for others of the corpus', () => {
    const pool = varied(source, 40);
    expect(pool.length).toBe(80);
    expect(pool.slice(0, 2)).toEqual(source);
    const words = new Set(source.flatMap(p => p.text.split(' ')));
    const changed = pool.filter((p, i) => p.text !== source[i % 2].text);
    expect(changed.length).toBeGreaterThan(20);
    for (const { text } of pool) for (const word of text.split(' ')) expect(words).toContain(word);
  });
  it('is the same every time', () => {
    expect(varied(source, 5, 3)).toEqual(varied(source, 5, 3));
    expect(varied(source, 5, 3)).not.toEqual(varied(source, 5, 4));
  });
});
