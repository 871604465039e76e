import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { idBytes, JournalWriter, Ledger, TABLE, tableKey } from '../../src/state/index.ts';

/** A commit: for ids of a step's table, or keys of other lengths, what they have now; undefined takes them out. */
type Commit = readonly { readonly slot: number; readonly key: Uint8Array; readonly value?: Uint8Array }[];

const key = fc.oneof(
  // neighbours, and the ends of blocks
  fc.nat(40).map(idBytes),
  fc.constantFrom(0xffffffff, 0xfffffff0, 0xffffffef, 1 << 20).map(idBytes),
  fc.uint8Array({ minLength: 12, maxLength: 12 }),
);
const change = fc.record({
  slot: fc.constantFrom(1, 2),
  key,
  value: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
});

it('keeps entries of ids as it keeps others: found by key, in order, changed and taken out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 30 }), { minLength: 1, maxLength: 4 }),
      async commits => {
        const folder = await mkdtemp(join(tmpdir(), 'millrace-blocks-'));
        try {
          const known = await afterAll(folder, commits);
          const ledger = await Ledger.openForRun(folder);
          try {
            for (const slot of [1, 2]) {
              const wanted = [...known]
                .filter(([name]) => name.startsWith(`${slot}:`))
                .map(([name, value]) => [name.slice(2), value])
                .sort();
              const got = [...ledger.entries(TABLE.children, slot)].map(e => [
                e.key.toString('hex'),
                e.value.toString('hex'),
              ]);
              expect(got.sort()).toEqual(wanted);
              for (const c of commits.flat()) {
                const found = ledger.get(tableKey(TABLE.children, slot, c.key))?.toString('hex');
                expect(found).toBe(known.get(`${slot}:${Buffer.from(c.key).toString('hex')}`));
              }
            }
          } finally {
            await ledger.close();
          }
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      },
    ),
    { numRuns: 40 },
  );
});

async function afterAll(folder: string, commits: readonly Commit[]): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  const ledger = await Ledger.openForRun(folder);
  for (const commit of commits) {
    const journal = new JournalWriter(join(folder, 'journal'));
    for (const { slot, key, value } of commit) {
      const name = `${slot}:${Buffer.from(key).toString('hex')}`;
      if (value) {
        journal.put(tableKey(TABLE.children, slot, key), value);
        known.set(name, Buffer.from(value).toString('hex'));
      } else {
        journal.delete(tableKey(TABLE.children, slot, key));
        known.delete(name);
      }
    }
    await journal.finish();
    await ledger.apply(join(folder, 'journal'), [], {});
  }
  await ledger.close();
  return known;
}

it('gives ids in their order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blocks-'));
  const ledger = await Ledger.openForRun(folder);
  try {
    const journal = new JournalWriter(join(folder, 'journal'));
    const ids = [300, 2, 17, 16, 15, 0x80000000, 31, 0];
    for (const id of ids) {
      journal.beginId(TABLE.keys, 3, id).text(`row ${id}`);
      journal.end();
    }
    await journal.finish();
    await ledger.apply(join(folder, 'journal'), [], {});
    const got = [...ledger.entries(TABLE.keys, 3)].map(e => e.key.readUInt32BE(0));
    expect(got).toEqual([...ids].sort((a, b) => a - b));
  } finally {
    await ledger.close();
    await rm(folder, { recursive: true, force: true });
  }
});

it('takes many entries in several transactions, again from the first where it was cut short', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blocks-'));
  const ledger = await Ledger.openForRun(folder);
  try {
    const [path, value] = [join(folder, 'journal'), Buffer.alloc(100, 'x')];
    const journal = new JournalWriter(path);
    for (let id = 0; id < 5000; id++) journal.put(tableKey(TABLE.keys, 1, idBytes(id * 7)), value);
    for (let id = 0; id < 500; id++) journal.delete(tableKey(TABLE.keys, 1, idBytes(id * 70)));
    await journal.finish();
    const ids = (): number[] => [...ledger.entries(TABLE.keys, 1)].map(e => e.key.readUInt32BE(0));
    process.env.MILLRACE_FAULT = 'ledger-part!@3';
    await expect(ledger.apply(path, [], { commit: 'a' })).rejects.toThrow(/full|space/);
    delete process.env.MILLRACE_FAULT;
    expect(ids().length).toBeGreaterThan(0);
    expect(ids().length).toBeLessThan(4500);
    expect(ledger.meta('commit')).toBeUndefined();
    await ledger.apply(path, [], { commit: 'a' });
    expect(ids()).toEqual(
      Array.from({ length: 5000 }, (_, i) => i * 7).filter(id => id % 70 !== 0 || id >= 35_000),
    );
    expect(ledger.meta('commit')).toBe('a');
    const { size } = await stat(join(folder, 'ledger/data.mdb'));
    // pages that were put to other use are taken again: every entry anew, and the store is hardly larger
    const anew = new JournalWriter(path);
    for (let id = 0; id < 5000; id++) anew.put(tableKey(TABLE.keys, 1, idBytes(id * 7)), value);
    await anew.finish();
    await ledger.apply(path, [], { commit: 'b' });
    expect((await stat(join(folder, 'ledger/data.mdb'))).size).toBeLessThan(1.5 * size);
  } finally {
    delete process.env.MILLRACE_FAULT;
    await ledger.close();
    await rm(folder, { recursive: true, force: true });
  }
});
