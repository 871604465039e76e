/** What the cache keeps: what was used lately, up to a size. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Cache } from '../../src/state/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-cache-'));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1, 12) });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});
const later = (days: number): void => {
  vi.setSystemTime(Date.now() + days * 86_400_000);
};
const key = (n: number): Buffer => Buffer.from(String(n).padStart(28, '0'));
const there = (cache: Cache, n: number): number[] =>
  Array.from({ length: n }, (_, i) => i).filter(i => cache.peek(key(i)) !== undefined);
/** Ten entries of 100 bytes, one a day. */
async function filled(): Promise<Cache> {
  const cache = await Cache.open(folder);
  for (let i = 0; i < 10; i++) {
    cache.put(key(i), Buffer.alloc(70));
    await cache.tidy({ days: 1000 });
    later(1);
  }
  return cache;
}

it('lets go of what was not used for so many days, at most once a day', async () => {
  const cache = await filled();
  expect(cache.size()).toEqual({ entries: 10, bytes: 1000, oldest: 10 });
  // used again: today is day 10
  expect(cache.peek(key(0))).toBeDefined();
  expect(await cache.tidy({ days: 6 })).toBe(3);
  expect(there(cache, 10)).toEqual([0, 4, 5, 6, 7, 8, 9]);
  expect(await cache.tidy({ days: 0 })).toBe(0);
  await cache.close();
});

it('lets go of what was unused longest above a size', async () => {
  const cache = await filled();
  expect(await cache.collect({ bytes: 450 })).toBe(6);
  expect(there(cache, 10)).toEqual([6, 7, 8, 9]);
  expect(await cache.collect({ days: 100, bytes: 450 })).toBe(0);
  expect(await cache.collect({ bytes: 0 })).toBe(4);
  expect(cache.size()).toEqual({ entries: 0, bytes: 0, oldest: 0 });
  await cache.close();
});

it('keeps what is of a day that has not come, where the clock went backwards', async () => {
  const cache = await filled();
  later(-400);
  expect(cache.size().oldest).toBe(0);
  expect(await cache.tidy({ days: 90 })).toBe(0);
  expect(await cache.collect({ days: 90 })).toBe(0);
  await cache.close();
});

it('is not taken for damaged while others have it open', async () => {
  const warnings: string[] = [];
  const opened = () => Cache.open(folder, message => warnings.push(message));
  const first = await opened();
  first.put(key(0), Buffer.alloc(70));
  await first.flush();
  const second = await opened();
  second.put(key(1), Buffer.alloc(70));
  await second.flush();
  // who leaves first takes no checksum of what the other is about to write
  second.put(key(2), Buffer.alloc(9000));
  const writing = second.flush();
  await first.close();
  await writing;
  const third = await opened();
  expect(there(third, 3)).toEqual([0, 1, 2]);
  await second.close();
  await third.close();
  const last = await opened();
  expect(there(last, 3)).toEqual([0, 1, 2]);
  await last.close();
  expect(warnings).toEqual([]);
  expect(JSON.parse(readFileSync(join(folder, 'cache.mdb.seal'), 'utf8'))).toHaveProperty('crc');
  expect(readdirSync(folder).filter(n => n.startsWith('open-') || n.startsWith('gate'))).toEqual([]);
});

it('refuses a newer format by name', async () => {
  await (await filled()).close();
  const db = open<Buffer, Buffer>({
    path: join(folder, 'cache.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: true,
  });
  await db.put(Buffer.of(0), Buffer.from(JSON.stringify({ format: 99, day: 1, oldest: 1 })));
  await db.close();
  rmSync(join(folder, 'cache.mdb.seal'));
  await expect(Cache.open(folder)).rejects.toThrow(/cache\.mdb has format 99; this version reads up to 1/);
});
