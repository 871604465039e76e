import * as fs from 'node:fs';
import * as path from 'node:path';
import { IndexError } from './errors.ts';
import { Fields } from './fields.ts';
import { nextFileNumber } from './generations.ts';
import { acquireLock } from './lock.ts';
import {
  generations,
  type Manifest,
  manifestName,
  readManifest,
  type SegmentEntry,
  sparseGenerations,
  syncFolder,
  writeManifest,
} from './manifest.ts';
import { mergeSegments } from './merge.ts';
import { WritableSegment } from './writable-segment.ts';

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

const sizeOf = ({ segments }: Manifest): Size => ({
  segments: segments.length,
  bytes: segments.reduce((sum, s) => sum + s.bytes + (s.tombstones?.bytes ?? 0), 0),
});

/**
 * Merges the live generation into one segment without deleted rows and makes that the live one; answers and scores stay
 * as they are. Incremental runs take it for the generation they wrote, and `rollback` still goes back to the one before.
 * Holds the writer's lock; searches go on meanwhile. Needs the room of the index once more until it is done.
 * @throws IndexError 'missing', 'locked', 'corrupt', 'version', and 'generation' where a run has prepared changes
 */
export async function compact(dir: string): Promise<Compacted> {
  if (!fs.existsSync(dir)) throw new IndexError('missing', `${dir}: there is no index here`, dir);
  const lock = acquireLock(dir);
  try {
    const live = sparseGenerations.find(dir);
    const { generation } = live;
    const waiting = generations(dir).find(g => g > generation);
    if (waiting !== undefined)
      throw new IndexError(
        'generation',
        `${dir}: generation ${waiting} is prepared and not live yet; run its pipeline first, which publishes or drops it`,
        dir,
      );
    const before = sizeOf(live);
    const done = live.segments.length === 0 || (before.segments === 1 && !live.segments[0].tombstones);
    if (done) return { generation, documents: live.documents, before, after: before };
    const merged = await mergeAll(dir, live);
    const compacted: Manifest = {
      ...live,
      generation: generation + 1,
      same: sparseGenerations.token(dir, generation),
      segments: [merged],
    };
    await syncFolder(dir);
    try {
      await writeManifest(dir, compacted);
      await sparseGenerations.replaceLive(dir, compacted.generation);
    } catch (error) {
      fs.rmSync(path.join(dir, manifestName(compacted.generation)), { force: true });
      fs.rmSync(path.join(dir, merged.file), { force: true });
      throw error;
    }
    const after = sizeOf(readManifest(dir, compacted.generation));
    return { generation: compacted.generation, documents: live.documents, before, after };
  } finally {
    lock.release();
  }
}

async function mergeAll(dir: string, live: Manifest): Promise<SegmentEntry> {
  const segments: WritableSegment[] = [];
  try {
    for (const entry of live.segments) segments.push(WritableSegment.open(dir, entry));
    const file = `segment-${String(nextFileNumber(dir)).padStart(6, '0')}.seg`;
    const { meta, bytes } = await mergeSegments(
      segments.map(s => ({ segment: s.segment, deleted: s.tombstones?.bits })),
      live.fields,
      path.join(dir, file),
      new Fields(live.searched),
    );
    const { documents, terms, totalLength } = meta;
    return { file, bytes, documents, terms, totalLength };
  } finally {
    for (const segment of segments) segment.close();
  }
}
