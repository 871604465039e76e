/** Incremental equals full: whatever is edited, the sinks hold what a fresh full run gives. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { Ledger, stateFolderOf, TABLE } from '../../src/state/index.ts';
import { operators, type Parts, type Row, readTable, worked } from './fixtures/operators.ts';
import {
  apply,
  contents,
  editArb,
  expected,
  inFolder,
  MEMORY,
  type Params,
  type Ran,
  rowsArb,
  run,
  save,
  shapes,
  twinArb,
} from './shapes.ts';

const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;
const READ = { signed: true, failAt: -1 };
const RUNS = Number(process.env.MILLRACE_SEQUENCES ?? 8);
const TWINS = ['straight', 'chain', 'fork', 'unique', 'clash'];

describe.each(Object.keys(shapes))('a pipeline of shape %s', name => {
  const variants: [boolean, boolean][] = [
    [true, false],
    [false, false],
  ];
  if (TWINS.includes(name)) variants.push([true, true]);
  it.each(variants)(
    'gives after any edits what a full run gives (signed parts: %s, rows of one key: %s)',
    async (signed, twins) => {
      const edit = twins ? fc.oneof(editArb, twinArb, twinArb) : editArb;
      await fc.assert(
        fc.asyncProperty(
          rowsArb,
          fc.array(fc.array(edit, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
          // one in eight: much memory takes its time
          fc.nat(7).map(n => n === 7),
          async (rows, rounds, large) => {
            // with much memory a first run fills the ledger on a thread
            MEMORY.of = large ? '1 GiB' : '64 MiB';
            await inFolder(async root => {
              const parts: Parts = {
                p: structuredClone(rows.slice(0, 6)),
                q: structuredClone(rows.slice(6)),
              };
              const params: Params = { least: 1, by: 2, add: 1, tag: '' };
              const reading = { signed, failAt: -1, twins };
              save(root, parts);
              await run(root, shapes[name](params, reading));
              for (const edits of rounds) {
                for (const edit of edits) apply(parts, params, edit);
                save(root, parts);
                const steps = shapes[name](params, reading);
                await run(root, steps);
                expect(contents(root)).toEqual(await expected(parts, steps));
              }
            });
          },
        ),
        { numRuns: RUNS },
      );
    },
    120_000 + RUNS * 3000,
  );
});

describe('what is redone', () => {
  const rows = (n: number): Row[] =>
    Array.from({ length: n }, (_, i) => ({ id: `d${i}`, n: i, text: `t${i} common` }));
  const params: Params = { least: 1, by: 2, add: 1, tag: '' };
  const sinkOf = (ran: Ran) => ran.result.steps.find(s => s.id === 't');

  it('is nothing where nothing changed', () =>
    inFolder(async root => {
      save(root, { p: rows(9) });
      expect((await run(root, shapes.chain(params, READ))).mode).toBe('full');
      worked.clear();
      const again = await run(root, shapes.chain(params, READ));
      expect(again.mode).toBe('nothing');
      expect([...worked]).toEqual([]);
      expect(again.result.steps[0]).toMatchObject({ added: 0, changed: 0, deleted: 0, kept: 9 });
    }));

  it('is one row’s work where one row changed, and its old rows go', () =>
    inFolder(async root => {
      const parts = { p: rows(9), q: [{ id: 'x', n: 1, text: 'one two three' }] };
      save(root, parts);
      await run(root, shapes.fork(params, READ));
      parts.q[0].text = 'one three';
      worked.clear();
      save(root, parts);
      const ran = await run(root, shapes.fork(params, READ));
      // part p is not even read
      expect(Object.fromEntries(worked)).toEqual({ source: 1, words: 1, writes: 2, deletes: 1 });
      expect(sinkOf(ran)).toMatchObject({ added: 0, changed: 2, deleted: 1, kept: 0 });
    }));

  it('is nothing where rows moved to another file or another place in it', () =>
    inFolder(async root => {
      save(root, { p: rows(5), q: rows(9).slice(5) });
      await run(root, shapes.chain(params, READ));
      worked.clear();
      save(root, { moved: [...rows(5)].reverse(), q: rows(9).slice(5) });
      const ran = await run(root, shapes.chain(params, READ));
      expect(Object.fromEntries(worked)).toEqual({ source: 5 });
      expect(ran.result.steps[0]).toMatchObject({ added: 0, changed: 0, deleted: 0, kept: 9 });
    }));

  it('says which parameter, version or step made it run, with the old value and the new', () =>
    inFolder(async root => {
      save(root, { p: rows(4) });
      await run(root, shapes.chain(params, READ));
      const ran = await run(root, shapes.chain({ ...params, least: 3 }, READ));
      expect(ran).toMatchObject({ mode: 'replay', reasons: [{ step: 'words', text: 'with.least: 1 → 3' }] });
    }));

  it('is everything after --full, and where the sink was changed by another', () =>
    inFolder(async root => {
      save(root, { p: rows(4) });
      const steps = shapes.straight(params, READ);
      await run(root, steps);
      expect((await run(root, steps, { full: true })).mode).toBe('full');
      await rm(join(root, 't.now'));
      const ran = await run(root, steps);
      expect(ran).toMatchObject({ mode: 'replay', reasons: [{ step: 't' }] });
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(4);
    }));

  it('is not the costly step where only other columns changed, nor where rows come back', () =>
    inFolder(async root => {
      const steps: AnyStep[] = [
        { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
        { id: 'vector', op: 'inc.vector' },
        { id: 't', op: 'inc.table', with: { path: 't' } },
      ];
      const parts = { p: rows(6) };
      save(root, parts);
      await run(root, steps);
      worked.clear();
      parts.p[2].n = 99;
      save(root, parts);
      const ran = await run(root, steps);
      expect(Object.fromEntries(worked)).toEqual({ source: 6, writes: 1 });
      expect(ran.result.steps[1]).toMatchObject({ added: 0, kept: 1 });
      save(root, { p: parts.p.slice(1) });
      await run(root, steps);
      worked.clear();
      save(root, parts);
      await run(root, steps);
      expect(worked.get('vector')).toBeUndefined();
      // what failed is not kept: it is tried again
      const bad = { p: [...parts.p, { id: 'b', n: 1, text: 'bad' }] };
      save(root, bad);
      const letters = steps.map(s => (s.id === 'vector' ? { ...s, onError: 'dead-letter' as const } : s));
      expect((await run(root, letters)).result.steps[1].deadLetters).toBe(1);
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(6);
      expect((await run(root, letters, { full: true })).result.steps[1].deadLetters).toBe(1);
    }));

  it('is everything once more where a row is needed that stood before one that is gone', () =>
    inFolder(async root => {
      // "near" gives d5 and takes it back when d1 comes; by then "unique" has put d7 aside for it
      const row = (id: string, n: number, text: string): Row => ({ id, n, text });
      save(root, {
        p: [row('d7', 2, 'dove'), row('x', 8, 'be'), row('y', 9, 'cat')],
        q: [row('d5', 2, 'a')],
        r: [row('d1', 0, 'a')],
      });
      const steps = shapes.near(params, READ).slice(0, 4);
      const ids = () => Object.values(readTable(join(root, 't'))).map(r => r.id);
      await run(root, steps);
      expect(ids()).toEqual(['d1', 'd7', 'x', 'y']);
      await run(root, steps, { incremental: false });
      expect(ids()).toEqual(['d1', 'd7', 'x', 'y']);
    }));

  it('is one title where a document of it changed', () =>
    inFolder(async root => {
      const all = rows(20).map((r, i) => ({ ...r, text: `title ${i % 5}` }));
      const steps: AnyStep[] = [
        { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
        { id: 'titles', op: 'merge.titles', with: { id: 'id', title: 'text', separator: ' ' } },
        { id: 't', op: 'inc.table', with: { path: 't' } },
      ];
      save(root, { p: all });
      await run(root, steps);
      expect(readTable(join(root, 't'))['["d1"]'].doc_ids).toEqual(['d1', 'd6', 'd11', 'd16']);
      // d1 goes from one title to another, d0 goes altogether
      worked.clear();
      const moved = all.slice(1).map(r => (r.id === 'd1' ? { ...r, text: 'title 2' } : r));
      save(root, { p: moved });
      expect(await run(root, steps)).toMatchObject({ mode: 'changes' });
      expect(Object.fromEntries(worked)).toEqual({ source: 19, writes: 3, deletes: 2 });
      const table = readTable(join(root, 't'));
      expect(Object.values(table).map(r => (r.doc_ids as string[]).join(' '))).toEqual([
        'd1 d2 d7 d12 d17',
        'd3 d8 d13 d18',
        'd4 d9 d14 d19',
        'd5 d10 d15',
        'd6 d11 d16',
      ]);
    }));

  it('is nothing where steps have other names', () =>
    inFolder(async root => {
      save(root, { p: rows(6) });
      await run(root, shapes.fork(params, READ));
      const names: Record<string, string> = { src: 'documents', words: 'terms', t: 'table', u: 'other' };
      const renamed = shapes
        .fork(params, READ)
        .map(s => ({ ...s, id: names[s.id] ?? s.id, from: s.from && names[s.from as string] }));
      worked.clear();
      const ran = await run(root, renamed);
      expect(Object.fromEntries(worked)).toEqual({});
      expect(ran.mode).toBe('nothing');
      save(root, { p: [...rows(6), { id: 'x', n: 2, text: 'one' }] });
      expect(await run(root, renamed)).toMatchObject({ mode: 'changes' });
      expect((await run(root, renamed)).mode).toBe('nothing');
      // what a step that is gone had is forgotten, and its place given to another
      await run(root, renamed.slice(0, 3));
      const back = await run(root, renamed);
      expect(back).toMatchObject({ mode: 'replay', reasons: [{ step: 'even' }, { step: 'other' }] });
      expect(contents(root)).toEqual(
        await expected({ p: [...rows(6), { id: 'x', n: 2, text: 'one' }] }, shapes.fork(params, READ)),
      );
    }));

  it('refuses a key that two rows have, naming it', () =>
    inFolder(async root => {
      save(root, { p: [...rows(3), { id: 'd1', n: 5, text: 'twice' }] });
      const { plan } = await check(
        { name: 'inc', steps: shapes.straight(params, READ) },
        { operators, root },
      );
      const result = await startRun(plan as never, { registryUrl }).result;
      expect(result.error).toMatchObject({
        step: 'src',
        message: 'p: id "d1": another row has this key too; keys must be unique',
      });
    }));
});

describe('a flow that writes its result whole', () => {
  it('is left out where nothing changed and what it wrote is there, and says its report again', () =>
    inFolder(async root => {
      const params: Params = { least: 1, by: 2, add: 1, tag: '' };
      save(root, { p: [{ id: 'a', n: 1, text: 'x' }] });
      await run(root, shapes.whole(params, READ));
      worked.clear();
      const again = await run(root, shapes.whole(params, READ));
      expect(again.mode).toBe('nothing');
      expect([...worked]).toEqual([]);
      expect(again.result.reports.l.data).toEqual({ rows: 1, path: 'l.json' });
      await rm(join(root, 'l.json'));
      expect((await run(root, shapes.whole(params, READ))).mode).toBe('replay');
      expect(readFileSync(join(root, 'l.json'), 'utf8')).toContain('"id":"a"');
    }));

  it('keeps no rows where all its sinks do, and knows its rows from the moment one takes changes', () =>
    inFolder(async root => {
      const words = (least: number): AnyStep[] => [
        { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
        { id: 'words', op: 'inc.words', with: { least } },
        { id: 'l', op: 'inc.list', with: { path: 'l.json' } },
      ];
      const table: AnyStep = { id: 't', op: 'inc.table', from: 'words', with: { path: 't' } };
      const rows = (n: number, from = 0): Row[] =>
        Array.from({ length: n }, (_, i) => ({ id: `d${from + i}`, n: i, text: `t${i} common` }));
      save(root, { p: rows(6), q: rows(4, 6) });
      await run(root, words(1));
      const ledger = async (): Promise<number> => {
        const opened = await Ledger.openForReading(stateFolderOf(root, 'inc'));
        const slots = Object.values(opened.meta<Record<string, number>>('slots') ?? {});
        const tables = [TABLE.rows, TABLE.keys, TABLE.children, TABLE.why];
        const found = slots.flatMap(slot => tables.flatMap(t => [...opened.entries(t, slot)]));
        await opened.close();
        return found.length;
      };
      expect(await ledger()).toBe(0);
      worked.clear();
      expect(await run(root, words(1))).toMatchObject({ mode: 'nothing' });
      expect([...worked]).toEqual([]);
      save(root, { p: rows(6), q: rows(5, 6) });
      const again = await run(root, words(1));
      expect(again.mode).toBe('replay');
      expect(again.reasons[0].text).toContain('rows are not remembered one by one');
      expect(await ledger()).toBe(0);

      const both = [...words(1), table];
      // the table is new, and the list lacks its rows' ids
      expect((await run(root, both)).mode).toBe('full');
      expect(await ledger()).toBeGreaterThan(22);
      save(root, { p: rows(5), q: rows(5, 6) });
      await run(root, both);
      expect(contents(root)).toEqual(await expected({ p: rows(5), q: rows(5, 6) }, both));
      // and forgets them where none does any more
      await run(root, words(1));
      expect(await ledger()).toBe(0);
      await run(root, both);
      save(root, { p: rows(5), q: rows(7, 6) });
      await run(root, both);
      expect(contents(root)).toEqual(await expected({ p: rows(5), q: rows(7, 6) }, both));
    }));
});
