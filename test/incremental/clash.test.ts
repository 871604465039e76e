/** Two rows that give one key: at the source, and at a sink. The first stays, and what is said names both. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { operators } from '../../operators/index.ts';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { listDeadLetters, stateFolderOf } from '../../src/state/index.ts';
import { type Parts, type Row, readTable, worked } from './fixtures/operators.ts';
import { inFolder, run, save, tryRun } from './shapes.ts';

const row = (id: string, text: string): Row => ({ id, n: 0, text });
const source = (onError: 'fail' | 'skip' = 'fail'): AnyStep => ({
  id: 'src',
  op: 'inc.parts',
  with: { path: 'rows.json' },
  onError,
});
/** Each word of a text is a row that is named by the word alone. */
const byWord = (onError: 'fail' | 'dead-letter' | 'skip', where: 'main' | 'worker' = 'main'): AnyStep[] => [
  source(),
  { id: 'terms', op: 'inc.terms' },
  { id: 't', op: 'inc.table', with: { path: 't' }, onError, where },
];
const holders = (root: string): Record<string, unknown> =>
  Object.fromEntries(Object.values(readTable(join(root, 't'))).map(r => [r.word, r.id]));

it.each(['main', 'worker'] as const)(
  'a full run and an incremental one name both rows and the key (%s)',
  where =>
    inFolder(async root => {
      save(root, { p: [row('a', 'one two'), row('b', 'three one')] });
      const both = {
        step: 't',
        message: 'word "one": id "a" and id "b" give the same key; keys must be unique',
      };
      expect((await tryRun(root, byWord('fail', where))).result.error).toMatchObject(both);
      save(root, { p: [row('a', 'one two')] });
      await run(root, byWord('fail', where));
      // the part of "a" is not read any more
      save(root, { p: [row('a', 'one two')], q: [row('b', 'three one')] });
      const again = await tryRun(root, byWord('fail', where));
      expect(again).toMatchObject({ mode: 'changes', result: { error: both } });
      expect(holders(root)).toEqual({ one: 'a', two: 'a' });
    }),
);

it('a row that gives a key twice is named', () =>
  inFolder(async root => {
    save(root, { p: [row('a', 'one one')] });
    expect((await tryRun(root, byWord('fail'))).result.error).toMatchObject({
      message: 'word "one": id "a" gives this key twice; keys must be unique',
    });
  }));

it('the first row stays, the other is a dead letter and comes in when the first is gone', () =>
  inFolder(async root => {
    const steps = byWord('dead-letter');
    const parts: Parts = { p: [row('a', 'one two')], q: [row('b', 'three one')] };
    save(root, parts);
    await run(root, steps);
    const letters = async () => {
      const all = [];
      for await (const l of listDeadLetters(stateFolderOf(root, 'inc'))) all.push(`${l.where}: ${l.message}`);
      return all;
    };
    expect(holders(root)).toEqual({ one: 'a', two: 'a', three: 'b' });
    expect(await letters()).toEqual(['word "one": id "a" and id "b" give the same key; keys must be unique']);
    expect((await run(root, steps)).mode).toBe('nothing');
    parts.p[0].text = 'two';
    save(root, parts);
    const next = await run(root, steps);
    expect(next).toMatchObject({
      mode: 'replay',
      reasons: [{ step: 't', text: 'two rows gave it one key' }],
    });
    expect(holders(root)).toEqual({ one: 'b', two: 'a', three: 'b' });
    expect(await letters()).toEqual([]);
    // and from here on changes alone go through
    parts.q[0].text = 'three';
    save(root, parts);
    expect((await run(root, steps)).mode).toBe('changes');
    expect(holders(root)).toEqual({ two: 'a', three: 'b' });
    // a row that stands in front takes the key from one that is not read
    save(root, { o: [row('c', 'two')], ...parts });
    await run(root, steps);
    expect(holders(root)).toEqual({ two: 'c', three: 'b' });
    expect(await letters()).toHaveLength(1);
  }));

it('a key may go from one row to another, whichever comes first', () =>
  inFolder(async root => {
    save(root, { p: [row('a', 'one')], q: [row('b', 'two')] });
    await run(root, byWord('fail'));
    save(root, { p: [row('a', 'two')], q: [row('b', 'one')] });
    expect((await run(root, byWord('fail'))).mode).toBe('changes');
    expect(holders(root)).toEqual({ one: 'b', two: 'a' });
    save(root, { p: [row('a', 'two'), row('c', 'one')] });
    await run(root, byWord('fail'));
    expect(holders(root)).toEqual({ one: 'c', two: 'a' });
  }));

it('a key that is on its way from one row to another is not committed half', () =>
  inFolder(async root => {
    const steps = (failAt: number): AnyStep[] => [
      { id: 'src', op: 'inc.parts', with: { path: 'rows.json', failAt } },
      ...byWord('fail').slice(1),
    ];
    const parts = (a: string, b: string): Parts => ({
      p: [row('a', a), row('x', 'x'), row('y', 'y')],
      q: [row('b', b), row('z', 'z')],
    });
    save(root, parts('one', 'two'));
    await run(root, steps(-1));
    save(root, parts('two', 'three'));
    // were "two" committed for "a" alone, "b" would take it out when it comes
    const cut = await tryRun(root, steps(3), { commitEvery: { rows: 1 } });
    expect(cut).toMatchObject({ interim: 0, result: { status: 'failed' } });
    await run(root, steps(-1));
    expect(holders(root)).toEqual({ two: 'a', x: 'x', y: 'y', three: 'b', z: 'z' });
  }));

it('a row of the source that was left out comes in when its key is free', () =>
  inFolder(async root => {
    const steps: AnyStep[] = [source('skip'), { id: 't', op: 'inc.table', with: { path: 't' } }];
    const texts = () => Object.values(readTable(join(root, 't'))).map(r => r.text);
    save(root, { p: [row('a', 'first')], q: [row('a', 'second'), row('b', 'b')], r: [row('c', 'c')] });
    await run(root, steps);
    expect(texts()).toEqual(['first', 'b', 'c']);
    expect((await run(root, steps)).mode).toBe('nothing');
    // only the part that changed and the one with the row that was left out are read
    worked.clear();
    save(root, { p: [row('d', 'd')], q: [row('a', 'second'), row('b', 'b')], r: [row('c', 'c')] });
    await run(root, steps);
    expect(worked.get('source')).toBe(3);
    expect(texts().sort()).toEqual(['b', 'c', 'd', 'second']);
  }));

it('an index says itself which keys it has', () =>
  inFolder(async root => {
    const steps = [
      { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
      { id: 'index', op: 'index.sparse', with: { path: 'i', key: 'title' } },
    ];
    mkdirSync(join(root, 'docs'));
    const write = (name: string, ...titles: string[]): void =>
      writeFileSync(
        join(root, 'docs', `${name}.jsonl`),
        titles.map((title, i) => `{"id":"${name}${i}","title":"${title}","text":"t"}\n`).join(''),
      );
    const go = async () => {
      const { plan } = await check({ name: 'd', memory: '256 MiB', steps }, { operators, root, mode: 'run' });
      const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;
      return (await startRun(plan as never, { registryUrl }).result).error?.message;
    };
    write('a', 'Seoul', 'Busan');
    expect(await go()).toBeUndefined();
    write('b', 'Seoul');
    expect(await go()).toBe(
      'title "Seoul": doc_id "a0" and doc_id "b0" give the same key; keys must be unique',
    );
    write('a', 'Daegu', 'Busan');
    expect(await go()).toBeUndefined();
  }));
