/** What `plan` says holds: rows that are there now, and what is left of a run that was cut short. */
import { describe, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { type Besides, besidesRows, FEW_ROWS } from '../../src/run/incremental/besides.ts';
import { type FlowPreview, previewRun } from '../../src/run/index.ts';
import { Ledger, stateFolderOf } from '../../src/state/index.ts';
import { operators, type Row } from './fixtures/operators.ts';
import { inFolder, run, save, tryRun } from './shapes.ts';

const row = (i: number, text: string): Row => ({ id: `d${i}`, n: i, text });
async function previewed(root: string, steps: AnyStep[], full = false): Promise<FlowPreview> {
  const { plan } = await check({ name: 'inc', memory: '64 MiB', steps }, { operators, root, mode: 'run' });
  if (!plan) throw new Error('no plan');
  return (await previewRun(plan, { full }))[0];
}
const kept = (flow: FlowPreview) => flow.steps.map(s => s.rows.kept);

describe('rows that are kept', () => {
  const words: AnyStep[] = [
    { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
    { id: 'words', op: 'inc.words', with: { least: 1 } },
    { id: 'vector', op: 'inc.word-vector' },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  const steps = words.filter(s => s.id !== 'vector');

  it('are those that are there now, not those of the last run over all', () =>
    inFolder(async root => {
      // two words each: ten rows in the table
      const all = [0, 1, 2, 3, 4].map(i => row(i, `a${i} b${i}`));
      save(root, { p: all });
      await run(root, words);
      save(root, { p: all.slice(0, 3) });
      expect(kept(await previewed(root, words))).toEqual([3, 3, 6, 6]);
      await run(root, words);
      save(root, { p: all.slice(0, 3), q: [row(9, 'new')] });
      expect(kept(await previewed(root, words))).toEqual([3, 3, 6, 6]);
      await run(root, words);
      // longer rows than the last run over all knew: d9 gives one, x gives four
      save(root, { p: all.slice(0, 3), q: [row(9, 'new'), row(10, 'k l m n')] });
      await run(root, words);
      save(root, { p: all.slice(0, 3), q: [row(9, 'new'), row(10, 'k l m n')], r: [] });
      // five documents; 3 · 2 + 1 + 4 words
      const touched = await previewed(root, words);
      expect(touched.mode).toBe('changes');
      expect(kept(touched)).toEqual([5, 5, 11, 11]);
      await run(root, words);
      const idle = await previewed(root, words);
      expect(idle.mode).toBe('nothing');
      expect(kept(idle)).toEqual([5, 5, 11, 11]);
    }));

  it('are not told where nothing tells them', () =>
    inFolder(async root => {
      const even: AnyStep[] = [
        ...steps.slice(0, 2),
        { id: 'long', op: 'inc.long', with: { least: 1 } },
        { id: 'more', op: 'inc.long', with: { least: 1 } },
        steps[2],
      ];
      save(root, { p: [] });
      await run(root, even);
      save(root, { p: [row(1, 'one two'), row(2, 'three')] });
      await run(root, even);
      save(root, { p: [row(1, 'one two'), row(2, 'three')], q: [] });
      expect(kept(await previewed(root, even))).toEqual([2, 2, undefined, undefined, 3]);
    }));
});

describe('rows to do', () => {
  const steps: AnyStep[] = [
    { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
    { id: 'plus', op: 'inc.plus' },
    { id: 'words', op: 'inc.words' },
    { id: 'vector', op: 'inc.word-vector' },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  const work = (flow: FlowPreview) => flow.steps.map(s => s.work);

  it('of everything anew are those of the last run over all rows, also after runs over changes', () =>
    inFolder(async root => {
      const all = [0, 1, 2, 3].map(i => row(i, `a${i} b${i} c${i}`));
      save(root, { p: all });
      await run(root, steps);
      expect(work(await previewed(root, steps, true))).toEqual([4, 4, 4, 12, 12]);
      save(root, { p: [...all, row(9, 'k')] });
      expect((await run(root, steps)).mode).toBe('changes');
      // five documents of three words each, as far as is known
      const flow = await previewed(root, steps, true);
      expect(work(flow)).toEqual([5, 5, 5, 15, 15]);
      expect(flow.steps.find(s => s.id === 'vector')?.cost?.rows).toBe(15);
      expect(flow.seconds).toBeGreaterThan(0);
      const over = await tryRun(root, steps, { full: true, maxCost: { rows: 14 } });
      expect(over.result.error?.message).toContain('the run would cost about 15 rows ("vector" 15)');
    }));

  it('are not told behind a step of which no run has told how many it makes of each', () =>
    inFolder(async root => {
      save(root, { p: [0, 1].map(i => row(i, 'one two')) });
      const first = await previewed(root, steps);
      // one row of each is what "plus" makes, whatever comes
      expect(work(first)).toEqual([2, 2, 2, undefined, undefined]);
      expect(first.steps[3]).toMatchObject({
        rows: { added: undefined, deleted: 0 },
        cost: { rows: undefined },
      });
      await run(root, steps);
      // the step that "words" was is another now
      const even = steps.map(s => (s.id === 'plus' ? { id: 'plus', op: 'inc.even' } : s)) as AnyStep[];
      expect(work(await previewed(root, even)).slice(2)).toEqual([undefined, undefined, undefined]);
    }));

  it('behind a step that put rows aside hold these where the step is another now', () =>
    inFolder(async root => {
      const picky = (on: string): AnyStep[] => [
        steps[0],
        steps[2],
        { id: 'picky', op: 'inc.picky', with: { on }, onError: 'dead-letter' },
        steps[4],
      ];
      save(root, { p: [row(1, 'aa ba'), row(2, 'ca da')] });
      await run(root, picky('b'));
      const table = async (of: AnyStep[], full = false) => work(await previewed(root, of, full))[3];
      expect(await table(picky('b'), true)).toBe(3);
      expect(await table(picky('z'))).toBe(4);
      expect((await run(root, picky('z'))).result.steps[3].rowsIn).toBe(4);
    }));
});

describe('seconds', () => {
  const steps: AnyStep[] = [
    { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  it('are those of rows, and what the last run of its kind took to open and to commit', () =>
    inFolder(async root => {
      const of = async (): Promise<{ mode: string; besides: number }> => {
        const { mode, seconds = -1, steps: each } = await previewed(root, steps);
        return { mode, besides: seconds - Math.max(...each.map(s => s.seconds ?? 0)) };
      };
      const noted = async () => {
        const ledger = await Ledger.openForReading(stateFolderOf(root, 'inc'));
        const known = ledger.meta<{ all: Besides; changes?: Besides }>('besides:src');
        await ledger.close();
        return known as { all: Besides; changes?: Besides };
      };
      save(root, { p: [row(1, 'one')] });
      const first = await run(root, steps);
      const { all } = await noted();
      expect(all.opening).toBeGreaterThan(0);
      expect(all.opening + all.rest).toBeLessThanOrEqual(first.result.seconds);
      save(root, { p: [row(1, 'one'), row(2, 'two')] });
      await run(root, steps);
      const { changes } = await noted();
      save(root, { p: [row(1, 'one'), row(2, 'two'), row(3, 'three')] });
      const { mode, besides } = await of();
      expect(mode).toBe('changes');
      expect(besides).toBeCloseTo((changes?.opening ?? -1) + (changes?.rest ?? -1), 9);
    }));

  it('of few rows do not hold what the end of a run over many took', () => {
    const ledgerOf = (known: unknown) => ({ meta: () => known }) as unknown as Ledger;
    const all = { opening: 2, rest: 700 };
    expect(besidesRows(ledgerOf({ all }), 'src', 'replay')).toBe(702);
    expect(besidesRows(ledgerOf({ all }), 'src', 'changes')).toBe(2 + FEW_ROWS.rest);
    expect(besidesRows(ledgerOf({ all, changes: { opening: 1, rest: 3 } }), 'src', 'changes')).toBe(4);
    expect(besidesRows(ledgerOf(undefined), 'src', 'resume')).toBe(FEW_ROWS.opening + FEW_ROWS.rest);
  });
});

describe('a run that was cut short', () => {
  const steps = (failAt: number, add = 1): AnyStep[] => [
    { id: 'src', op: 'inc.parts', with: { path: 'rows.json', failAt } },
    { id: 'plus', op: 'inc.plus', with: { add } },
    { id: 'words', op: 'inc.words', with: { least: 1 } },
    { id: 'vector', op: 'inc.word-vector' },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  const all = Array.from({ length: 20 }, (_, i) => row(i, `a${i} b${i}`));
  it.each([
    ['the first one', 1],
    ['over rows that were known', 2],
  ])('has what is left to do (%s)', (_, add) =>
    inFolder(async root => {
      save(root, { p: all.slice(0, 10), q: all.slice(10) });
      if (add === 2) await run(root, steps(-1));
      const cut = await tryRun(root, steps(12, add), { commitEvery: { rows: 4 } });
      expect(cut.result.error?.message).toContain('as it was told to');
      expect(cut.interim).toBeGreaterThan(0);
      const flow = await previewed(root, steps(-1, add));
      expect(flow.mode).toBe('resume');
      const [src, , words, vector, t] = flow.steps;
      // two words a row
      const work = src.work as number;
      const words2 = 2 * work;
      expect([words.work, vector.work, t.work]).toEqual([work, words2, words2]);
      expect(vector.cost?.rows).toBe(words2);
      expect([words, vector, t].map(s => s.rows.kept)).toEqual([20 - work, 40 - words2, 40 - words2]);
      expect(work).toBeLessThanOrEqual(12);
      // what fits into the cap is let through, and is what the run does
      const ran = await run(root, steps(-1, add), { maxCost: { rows: words2 } });
      expect(ran.mode).toBe('resume');
      expect(ran.result.steps[0].rowsOut).toBe(work);
      expect(ran.result.steps[3].rowsIn).toBe(words2);
    }),
  );
});
