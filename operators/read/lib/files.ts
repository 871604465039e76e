/** Which files a `path` parameter means: a file, a glob, a folder, or a list of them, in canonical order. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  nearest,
  type PlanContext,
  type SourceChunk,
  type SourceInstance,
  type SourcePosition,
  UserError,
} from '../../../src/define/index.ts';
import { filesUnder, unreadable } from './walk.ts';

/** A file to read. */
export interface SourceFile {
  /** Absolute, as the file system spells it. */
  readonly path: string;
  /** For messages and positions: relative to the working folder, with `/`, in NFC where no other file is called so. */
  readonly shown: string;
  /** For ids: relative to the folder or the fixed part of the glob it was found by; the base name of a lone file. */
  readonly name: string;
  /** Bytes on disk. */
  readonly size: number;
  /** When it was changed last, in milliseconds since 1970; absent for a file that is being written. */
  readonly changed?: number;
  /** It was written so lately that it may be written again without that time becoming another. */
  readonly unsettled?: boolean;
}

/** Endings a folder is searched for, without compression: `['.jsonl', '.ndjson']`. */
export interface FileKind {
  readonly endings: readonly string[];
  /** What the operator reads, for messages: `JSONL files`. */
  readonly what: string;
}

/** Endings that say how a file is compressed. */
export const COMPRESSED = ['.gz', '.br', '.zst'] as const;

const forward = (path: string): string => (sep === '/' ? path : path.split(sep).join('/'));
const slashes = (path: string): string => forward(path).normalize('NFC');

function shorter(root: string, path: string): string {
  const short = relative(root, path) || '.';
  return short.length < path.length && !isAbsolute(short) ? short : path;
}

/** A path as messages and positions show it: relative to the root where that is not longer. */
export const shownPath = (root: string, path: string): string => slashes(shorter(root, path));

/** A file name without compression ending. */
export const plainName = (name: string): string => {
  const ending = COMPRESSED.find(e => name.toLowerCase().endsWith(e));
  return ending ? name.slice(0, -ending.length) : name;
};

/** The path on disk that spells `path` in any normal form, or undefined: names made on macOS are often NFD. */
async function onDisk(path: string): Promise<string | undefined> {
  if (await stat(path).catch(() => undefined)) return path;
  const parent = dirname(path);
  if (parent === path) return undefined;
  const folder = await onDisk(parent);
  if (folder === undefined) return undefined;
  const wanted = basename(path).normalize('NFC');
  const found = (await readdir(folder).catch(() => [])).find(name => name.normalize('NFC') === wanted);
  return found === undefined ? undefined : join(folder, found);
}

