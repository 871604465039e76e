import * as path from 'node:path';
import { type Compacted, compactGenerations } from './compact.ts';
import { type Generations, nextFileNumber } from './generations.ts';
import { OpenRows } from './rows-index.ts';
import type { RowsKind } from './rows-kind.ts';
import { mergeRowsSegments } from './rows-merge.ts';
import { RowsSegment } from './rows-segment.ts';
import type { RowsManifest, RowsSegmentEntry } from './rows-types.ts';

/**
 * As {@link compactGenerations}, of an index of keyed rows; the file that speeds search up is built anew over all.
 * @param kindOf the kind that writes an index of these settings
 */
export const compactRows = (
  dir: string,
  all: Generations<RowsManifest>,
  kindOf: (settings: RowsManifest['settings']) => RowsKind,
): Promise<Compacted> =>
  compactGenerations(
    dir,
    all,
    live => !live.segments[0].deletes,
    (live, made) => mergeAll(dir, live, made, kindOf(live.settings)),
  );

async function mergeAll(
  dir: string,
  live: RowsManifest,
  made: string[],
  kind: RowsKind,
): Promise<RowsManifest> {
  const name = `segment-${String(nextFileNumber(dir)).padStart(6, '0')}`;
  const file = `${name}.seg`;
  made.push(file);
  const open: OpenRows[] = [];
  let entry: RowsSegmentEntry;
  try {
    for (const e of live.segments) open.push(new OpenRows(dir, e, 0, kind.segmentKind));
    const { meta, bytes } = await mergeRowsSegments(
      open.map(({ segment, deletes }) => ({ segment, deleted: deletes?.bits })),
      live.fields,
      path.join(dir, file),
      kind.segmentKind,
      kind.rowBytes,
    );
    entry = { file, bytes, documents: meta.documents };
  } finally {
    for (const { segment } of open) segment.close();
  }
  if (kind.graph !== undefined && entry.documents >= kind.graph.fewest) {
    const beside = `${name}.graph`;
    made.push(beside);
    const segment = new RowsSegment(path.join(dir, file), kind.segmentKind);
    try {
      const graph = await kind.graph.make(segment, path.join(dir, beside));
      entry = { ...entry, graph: { file: beside, ...graph } };
    } finally {
      segment.close();
    }
  }
  return { ...live, segments: [entry] };
}
