import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { idBytes, JournalWriter, journalPieces, TABLE, tableKey } from '../../src/state/index.ts';
import { isEmpty, putPiece } from '../../src/state/put-piece.ts';
import { SortedRuns } from '../../src/state/sorted-runs.ts';
import { openStore } from '../../src/state/store.ts';

interface Entry {
  readonly key: Buffer;
  readonly value: Uint8Array | undefined;
}
const keyed = (table: number, rest: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.constantFrom(1, 2), rest).map(([slot, bytes]) => tableKey(table, slot, bytes));
const key = fc.oneof(
  // neighbours share blocks, and many come more than once
  keyed(TABLE.keys, fc.nat(60).map(idBytes)),
  keyed(TABLE.children, fc.nat(60).map(idBytes)),
  keyed(TABLE.rows, fc.uint8Array({ minLength: 12, maxLength: 12, max: 2 })),
);
const entry: fc.Arbitrary<Entry> = fc.record({
  key,
  value: fc.option(fc.uint8Array({ maxLength: 400 }), { nil: undefined }),
});

/** The entries as one piece of a journal. */
async function pieceOf(folder: string, entries: readonly Entry[]): Promise<Buffer> {
  const journal = new JournalWriter(join(folder, 'journal'));
  for (const { key, value } of entries) value ? journal.put(key, value) : journal.delete(key);
  await journal.finish();
  for await (const { bytes } of journalPieces(join(folder, 'journal'))) return Buffer.from(bytes);
  return Buffer.alloc(0);
}
const contents = (path: string): string[] => {
  const store = openStore(path);
  const all = [...store.getRange({})].map(
    e => `${Buffer.from(e.key).toString('hex')} ${Buffer.from(e.value).toString('hex')}`,
  );
  void store.close();
  return all;
};

it('a store that is filled by merged runs is that of the same pieces one by one, whatever was there', async () => {
  const pieces = fc.array(fc.array(entry, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (all, before) => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-runs-'));
      try {
        const bytes: Buffer[] = [];
        for (const entries of all) bytes.push(await pieceOf(folder, entries));
        const [one, other] = [openStore(join(folder, 'a.mdb')), openStore(join(folder, 'b.mdb'))];
        if (before) for (const store of [one, other]) store.transactionSync(() => putPiece(store, bytes[0]));
        for (const piece of bytes) one.transactionSync(() => putPiece(one, piece));
        const runs = new SortedRuns(join(folder, 'runs'));
        for (const piece of bytes) runs.add(piece);
        const empty = isEmpty(other);
        for (const piece of runs.merged()) other.transactionSync(() => putPiece(other, piece, empty, true));
        runs.close();
        expect(existsSync(join(folder, 'runs'))).toBe(false);
        await Promise.all([one.close(), other.close()]);
        expect(contents(join(folder, 'b.mdb'))).toEqual(contents(join(folder, 'a.mdb')));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});

it('entries longer than a buffer, and pieces that end at a block, come whole and in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-runs-'));
  try {
    const runs = new SortedRuns(join(folder, 'runs'));
    const text = (id: number): Buffer => Buffer.alloc(200_000 + (id % 7) * 50_000, String(id % 10));
    for (const ids of [
      Array.from({ length: 40 }, (_, i) => 2 * i),
      Array.from({ length: 40 }, (_, i) => 2 * i + 1),
    ])
      runs.add(
        await pieceOf(
          folder,
          ids.map(id => ({ key: tableKey(TABLE.keys, 1, idBytes(id)), value: text(id) })),
        ),
      );
    const seen: number[] = [];
    const blocks = new Set<number>();
    for (const piece of runs.merged()) {
      const own = new Set<number>();
      for (let at = 0; at < piece.length; ) {
        const id = piece.readUInt32BE(at + 6 + 3);
        const length = piece.readUInt32LE(at + 2);
        const from = at + 6 + piece.readUInt16LE(at);
        expect(piece.subarray(from, from + length).equals(text(id))).toBe(true);
        seen.push(id);
        own.add(id >> 4);
        at = from + length;
      }
      for (const block of own) {
        expect(blocks.has(block)).toBe(false);
        blocks.add(block);
      }
    }
    expect(seen).toEqual(Array.from({ length: 80 }, (_, i) => i));
    expect(readFileSync(join(folder, 'runs/run-0')).length).toBeGreaterThan(8e6);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('more runs than are merged at once come in order, of one key in the order they came', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-runs-'));
  try {
    const runs = new SortedRuns(join(folder, 'runs'));
    for (let r = 0; r < 70; r++)
      runs.add(
        await pieceOf(
          folder,
          [r, 7, 1000 - r].map(id => ({
            key: tableKey(TABLE.keys, 1, idBytes(id)),
            value: Buffer.from(`${id} of ${r}`),
          })),
        ),
      );
    const seen: string[] = [];
    for (const piece of runs.merged())
      for (let at = 0; at < piece.length; ) {
        const from = at + 6 + piece.readUInt16LE(at);
        const end = from + piece.readUInt32LE(at + 2);
        seen.push(piece.toString('latin1', from, end));
        at = end;
      }
    const wanted = Array.from({ length: 70 }, (_, r) => [r, 7, 1000 - r].map(id => ({ id, r }))).flat();
    wanted.sort((a, b) => a.id - b.id || a.r - b.r);
    expect(seen).toEqual(wanted.map(({ id, r }) => `${id} of ${r}`));
    runs.close();
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('an entry out of order is never left out in silence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-runs-'));
  const store = openStore(join(folder, 'a.mdb'));
  try {
    const row = (text: string) => ({
      key: tableKey(TABLE.rows, 1, Buffer.from(text)),
      value: Buffer.from('v'),
    });
    const piece = await pieceOf(folder, [row('a'), row('c'), row('b')]);
    const put = (): void => store.transactionSync(() => putPiece(store, piece, true, true));
    expect(put).toThrow('out of its order');
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
