/** A generation that one part of a process prepares and another publishes. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndexError, publish, SparseIndex, SparseIndexWriter } from '../../src/retrieval/index.ts';
import { batch, temporaryFolder } from './helpers.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const open = () => SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'key' });
const prepared = async (key: string): Promise<[SparseIndexWriter, number]> => {
  const writer = await open();
  await writer.add(batch([{ key, text: 'a b' }]));
  const { generation } = await writer.prepare();
  await writer.handOver();
  return [writer, generation];
};
const keys = async (): Promise<string[]> => {
  const index = await SparseIndex.open(dir);
  const found = index.keys(index.search('a', { k: 9 }).docs);
  index.close();
  return found;
};

describe('handing over a prepared generation', () => {
  it('lets the folder be published without the writer, and nobody else in', async () => {
    const [writer, generation] = await prepared('x');
    await expect(open()).rejects.toMatchObject({ code: 'locked' });
    await expect(publish(dir, generation + 1)).rejects.toThrow(IndexError);
    await publish(dir, generation);
    await writer.close();
    expect(await keys()).toEqual(['x']);
    const [second, next] = await prepared('y');
    await second.close();
    await publish(dir, next);
    expect(await keys()).toEqual(['x', 'y']);
  });

  it('keeps the lock of the next writer where the first one closes late', async () => {
    const [first, generation] = await prepared('x');
    await publish(dir, generation);
    const [second] = await prepared('y');
    await first.close();
    await expect(open()).rejects.toMatchObject({ code: 'locked' });
    await second.abort();
    await (await open()).close();
  });

  it('is undone by abort, before publishing only', async () => {
    const [dropped, generation] = await prepared('x');
    await dropped.abort();
    await expect(publish(dir, generation)).rejects.toThrow(IndexError);
    expect(fs.readdirSync(dir)).toEqual([]);
    const [late, live] = await prepared('y');
    await publish(dir, live);
    await late.abort();
    expect(await keys()).toEqual(['y']);
  });

  it('wants a prepared generation', async () => {
    const writer = await open();
    await expect(writer.handOver()).rejects.toMatchObject({ code: 'generation' });
    await writer.close();
  });
});
