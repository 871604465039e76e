import * as disk from 'node:fs';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveFiles } from '../../../operators/read/lib/files.ts';
import { filesUnder, type WalkFs } from '../../../operators/read/lib/walk.ts';
import { context, failure, folder } from './support.ts';

const kind = { endings: ['.jsonl'], what: 'JSONL files' };
const names = async (root: string, path: string | string[]): Promise<string[]> =>
  (await resolveFiles(path, context(root), kind)).map(f => `${f.shown} as ${f.name}`);

describe('resolveFiles', () => {
  test('a file, a folder, a glob and a list, in order of paths, each once', async () => {
    const root = folder({
      'd/b.jsonl': '',
      'd/a.jsonl.gz': '',
      'd/sub/c.jsonl': '',
      'd/.hidden.jsonl': '',
      'd/readme.md': '',
      'z.jsonl': '',
    });
    expect(await names(root, 'd/b.jsonl')).toEqual(['d/b.jsonl as b.jsonl']);
    const all = ['d/a.jsonl.gz as a.jsonl.gz', 'd/b.jsonl as b.jsonl', 'd/sub/c.jsonl as sub/c.jsonl'];
    expect(await names(root, 'd')).toEqual(all);
    expect(await names(root, 'd/**/*.jsonl*')).toEqual(all);
    expect(await names(root, ['z.jsonl', 'd/*.jsonl', 'd/b.jsonl'])).toEqual([
      'd/b.jsonl as b.jsonl',
      'z.jsonl as z.jsonl',
    ]);
    // a file with another ending is read when it is named
    expect(await names(root, 'd/readme.md')).toEqual(['d/readme.md as readme.md']);
  });

  test('files of one name from two places keep different names', async () => {
    const root = folder({ 'x/a.jsonl': '', 'y/a.jsonl': '' });
    expect(await names(root, ['x', 'y'])).toEqual(['x/a.jsonl as x/a.jsonl', 'y/a.jsonl as y/a.jsonl']);
  });

  test('a name with wildcard characters is a file where it is there', async () => {
    const root = folder({ 'a[1].jsonl': '', 'a1.jsonl': '' });
    expect(await names(root, 'a[1].jsonl')).toEqual(['a[1].jsonl as a[1].jsonl']);
  });

  test('a missing file: what was looked for, from where, and what is near', async () => {
    const root = folder({ 'data/train.jsonl': '' });
    const message = await failure(resolveFiles('data/trian.jsonl', context(root), kind));
    expect(message).toContain('UserError: with.path: nothing is at data/trian.jsonl, wanted JSONL files');
    expect(message).toContain(`the working folder is ${root}`);
    expect(message).toContain('did you mean data/train.jsonl?');
    const folderMissing = await failure(resolveFiles('date/train.jsonl', context(root), kind));
    expect(folderMissing).toContain('did you mean data?');
  });

  test('an empty match and an empty folder', async () => {
    const root = folder({ 'data/a.csv': '' });
    const none = await failure(resolveFiles('data/*.jsonl', context(root), kind));
    expect(none).toContain('no file matches data/*.jsonl');
    expect(none).toContain('data holds a.csv');
    const wrong = await failure(resolveFiles('data', context(root), kind));
    expect(wrong).toContain('the folder data holds no JSONL files (.jsonl, also compressed)');
    expect(wrong).toContain('it holds a.csv');
    mkdirSync(join(root, 'empty'));
    expect(await failure(resolveFiles('empty', context(root), kind))).toContain('it is empty');
  });

  test('Korean names in NFD on disk are found by NFC, and the other way', async () => {
    const nfd = '자료'.normalize('NFD');
    expect(nfd).not.toBe('자료');
    const root = folder({ [`${nfd}/${'가나'.normalize('NFD')}.jsonl`]: '' });
    for (const path of ['자료/가나.jsonl', `${nfd}/가나.jsonl`, '자료', '자료/*.jsonl', '자료/가*.jsonl'])
      expect(await names(root, path)).toEqual(['자료/가나.jsonl as 가나.jsonl']);
  });

  test('two files whose names differ in their normal form alone keep two names', async () => {
    const [nfc, nfd] = ['é.jsonl'.normalize('NFC'), 'é.jsonl'.normalize('NFD')];
    const root = folder({ [`d/${nfc}`]: '', [`d/${nfd}`]: '' });
    // a file system may know one of them
    if (readdirSync(join(root, 'd')).length < 2) return;
    expect(await names(root, 'd')).toEqual([`d/${nfd} as ${nfd}`, `d/${nfc} as ${nfc}`]);
    expect(await names(root, [`d/${nfc}`, `d/${nfd}`])).toEqual([`d/${nfd} as ${nfd}`, `d/${nfc} as ${nfc}`]);
  });

  test('paths outside the root are shown whole where that is shorter', async () => {
    const root = folder();
    const other = mkdtempSync(join(tmpdir(), 'millrace-io-other-'));
    mkdirSync(join(other, 'x.jsonl'));
    try {
      const message = await failure(resolveFiles(join(other, 'x.jsonl'), context(root), kind));
      expect(message).toContain('holds no JSONL files');
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});

describe('filesUnder', () => {
  const failing = (at: string, code: string, call: keyof WalkFs = 'readdir'): WalkFs => {
    const { readdir, realpath, stat } = disk;
    const real: WalkFs = { readdir, realpath, stat };
    const fails = (path: string, ...rest: unknown[]): void => {
      const error = Object.assign(new Error(`${code}: it fails`), { code });
      if (path.replace(/\/$/, '').endsWith(at)) (rest.at(-1) as (e: Error) => void)(error);
      else (real[call] as (...args: unknown[]) => void)(path, ...rest);
    };
    return { ...real, [call]: fails };
  };
  const under = async (root: string, fs?: WalkFs): Promise<string[]> =>
    (await filesUnder(root, ['**/*.txt'], p => p.slice(root.length + 1).replace(/\/$/, ''), fs))
      .map(f => f.slice(root.length + 1))
      .sort();

  test('a folder that cannot be listed is an error that names it, not an empty folder', async () => {
    const root = folder({ 'a/x.txt': '', 'b/y.txt': '', '.git/z.txt': '', 'lost+found/w.txt': '' });
    expect(await under(root)).toEqual(['a/x.txt', 'b/y.txt', 'lost+found/w.txt']);
    const denied = await failure(under(root, failing('/b', 'EACCES')));
    expect(denied).toContain('UserError: b cannot be read: permission denied (EACCES)');
    expect(denied).toContain('nothing is deleted');
    expect(await failure(under(root, failing('/b', 'EIO')))).toContain('b cannot be read: EIO: it fails');
    // of those that nothing is looked for in, and of one that went meanwhile, nothing is missing
    expect(await under(root, failing('/.git', 'EACCES'))).toHaveLength(3);
    expect(await under(root, failing('/lost+found', 'EACCES'))).toEqual(['a/x.txt', 'b/y.txt']);
    expect(await under(root, failing('/b', 'ENOENT'))).toEqual(['a/x.txt', 'lost+found/w.txt']);
  });

  test('links are followed, links to nothing are passed over, and what hides behind an error is one', async () => {
    const root = folder({ 'd/x.txt': '', 'e/y.txt': '' });
    symlinkSync(join(root, 'e'), join(root, 'd/folder'));
    symlinkSync(join(root, 'e/y.txt'), join(root, 'd/file.txt'));
    symlinkSync(join(root, 'nowhere.txt'), join(root, 'd/dangling.txt'));
    symlinkSync(join(root, 'd'), join(root, 'd/again'));
    const found = await under(join(root, 'd'));
    expect(found).toEqual(expect.arrayContaining(['file.txt', 'folder/y.txt', 'x.txt']));
    expect(found).not.toContain('dangling.txt');
    const stale = failing('/e/y.txt', 'ESTALE', 'stat');
    expect(await failure(under(join(root, 'd'), stale))).toContain('cannot be read: ESTALE');
  });
});
