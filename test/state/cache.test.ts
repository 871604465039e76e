/** What the cache keeps: what was used lately, up to a size. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
