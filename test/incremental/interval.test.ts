/** Runs that commit in the middle, and end before their end: what they did is not done again, and nothing is wrong. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Parts, readTable, worked } from './fixtures/operators.ts';
import {
  apply,
  contents,
  editArb,
  expected,
  inFolder,
  MEMORY,
  type Params,
  rowsArb,
  run,
  save,
  shapes,
  tryRun,
} from './shapes.ts';

const RUNS = Number(process.env.MILLRACE_SEQUENCES ?? 4);
const start = (): Params => ({ least: 1, by: 1, add: 1, tag: '' });
const rows = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => ({ id: `d${from + i}`, n: 2 * i, text: `t${i} common` }));

describe.each(Object.keys(shapes))('a pipeline of shape %s, cut short again and again', name => {
  it.each([true, false])(
    'gives in the end what a full run gives (signed parts: %s)',
    async signed => {
      await fc.assert(
        fc.asyncProperty(
          rowsArb,
          fc.array(
            fc.record({
              edits: fc.array(editArb, { maxLength: 3 }),
              failAt: fc.integer({ min: -1, max: 9 }),
              every: fc.integer({ min: 1, max: 5 }),
              full: fc.boolean(),
            }),
            { minLength: 1, maxLength: 5 },
          ),
          // one in eight: much memory takes its time
          fc.nat(7).map(n => n === 7),
          async (given, rounds, large) => {
            MEMORY.of = large ? '1 GiB' : '64 MiB';
            await inFolder(async root => {
              const parts: Parts = {
                p: structuredClone(given.slice(0, 6)),
                q: structuredClone(given.slice(6)),
              };
              const params = start();
              for (const { edits, failAt, every, full } of rounds) {
                for (const edit of edits) apply(parts, params, edit);
                save(root, parts);
                const before = contents(root);
                const ran = await tryRun(root, shapes[name](params, { signed, failAt }), {
                  commitEvery: { rows: every },
                  full: full && failAt >= 0,
                });
                const { error } = ran.result;
                if (error) {
                  expect(error.message).toContain('as it was told to');
                  // readers see nothing of a run that did not end
                  expect(contents(root)).toEqual(before);
                } else expect(contents(root)).toEqual(await expected(parts, shapes[name](params, READ)));
              }
              await run(root, shapes[name](params, { signed, failAt: -1 }), { commitEvery: { rows: 2 } });
              expect(contents(root)).toEqual(await expected(parts, shapes[name](params, READ)));
            });
          },
        ),
        { numRuns: RUNS },
      );
    },
    120_000 + RUNS * 3000,
  );
});
const READ = { signed: true, failAt: -1 };

describe('a run that was cut short', () => {
  const commitEvery = { rows: 6 };
  it('goes on from its last commit', () =>
    inFolder(async root => {
      save(root, { p: rows(9), q: rows(9, 9), r: rows(9, 18) });
      const cut = await tryRun(root, shapes.chain(start(), { signed: true, failAt: 21 }), { commitEvery });
      expect(cut).toMatchObject({ mode: 'full', interim: 3, result: { status: 'failed' } });
      expect(existsSync(join(root, 't.now'))).toBe(false);
      worked.clear();
      const next = await run(root, shapes.chain(start(), READ), { commitEvery });
      expect(next).toMatchObject({ mode: 'resume', reasons: [{ text: 'the last run was cut short' }] });
      // of 27 rows 18 had been committed; part p is not read again, q was the one being read, its rows are not redone
      expect(worked.get('source')).toBe(18);
      expect(worked.get('plus')).toBe(9);
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(54);
      expect((await run(root, shapes.chain(start(), READ))).mode).toBe('nothing');
    }));

  it('redoes the rows of a step whose parameters changed meanwhile, and no others', () =>
    inFolder(async root => {
      save(root, { p: rows(9), q: rows(9, 9) });
      const steps = (tag: string, failAt: number) =>
        shapes.fork({ ...start(), tag }, { signed: true, failAt });
      await tryRun(root, steps('', 15), { commitEvery });
      const next = await run(root, steps('x', -1), { commitEvery });
      expect(next).toMatchObject({ mode: 'replay', reasons: [{ step: 't', text: 'with.tag: "" → "x"' }] });
      // u keeps the twelve rows it had, t begins anew
      expect(next.result.steps.find(s => s.id === 'u')).toMatchObject({ added: 6, kept: 12 });
      expect(next.result.steps.find(s => s.id === 't')).toMatchObject({ added: 36, kept: 0 });
    }));

  it('over changed rows only goes on with those that are left', () =>
    inFolder(async root => {
      const parts = { p: rows(9), q: rows(9, 9) };
      save(root, parts);
      await run(root, shapes.chain(start(), READ));
      for (const row of [...parts.p, ...parts.q]) row.text += ' more';
      save(root, parts);
      const cut = await tryRun(root, shapes.chain(start(), { signed: true, failAt: 15 }), { commitEvery });
      expect(cut).toMatchObject({ mode: 'changes', interim: 2 });
      worked.clear();
      const next = await run(root, shapes.chain(start(), READ));
      expect(next.mode).toBe('changes');
      expect(worked.get('plus')).toBe(6);
      expect(contents(root)).toEqual(await expected(parts, shapes.chain(start(), READ)));
    }));

  it('takes out what a row gave before, where it gives nothing any more and the run over all rows is cut short', () =>
    inFolder(async root => {
      const parts = { p: [{ id: 'x', n: 0, text: 'a' }, ...rows(3)] };
      save(root, parts);
      const every = { commitEvery: { rows: 1 } };
      await run(root, shapes.chain(start(), READ));
      const params = { ...start(), least: 2 };
      const cut = await tryRun(root, shapes.chain(params, { signed: true, failAt: 2 }), every);
      expect(cut).toMatchObject({ mode: 'replay', interim: 1, result: { status: 'failed' } });
      expect((await run(root, shapes.chain(params, READ), every)).mode).toBe('resume');
      expect(contents(root)).toEqual(await expected(parts, shapes.chain(params, READ)));
    }));

  it('begins anew where what its sink had kept is gone', () =>
    inFolder(async root => {
      save(root, { p: rows(9) });
      await tryRun(root, shapes.straight(start(), { signed: true, failAt: 6 }), { commitEvery: { rows: 3 } });
      writeFileSync(join(root, 't.now'), '0');
      writeFileSync(join(root, 't.0.json'), '{}');
      const next = await run(root, shapes.straight(start(), READ));
      expect(next).toMatchObject({ mode: 'replay', reasons: [{ step: 't' }] });
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(9);
    }));
});
