/** Indexes that are damaged, gone back, moved, or in the way: what the next run makes of them. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operators } from '../../operators/index.ts';
import { check } from '../../src/plan/index.ts';
import { rollback, SparseIndex, sparseGenerations, verify } from '../../src/retrieval/sparse/index.ts';
import { startRun } from '../../src/run/index.ts';

const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-damage-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const save = (n: number, from = 0): void =>
  writeFileSync(
    join(root, 'docs.jsonl'),
    Array.from(
      { length: n },
      (_, i) => `{"id":"d${from + i}","title":"","text":"common word${from + i}"}\n`,
    ).join(''),
  );
async function run(at = root): Promise<{ mode: string; reasons: unknown; error?: { message: string } }> {
  const steps = [
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs.jsonl' } },
    { id: 'index', op: 'index.sparse', with: { path: 'i' } },
  ];
  const { plan } = await check({ name: 'd', memory: '256 MiB', steps }, { operators, root: at, mode: 'run' });
  if (!plan) throw new Error('no plan');
  const handle = startRun(plan, { registryUrl });
  let told: { mode: string; reasons: unknown } = { mode: '', reasons: [] };
  handle.events.subscribe(e => {
    if (e.type === 'flow') told = e;
  });
  const { error } = await handle.result;
  return { mode: told.mode, reasons: told.reasons, error };
}
async function found(at = root): Promise<string[]> {
  const index = await SparseIndex.open(join(at, 'i'));
  try {
    return index
      .rows(index.search('common', { k: 100 }).docs)
      .map(r => String(r.doc_id))
      .sort();
  } finally {
    index.close();
  }
}
const all = (n: number): string[] => Array.from({ length: n }, (_, i) => `d${i}`).sort();

describe('an index file', () => {
  const kinds = ['CURRENT', 'manifest', 'segment', 'tombstones'] as const;
  it.each(
    kinds.flatMap(
      kind =>
        [
          [kind, 'cut off'],
          [kind, 'with a flipped bit'],
        ] as const,
    ),
  )(
    '%s, %s, is named by verify and built anew by the next run',
    async (kind, how) => {
      save(40);
      await run();
      save(39);
      await run();
      const ending = { CURRENT: /^CURRENT$/, manifest: /^manifest/, segment: /\.seg$/, tombstones: /\.del$/ }[
        kind
      ];
      const file = join(
        root,
        'i',
        readdirSync(join(root, 'i'))
          .filter(n => ending.test(n))
          .sort()
          .at(-1) as string,
      );
      const bytes = readFileSync(file);
      if (how === 'cut off') truncateSync(file, bytes.length - 5);
      else {
        bytes[bytes.length >> 1] ^= 8;
        writeFileSync(file, bytes);
      }
      const { problems } = await verify(join(root, 'i'));
      expect(problems.map(p => p.file)).toContain(file);
      expect(await run()).toMatchObject({ mode: 'replay', reasons: [{ step: 'index' }], error: undefined });
      expect(await found()).toEqual(all(39));
      expect((await verify(join(root, 'i'))).problems).toEqual([]);
    },
    30_000,
  );
});

it('an index that went back a generation is built anew by the next run', async () => {
  save(3);
  await run();
  save(5);
  await run();
  await rollback(join(root, 'i'));
  expect(await found()).toEqual(all(3));
  expect(await run()).toMatchObject({ mode: 'replay', reasons: [{ step: 'index' }] });
  expect(await found()).toEqual(all(5));
});

it('a folder that was copied or moved goes on where it was', async () => {
  save(4);
  await run();
  const copy = `${root}-copy`;
  try {
    execFileSync('cp', ['-a', root, copy]);
    expect((await run(copy)).mode).toBe('nothing');
    save(6);
    cpSync(join(root, 'docs.jsonl'), join(copy, 'docs.jsonl'));
    expect((await run(copy)).mode).toBe('changes');
    expect(await found(copy)).toEqual(all(6));
    renameSync(copy, `${copy}2`);
    expect((await run(`${copy}2`)).mode).toBe('nothing');
  } finally {
    await rm(copy, { recursive: true, force: true });
    await rm(`${copy}2`, { recursive: true, force: true });
  }
});

it('a folder that was copied with new times is read whole once, and no more', async () => {
  save(4);
  await run();
  const copy = `${root}-copy`;
  try {
    execFileSync('cp', ['-a', root, copy]);
    const index = join(copy, 'i');
    const later = new Date(Date.now() + 5000);
    for (const name of readdirSync(index).filter(n => n.endsWith('.seg')))
      utimesSync(join(index, name), later, later);
    expect(sparseGenerations.isChanged(index, 1)).toBe(true);
    expect((await run(copy)).mode).toBe('nothing');
    expect(sparseGenerations.isChanged(index, 1)).toBe(false);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

it('two runs at once: one works, the other says who does', async () => {
  save(50);
  const [a, b] = await Promise.all([run(), run()]);
  expect([a.error, b.error].filter(e => e === undefined)).toHaveLength(1);
  expect((a.error ?? b.error)?.message).toMatch(/is being written by process \d+/);
  expect(await found()).toEqual(all(50));
});
