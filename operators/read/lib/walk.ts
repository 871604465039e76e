/** The files under a folder that a pattern means. What cannot be listed is an error, never an empty folder. */
import * as disk from 'node:fs';
import { type FileSystemAdapter, glob } from 'tinyglobby';
import { UserError } from '../../../src/define/index.ts';

/** What a walk asks the file system for. */
export type WalkFs = Required<Pick<FileSystemAdapter, 'readdir' | 'realpath' | 'stat'>>;

/** What is not there, or leads nowhere: a link to nothing, one that leads to itself, a folder that has just gone. */
const NOTHING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

type Failed = NodeJS.ErrnoException | null;
type Callback = (error: Failed, ...rest: never[]) => void;

/**
 * Files (and links to some) under `folder` that match any of the patterns, absolute; dot files and what is in dot
 * folders only where a pattern names them. Links to folders are followed, links to nothing passed over.
 * @param fs for tests
 * @throws UserError where a folder, or what a link leads to, cannot be read: what was not listed would be taken for gone
 */
export async function filesUnder(
  folder: string,
  patterns: readonly string[],
  shown: (path: string) => string,
  fs: WalkFs = disk,
): Promise<string[]> {
  let failed: { error: NodeJS.ErrnoException; path: string } | undefined;
  // the library takes what it cannot list for empty
  const watched = <F>(call: F): F =>
    ((path: string, ...rest: unknown[]) => {
      const back = rest.pop() as Callback;
      const seen = (error: Failed, ...result: never[]): void => {
        if (error && !NOTHING.has(error.code) && !isLostAndFound(path)) failed ??= { error, path };
        back(error, ...result);
      };
      (call as (...args: unknown[]) => void)(path, ...rest, seen);
    }) as F;
  const found = await glob([...patterns], {
    cwd: folder,
    absolute: true,
    onlyFiles: true,
    dot: false,
    expandDirectories: false,
    fs: { readdir: watched(fs.readdir), realpath: watched(fs.realpath), stat: watched(fs.stat) },
  });
  if (failed) throw unreadable(shown(failed.path), failed.error);
  return found;
}

/** At the root of a disk: root's alone, and nobody's data. */
const isLostAndFound = (path: string): boolean => /(^|[/\\])lost\+found[/\\]?$/.test(path);

/** A file or folder that is there and cannot be read. */
export const unreadable = (shown: string, error: NodeJS.ErrnoException): UserError =>
  new UserError(`${shown} cannot be read: ${reasonOf(error)}`, {
    help: 'make it readable, or take it out of with.path; nothing is deleted while it cannot be read',
    cause: error,
  });

const reasonOf = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'EACCES' || code === 'EPERM' ? `permission denied (${code})` : message;
