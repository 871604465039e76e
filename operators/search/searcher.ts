/** Queries to one sparse index, on this thread or on several that share one copy of it. */
import {
  type Query,
  type SearchOptions,
  SearchPool,
  type SearchResult,
  SparseIndex,
} from '../../src/retrieval/sparse/index.ts';

export interface Searcher {
  /** On this thread: stored rows, keys, explanations. */
  readonly index: SparseIndex;
  /** The best documents for each query, in order. @throws IndexError */
  search(queries: readonly Query[], options: SearchOptions): Promise<SearchResult[]>;
  close(): Promise<void>;
}

interface Shared {
  readonly pool: Promise<SearchPool>;
  users: number;
}

/** Pools of this thread, by what they were opened with: instances of one step use the same. */
const pools = new Map<string, Shared>();

/** @param cacheBytes for postings and impacts that queries come back to, all threads together */
export async function openSearcher(dir: string, threads: number, cacheBytes: number): Promise<Searcher> {
  if (threads > 1) return openShared(dir, threads, cacheBytes);
  const index = await SparseIndex.open(dir, { cacheBytes });
  return {
    index,
    search: async (queries, options) => queries.map(query => index.search(query, options)),
    close: async () => index.close(),
  };
}

async function openShared(dir: string, threads: number, cacheBytes: number): Promise<Searcher> {
  const probe = await SparseIndex.open(dir, { preload: false, cacheBytes: 0 });
  const { generation } = probe.info;
  probe.close();
  const name = JSON.stringify([dir, generation, threads]);
  let shared = pools.get(name);
  if (shared === undefined) {
    shared = { pool: SearchPool.open(dir, { threads, generation, cacheBytes }), users: 0 };
    pools.set(name, shared);
  }
  const mine = shared;
  mine.users++;
  const leave = async (): Promise<void> => {
    if (--mine.users > 0) return;
    if (pools.get(name) === mine) pools.delete(name);
    await (await mine.pool).close();
  };
  let pool: SearchPool;
  try {
    pool = await mine.pool;
  } catch (error) {
    await leave().catch(() => undefined);
    throw error;
  }
  let open = true;
  return {
    index: pool.index,
    search: (queries, options) => pool.search(queries, options),
    close: async () => {
      if (!open) return;
      open = false;
      await leave();
    },
  };
}
