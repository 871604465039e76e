import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  compact,
  rollback,
  SparseIndex,
  SparseIndexWriter,
  sparseGenerations,
  verify,
} from '../../src/retrieval/index.ts';
import { batch, temporaryFolder } from './helpers.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const open = () => SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'key', positions: true });
async function change(keys: readonly string[], gone: readonly string[] = []): Promise<void> {
  const writer = await open();
  for (const key of keys) await writer.add(batch([{ key, text: `a b ${key} a`, group: key }]));
  if (gone.length > 0) await writer.delete([...gone]);
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
}
async function answers() {
  const index = await SparseIndex.open(dir);
  try {
    return ['a', 'x1', '"b x3"'].map(query => {
      const { docs, scores } = index.search(query, { k: 9, syntax: 'query' });
      return { rows: index.rows(docs), scores };
    });
  } finally {
    index.close();
  }
}

describe('compaction', () => {
  it('makes one segment without deleted rows, with the same answers, and nothing the second time', async () => {
    await change(['x1', 'x2', 'x3']);
    await change(['x4', 'x1'], ['x2']);
    const before = await answers();
    const reader = await SparseIndex.open(dir);
    const done = await compact(dir);
    expect(done).toMatchObject({ documents: 3, before: { segments: 2 }, after: { segments: 1 } });
    expect(done.after.bytes).toBeLessThan(done.before.bytes);
    expect(await answers()).toEqual(before);
    expect(reader.search('a', { k: 9 }).docs).toHaveLength(3);
    reader.close();
    expect((await verify(dir)).ok).toBe(true);
    expect(await compact(dir)).toMatchObject({ generation: done.generation, after: { segments: 1 } });
  });

  it('keeps the name of the generation for commits, and the one before for rollback', async () => {
    await change(['x1']);
    const first = await answers();
    await change(['x2']);
    const token = sparseGenerations.token(dir);
    const { generation } = await compact(dir);
    expect(generation).toBe(3);
    expect(sparseGenerations.token(dir)).toEqual(token);
    // a commit that was not marked as published is published again
    expect(token && sparseGenerations.named(dir, token)).toBe(3);
    await change(['x3']);
    expect(sparseGenerations.token(dir)).toMatchObject({ generation: 4 });
    expect(await rollback(dir)).toBe(3);
    await change([], ['x2']);
    expect(await answers()).toEqual(first);
  });

  it('goes back over a compaction', async () => {
    await change(['x1']);
    const first = await answers();
    await change(['x2']);
    await compact(dir);
    expect(await rollback(dir)).toBe(1);
    expect(await answers()).toEqual(first);
  });

  it('leaves alone what a writer holds, and what a run has prepared', async () => {
    await expect(compact(`${dir}/none`)).rejects.toMatchObject({ code: 'missing' });
    await change(['x1']);
    const writer = await open();
    await writer.add(batch([{ key: 'x2', text: 'a' }]));
    await expect(compact(dir)).rejects.toMatchObject({ code: 'locked' });
    await writer.prepare();
    await writer.handOver();
    await writer.close();
    await expect(compact(dir)).rejects.toMatchObject({ code: 'generation' });
  });

  it('of an index whose rows are all deleted leaves it empty', async () => {
    await change(['x1']);
    await change([], ['x1']);
    expect(await compact(dir)).toMatchObject({ documents: 0, after: { segments: 0 } });
  });
});
