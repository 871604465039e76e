/** Merging beside the write path: the same files and answers as without a thread, whatever is deleted meanwhile. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseIndex, SparseIndexWriter } from '../../src/retrieval/index.ts';
import { batch, type Doc, generator, temporaryFolder } from './helpers.ts';

type Step = { add: Doc[] } | { delete: string[]; by?: string };

/** Builds an index in steps, each addition a segment of its own; gives the bytes of its files and its live rows. */
async function built(steps: readonly Step[], mergeThreadBytes: number) {
  const dir = temporaryFolder();
  try {
    const options = { analyzer: 'whitespace', keyColumn: 'key', memoryBytes: 1, mergeThreadBytes } as const;
    const writer = await SparseIndexWriter.open(dir, options);
    const deleted: number[] = [];
    for (const step of steps) {
      if ('add' in step) await writer.add(batch(step.add));
      else deleted.push(await writer.delete(step.delete, step.by));
    }
    const { generation, segments } = await writer.prepare();
    await writer.publish(generation);
    await writer.close();
    const names = fs.readdirSync(dir).sort();
    const files = names.map(name => [name, fs.readFileSync(path.join(dir, name)).toString('latin1')]);
    const index = await SparseIndex.open(dir);
    const { docs, scores } = index.search('w0 w1 w2 w3 w4 w5', { k: 1000 });
    const hits = index.keys(docs).map((key, i) => [key, scores[i]]);
    index.close();
    return { files, hits, segments, deleted };
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

function randomSteps(seed: number, count: number): Step[] {
  const random = generator(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const steps: Step[] = [];
  for (let i = 0; i < count; i++) {
    const dice = random();
    if (dice < 0.15) steps.push({ delete: Array.from({ length: 4 }, () => `k${below(60)}`) });
    else if (dice < 0.2) steps.push({ delete: [`g${below(9)}`], by: 'group' });
    else
      steps.push({
        add: Array.from({ length: 1 + below(3) }, () => {
          const text = Array.from({ length: 1 + below(5) }, () => `w${below(6)}`).join(' ');
          return { key: `k${below(60)}`, text, group: `g${below(9)}` };
        }),
      });
  }
  return steps;
}

describe('merging while a writer goes on', () => {
  it('gives the files that merging in turn gives, and the rows that are live', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async seed => {
        const steps = randomSteps(seed, 60);
        const rows = new Map<string, Doc>();
        for (const step of steps) {
          if ('add' in step) for (const doc of step.add) rows.set(doc.key, doc);
          else
            for (const [key, { group }] of rows)
              if (step.delete.includes(step.by === undefined ? key : (group as string))) rows.delete(key);
        }
        const inTurn = await built(steps, Number.POSITIVE_INFINITY);
        const beside = await built(steps, 0);
        expect(beside).toEqual(inTurn);
        expect(inTurn.segments).toBeLessThan(9);
        const fresh = await built([{ add: [...rows.values()] }], Number.POSITIVE_INFINITY);
        expect(beside.hits).toEqual(fresh.hits);
      }),
      { numRuns: 4 },
    );
  }, 60_000);

  it('leaves nothing behind where the writer gives up', async () => {
    const dir = temporaryFolder();
    const options = {
      analyzer: 'whitespace',
      keyColumn: 'key',
      memoryBytes: 1,
      mergeThreadBytes: 0,
    } as const;
    const writer = await SparseIndexWriter.open(dir, options);
    for (let i = 0; i < 8; i++) await writer.add(batch([{ key: `k${i}`, text: 'a' }]));
    await writer.abort();
    expect(fs.readdirSync(dir)).toEqual([]);
    fs.rmSync(dir, { recursive: true });
  });
});
