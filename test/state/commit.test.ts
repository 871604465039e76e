import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readCommits, takeLock, writeWhole } from '../../src/state/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the fixture pipeline in a process of its own; gives its exit signal or code. */
function child(value: string, fault?: string): Promise<string> {
  const script = fileURLToPath(new URL('./fixtures/crash.ts', import.meta.url));
  return new Promise(resolve => {
    const proc = spawn(process.execPath, ['--import', 'tsx', script, folder, value], {
      env: { ...process.env, MILLRACE_FAULT: fault ?? '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    proc.stdout.on('data', d => {
      out += d;
    });
    proc.on('exit', (code, signal) => resolve(signal ?? `${code} ${out.trim()}`));
  });
}
const published = async (name: string): Promise<string | undefined> =>
  readFile(join(folder, name), 'utf8').catch(() => undefined);

describe('a crash', () => {
  it.each([
    // where the process is killed, and what the two sinks show right after and once another run has recovered
    ['before-record', ['old', 'old'], 'old'],
    ['after-record', ['old', 'old'], 'new'],
    ['after-publish', ['new', 'old'], 'new'],
    ['after-ledger', ['new', 'new'], 'new'],
    ['after-commit', ['new', 'new'], 'new'],
  ])(
    '%s leaves the old state or the new one',
    async (point, after, recovered) => {
      for (const name of ['a.txt', 'b.txt']) await writeFile(join(folder, name), 'old');
      expect(await child('new', point)).toBe('SIGKILL');
      expect([await published('a.txt'), await published('b.txt')]).toEqual(after);
      // a run that fails before its own commit still finishes the one that was cut short
      expect(await child('fails')).toMatch(/^1 failed/);
      expect([await published('a.txt'), await published('b.txt')]).toEqual([recovered, recovered]);
      if (recovered === 'new') {
        expect((await readCommits(join(folder, '.millrace', 'crash'))).one).toMatchObject({
          published: true,
        });
      }
    },
    60_000,
  );
});

it('goes on after a crash', async () => {
  expect(await child('new', 'after-publish')).toBe('SIGKILL');
  expect(await child('third')).toBe('0 ok');
  expect([await published('a.txt'), await published('b.txt')]).toEqual(['third', 'third']);
});

describe('the commit record', () => {
  it('of a newer format is refused by name', async () => {
    await writeWhole(join(folder, 'commit.json'), JSON.stringify({ format: 99 }));
    await expect(readCommits(folder)).rejects.toThrow(
      /commit\.json has format 99; this version reads up to 3/,
    );
  });
  it('that is cut off is named', async () => {
    await writeFile(join(folder, 'commit.json'), '{"format":1,"id"');
    await expect(readCommits(folder)).rejects.toThrow(/commit\.json is not a commit record/);
  });
  it('is nothing where nothing ran', async () => {
    expect(await readCommits(folder)).toEqual({});
  });
});

describe('writeWhole', () => {
  it('leaves no file beside the one it writes, and the old one where it fails', async () => {
    const path = join(folder, 'x.txt');
    await writeWhole(path, 'one');
    await expect(writeWhole(path, { length: 3 } as never)).rejects.toThrow();
    expect(await readFile(path, 'utf8')).toBe('one');
    expect(await readdir(folder)).toEqual(['x.txt']);
  });
});

describe('the lock', () => {
  it('of another machine holds while it gives signs of life, and a minute longer', async () => {
    const file = join(folder, 'lock');
    const other = { host: 'elsewhere', boot: 'b', pid: 1, started: '1', token: 't' };
    await writeFile(file, JSON.stringify(other));
    const refused = await takeLock(file, 'x').catch(error => error);
    expect(refused.message).toMatch(
      /x is being written by process 1 on elsewhere, another machine, .* 0 s ago/,
    );
    expect(refused.help).toContain(`remove ${file}`);
    const ago = (s: number) => Date.now() / 1000 - s;
    await utimes(file, ago(50), ago(50));
    await expect(takeLock(file, 'x')).rejects.toThrow('another machine');
    await utimes(file, ago(70), ago(70));
    await (await takeLock(file, 'x'))();
  });

  it('gives signs of life while it is held', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const file = join(folder, 'lock');
      const release = await takeLock(file, 'x');
      const before = await readFile(file, 'utf8');
      await utimes(file, 1e9, 1e9);
      vi.advanceTimersByTime(30_000);
      expect((await stat(file)).mtimeMs).toBeGreaterThan(1e12);
      expect(await readFile(file, 'utf8')).toBe(before);
      await release();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is held by one at a time and names the holder', async () => {
    const release = await takeLock(join(folder, 'lock'), 'the index');
    await expect(takeLock(join(folder, 'lock'), 'the index')).rejects.toThrow(
      `the index is being written by process ${process.pid}`,
    );
    await release();
    await (await takeLock(join(folder, 'lock'), 'the index'))();
  });
  it('is not held by a dead process, nor by a later one of its number', async () => {
    const dead = { pid: 2 ** 22 - 3, started: '1', host: (await import('node:os')).hostname() };
    await writeFile(join(folder, 'lock'), JSON.stringify(dead));
    await (await takeLock(join(folder, 'lock'), 'x'))();
    await writeFile(join(folder, 'lock'), JSON.stringify({ ...dead, pid: 1, started: 'not its start' }));
    await (await takeLock(join(folder, 'lock'), 'x'))();
  });
  it('that a crash cut off while it was written is taken over', async () => {
    await writeFile(join(folder, 'lock'), '{"pid":');
    await expect(takeLock(join(folder, 'lock'), 'x')).rejects.toThrow('x is being written by process ?');
    await utimes(join(folder, 'lock'), 1e9, 1e9);
    await (await takeLock(join(folder, 'lock'), 'x'))();
    expect(await readdir(folder)).toEqual([]);
  });
  it('is held by one of many processes that race for it, dead ones among them', async () => {
    const script = fileURLToPath(new URL('./fixtures/racer.ts', import.meta.url));
    const racer = (dies: string): Promise<string> =>
      new Promise(resolve => {
        const args = ['--import', 'tsx', script, folder, dies];
        const proc = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        let out = '';
        proc.stdout.on('data', d => {
          out += d;
        });
        proc.on('exit', () => resolve(out.trim()));
      });
    const said = await Promise.all(['', 'dies', '', 'dies'].map(racer));
    const held = said.filter(s => s).map(s => JSON.parse(s) as { held: number; overlaps: number });
    expect(held).toHaveLength(2);
    for (const { overlaps } of held) expect(overlaps).toBe(0);
    expect(held.reduce((sum, h) => sum + h.held, 0)).toBeGreaterThan(20);
  });
});
