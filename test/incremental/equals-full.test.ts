/** Incremental equals full: whatever is edited, the sinks hold what a fresh full run gives. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyOperator, type AnyStep, asEngine } from '../../src/define/index.ts';
import type { RunEvent, RunResult } from '../../src/events/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { operators, type Parts, type Row, readTable, worked } from './fixtures/operators.ts';

const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;

interface Ran {
  readonly result: RunResult;
  readonly mode: string;
  readonly reasons: readonly { step?: string; text: string }[];
}
async function run(root: string, steps: AnyStep[], full = false): Promise<Ran> {
  const definition = { name: 'inc', memory: '64 MiB', steps };
  const { plan, problems } = await check(definition, { operators, root, mode: 'run' });
  if (!plan) throw new Error(JSON.stringify(problems));
  const handle = startRun(plan, { registryUrl, full });
  const events: RunEvent[] = [];
  handle.events.subscribe(e => events.push(e));
  const result = await handle.result;
  expect(result.error).toBeUndefined();
  const flow = events.find(e => e.type === 'flow');
  return { result, mode: flow?.mode ?? '', reasons: flow?.reasons ?? [] };
}

async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-inc-'));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
const save = (root: string, parts: Parts): void =>
  writeFileSync(join(root, 'rows.json'), JSON.stringify(parts));

interface Params {
  least: number;
  by: number;
  add: number;
  tag: string;
}
type Shape = (p: Params, signed: boolean) => AnyStep[];
const source = (signed: boolean): AnyStep => ({
  id: 'src',
  op: 'inc.parts',
  with: { path: 'rows.json', signed },
});
const shapes: Record<string, Shape> = {
  straight: (p, s) => [source(s), { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } }],
  chain: (p, s) => [
    source(s),
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
  ],
  fork: (p, s) => [
    source(s),
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'even', op: 'inc.even', from: 'src', with: { by: p.by }, batch: { rows: 4, linger: '1ms' } },
    { id: 'u', op: 'inc.table', with: { path: 'u' } },
  ],
  workers: (p, s) => [
    source(s),
    { id: 'plus', op: 'inc.plus', with: { add: p.add }, parallel: 3 },
    { id: 'words', op: 'inc.words', with: { least: p.least }, parallel: 2 },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
  ],
  costly: (p, s) => [
    source(s),
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'vector', op: 'inc.vector', with: { scale: p.add } },
    { id: 'words', op: 'inc.costly-words' },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'again', op: 'inc.vector', from: 'src', parallel: 2 },
    { id: 'l', op: 'inc.list', with: { path: 'l.json' } },
  ],
  stateful: (p, s) => [
    source(s),
    { id: 'firsts', op: 'inc.firsts' },
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
  ],
  whole: (p, s) => [
    source(s),
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'l', op: 'inc.list', from: 'plus', with: { path: 'l.json' } },
  ],
};

const contents = (root: string): unknown => ({
  t: readTable(join(root, 't')),
  u: readTable(join(root, 'u')),
  l: existsSync(join(root, 'l.json')) ? readFileSync(join(root, 'l.json'), 'utf8') : undefined,
});

const rowArb = fc.record({
  id: fc.integer({ min: 0, max: 14 }).map(i => `d${i}`),
  n: fc.nat(5),
  text: fc.array(fc.constantFrom('a', 'be', 'cat', 'dove'), { maxLength: 4 }).map(w => w.join(' ')),
});
const editArb = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), part: fc.constantFrom('p', 'q', 'r'), row: rowArb }),
  fc.record({ kind: fc.constant('remove' as const), pick: fc.nat(20) }),
  fc.record({ kind: fc.constant('number' as const), pick: fc.nat(20), n: fc.nat(5) }),
  fc.record({ kind: fc.constant('text' as const), pick: fc.nat(20), text: rowArb.map(r => r.text) }),
  fc.record({
    kind: fc.constant('rename' as const),
    from: fc.constantFrom('p', 'q'),
    to: fc.constantFrom('r', 's'),
  }),
  fc.record({ kind: fc.constant('reorder' as const), part: fc.constantFrom('p', 'q', 'r') }),
  fc.record({ kind: fc.constant('drop' as const), part: fc.constantFrom('p', 'q', 'r') }),
  fc.record({
    kind: fc.constant('param' as const),
    name: fc.constantFrom('least', 'by', 'add', 'tag'),
    value: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('version' as const),
    op: fc.constantFrom('inc.words', 'inc.plus', 'inc.table'),
  }),
  fc.record({ kind: fc.constant('nothing' as const) }),
);

function apply(
  parts: Parts,
  params: Params,
  edit: typeof editArb extends fc.Arbitrary<infer E> ? E : never,
): void {
  const all = Object.values(parts).flat();
  const picked = 'pick' in edit && all.length ? all[edit.pick % all.length] : undefined;
  const without = (id: string): void => {
    for (const name of Object.keys(parts)) parts[name] = parts[name].filter(r => r.id !== id);
  };
  if (edit.kind === 'put') {
    without(edit.row.id);
    parts[edit.part] = [...(parts[edit.part] ?? []), { ...edit.row }];
  } else if (edit.kind === 'remove' && picked) without(picked.id);
  else if (edit.kind === 'number' && picked) picked.n = edit.n;
  else if (edit.kind === 'text' && picked) picked.text = edit.text;
  else if (edit.kind === 'rename' && parts[edit.from] && !parts[edit.to]) {
    parts[edit.to] = parts[edit.from];
    delete parts[edit.from];
  } else if (edit.kind === 'reorder') parts[edit.part]?.reverse();
  else if (edit.kind === 'drop') delete parts[edit.part];
  else if (edit.kind === 'param')
    Object.assign(params, { [edit.name]: edit.name === 'tag' ? `${edit.value}` : edit.value });
  else if (edit.kind === 'version') {
    const op = operators.find(o => o.name === edit.op) as AnyOperator;
    Object.assign(op, { version: asEngine(op).version + 1 });
  }
}

const RUNS = Number(process.env.MILLRACE_SEQUENCES ?? 12);

describe.each(Object.keys(shapes))('a pipeline of shape %s', name => {
  it.each([true, false])(
    'gives after any edits what a full run gives (signed parts: %s)',
    async signed => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(rowArb, { selector: r => r.id, maxLength: 10 }),
          fc.array(fc.array(editArb, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
          async (rows, rounds) => {
            await inFolder(async root => {
              const parts: Parts = {
                p: structuredClone(rows.slice(0, 6)),
                q: structuredClone(rows.slice(6)),
              };
              const params: Params = { least: 1, by: 2, add: 1, tag: '' };
              save(root, parts);
              await run(root, shapes[name](params, signed));
              for (const edits of rounds) {
                for (const edit of edits) apply(parts, params, edit);
                save(root, parts);
                const steps = shapes[name](params, signed);
                await run(root, steps);
                const expected = await inFolder(async fresh => {
                  save(fresh, parts);
                  await run(fresh, steps, true);
                  return contents(fresh);
                });
                expect(contents(root)).toEqual(expected);
              }
            });
          },
        ),
        { numRuns: RUNS },
      );
    },
    120_000,
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
      expect((await run(root, shapes.chain(params, true))).mode).toBe('full');
      worked.clear();
      const again = await run(root, shapes.chain(params, true));
      expect(again.mode).toBe('nothing');
      expect([...worked]).toEqual([]);
      expect(again.result.steps[0]).toMatchObject({ added: 0, changed: 0, deleted: 0, kept: 9 });
    }));

  it('is one row’s work where one row changed, and its old rows go', () =>
    inFolder(async root => {
      const parts = { p: rows(9), q: [{ id: 'x', n: 1, text: 'one two three' }] };
      save(root, parts);
      await run(root, shapes.fork(params, true));
      parts.q[0].text = 'one three';
      worked.clear();
      save(root, parts);
      const ran = await run(root, shapes.fork(params, true));
      // part p is not even read
      expect(Object.fromEntries(worked)).toEqual({ source: 1, words: 1, writes: 2, deletes: 1 });
      expect(sinkOf(ran)).toMatchObject({ added: 0, changed: 2, deleted: 1, kept: 0 });
    }));

  it('is nothing where rows moved to another file or another place in it', () =>
    inFolder(async root => {
      save(root, { p: rows(5), q: rows(9).slice(5) });
      await run(root, shapes.chain(params, true));
      worked.clear();
      save(root, { moved: [...rows(5)].reverse(), q: rows(9).slice(5) });
      const ran = await run(root, shapes.chain(params, true));
      expect(Object.fromEntries(worked)).toEqual({ source: 5 });
      expect(ran.result.steps[0]).toMatchObject({ added: 0, changed: 0, deleted: 0, kept: 9 });
    }));

  it('says which parameter, version or step made it run, with the old value and the new', () =>
    inFolder(async root => {
      save(root, { p: rows(4) });
      await run(root, shapes.chain(params, true));
      const ran = await run(root, shapes.chain({ ...params, least: 3 }, true));
      expect(ran).toMatchObject({ mode: 'replay', reasons: [{ step: 'words', text: 'with.least: 1 → 3' }] });
    }));

  it('is everything after --full, and where the sink was changed by another', () =>
    inFolder(async root => {
      save(root, { p: rows(4) });
      const steps = shapes.straight(params, true);
      await run(root, steps);
      expect((await run(root, steps, true)).mode).toBe('full');
      await rm(join(root, 't.now'));
      const ran = await run(root, steps);
      expect(ran).toMatchObject({ mode: 'replay', reasons: [{ step: 't' }] });
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(4);
    }));

  it('is not the costly step where only other columns changed, nor where rows come back', () =>
    inFolder(async root => {
      const steps: AnyStep[] = [
        source(true),
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
      expect((await run(root, letters, true)).result.steps[1].deadLetters).toBe(1);
    }));

  it('refuses a key that two rows have, naming it', () =>
    inFolder(async root => {
      save(root, { p: [...rows(3), { id: 'd1', n: 5, text: 'twice' }] });
      const { plan } = await check(
        { name: 'inc', steps: shapes.straight(params, true) },
        { operators, root },
      );
      const result = await startRun(plan as never, { registryUrl }).result;
      expect(result.error).toMatchObject({
        step: 'src',
        message: 'id "d1": another row has this key too; keys must be unique',
      });
    }));
});

describe('a flow that writes its result whole', () => {
  it('is left out where nothing changed and what it wrote is there, and says its report again', () =>
    inFolder(async root => {
      const params: Params = { least: 1, by: 2, add: 1, tag: '' };
      save(root, { p: [{ id: 'a', n: 1, text: 'x' }] });
      await run(root, shapes.whole(params, true));
      worked.clear();
      const again = await run(root, shapes.whole(params, true));
      expect(again.mode).toBe('nothing');
      expect([...worked]).toEqual([]);
      expect(again.result.reports.l.data).toEqual({ rows: 1, path: 'l.json' });
      await rm(join(root, 'l.json'));
      expect((await run(root, shapes.whole(params, true))).mode).toBe('replay');
      expect(readFileSync(join(root, 'l.json'), 'utf8')).toContain('"id":"a"');
    }));
});
