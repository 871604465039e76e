import * as fs from 'node:fs';
import * as path from 'node:path';
import { readManifest, sparseGenerations } from './manifest.ts';

export { nextFileNumber } from '../store/generations.ts';

/** Files that the live, the previous or a prepared generation names, but for `except`. */
export const keptFiles = (dir: string, except?: number): Set<string> => sparseGenerations.kept(dir, except);

/** Whether a generation is there whole, as far as names and lengths of its files tell. */
export function isWhole(dir: string, generation: number): boolean {
  try {
    const manifest = readManifest(dir, generation);
    return manifest.segments.every(({ file, bytes, tombstones }) =>
      [{ file, bytes }, ...(tombstones ? [tombstones] : [])].every(
        f => fs.statSync(path.join(dir, f.file)).size === f.bytes,
      ),
    );
  } catch {
    return false;
  }
}

/** As {@link Generations.changedSince}. */
export const changedSince = (dir: string, generation: number): boolean =>
  sparseGenerations.changedSince(dir, generation);

/** Writes CURRENT and then removes what neither the new generation nor the one before it needs. */
export const switchTo = (dir: string, generation: number): Promise<void> =>
  sparseGenerations.switchTo(dir, generation);

/** Publishes a prepared generation without a writer; the live one again does nothing. */
export const publish = (dir: string, generation: number): Promise<void> =>
  sparseGenerations.publish(dir, generation);

/**
 * Goes back to the generation before the live one. Returns the generation that is live now.
 * Throws IndexError 'generation' where there is none to go back to.
 */
export const rollback = (dir: string): Promise<number> => sparseGenerations.rollback(dir);
