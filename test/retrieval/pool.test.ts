import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IndexError, SearchPool, SparseIndex } from '../../src/retrieval/index.ts';
import { buildIndex, type Doc, generator, temporaryFolder } from './helpers.ts';

describe('a pool of search threads', () => {
  it('gives what one index gives, in order, from one copy of it', async () => {
    const dir = temporaryFolder();
    try {
      const random = generator(7);
      const word = () => `w${Math.floor(random() ** 3 * 50)}`;
      const docs: Doc[] = Array.from({ length: 400 }, (_, i) => ({
        key: `k${i}`,
        text: Array.from({ length: 1 + Math.floor(random() * 20) }, word).join(' '),
      }));
      await buildIndex(dir, [docs.slice(0, 250), docs.slice(250)]);
      const queries = Array.from({ length: 150 }, () => `${word()} ${word()} ${word()}`);
      const index = await SparseIndex.open(dir);
      const pool = await SearchPool.open(dir, { threads: 2 });
      for (const similarity of ['lucene', 'okapi'] as const) {
        const results = await pool.search(queries, { k: 5, similarity });
        expect(results).toEqual(queries.map(query => index.search(query, { k: 5, similarity })));
      }
      expect(pool.index.keys(index.search(queries[0], { k: 1 }).docs)).toHaveLength(1);
      await expect(pool.search(['w1'], { k: 5, field: 'none' })).rejects.toThrow(IndexError);
      expect(await pool.search([], { k: 5 })).toEqual([]);
      await pool.close();
      await expect(pool.search(['w1'], { k: 5 })).rejects.toMatchObject({ code: 'closed' });
      index.close();
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });
});
