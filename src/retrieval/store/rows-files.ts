import { verifySections } from '../sparse/section-file.ts';
import type { GenerationFile } from './generations.ts';
import { RowsDeletes } from './rows-deletes.ts';
import type { RowsManifest } from './rows-types.ts';

/**
 * The files of an index of keyed rows: segments, deletes, and what speeds search up.
 * @param segmentKind what its segment files say they are
 * @param checkGraph compares a file that speeds search up with the length and CRC-32 that the manifest says
 */
export const rowsFiles =
  (segmentKind: string, checkGraph?: (path: string, bytes: number, crc: number) => void) =>
  (manifest: Pick<RowsManifest, 'segments'>): GenerationFile[] =>
    manifest.segments.flatMap(({ file, bytes, deletes, graph }) => [
      { file, bytes, check: path => verifySections(path, segmentKind) },
      ...(deletes ? [{ ...deletes, check: RowsDeletes.verify }] : []),
      ...(graph ? [{ ...graph, check: (path: string) => checkGraph?.(path, graph.bytes, graph.crc) }] : []),
    ]);
