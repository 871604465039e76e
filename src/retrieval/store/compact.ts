/** Compaction, as every kind of index does it: one segment without deleted rows in the place of many. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { IndexError } from '../sparse/errors.ts';
import { acquireLock } from '../sparse/lock.ts';
import { type AnyManifest, type Generations, generations, manifestName } from './generations.ts';
import { syncFolder } from './sealed.ts';

interface Size {
  readonly segments: number;
  /** Of the files of the live generation. */
  readonly bytes: number;
}

export interface Compacted {
  /** The live one now; as before where there was nothing to do. */
  readonly generation: number;
  readonly documents: number;
  readonly before: Size;
  readonly after: Size;
}

interface Segmented extends AnyManifest {
  readonly documents: number;
  readonly segments: readonly object[];
}

/**
 * Makes one segment of the live generation and that the live one; answers and scores stay as they are. Incremental runs
 * take it for the generation they wrote, and `rollback` still goes back to the one before. Holds the writer's lock;
 * searches go on meanwhile. Needs the room of the index once more until it is done.
 * @param isDone whether there is nothing to merge
 * @param merged the manifest with one segment instead; files it makes go into `made`, so that they can be removed
 * @throws IndexError 'missing', 'locked', 'corrupt', 'version', and 'generation' where a run has prepared changes
 */
export async function compactGenerations<M extends Segmented>(
  dir: string,
  kind: Generations<M>,
  isDone: (live: M) => boolean,
  merged: (live: M, made: string[]) => Promise<M>,
): Promise<Compacted> {
  if (!fs.existsSync(dir)) throw new IndexError('missing', `${dir}: there is no index here`, dir);
  const lock = acquireLock(dir);
  try {
    const live = kind.find(dir);
    const { generation, documents } = live;
    const waiting = generations(dir).find(g => g > generation);
    if (waiting !== undefined)
      throw new IndexError(
        'generation',
        `${dir}: generation ${waiting} is prepared and not live yet; run its pipeline first, which publishes or drops it (with --recheck where it has nothing to do)`,
        dir,
      );
    const sizeOf = (manifest: M): Size => ({
      segments: manifest.segments.length,
      bytes: kind
        .partsOf(manifest)
        .reduce((sum, { file }) => sum + fs.statSync(path.join(dir, file)).size, 0),
    });
    const before = sizeOf(live);
    if (live.segments.length === 0 || (before.segments === 1 && isDone(live)))
      return { generation, documents, before, after: before };
    const next = generation + 1;
    const made: string[] = [];
    try {
      const same = kind.token(dir, generation);
      const compacted: M = { ...(await merged(live, made)), generation: next, same };
      await syncFolder(dir);
      await kind.write(dir, compacted);
      await kind.replaceLive(dir, next);
    } catch (error) {
      for (const file of [manifestName(next), ...made]) fs.rmSync(path.join(dir, file), { force: true });
      throw error;
    }
    return { generation: next, documents, before, after: sizeOf(kind.read(dir, next)) };
  } finally {
    lock.release();
  }
}
