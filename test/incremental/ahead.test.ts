/** First runs that learn much: their entries go into the ledger while they go on. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { Ledger, listDeadLetters, stateFolderOf, TABLE } from '../../src/state/index.ts';
import type { Row } from './fixtures/operators.ts';
import { contents, expected, inFolder, MEMORY, run, save, tryRun } from './shapes.ts';

// a megabyte of journal and more
const ROWS = 8_500;
const rows = (n = ROWS): Row[] =>
  Array.from({ length: n }, (_, i) => ({ id: `document-number-${i}`, n: i, text: `a${i} b${i} c${i}` }));
const steps: AnyStep[] = [
  { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
  { id: 'words', op: 'inc.words', with: { least: 1 } },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const byWord = (onError: 'fail' | 'dead-letter'): AnyStep[] => [
  steps[0],
  { id: 'terms', op: 'inc.terms' },
  { id: 't', op: 'inc.table', with: { path: 't' }, onError },
];
const folderOf = (root: string): string => stateFolderOf(root, 'inc');
/** All entries of the steps' tables. */
async function known(root: string): Promise<string[]> {
  const ledger = await Ledger.openForReading(folderOf(root));
  try {
    const tables = [TABLE.rows, TABLE.keys, TABLE.layouts, TABLE.pieces, TABLE.children, TABLE.why];
    return [1, 2, 3].flatMap(slot =>
      tables.flatMap(table =>
        [...ledger.entries(table, slot)].map(
          e => `${table} ${slot} ${e.key.toString('hex')} ${e.value.toString('hex')}`,
        ),
      ),
    );
  } finally {
    await ledger.close();
  }
}
beforeAll(() => {
  MEMORY.of = '1 GiB';
});
afterEach(() => {
  process.env.MILLRACE_FAULT = '';
});

it('the ledger has in the end what a run has that writes a journal', () =>
  inFolder(async root => {
    const parts = { p: rows() };
    save(root, parts);
    // where nothing goes ahead, nothing fails
    process.env.MILLRACE_FAULT = 'ahead!';
    expect((await tryRun(root, steps)).result.error?.message).toContain('the disk is full');
    process.env.MILLRACE_FAULT = '';
    expect((await run(root, steps)).mode).toBe('full');
    const ahead = await known(root);
    expect(ahead.length).toBeGreaterThan(3 * ROWS);
    process.env.MILLRACE_FAULT = 'ahead!';
    expect((await run(root, steps, { full: true })).mode).toBe('full');
    process.env.MILLRACE_FAULT = '';
    expect(await known(root)).toEqual(ahead);
    parts.p[5].text = 'other';
    parts.p.splice(9, 1);
    save(root, parts);
    expect((await run(root, steps)).mode).toBe('changes');
    expect(contents(root)).toEqual(await expected(parts, steps));
  }));

it('what a run that was aborted left there counts for nothing', () =>
  inFolder(async root => {
    save(root, { p: [...rows(), { id: 'last', n: 0, text: 'a7' }] });
    expect((await tryRun(root, byWord('fail'))).result.error?.message).toContain('keys must be unique');
    const left = await known(root);
    expect(left.length).toBeGreaterThan(0);
    const parts = { p: rows(20) };
    save(root, parts);
    expect((await run(root, steps)).mode).toBe('full');
    expect(contents(root)).toEqual(await expected(parts, steps));
    expect((await known(root)).length).toBeLessThan(100);
  }));

it.each(['fail', 'dead-letter'] as const)(
  'rows of one key are named, though their entries went ahead (%s)',
  how =>
    inFolder(async root => {
      const parts = { p: [...rows(), { id: 'last', n: 0, text: 'a7' }] };
      save(root, parts);
      const { result } = await tryRun(root, byWord(how));
      const message =
        'word "a7": id "document-number-7" and id "last" give the same key; keys must be unique';
      if (how === 'fail') {
        expect(result.error).toMatchObject({ step: 't', message });
        return;
      }
      const letters = [];
      for await (const l of listDeadLetters(folderOf(root))) letters.push(`${l.where}: ${l.message}`);
      expect(letters).toEqual([message]);
    }),
);

it.each(['ahead', 'before-record', 'after-record'])(
  'a first run that is killed (%s) loses nothing, and the next is right',
  point =>
    inFolder(async root => {
      const parts = { p: rows() };
      save(root, parts);
      const script = fileURLToPath(new URL('./fixtures/first-run.ts', import.meta.url));
      const signal = await new Promise(resolve => {
        const child = spawn(process.execPath, ['--import', 'tsx', script, root], {
          env: { ...process.env, MILLRACE_FAULT: point },
          stdio: 'inherit',
        });
        child.on('exit', (code, killed) => resolve(killed ?? code));
      });
      expect(signal).toBe('SIGKILL');
      parts.p[2].text = 'other';
      save(root, parts);
      const recorded = !['ahead', 'before-record'].includes(point);
      expect((await run(root, steps)).mode).toBe(recorded ? 'changes' : 'full');
      expect(contents(root)).toEqual(await expected(parts, steps));
      expect((await run(root, steps)).mode).toBe('nothing');
      const after = await known(root);
      await run(root, steps, { full: true });
      const plain = (all: string[]): string[] => all.filter(e => !e.startsWith(`${TABLE.why} `));
      expect(plain(await known(root)).length).toBe(plain(after).length);
      expect(readdirSync(folderOf(root)).filter(name => /journal/.test(name))).toEqual([]);
    }),
  60_000,
);
