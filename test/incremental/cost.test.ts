/** A spending cap: nothing is done where the estimate is over it, and a run ends before rows that no estimate saw. */
import { expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { previewRun } from '../../src/run/incremental/preview.ts';
import { CostError, failureOf, type RunOptions } from '../../src/run/index.ts';
import { operators, type Row, worked } from './fixtures/operators.ts';
import { inFolder, run, save, tryRun } from './shapes.ts';

const rows = (n: number, text = 'abcd efgh'): Row[] =>
  Array.from({ length: n }, (_, i) => ({ id: `d${i}`, n: i, text: `${text} ${i % 10}` }));
const source: AnyStep = { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } };
const steps: AnyStep[] = [
  source,
  { id: 'vector', op: 'inc.vector' },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const costs = async (root: string, of: AnyStep[]) => {
  const { plan } = await check(
    { name: 'inc', memory: '64 MiB', steps: of },
    { operators, root, mode: 'run' },
  );
  const flows = await previewRun(plan as never);
  return flows.flatMap(f => f.steps.flatMap(s => (s.cost ? [[s.id, s.cost.rows, s.cost.tokens]] : [])));
};

it('a run whose estimate is over the cap does nothing; rows that were paid for do not count', () =>
  inFolder(async root => {
    save(root, { p: rows(20) });
    worked.clear();
    // 11 bytes a text: 3 tokens
    expect(await costs(root, steps)).toEqual([['vector', 20, 60]]);
    const over = await tryRun(root, steps, { maxCost: { rows: 19 } });
    expect(over.result.error?.message).toBe(
      'the run would cost about 20 rows ("vector" 20), --max-cost allows 19',
    );
    expect((await tryRun(root, steps, { maxCost: { tokens: 59 } })).result.error?.message).toContain(
      'about 60 tokens',
    );
    expect(worked.get('vector')).toBeUndefined();
    await run(root, steps, { maxCost: { rows: 20, tokens: 60 } });
    save(root, { p: rows(20), q: [{ id: 'x', n: 1, text: 'new' }] });
    expect(await costs(root, steps)).toEqual([['vector', 1, 1]]);
    await run(root, steps, { maxCost: { rows: 1 } });
    // a sink that begins anew has all rows again, out of the cache
    const anew = steps.map(s => (s.id === 't' ? { ...s, with: { path: 't', tag: 'x' } } : s)) as AnyStep[];
    expect(await costs(root, anew)).toEqual([['vector', 0, 0]]);
    expect((await run(root, anew, { maxCost: { rows: 0 } })).mode).toBe('replay');
    const scaled = steps.map(s => (s.id === 'vector' ? { ...s, with: { scale: 2 } } : s)) as AnyStep[];
    expect((await tryRun(root, scaled, { maxCost: { rows: 20 } })).result.error?.message).toContain(
      'about 21',
    );
  }));

it('a run that comes to more than was foreseen ends before it, and what was paid for is kept', () =>
  inFolder(async root => {
    // a row a word: how many is not known before
    const words: AnyStep[] = [
      source,
      { id: 'words', op: 'inc.words' },
      { id: 'vector', op: 'inc.vector', batch: { rows: 10 } },
      { id: 't', op: 'inc.table', with: { path: 't' } },
    ];
    const texts = Array.from({ length: 20 }, (_, i) => ({ id: `d${i}`, n: i, text: `a${i} b${i} c${i}` }));
    const byWord = words.map(s => (s.id === 'vector' ? { ...s, op: 'inc.word-vector' } : s)) as AnyStep[];
    save(root, { p: texts });
    worked.clear();
    const over = await tryRun(root, byWord, { maxCost: { rows: 45 } });
    expect(over.result.error).toMatchObject({
      step: 'vector',
      message: '--max-cost allows 45 rows: 40 are spent, and "vector" has 10 more to work on',
      help: expect.stringContaining('results of "vector" so far are in the cache'),
    });
    // without a cache nothing is kept
    const sample = await tryRun(root, byWord, { maxCost: { rows: 45 }, incremental: false });
    expect(sample.result.error?.help).toBe('raise --max-cost, or give it fewer rows');
    worked.set('word-vector', 40);
    await run(root, byWord, { maxCost: { rows: 20 } });
    expect(worked.get('word-vector')).toBe(60);
  }));

it('tokens of rows that are not read again are as many each as in the last run over all rows', () =>
  inFolder(async root => {
    const of = (least: number, by?: string): AnyStep[] => [
      source,
      { id: 'words', op: 'inc.words', with: { least } },
      ...(by === undefined ? [] : [{ id: 'vector', op: by } as AnyStep]),
      { id: 't', op: 'inc.table', with: { path: 't' } },
    ];
    const texts = [0, 1, 2, 3].map(i => ({ id: `d${i}`, n: i, text: `a${i} b${i}` }));
    save(root, { p: texts });
    // each word has its whole text with it: neither rows nor tokens are those of the source
    expect(await costs(root, of(1, 'inc.word-vector'))).toEqual([['vector', undefined, undefined]]);
    await run(root, of(1));
    // the step is new: nobody knows what its rows hold
    expect(await costs(root, of(1, 'inc.word-vector'))).toEqual([['vector', 8, undefined]]);
    await run(root, of(1, 'inc.word-vector'));
    // two words a text, each with the text of five bytes: two tokens
    expect(await costs(root, of(2, 'inc.word-vector'))).toEqual([['vector', 8, 16]]);
    const over = await tryRun(root, of(2, 'inc.word-vector'), { maxCost: { tokens: 15 } });
    expect(over.result.error?.message).toBe(
      'the run would cost about 16 tokens ("vector" 16), --max-cost allows 15',
    );
    // a run over few rows tells nothing of all
    save(root, { p: [...texts, { id: 'x', n: 1, text: 'k' }] });
    await run(root, of(1, 'inc.word-vector'));
    expect(await costs(root, of(2, 'inc.word-vector'))).toEqual([['vector', 10, 20]]);
  }));

it('tokens of rows that changed and of those that come by again fit the rows', () =>
  inFolder(async root => {
    save(root, { p: rows(10), q: [{ id: 'x', n: 1, text: 'abcd efgh' }] });
    await run(root, steps);
    save(root, { p: rows(10), q: [{ id: 'x', n: 1, text: 'new' }] });
    const scaled = steps.map(s => (s.id === 'vector' ? { ...s, with: { scale: 2 } } : s)) as AnyStep[];
    // ten of three tokens that nobody reads, and one of one
    expect(await costs(root, scaled)).toEqual([['vector', 11, 31]]);
    // out of the cache come the ten, not the one
    const anew = steps.map(s => (s.id === 't' ? { ...s, with: { path: 't', tag: 'x' } } : s)) as AnyStep[];
    expect(await costs(root, anew)).toEqual([['vector', 1, 1]]);
    expect((await run(root, anew, { maxCost: { rows: 1, tokens: 1 } })).mode).toBe('replay');
  }));

it('says whether the same run goes on where a cap stopped it, and it does', () =>
  inFolder(async root => {
    const byWord: AnyStep[] = [
      source,
      { id: 'words', op: 'inc.words' },
      { id: 'vector', op: 'inc.word-vector', batch: { rows: 10 } },
      { id: 't', op: 'inc.table', with: { path: 't' } },
    ];
    const stop = async (options: Partial<RunOptions>): Promise<unknown> => {
      const failure = failureOf((await tryRun(root, byWord, options)).result) as Error;
      const { unit, least, goesOn } = failure.cause as CostError;
      expect(failure.cause).toBeInstanceOf(CostError);
      return [unit, least, goesOn];
    };
    save(root, {
      p: Array.from({ length: 20 }, (_, i) => ({ id: `d${i}`, n: i, text: `a${i} b${i} c${i}` })),
    });
    // a piece of ten is more than it may ever be
    expect(await stop({ maxCost: { rows: 9 } })).toEqual(['rows', 10, false]);
    // where nothing is taken from the cache, or there is none, the same would come to the same end
    expect(await stop({ maxCost: { rows: 25 }, full: true })).toEqual(['rows', 30, false]);
    expect(await stop({ maxCost: { rows: 25 }, incremental: false })).toEqual(['rows', 30, false]);
    // sixty words, of which twenty are kept since they were worked on with --full
    expect(await stop({ maxCost: { rows: 25 } })).toEqual(['rows', 30, true]);
    await run(root, byWord, { maxCost: { rows: 25 } });
  }));
