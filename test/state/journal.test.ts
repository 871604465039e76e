import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  eachSorted,
  JournalError,
  JournalWriter,
  journalPieces,
  TABLE,
  tableKey,
} from '../../src/state/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The entries of a piece in order of their keys, as views. */
const sorted = (piece: Buffer): { key: Buffer; value: Buffer | undefined }[] => {
  const all: { key: Buffer; value: Buffer | undefined }[] = [];
  eachSorted(piece, (key, value, end, deleted) =>
    all.push({ key: piece.subarray(key, value), value: deleted ? undefined : piece.subarray(value, end) }),
  );
  return all;
};

const entries = async (path: string): Promise<string[]> => {
  const all: string[] = [];
  // pieces far smaller than the journal, and than its longest entry
  for await (const { bytes } of journalPieces(path, 1000))
    for (const { key, value } of sorted(bytes)) all.push(`${key}=${value ?? 'gone'}`);
  return all;
};

it('keeps every entry of stages that write side by side', async () => {
  const path = join(folder, 'state', 'journal');
  const journal = new JournalWriter(path);
  const value = Buffer.alloc(3000, 'v');
  const stage = async (name: string): Promise<void> => {
    for (let i = 0; i < 1500; i++) {
      journal.put(Buffer.from(`${name}${i}`), value);
      await journal.drain();
    }
  };
  await Promise.all([stage('a'), stage('b'), stage('c')]);
  journal.delete(Buffer.from('z'));
  expect(await journal.finish()).toBe(4501);
  const got = await entries(path);
  for (const name of ['a', 'b', 'c']) {
    const own = got.filter(e => e.startsWith(name));
    expect(own).toEqual(Array.from({ length: 1500 }, (_, i) => `${name}${i}=${value}`));
  }
  expect(got).toContain('z=gone');
});

it('gives nothing of a journal that is cut off or has a flipped bit', async () => {
  const path = join(folder, 'journal');
  const journal = new JournalWriter(path);
  for (let i = 0; i < 100; i++) journal.put(Buffer.from(`k${i}`), Buffer.from(`v${i}`));
  await journal.finish();
  const whole = await readFile(path);
  for (const cut of [3, 10, 200, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, cut));
    await expect(entries(path)).rejects.toThrow(JournalError);
  }
  const flipped = Buffer.from(whole);
  flipped[50] ^= 4;
  await writeFile(path, flipped);
  await expect(entries(path)).rejects.toThrow('its checksum does not hold');
});

it('gives the entries of a piece in order of their keys, those of one key as they came', async () => {
  const key = fc.oneof(
    fc.uint8Array({ minLength: 3, maxLength: 9 }),
    // many share their first bytes
    fc
      .array(fc.constantFrom(0, 1, 255), { minLength: 3, maxLength: 12 })
      .map(bytes => Uint8Array.from(bytes)),
  );
  const entry = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 5 }), { nil: undefined }) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 60 }), async all => {
      const path = join(folder, 'sorted');
      const journal = new JournalWriter(path);
      for (const { key, value } of all) value ? journal.put(key, value) : journal.delete(key);
      await journal.finish();
      const got: string[] = [];
      for await (const { bytes } of journalPieces(path))
        for (const { key, value } of sorted(bytes))
          got.push(`${key.toString('hex')} ${value?.toString('hex')}`);
      const wanted = all
        .map((e, i) => ({ ...e, i }))
        .sort((a, b) => Buffer.compare(a.key, b.key) || a.i - b.i)
        .map(e => `${Buffer.from(e.key).toString('hex')} ${e.value && Buffer.from(e.value).toString('hex')}`);
      expect(got).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});

it('takes entries that are written bit by bit, as those that come whole', async () => {
  const path = join(folder, 'begun');
  const journal = new JournalWriter(path);
  const rest = Buffer.from('xkeyx');
  const out = journal.begin(TABLE.rows, 0x0102, rest, 1, 4);
  out.word(7);
  out.text('seven');
  // a value that is longer than the buffer
  const long = Buffer.alloc(3 << 20, 'l');
  expect(journal.end().toString('hex')).toBe(`07000000${Buffer.from('\x05seven').toString('hex')}`);
  journal.beginId(TABLE.keys, 1, 0xfffffffe).put(long);
  journal.end();
  journal.put(tableKey(TABLE.why, 1, Buffer.from('w')), Buffer.from('last'));
  expect(await journal.finish()).toBe(3);
  const got: string[] = [];
  for await (const { bytes } of journalPieces(path))
    for (const { key, value } of sorted(bytes))
      got.push(`${key.toString('hex')} ${value?.length === long.length ? value.equals(long) : value}`);
  expect(got).toEqual([
    '6b0001fffffffe true',
    `720102${Buffer.from('key').toString('hex')} \x07\0\0\0\x05seven`,
    '77000177 last',
  ]);
});

it('gives all entries where there are more than a piece may have', async () => {
  const path = join(folder, 'many');
  const journal = new JournalWriter(path);
  for (let i = 0; i < 95; i++) journal.put(Buffer.from(`key${i}`), Buffer.from('v'));
  await journal.finish();
  const got: number[] = [];
  let last = false;
  for await (const piece of journalPieces(path, 1 << 20, 10)) {
    expect(last).toBe(false);
    got.push(sorted(piece.bytes).length);
    last = piece.last;
  }
  expect(got).toEqual([...Array.from({ length: 9 }, () => 10), 5]);
  expect(last).toBe(true);
});

it('a journal of a newer format is refused by name, not taken for damaged', async () => {
  const path = join(folder, 'newer');
  await writeFile(path, Buffer.concat([Buffer.from('MRJ2'), Buffer.alloc(60)]));
  const refused = await entries(path).catch(error => error);
  expect(refused.message).toContain(`${path} has format 2; this version reads up to 1`);
  expect(refused).not.toBeInstanceOf(JournalError);
});
