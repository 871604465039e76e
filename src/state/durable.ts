/** Files that are there whole or not at all: written aside, synced, renamed, and the folder synced. */

import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** What systems and file systems say that cannot sync a folder. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP']);

/** Syncs a folder, so that names made or changed in it survive a crash; where folders cannot be synced, it is left. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

let counter = 0;
// the ending stays, so that a pass over the file knows how it is compressed
const ASIDE = /^\.tmp-(\d+)-\d+\.(.+)$/;

/** A name beside a path that nobody else writes to: `.tmp-PID-N.NAME`. */
export const asideOf = (path: string): string =>
  join(dirname(path), `.tmp-${process.pid}-${counter++}.${basename(path)}`);

/** Removes what dead processes left beside a path under names of {@link asideOf}. */
export async function sweepAside(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder).catch(() => [])) {
    const match = ASIDE.exec(name);
    if (match?.[2] !== basename(path)) continue;
    const pid = Number(match[1]);
    if (pid === process.pid) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') await rm(join(folder, name), { force: true });
    }
  }
}

/** Replaces a file's content in one step. The folder is made where it is missing. */
export async function writeWhole(
  path: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await sweepAside(path);
  const aside = asideOf(path);
  try {
    const handle = await open(aside, 'w');
    try {
      // written piece by piece where it comes so, which the types of Node do not know
      await handle.writeFile(content as Uint8Array);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** What tells a file's content from another's. */
export type Seal = { readonly bytes: number; readonly crc: number };

/** Whether a file is there and holds what was sealed. */
export async function holds(path: string, seal: Seal): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.size !== seal.bytes) return false;
  let crc = 0;
  for await (const part of createReadStream(path)) crc = crc32(part as Buffer, crc);
  return crc === seal.crc;
}
