/** Files are read at once or by the thread pool: with the same bytes, and nothing left open. */
import { existsSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { openBytes } from '../../../operators/read/lib/bytes.ts';
import { BLOCK_BYTES, FileReads } from '../../../operators/read/lib/file-reads.ts';
import { resolveFiles } from '../../../operators/read/lib/files.ts';
import { LineCutter } from '../../../operators/read/lib/lines.ts';
import { scanFiles } from '../../../operators/read/lib/source.ts';
import { context, folder } from './support.ts';

/** Reads of which each takes so many milliseconds by its own clock. */
function readsOf(ms: (call: number) => number): FileReads {
  let [time, calls] = [0, 0];
  return new FileReads(() => {
    // asked before a call and after it
    if (calls++ % 2 === 1) time += ms((calls - 2) / 2);
    return time;
  });
}
const descriptors = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);

const line = (i: number): string => `{"text":"${i} ${'x'.repeat(i % 300)}"}\n`;
const lines = (n: number): string => Array.from({ length: n }, (_, i) => line(i)).join('');
const FILES: Record<string, string> = {
  'a.jsonl': '',
  'b.jsonl': 'x',
  'c.jsonl': `${'y'.repeat(BLOCK_BYTES - 1)}\n`,
  'd.jsonl': `${'z'.repeat(BLOCK_BYTES)}\n`,
  'e.jsonl': lines(20_000),
  'f.jsonl': `\ufeff${lines(3000)}no end`,
  ...Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`g${i + 10}.jsonl`, lines(i)])),
};
const files = (root: string) => resolveFiles('.', context(root), { endings: ['.jsonl'], what: 'files' });
const wanted = Object.values(FILES).map(text => text.replace('\ufeff', ''));

describe.each<[string, () => FileReads]>([
  ['at once', () => readsOf(() => 0)],
  ['by the pool, but for the first', () => readsOf(() => 100)],
  ['now so, now so', () => readsOf(call => (call % 50 === 0 ? 100 : 0))],
])('files that are read %s', (_, reads) => {
  test('have the same bytes', async () => {
    const root = folder(FILES);
    const before = descriptors();
    const parts = new Map<string, Buffer[]>();
    for await (const { raw, position } of scanFiles(
      await files(root),
      { signal: new AbortController().signal },
      () => new LineCutter(),
      undefined,
      reads(),
    )) {
      const { file } = position as { file: string };
      // lent bytes stay as they are until the next piece is asked for
      await setImmediate();
      parts.set(file, [...(parts.get(file) ?? []), Buffer.from(raw as Uint8Array)]);
    }
    const names = Object.keys(FILES);
    expect(names.map(name => Buffer.concat(parts.get(name) ?? []).toString())).toEqual(wanted);
    // others open files now and then
    await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before));
  });

  test('are closed where somebody leaves early', async () => {
    const root = folder(FILES);
    const before = descriptors();
    for (const leaveAfter of [0, 1, 4, 7]) {
      let pieces = 0;
      const scan = scanFiles(
        await files(root),
        { signal: new AbortController().signal },
        () => new LineCutter(),
        undefined,
        reads(),
      );
      for await (const _ of scan) if (pieces++ === leaveAfter) break;
    }
    await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before));
  });
});

describe('how files are read', () => {
  const all = async (root: string, reads: FileReads): Promise<number> => {
    let atOnce = 0;
    for (const file of await files(root)) {
      if (reads.atOnce) atOnce++;
      for await (const _ of await openBytes(file, 0, reads));
    }
    return atOnce;
  };
  const small = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}.jsonl`, lines(5)]));

  test('out of memory all at once', async () => {
    expect(
      await all(
        folder(small),
        readsOf(() => 0.05),
      ),
    ).toBe(300);
  });
  test('small files from a slow place by the pool, however small they are', async () => {
    // opening, reading, closing: 3 ms each file, of which .3 are allowed
    expect(
      await all(
        folder(small),
        readsOf(() => 1),
      ),
    ).toBeLessThan(20);
  });
  test('by the pool too where many came out of memory before', async () => {
    const late = await all(
      folder(small),
      readsOf(call => (call < 600 ? 0 : 10)),
    );
    expect(late).toBeGreaterThan(190);
    expect(late).toBeLessThan(210);
  });
  test('at once again after some hundreds, where only a few were late', async () => {
    const reads = readsOf(call => (call === 0 ? 50 : 0));
    expect(await all(folder(small), reads)).toBeGreaterThan(200);
    expect(reads.atOnce).toBe(true);
  });
  test('while others have their turn', async () => {
    const root = folder({ 'a.jsonl': lines(5) });
    const [file] = await files(root);
    const reads = new FileReads();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const until = performance.now() + 100;
    while (performance.now() < until) for await (const _ of await openBytes(file, 0, reads));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});
