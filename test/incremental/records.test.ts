/** Lines that are as they were are not decoded again, and nothing else shows of it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineRecords } from '../../operators/read/jsonl.ts';
import { fingerprints } from '../../src/arrow/index.ts';
import type { AnyStep } from '../../src/define/index.ts';
import { readTable } from './fixtures/operators.ts';
import { inFolder, run } from './shapes.ts';

const steps = (extra: Record<string, unknown> = {}): AnyStep[] => [
  { id: 'src', op: 'read.jsonl', with: { path: 'docs', key: 'id', ...extra } as never },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const line = (id: number, text: string, more = ''): string => `{"id": "d${id}", "text": "${text}"${more}}`;
const write = (root: string, files: Record<string, readonly string[]>): void => {
  rmSync(join(root, 'docs'), { recursive: true, force: true });
  mkdirSync(join(root, 'docs'));
  for (const [name, lines] of Object.entries(files))
    writeFileSync(join(root, 'docs', `${name}.jsonl`), lines.map(l => `${l}\n`).join(''));
};
const many = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => line(from + i, `text ${i}`));

it('only lines that changed are decoded, and messages name their numbers', () =>
  inFolder(async root => {
    write(root, { a: many(50), b: many(50, 50) });
    const first = await run(root, steps());
    expect(first.result.steps[0]).toMatchObject({ rowsOut: 100, added: 100 });
    const edited = many(50);
    edited[20] = line(20, 'another');
    edited.splice(30, 1);
    edited.push(line(200, 'new'));
    write(root, { a: edited, b: many(50, 50) });
    const second = await run(root, steps());
    expect(second.mode).toBe('changes');
    expect(second.result.steps[0]).toMatchObject({ rowsIn: 2, added: 1, changed: 1, deleted: 1, kept: 98 });
    expect(Object.keys(readTable(join(root, 't')))).toHaveLength(100);
    // again, from what the second run has noted
    write(root, { a: [...edited.slice(1), edited[0]], b: many(50, 50) });
    expect((await run(root, steps())).result.steps[0]).toMatchObject({ rowsIn: 0, kept: 100 });
    const twice = [...edited, line(20, 'another')];
    write(root, { a: twice, b: many(50, 50) });
    const dead = steps().map(s => (s.id === 'src' ? { ...s, onError: 'dead-letter' as const } : s));
    expect((await run(root, dead)).result.steps[0]).toMatchObject({ rowsIn: 1, deadLetters: 1 });
    write(root, { a: [...edited, 'no JSON'], b: many(50, 50) });
    await expect(run(root, steps())).rejects.toThrow(`a.jsonl:${edited.length + 1}`);
  }));

it('a line that is made a copy of another does not have all rows read again', () =>
  inFolder(async root => {
    const all = steps().map(s => (s.id === 'src' ? { ...s, onError: 'dead-letter' as const } : s));
    for (const [from, to] of [
      [21, 20],
      [40, 20],
      [3, 20],
    ]) {
      write(root, { a: many(50) });
      await run(root, all, { full: true });
      const edited = many(50);
      edited[to] = edited[from];
      write(root, { a: edited });
      const { mode, result } = await run(root, all);
      expect(mode).toBe('changes');
      expect(result.steps[0]).toMatchObject({ rowsIn: 1, deadLetters: 1, deleted: 1, kept: 49 });
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(49);
    }
  }));

it('is not done where a column is new: all rows have it', () =>
  inFolder(async root => {
    write(root, { a: many(5), b: many(5, 5) });
    await run(root, steps());
    write(root, { a: [line(0, 'text 0', ', "n": 1'), ...many(5).slice(1)], b: many(5, 5) });
    await run(root, steps());
    const incremental = readTable(join(root, 't'));
    await run(root, steps(), { full: true });
    expect(incremental).toEqual(readTable(join(root, 't')));
    expect(Object.keys(incremental)).toHaveLength(10);
  }));

it('gives after any edits what a full run gives', async () => {
  const row = fc.tuple(fc.nat(11), fc.constantFrom('x', 'y', 'z zz'));
  const file = fc.uniqueArray(row, { selector: ([id]) => id, maxLength: 9 });
  // a key is in one file
  const corpus = fc.record({ a: file, b: file, blank: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(corpus, { minLength: 2, maxLength: 5 }), rounds =>
      inFolder(async root => {
        for (const { a, b, blank } of rounds) {
          const inA = new Set(a.map(([id]) => id));
          const lines = a.map(([id, text]) => line(id, text));
          if (blank) lines.splice(1, 0, '', '  ');
          write(root, {
            a: [line(100, 'first'), ...lines],
            b: b.filter(([id]) => !inA.has(id)).map(([id, text]) => line(id, text)),
          });
          await run(root, steps());
          const wanted = [
            ...(
              readFileSync(join(root, 'docs/a.jsonl'), 'utf8') +
              readFileSync(join(root, 'docs/b.jsonl'), 'utf8')
            ).matchAll(/"id": "(\w+)", "text": "([^"]*)"/g),
          ];
          const table = readTable(join(root, 't')) as Record<string, { text: string }>;
          expect(
            Object.entries(table)
              .map(([key, r]) => [JSON.parse(key)[0], r.text])
              .sort(),
          ).toEqual(wanted.map(m => [m[1], m[2]]).sort());
        }
      }),
    ),
    { numRuns: Number(process.env.MILLRACE_SEQUENCES ?? 8) },
  );
}, 120_000);

it('of rows of one key the first counts, whatever is edited', async () => {
  const file = fc.array(fc.tuple(fc.nat(5), fc.constantFrom('x', 'y', 'z zz')), { maxLength: 6 });
  const corpus = fc.record({ a: file, b: file, c: file, bad: fc.boolean() });
  const skips = steps().map(s => (s.id === 'src' ? { ...s, onError: 'skip' as const } : s));
  await fc.assert(
    fc.asyncProperty(fc.array(corpus, { minLength: 2, maxLength: 5 }), fc.nat(5), (rounds, one) =>
      inFolder(async root => {
        for (const { bad, ...files } of rounds) {
          const lines = Object.entries(files).map(([name, rows]) => [
            name,
            [...(bad ? ['no JSON'] : []), line(100, name), ...rows.map(([id, text]) => line(id, text))],
          ]);
          write(root, Object.fromEntries(lines));
          const source = { ...skips[0], ...(one === 0 && { where: 'worker' as const, parallel: 2 }) };
          await run(root, [source as AnyStep, skips[1]]);
          const wanted = new Map<string, string>([['d100', 'a']]);
          for (const [id, text] of Object.values(files).flat())
            if (!wanted.has(`d${id}`)) wanted.set(`d${id}`, text);
          const table = Object.values(readTable(join(root, 't'))) as { id: string; text: string }[];
          expect(table.map(r => [r.id, r.text]).sort()).toEqual([...wanted].sort());
        }
      }),
    ),
    { numRuns: Number(process.env.MILLRACE_SEQUENCES ?? 8) },
  );
}, 120_000);

it('a piece without some of its lines has the others whole, and as many line ends', () => {
  const piece = fc.array(fc.constantFrom('{"a":1}', '  {"b":2}\r', '', ' ', 'x'), { maxLength: 12 });
  fc.assert(
    fc.property(
      piece,
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      fc.boolean(),
      (lines, keep, ended) => {
        const raw = Buffer.from(lines.join('\n') + (ended ? '\n' : ''));
        const bounds = lineRecords.bounds(raw);
        const records = Array.from({ length: bounds.length / 2 }, (_, i) =>
          raw.toString('utf8', bounds[2 * i], bounds[2 * i + 1]),
        );
        expect(records).toEqual(lines.map(l => l.trim()).filter(l => l !== ''));
        const only = Buffer.from(lineRecords.only(raw, bounds, i => keep[i])).toString();
        let at = 0;
        const wanted = lines.map(l => (l.trim() === '' || keep[at++] ? l.trim() : ''));
        expect(
          only
            .split('\n')
            .slice(0, lines.length)
            .map(l => l.trim()),
        ).toEqual(wanted);
      },
    ),
  );
});

it('finds and hashes lines at once as it does one after the other', () => {
  const hashed = (raw: Uint8Array) => lineRecords.hashed?.(raw);
  const apart = (raw: Uint8Array) => {
    const bounds = lineRecords.bounds(raw);
    return { bounds, hashes: fingerprints(raw, bounds) };
  };
  const bytes = fc.array(fc.constantFrom(10, 10, 13, 32, 9, 97, 255, 0), { maxLength: 100 });
  fc.assert(
    fc.property(bytes, fc.nat(40), (some, longer) => {
      const raw = Uint8Array.from([...some, ...new Array(longer).fill(98), ...some]);
      expect(hashed(raw)).toEqual(apart(raw));
    }),
    { numRuns: 500 },
  );
  const long = Buffer.alloc(1 << 20, `${'x'.repeat(40)}\n`);
  expect(hashed(long)).toEqual(apart(long));
  // nothing of a piece before remains
  expect(hashed(long.subarray(0, 50))).toEqual(apart(long.subarray(0, 50)));
  // too much for one call
  expect(hashed(Buffer.alloc(2 << 20, 'x'))).toBeUndefined();
  expect(hashed(Buffer.alloc(1 << 20, 'x\n'))).toBeUndefined();
});
