import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { findInState, previewRun, startRun } from '../../src/run/index.ts';
import { type KeptLetter, listDeadLetters, stateFolderOf } from '../../src/state/index.ts';
import { operators, type Parts, worked } from './fixtures/operators.ts';

const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-ask-'));
  worked.clear();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const steps = (least = 1): AnyStep[] => [
  { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
  { id: 'words', op: 'inc.words', with: { least } },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const save = (parts: Parts) => writeFile(join(root, 'rows.json'), JSON.stringify(parts));
async function planned(defined = steps()) {
  const { plan, problems } = await check({ name: 'ask', steps: defined }, { operators, root, mode: 'run' });
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}
const run = async (defined = steps(), redo?: ReadonlyMap<string, ReadonlySet<number>>) => {
  const result = await startRun(await planned(defined), { registryUrl, redo }).result;
  expect(result.error).toBeUndefined();
  return result;
};
const find = (key: string) => findInState(stateFolderOf(root, 'ask'), key);

describe('finding a row', () => {
  it('says where it stands, what it became and why it went through', async () => {
    await save({
      a: [{ id: 'x', n: 1, text: 'one two' }],
      b: [
        { id: 'y', n: 2, text: 'three' },
        { id: 'z', n: 3, text: 'four' },
      ],
    });
    await run();
    expect(await find('z')).toMatchObject([
      {
        source: 'src',
        key: ['z'],
        part: 'b',
        row: 1,
        at: { t: ['z#0'] },
        matched: 'source',
        values: { n: 3, text: 'four' },
      },
    ]);
    // a unit leads back to its document
    expect(await find('x#1')).toMatchObject([
      { key: ['x'], part: 'a', row: 0, at: { t: ['x#0', 'x#1'] }, matched: 'sink' },
    ]);
    expect((await find('z'))[0].why).toBeUndefined();
    await save({
      a: [{ id: 'x', n: 1, text: 'one two' }],
      b: [
        { id: 'y', n: 2, text: 'three' },
        { id: 'z', n: 9, text: 'four five' },
      ],
    });
    await run();
    const [row] = await find('z#1');
    expect(row.why).toMatchObject({
      kind: 'changed',
      columns: { n: { old: 3, now: 9 }, text: { old: 'four', now: 'four five' } },
    });
    expect(row.last.mode).toBe('changes');
    expect(await find('nothing')).toEqual([]);
  });

  it('says which parameter made all rows go through', async () => {
    await save({ a: [{ id: 'x', n: 1, text: 'one two' }] });
    await run();
    await run(steps(3));
    const [row] = await find('x');
    expect(row.last).toMatchObject({
      mode: 'replay',
      reasons: [{ step: 'words', text: 'with.least: 1 → 3' }],
    });
  });
});

describe('a preview', () => {
  it('counts what changed and changes nothing', async () => {
    const part = (n: number, from = 0) =>
      Array.from({ length: n }, (_, i) => ({ id: `d${from + i}`, n: i, text: `a b ${i}` }));
    await save({ a: part(6), b: part(4, 6) });
    const first = await previewRun(await planned());
    expect(first[0]).toMatchObject({
      mode: 'full',
      reasons: [{ text: 'it has not run before' }],
      steps: [{ rows: { added: 10 } }, {}, {}],
    });
    await run();
    expect((await previewRun(await planned()))[0]).toMatchObject({ mode: 'nothing', seconds: 0 });
    const edited = part(4, 6);
    edited[1].text = 'other words';
    await save({ a: part(6), b: [...edited.slice(1), { id: 'new', n: 1, text: 'x' }] });
    worked.clear();
    const [flow] = await previewRun(await planned());
    expect(flow.mode).toBe('changes');
    expect(flow.steps[0]).toMatchObject({
      counted: true,
      rows: { added: 1, changed: 1, deleted: 1, kept: 8 },
      work: 2,
    });
    expect(flow.steps[2]).toMatchObject({ counted: false, work: 6 });
    expect(flow.seconds).toBeGreaterThanOrEqual(0);
    // part a was not read, and no step has worked
    expect(Object.fromEntries(worked)).toEqual({ source: 4 });
    const [replay] = await previewRun(await planned(steps(2)));
    expect(replay).toMatchObject({ mode: 'replay', steps: [{ work: 10 }, { work: 10 }, {}] });
    const ran = await run();
    expect(ran.steps[0]).toMatchObject({ added: 1, changed: 1, deleted: 1, kept: 8 });
  });
});

describe('dead letters', () => {
  const costly = (): AnyStep[] => [
    { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
    { id: 'vector', op: 'inc.vector', onError: 'dead-letter' },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  const list = async () => {
    const all: KeptLetter[] = [];
    for await (const letter of listDeadLetters(stateFolderOf(root, 'ask'))) all.push(letter);
    return all;
  };
  it('stay on the list until their row goes through or is gone', async () => {
    await save({
      a: [
        { id: 'x', n: 1, text: 'fine' },
        { id: 'y', n: 1, text: 'bad' },
        { id: 'z', n: 1, text: 'bad too' },
      ],
    });
    await run(costly());
    const [first, second] = await list();
    expect([first.where, second.where]).toEqual(['id y', 'id z']);
    expect(first.root).toEqual({ source: 'src', id: 1 });
    // a run in which the row does not go through leaves it there; one that tries it again writes it anew
    await run(costly());
    expect((await list()).map(l => l.id)).toEqual([first.id, second.id]);
    await run(costly(), new Map([['src', new Set([1])]]));
    const after = await list();
    expect(after.map(l => l.where).sort()).toEqual(['id y', 'id z']);
    const runOf = (l: { id: string } | undefined) => l?.id.split('/')[0];
    expect(runOf(after.find(l => l.where === 'id y'))).not.toBe(runOf(first));
    expect(runOf(after.find(l => l.where === 'id z'))).toBe(runOf(first));
    await save({
      a: [
        { id: 'x', n: 1, text: 'fine' },
        { id: 'y', n: 1, text: 'good' },
      ],
    });
    const result = await run(costly());
    expect(result.steps[2]).toMatchObject({ added: 1 });
    expect(await list()).toEqual([]);
  });
});

describe('rows to do again', () => {
  it('go through though they are as they were', async () => {
    await save({
      a: [
        { id: 'x', n: 1, text: 'one two' },
        { id: 'y', n: 1, text: 'three' },
      ],
      b: [{ id: 'z', n: 1, text: 'four' }],
    });
    await run();
    const [{ id }] = await find('y');
    worked.clear();
    const result = await run(steps(), new Map([['src', new Set([id])]]));
    expect(Object.fromEntries(worked)).toEqual({ source: 2, words: 1 });
    expect(result.steps[2]).toMatchObject({ added: 0, kept: 1 });
    expect((await find('y'))[0].why).toMatchObject({ kind: 'again' });
  });
});
