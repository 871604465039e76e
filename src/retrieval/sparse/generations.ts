import * as fs from 'node:fs';
import * as path from 'node:path';
import { IndexError } from './errors.ts';
import { acquireLock } from './lock.ts';
import {
  CURRENT,
  type Current,
  filesOf,
  generations,
  manifestName,
  readCurrent,
  readManifest,
  writeCurrent,
} from './manifest.ts';

export function nextFileNumber(dir: string): number {
  let highest = 0;
  for (const name of fs.readdirSync(dir)) {
    const match = /^segment-(\d+)\./.exec(name);
    if (match !== null) highest = Math.max(highest, Number(match[1]));
  }
  return highest + 1;
}

/** Files that the live, the previous or a prepared generation names, but for `except`. */
export function keptFiles(dir: string, except?: number): Set<string> {
  const kept = new Set<string>();
  for (const generation of generations(dir)) {
    if (generation === except) continue;
    try {
      for (const file of filesOf(readManifest(dir, generation))) kept.add(file);
    } catch {
      // A manifest that cannot be read keeps nothing.
    }
  }
  return kept;
}

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

/** Whether a file of a generation was changed after the generation was published: then its checksums decide. */
export function changedSince(dir: string, generation: number): boolean {
  const published = fs.statSync(path.join(dir, CURRENT)).mtimeMs;
  return [...filesOf(readManifest(dir, generation)), manifestName(generation)].some(
    file => fs.statSync(path.join(dir, file)).mtimeMs > published,
  );
}

/** Writes CURRENT and then removes what neither the new generation nor the one before it needs. */
export async function switchTo(dir: string, generation: number, anew = false): Promise<void> {
  readManifest(dir, generation);
  let current: Current | undefined;
  try {
    current = readCurrent(dir);
  } catch (error) {
    // what was built from nothing takes the place of whatever is there
    if (!anew) throw error;
  }
  if (current?.generation === generation) return;
  if (current !== undefined && current.generation > generation) {
    throw new IndexError(
      'generation',
      `${dir}: generation ${generation} is older than the live one (${current.generation}); use rollback to go back`,
    );
  }
  await writeCurrent(dir, { generation, previous: current?.generation ?? null });
  removeUnused(dir, [generation, current?.generation]);
}

function removeUnused(dir: string, keep: (number | undefined)[]): void {
  for (const generation of generations(dir)) {
    if (!keep.includes(generation)) fs.rmSync(path.join(dir, `manifest.${generation}.json`), { force: true });
  }
  const kept = keptFiles(dir);
  for (const name of fs.readdirSync(dir)) {
    if (/\.(seg|del)$/.test(name) && !kept.has(name)) fs.rmSync(path.join(dir, name), { force: true });
    if (/\.tmp$/.test(name)) fs.rmSync(path.join(dir, name), { force: true });
  }
}

/**
 * Publishes a prepared generation without a writer: what recovery does when a commit record names a
 * generation that the index itself has not switched to. Publishing the live generation does nothing.
 */
export async function publish(dir: string, generation: number): Promise<void> {
  const release = acquireLock(dir);
  try {
    await switchTo(dir, generation);
  } finally {
    release();
  }
}

/**
 * Goes back to the generation before the live one. Returns the generation that is live now.
 * Throws IndexError 'generation' where there is none to go back to.
 */
export async function rollback(dir: string): Promise<number> {
  if (!fs.existsSync(dir)) throw new IndexError('missing', `${dir}: there is no index here`, dir);
  const release = acquireLock(dir);
  try {
    const current = readCurrent(dir);
    if (current === undefined) throw new IndexError('missing', `${dir}: nothing was published here`, dir);
    if (current.previous === null) {
      throw new IndexError(
        'generation',
        `${dir}: generation ${current.generation} has none before it to go back to`,
      );
    }
    readManifest(dir, current.previous);
    await writeCurrent(dir, { generation: current.previous, previous: null });
    return current.previous;
  } finally {
    release();
  }
}
