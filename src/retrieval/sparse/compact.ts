import * as path from 'node:path';
import { type Compacted, compactGenerations } from '../store/compact.ts';
import { Fields } from './fields.ts';
import { nextFileNumber } from './generations.ts';
import { type Manifest, sparseGenerations } from './manifest.ts';
import { mergeSegments } from './merge.ts';
import { WritableSegment } from './writable-segment.ts';

export type { Compacted } from '../store/compact.ts';

/** As {@link compactGenerations}. */
export const compact = (dir: string): Promise<Compacted> =>
  compactGenerations(
    dir,
    sparseGenerations,
    live => !live.segments[0].tombstones,
    (live, made) => mergeAll(dir, live, made),
  );

async function mergeAll(dir: string, live: Manifest, made: string[]): Promise<Manifest> {
  const segments: WritableSegment[] = [];
  try {
    for (const entry of live.segments) segments.push(WritableSegment.open(dir, entry));
    const file = `segment-${String(nextFileNumber(dir)).padStart(6, '0')}.seg`;
    made.push(file);
    const { meta, bytes } = await mergeSegments(
      segments.map(s => ({ segment: s.segment, deleted: s.tombstones?.bits })),
      live.fields,
      path.join(dir, file),
      new Fields(live.searched),
    );
    const { documents, terms, totalLength } = meta;
    return { ...live, segments: [{ file, bytes, documents, terms, totalLength }] };
  } finally {
    for (const segment of segments) segment.close();
  }
}
