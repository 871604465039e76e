/**
 * The ledger's load on two embedded stores, LMDB and LevelDB (classic-level), in turns within one process:
 * `sh bench/install-peers.sh stores && npx tsx bench/incremental/stores.ts [ENTRIES]`. Keys are hashes of 15 bytes, as of
 * the rows table, values 16 bytes. A first run writes all in order of keys; a run over changes looks each key up, one after
 * the other and in no order, and writes 1 % anew in one transaction that is synced; `why` goes through all.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/state/store.ts';

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}
interface Kept {
  write(entries: readonly Entry[]): Promise<void>;
  /** Looks each up as a diff does: the next when the one before is known. */
  read(keys: readonly Buffer[]): Promise<number>;
  all(): Promise<number>;
  close(): Promise<void>;
}
type Opens = (folder: string) => Promise<Kept>;

const lmdb: Opens = async folder => {
  const db = openStore(join(folder, 'data.mdb'));
  return {
    write: async entries => {
      await db.transaction(() => {
        for (const { key, value } of entries) db.putSync(key, value);
      });
      await db.flushed;
    },
    read: async keys => {
      let found = 0;
      for (const key of keys) if (db.getBinaryFast(key)) found++;
      return found;
    },
    all: async () => {
      let n = 0;
      for (const _ of db.getRange({})) n++;
      return n;
    },
    close: () => db.close(),
  };
};

interface Level {
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  getSync?(key: Buffer): Buffer | undefined;
  batch(
    entries: readonly { type: 'put'; key: Buffer; value: Buffer }[],
    options: { sync: boolean },
  ): Promise<void>;
  iterator(): AsyncIterable<unknown>;
}
const level: Opens = async folder => {
  const require = createRequire(new URL('../.peers/stores/package.json', import.meta.url));
  const { ClassicLevel } = require('classic-level') as {
    ClassicLevel: new (path: string, options: object) => Level;
  };
  const db = new ClassicLevel(join(folder, 'level'), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.open();
  return {
    write: entries =>
      db.batch(
        entries.map(e => ({ type: 'put', ...e })),
        { sync: true },
      ),
    read: async keys => {
      let found = 0;
      for (const key of keys) if (db.getSync ? db.getSync(key) : await db.get(key)) found++;
      return found;
    },
    all: async () => {
      let n = 0;
      for await (const _ of db.iterator()) n++;
      return n;
    },
    close: () => db.close(),
  };
};

const PIECE = 100_000;
const entry = (i: number, version: number): Entry => {
  const hash = createHash('sha256').update(String(i)).digest();
  const value = createHash('sha256').update(`${i} ${version}`).digest().subarray(0, 16);
  return { key: hash.subarray(0, 15), value: Buffer.from(value) };
};
const bytesOf = (path: string): number => {
  const info = statSync(path);
  if (!info.isDirectory()) return info.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
};

async function measure(
  opens: Opens,
  entries: readonly Entry[],
  keys: readonly Buffer[],
  some: readonly Entry[],
) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-stores-'));
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - started) / 1000;
    return result;
  };
  try {
    let store = await opens(folder);
    await timed('first run', async () => {
      for (let at = 0; at < entries.length; at += PIECE) await store.write(entries.slice(at, at + PIECE));
    });
    await store.close();
    store = await timed('open', () => opens(folder));
    if ((await timed('look each up', () => store.read(keys))) !== keys.length)
      throw new Error('keys are missing');
    await timed('1 % anew', () => store.write(some));
    if ((await timed('go through all', () => store.all())) !== entries.length)
      throw new Error('keys are missing');
    await store.close();
    return { seconds, bytes: bytesOf(folder) / entries.length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const count = Number(process.argv[2] ?? 500_000);
const ROUNDS = 5;
const unsorted = Array.from({ length: count }, (_, i) => entry(i, 0));
const keys = unsorted.map(e => e.key);
const entries = [...unsorted].sort((a, b) => a.key.compare(b.key));
const some = Array.from({ length: Math.floor(count / 100) }, (_, i) => entry(i * 100, 1)).sort((a, b) =>
  a.key.compare(b.key),
);
const rounds: Awaited<ReturnType<typeof measure>>[][] = [];
for (let i = 0; i < ROUNDS; i++)
  rounds.push([await measure(lmdb, entries, keys, some), await measure(level, entries, keys, some)]);
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
console.log(`${count} entries, medians of ${ROUNDS} rounds`);
for (const name of Object.keys(rounds[0][0].seconds)) {
  const [a, b] = [0, 1].map(s => median(rounds.map(r => r[s].seconds[name])));
  const ratio = median(rounds.map(r => r[1].seconds[name] / r[0].seconds[name]));
  console.log(`${name}: lmdb ${a.toFixed(3)} s, classic-level ${b.toFixed(3)} s, ratio ${ratio.toFixed(2)}`);
}
console.log(
  `bytes an entry: lmdb ${rounds[0][0].bytes.toFixed(1)}, classic-level ${rounds[0][1].bytes.toFixed(1)}`,
);
