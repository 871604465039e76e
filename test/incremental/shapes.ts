/** Pipelines of every shape over a file of parts, random edits of it, and a run of one. Shared by the property tests. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type AnyOperator, type AnyStep, asEngine } from '../../src/define/index.ts';
import type { RunEvent, RunResult } from '../../src/events/index.ts';
import { check } from '../../src/plan/index.ts';
import { type RunOptions, startRun } from '../../src/run/index.ts';
import { operators, type Parts, readTable } from './fixtures/operators.ts';

const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;

/** What the pipelines may take. */
export const MEMORY = { of: '64 MiB' };

export interface Ran {
  readonly result: RunResult;
  readonly mode: string;
  readonly reasons: readonly { step?: string; text: string }[];
  /** Commits in the middle of the run. */
  readonly interim: number;
}
/** Runs a pipeline; a failure is in `result.error`. */
export async function tryRun(
  root: string,
  steps: AnyStep[],
  options: Partial<RunOptions> = {},
): Promise<Ran> {
  const definition = { name: 'inc', memory: MEMORY.of, steps };
  const { plan, problems } = await check(definition, { operators, root, mode: 'run' });
  if (!plan) throw new Error(JSON.stringify(problems));
  const handle = startRun(plan, { registryUrl, ...options });
  const events: RunEvent[] = [];
  handle.events.subscribe(e => events.push(e));
  const result = await handle.result;
  const flow = events.find(e => e.type === 'flow');
  const interim = events.filter(e => e.type === 'commit' && e.interim).length;
  return { result, mode: flow?.mode ?? '', reasons: flow?.reasons ?? [], interim };
}
/** Runs a pipeline. @throws where it fails */
export async function run(root: string, steps: AnyStep[], options: Partial<RunOptions> = {}): Promise<Ran> {
  const ran = await tryRun(root, steps, options);
  if (ran.result.error) throw new Error(JSON.stringify(ran.result.error));
  return ran;
}

export async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-inc-'));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
export const save = (root: string, parts: Parts): void =>
  writeFileSync(join(root, 'rows.json'), JSON.stringify(parts));

export interface Params {
  least: number;
  by: number;
  add: number;
  tag: string;
}
export interface Reading {
  /** Whether parts have signatures. */
  readonly signed: boolean;
  /** Rows after which the source fails; -1: never. */
  readonly failAt: number;
  /** Whether the source passes over rows whose key another has. */
  readonly twins?: boolean;
}
export type Shape = (p: Params, reading: Reading) => AnyStep[];
const source = ({ signed, failAt, twins }: Reading): AnyStep => ({
  id: 'src',
  op: 'inc.parts',
  with: { path: 'rows.json', signed, failAt },
  ...(twins && { onError: 'skip' as const }),
});
export const shapes: Record<string, Shape> = {
  straight: (p, s) => [source(s), { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } }],
  chain: (p, s) => [
    source(s),
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
  ],
  sieve: (p, s) => [
    source(s),
    { id: 'words', op: 'inc.words', with: { least: 1 } },
    { id: 'long', op: 'inc.long', with: { least: 1 + p.least } },
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
  unique: (p, s) => [
    source(s),
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'unique', op: 'dedupe.exact', with: {} },
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 'long', op: 'inc.long', with: { least: 2 } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
  ],
  near: (p, s) => [
    source(s),
    { id: 'near', op: 'dedupe.near', with: { threshold: 0.5, words: p.least } },
    { id: 'unique', op: 'dedupe.exact', with: { columns: ['n'] } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'words', op: 'inc.words', from: 'near', with: {} },
    { id: 'u', op: 'inc.table', with: { path: 'u' } },
  ],
  titles: (p, s) => [
    source(s),
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'unique', op: 'dedupe.exact', with: { columns: ['n', 'text'] } },
    { id: 'titles', op: 'merge.titles', with: { id: 'id', title: 'text', separator: ' ' } },
    { id: 'words', op: 'inc.words', with: { least: p.least } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'joined', op: 'merge.titles', from: 'src', with: { id: 'id', title: 'text', separator: '+' } },
    { id: 'u', op: 'inc.table', with: { path: 'u' } },
  ],
  sifted: (p, s) => [
    source(s),
    { id: 'words', op: 'inc.words' },
    { id: 'sift', op: 'inc.sift', with: { without: 'abcd'[p.least] }, parallel: 2 },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag }, batch: { rows: 2, linger: '1ms' } },
  ],
  picky: (p, s) => [
    source(s),
    { id: 'words', op: 'inc.words' },
    { id: 'picky', op: 'inc.picky', with: { on: 'abcd'[p.least] }, onError: 'skip', batch: { rows: 3 } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag, wants: 'picked' }, onError: 'skip' },
  ],
  // rows of one word clash, whichever row they come from
  clash: (p, s) => [
    source(s),
    { id: 'even', op: 'inc.even', with: { by: p.by } },
    { id: 'terms', op: 'inc.terms' },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag }, onError: 'skip' },
    { id: 'u', op: 'inc.table', from: 'terms', with: { path: 'u', mute: true }, onError: 'dead-letter' },
  ],
  clashes: (p, s) => [
    source(s),
    { id: 'unique', op: 'dedupe.exact', with: { columns: ['n'] } },
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 'terms', op: 'inc.terms' },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag }, onError: 'skip' },
  ],
  whole: (p, s) => [
    source(s),
    { id: 'plus', op: 'inc.plus', with: { add: p.add } },
    { id: 't', op: 'inc.table', with: { path: 't', tag: p.tag } },
    { id: 'l', op: 'inc.list', from: 'plus', with: { path: 'l.json' } },
  ],
};

