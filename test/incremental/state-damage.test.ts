/** Files of the state that are cut off or have a flipped bit: named, and built anew or refused; and other ill winds. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { previewRun } from '../../src/run/incremental/preview.ts';
import { startRun } from '../../src/run/index.ts';
import { Ledger, listDeadLetters, stateFolderOf } from '../../src/state/index.ts';
import { BIN, folderWith, jsonl, STACK } from '../cli/millrace.ts';
import { operators, type Row, readTable } from './fixtures/operators.ts';
import { contents, expected, inFolder, run, save, tryRun } from './shapes.ts';

const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;
const rows = (n: number): Row[] =>
  Array.from({ length: n }, (_, i) => ({ id: `d${i}`, n: i, text: i % 10 === 9 ? `bad ${i}` : `text ${i}` }));
const steps: AnyStep[] = [
  { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
  { id: 'vector', op: 'inc.vector', onError: 'dead-letter' },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const planOf = async (root: string) =>
  (await check({ name: 'inc', memory: '64 MiB', steps }, { operators, root, mode: 'run' })).plan as never;

const KINDS: Record<string, (root: string) => string> = {
  ledger: root => join(stateFolderOf(root, 'inc'), 'ledger/data.mdb'),
  seal: root => join(stateFolderOf(root, 'inc'), 'ledger/data.mdb.seal'),
  record: root => join(stateFolderOf(root, 'inc'), 'commit.json'),
  cache: root => join(root, '.millrace/.cache/cache.mdb'),
  letters: root => {
    const folder = join(stateFolderOf(root, 'inc'), 'dead-letters');
    return join(folder, readdirSync(folder)[0], 'vector.arrow');
  },
};
function harm(path: string, how: string, share: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * share);
  if (how === 'cut off') truncateSync(path, at);
  else {
    bytes[at] ^= 1 << (at % 8);
    writeFileSync(path, bytes);
  }
}

describe.each(Object.keys(KINDS))('a state file (%s)', kind => {
  it.each(['cut off', 'with a flipped bit'])(
    '%s is named, and the next run is right or says what to do',
    how =>
      inFolder(async root => {
        for (const share of [0.02, 0.4, 0.7, 0.99]) {
          const parts = { p: rows(40) };
          save(root, parts);
          await run(root, steps, { full: true });
          const path = KINDS[kind](root);
          harm(path, how, share);
          parts.p[3].text = 'changed';
          save(root, parts);
          if (kind === 'ledger') await expect(previewRun(await planOf(root))).rejects.toThrow(path);
          const handle = startRun(await planOf(root), { registryUrl });
          const warnings: string[] = [];
          handle.events.subscribe(e => {
            if (e.type === 'warning') warnings.push(e.message);
          });
          const { error } = await handle.result;
          if (kind === 'record') {
            expect(error?.message).toContain(`${path} is not a commit record`);
            expect(error?.help).toContain('restore it from a backup, or remove it');
            rmSync(path);
            expect((await run(root, steps)).mode).toBe('full');
            continue;
          }
          expect(error).toBeUndefined();
          if (kind === 'ledger' || kind === 'cache') expect(warnings.join()).toContain(path);
          expect(contents(root)).toEqual(await expected(parts, steps));
          expect((await run(root, steps)).mode).toBe('nothing');
        }
      }),
  );
});

it('a ledger that a killed run left is known by its size: one that was cut off since is named', () =>
  inFolder(async root => {
    const parts = { p: rows(400) };
    save(root, parts);
    await run(root, steps);
    const folder = stateFolderOf(root, 'inc');
    const ledger = await Ledger.openForRun(folder);
    await ledger.setMeta('note', 1);
    // as it stands while it is written
    const left = join(root, 'left');
    cpSync(folder, left, { recursive: true });
    await ledger.close();
    const sealed = JSON.parse(readFileSync(join(left, 'ledger/data.mdb.seal'), 'utf8'));
    expect(Object.keys(sealed)).toEqual(['bytes']);
    for (const share of [0.1, 0.9]) {
      const cut = join(root, `cut-${share}`);
      cpSync(left, cut, { recursive: true });
      const path = join(cut, 'ledger/data.mdb');
      truncateSync(path, Math.floor(sealed.bytes * share));
      await expect(Ledger.openForReading(cut)).rejects.toThrow(`${path}: it is damaged: it has`);
      const rebuilt = await Ledger.openForRun(cut);
      expect(rebuilt.damage).toContain(path);
      await rebuilt.close();
    }
    const whole = await Ledger.openForReading(left);
    expect(whole.meta('note')).toBe(1);
    await whole.close();
  }));

it('dead letters with any bit flipped are read, or refused by name', () =>
  inFolder(async root => {
    save(root, { p: rows(40) });
    await run(root, steps);
    const path = KINDS.letters(root);
    const sound = readFileSync(path);
    for (let at = 0; at < sound.length; at += 13) {
      const bytes = Buffer.from(sound);
      bytes[at] ^= 1 << (at % 8);
      writeFileSync(path, bytes);
      let found = 0;
      let refused = false;
      try {
        for await (const _ of listDeadLetters(stateFolderOf(root, 'inc'))) found++;
      } catch (error) {
        refused = true;
        expect((error as Error).message).toContain(`${path}: these dead letters cannot be read`);
      }
      expect(refused && found <= 4, `byte ${at}`).toBe(true);
    }
  }));

it('a state folder that may not be written ends a run before any work', async () => {
  const folder = folderWith({
    'docs.jsonl': jsonl([{ id: 'a', title: '', text: 'one' }]),
    'p.yaml':
      'name: p\nsteps:\n  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }\n  - { id: out, op: write.jsonl, with: { path: out/o.jsonl } }\n',
  });
  mkdirSync(join(folder, '.millrace/p'), { recursive: true });
  mkdirSync(join(folder, 'out'));
  chmodSync(join(folder, '.millrace/p'), 0o555);
  // whoever is root may write anyway
  const who = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (who.uid) for (const place of [folder, join(folder, 'out')]) chmodSync(place, 0o777);
  const child = spawn(process.execPath, [BIN, 'run', 'p.yaml', '--root', folder], {
    ...who,
    env: { ...process.env, HOME: folder, TMPDIR: folder, NO_COLOR: '1', FORCE_COLOR: '' },
  });
  let err = '';
  child.stderr.on('data', d => {
    err += d;
  });
  const code = await new Promise(resolve => child.on('close', resolve));
  expect(code, err).toBe(1);
  expect(err).toMatch(/the state of pipeline "p" in .*\.millrace\/p.*: it may not be written/);
  expect(err).toContain('help: look at the permissions of the folder');
  expect(err).not.toMatch(STACK);
  expect(existsSync(join(folder, 'out/o.jsonl'))).toBe(false);
}, 30_000);

describe('a file of a source', () => {
  const read: AnyStep[] = [
    { id: 'src', op: 'read.jsonl', with: { path: 'docs.jsonl', key: 'id' } as never },
    { id: 't', op: 'inc.table', with: { path: 't' } },
  ];
  const lines = (n: number, text: string): string =>
    Array.from(
      { length: n },
      (_, i) => `${JSON.stringify({ id: `d${i}`, text: `${text} ${'x'.repeat(200)}` })}\n`,
    ).join('');
  const texts = (root: string) =>
    new Set(Object.values(readTable(join(root, 't'))).map(r => String(r.text).slice(0, 3)));

  it.each(['longer', 'shorter', 'as long'])('that becomes another (%s) while it is read is read again', how =>
    inFolder(async root => {
      const path = join(root, 'docs.jsonl');
      const next = { longer: lines(9000, 'new'), shorter: lines(3000, 'new'), 'as long': lines(8000, 'new') }[
        how
      ] as string;
      writeFileSync(path, lines(8000, 'old'));
      const { plan } = await check(
        { name: 'inc', memory: '64 MiB', steps: read },
        { operators, root, mode: 'run' },
      );
      const handle = startRun(plan as never, { registryUrl });
      let changed = false;
      handle.tap('src').subscribe(() => {
        if (!changed) writeFileSync(path, next);
        changed = true;
      });
      await handle.result;
      expect(changed).toBe(true);
      await run(root, read);
      expect([...texts(root)]).toEqual(['new']);
      expect(Object.keys(readTable(join(root, 't')))).toHaveLength(next.split('\n').length - 1);
    }),
  );

  it('that changed and kept its size and time is found by recheck', () =>
    inFolder(async root => {
      const path = join(root, 'docs.jsonl');
      writeFileSync(path, lines(5, 'old'));
      await run(root, read);
      const { atime, mtime } = statSync(path);
      // a time of whole milliseconds, which utimes can give again
      utimesSync(path, atime, mtime);
      await run(root, read);
      writeFileSync(path, lines(5, 'new'));
      utimesSync(path, atime, mtime);
      expect((await run(root, read)).mode).toBe('nothing');
      expect((await run(root, read, { recheck: true })).mode).toBe('changes');
      expect([...texts(root)]).toEqual(['new']);
      expect((await run(root, read, { recheck: true })).result.steps[0]).toMatchObject({
        changed: 0,
        kept: 5,
      });
    }));

  it('whose time goes backwards has changed, and one of the future has not', () =>
    inFolder(async root => {
      const path = join(root, 'docs.jsonl');
      writeFileSync(path, lines(5, 'old'));
      const ahead = new Date(Date.now() + 86_400_000);
      utimesSync(path, ahead, ahead);
      await run(root, read);
      expect((await run(root, read)).mode).toBe('nothing');
      writeFileSync(path, lines(5, 'new'));
      expect((await tryRun(root, read)).mode).toBe('changes');
      expect([...texts(root)]).toEqual(['new']);
      expect((await run(root, read)).mode).toBe('nothing');
    }));
});