const isPattern = (text: string): boolean => /[*?[\]{}]|[!@+]\(/.test(text);

/** Splits a pattern into the folder that holds no wildcard and the rest. */
function splitPattern(pattern: string): { base: string; rest: string } {
  const parts = pattern.split('/');
  const first = parts.findIndex(isPattern);
  const rest = parts.slice(first).join('/');
  return { base: parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.'), rest };
}

function globbed(root: string, folder: string, pattern: string): Promise<string[]> {
  const forms = [...new Set([pattern, pattern.normalize('NFC'), pattern.normalize('NFD')])];
  return filesUnder(folder, forms, path => shownPath(root, path));
}

/** What stands beside a path that is missing, for the error's help. */
async function beside(
  root: string,
  path: string,
): Promise<{ folder: string; near?: string; names: string[] }> {
  let folder = dirname(path);
  let name = basename(path);
  while (!(await onDisk(folder)) && dirname(folder) !== folder) {
    name = basename(folder);
    folder = dirname(folder);
  }
  const names = (await readdir((await onDisk(folder)) ?? folder).catch(() => [])).filter(
    n => !n.startsWith('.'),
  );
  const near = nearest(name, names);
  return {
    folder: shownPath(root, folder),
    near: near && shownPath(root, join(folder, near)),
    names: names.sort(),
  };
}

async function missing(root: string, asked: string, path: string, what: string): Promise<UserError> {
  const { folder, near, names } = await beside(root, path);
  const there = names.length
    ? `${folder === '.' ? 'the working folder' : folder} holds ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`
    : `${folder === '.' ? 'the working folder' : folder} is empty`;
  return new UserError(`with.path: nothing is at ${asked}, wanted ${what}; the working folder is ${root}`, {
    help: near ? `did you mean ${near}?` : `${there}; paths start from the working folder (--root DIR)`,
  });
}

/**
 * The files that `path` means, sorted by shown path (code units), each once.
 * @throws UserError where nothing is there, naming what was looked for, where, and what stands near.
 */
export async function resolveFiles(
  path: string | readonly string[],
  ctx: PlanContext,
  kind: FileKind,
): Promise<SourceFile[]> {
  const found = new Map<string, Found>();
  const root = resolve(ctx.root);
  const add = async (names: readonly string[], base: string): Promise<void> => {
    const files = names.filter(file => !found.has(file));
    for (let i = 0; i < files.length; i += AT_ONCE) {
      const some = files.slice(i, i + AT_ONCE);
      const asked = (file: string): ReturnType<typeof settled> =>
        settled(file).catch(error => {
          throw unreadable(shownPath(root, file), error as NodeJS.ErrnoException);
        });
      for (const [s, info] of (await Promise.all(some.map(asked))).entries())
        found.set(some[s], {
          base,
          path: some[s],
          shown: shownPath(root, some[s]),
          name: slashes(relative(base, some[s])),
          size: info.size,
          changed: info.mtimeMs,
          unsettled: info.unsettled,
        });
    }
  };
  for (const asked of typeof path === 'string' ? [path] : path) {
    const absolute = resolve(ctx.path(asked));
    const real = await onDisk(absolute);
    if (real === undefined && isPattern(asked)) {
      const { base, rest } = splitPattern(asked);
      const folder = await onDisk(resolve(ctx.path(base)));
      if (folder === undefined) throw await missing(root, asked, resolve(ctx.path(base)), kind.what);
      const files = await globbed(root, folder, rest);
      if (files.length === 0) {
        const names = (await readdir(folder)).filter(n => !n.startsWith('.')).sort();
        throw new UserError(`with.path: no file matches ${asked}; the working folder is ${root}`, {
          help: names.length
            ? `${shownPath(root, folder)} holds ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`
            : `${shownPath(root, folder)} is empty`,
        });
      }
      await add(
        files.map(file => resolve(file)),
        folder,
      );
      continue;
    }
    if (real === undefined) throw await missing(root, asked, absolute, kind.what);
    const info = await stat(real);
    if (info.isDirectory()) {
      const endings = kind.endings.flatMap(e => [e, ...COMPRESSED.map(c => e + c)]);
      const all = await globbed(root, real, '**/*');
      const files = all.filter(f => endings.some(e => f.toLowerCase().endsWith(e)));
      if (files.length === 0) {
        const others = all.map(f => slashes(relative(real, f))).sort();
        throw new UserError(
          `with.path: the folder ${asked} holds no ${kind.what} (${kind.endings.join(', ')}, also compressed); ` +
            `the working folder is ${root}`,
          {
            help: others.length
              ? `it holds ${others.slice(0, 8).join(', ')}${others.length > 8 ? ` and ${others.length - 8} more` : ''}; a file with another ending is read when it is named`
              : 'it is empty',
          },
        );
      }
      await add(
        files.map(file => resolve(file)),
        real,
      );
    } else if (info.isFile()) await add([real], dirname(real));
    else throw new UserError(`with.path: ${asked} is not a regular file, wanted ${kind.what}`);
  }
  return distinct([...found.values()], root).sort((a, b) =>
    a.shown < b.shown ? -1 : a.shown > b.shown ? 1 : 0,
  );
}

/** A file, and the folder it was found by. */
type Found = SourceFile & { readonly base: string };

/** Files of one name, in two normal forms or from two lists, get others: parts and ids must differ. */
function distinct(files: readonly Found[], root: string): SourceFile[] {
  const often = (names: readonly string[]): ReadonlySet<string> => {
    const once = new Set<string>();
    return new Set(names.filter(name => once.size === once.add(name).size));
  };
  const twins = often(files.map(f => f.shown));
  const spelled = files.map(({ base, ...f }): SourceFile => {
    if (!twins.has(f.shown)) return f;
    return { ...f, shown: forward(shorter(root, f.path)), name: forward(relative(base, f.path)) };
  });
  const names = often(spelled.map(f => f.name));
  return spelled.map(f => (names.has(f.name) ? { ...f, name: f.shown } : f));
}

/** Files that are asked for their size and time together. */
const AT_ONCE = 64;

/** Longer than a tick of the clock by which file systems tell times. */
const TICK_MS = 15;
/** Of those that tell whole seconds. */
const COARSE_MS = 2000;

/**
 * Size and time of a file. What is written after it must have another time: a file that was written just now is waited
 * for, or, where times are whole seconds, `unsettled`, so that the next run reads it again.
 */
async function settled(file: string): Promise<{ size: number; mtimeMs: number; unsettled?: true }> {
  const age = (mtimeMs: number): number => Date.now() - mtimeMs;
  let { size, mtimeMs } = await stat(file);
  if (age(mtimeMs) >= 0 && age(mtimeMs) < TICK_MS) {
    await setTimeout(TICK_MS);
    ({ size, mtimeMs } = await stat(file));
  }
  const coarse = mtimeMs % 1000 === 0 && age(mtimeMs) >= 0 && age(mtimeMs) < COARSE_MS;
  return coarse ? { size, mtimeMs, unsettled: true } : { size, mtimeMs };
}

/** What tells a file from how it was: its size, the time it was changed, and its name, of which keys may be made. */
const signatureOf = (file: SourceFile): string =>
  `${file.size}:${file.changed ?? ''}${file.unsettled ? '?' : ''} ${file.name}`;

/**
 * What sources of files share: their total, their parts (a file each), and a scan of some of them.
 * @param scan reads these files in order; positions say the `file` they are in
 * @param also further files whose change makes every part another
 */
export function fileSource(
  files: readonly SourceFile[],
  scan: (files: readonly SourceFile[], from: SourcePosition | undefined) => AsyncIterable<SourceChunk>,
  also: readonly SourceFile[] = [],
): Pick<SourceInstance, 'total' | 'parts' | 'scan'> {
  const beside = also.map(f => `+${f.shown}=${signatureOf(f)}`).join('');
  return {
    total: { amount: totalBytes(files), unit: 'bytes' },
    parts: () => files.map(f => ({ name: f.shown, signature: signatureOf(f) + beside })),
    async *scan(from, only) {
      const wanted = only ? files.filter(f => only.has(f.shown)) : files;
      for await (const chunk of scan(wanted, from)) {
        yield { ...chunk, part: (chunk.position as { readonly file: string }).file };
      }
    },
  };
}

/** Bytes on disk of all files: the total that progress counts against. */
export const totalBytes = (files: readonly SourceFile[]): number => files.reduce((sum, f) => sum + f.size, 0);
