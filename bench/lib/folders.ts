/** Where benches keep what they generate and what they write. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const benchFolder = fileURLToPath(new URL('..', import.meta.url));

/** Generated corpora; git-ignored. Made on first call. */
export function dataFolder(): string {
  const folder = join(benchFolder, '.data');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Peers in other languages; git-ignored, made by install-peers.sh. */
export const peersFolder = join(benchFolder, '.peers');

/** Whether there is a file system in memory, which keeps the disk out of what is measured. */
export const memoryFolder = ((): string | undefined => {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return undefined;
  }
})();

/** A folder for outputs, in memory where the system has such a place; `remove` deletes it. */
export async function scratchFolder(): Promise<{ path: string; inMemory: boolean; remove(): Promise<void> }> {
  const path = await mkdtemp(join(memoryFolder ?? dataFolder(), 'millrace-bench-'));
  return {
    path,
    inMemory: memoryFolder !== undefined,
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