/** What the sinks of any shape show. */
export const contents = (root: string): unknown => ({
  t: readTable(join(root, 't')),
  u: readTable(join(root, 'u')),
  l: existsSync(join(root, 'l.json')) ? readFileSync(join(root, 'l.json'), 'utf8') : undefined,
});
/** What a full run in a fresh folder shows. */
export const expected = (parts: Parts, steps: AnyStep[]): Promise<unknown> =>
  inFolder(async fresh => {
    save(fresh, parts);
    await run(fresh, steps, { full: true });
    return contents(fresh);
  });

export const rowArb = fc.record({
  id: fc.integer({ min: 0, max: 14 }).map(i => `d${i}`),
  n: fc.nat(5),
  text: fc.array(fc.constantFrom('a', 'be', 'cat', 'dove'), { maxLength: 4 }).map(w => w.join(' ')),
});
export const rowsArb = fc.uniqueArray(rowArb, { selector: r => r.id, maxLength: 10 });
export const editArb = fc.oneof(
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
/** A row that takes the key of another, at an end of a part. */
export const twinArb = fc.record({
  kind: fc.constant('twin' as const),
  part: fc.constantFrom('o', 'p', 'q', 'r'),
  first: fc.boolean(),
  pick: fc.nat(20),
  text: rowArb.map(r => r.text),
});
export type Edit =
  | (typeof editArb extends fc.Arbitrary<infer E> ? E : never)
  | (typeof twinArb extends fc.Arbitrary<infer E> ? E : never);

/** Makes an edit: of rows, of parameters, or of an operator's version. */
export function apply(parts: Parts, params: Params, edit: Edit): void {
  const all = Object.values(parts).flat();
  const picked = 'pick' in edit && all.length ? all[edit.pick % all.length] : undefined;
  const without = (id: string): void => {
    for (const name of Object.keys(parts)) parts[name] = parts[name].filter(r => r.id !== id);
  };
  if (edit.kind === 'put') {
    without(edit.row.id);
    parts[edit.part] = [...(parts[edit.part] ?? []), { ...edit.row }];
  } else if (edit.kind === 'remove' && picked) without(picked.id);
  else if (edit.kind === 'twin' && picked) {
    const twin = { ...picked, text: edit.text };
    const rows = parts[edit.part] ?? [];
    parts[edit.part] = edit.first ? [twin, ...rows] : [...rows, twin];
  } else if (edit.kind === 'number' && picked) picked.n = edit.n;
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
