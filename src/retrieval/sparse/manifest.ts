import type { ResolvedSpec } from '../analysis/index.ts';
import {
  type Current,
  type GenerationFile,
  Generations,
  type GenerationToken,
} from '../store/generations.ts';
import type { StoredField } from './columns.ts';
import { DEFAULT_LAYOUT, type Layout } from './fields.ts';
import { FORMAT_VERSION, OLDEST_VERSION, verifySections } from './section-file.ts';
import { SEGMENT_KIND } from './segment-writer.ts';
import { Tombstones } from './tombstones.ts';

export { CURRENT, type Current, generations, manifestName } from '../store/generations.ts';
export { syncFolder } from '../store/sealed.ts';

export interface SegmentEntry {
  file: string;
  bytes: number;
  /** Documents in the file, deleted ones included. */
  documents: number;
  terms: number;
  totalLength: number;
  tombstones?: { file: string; bytes: number; documents: number; totalLength: number };
}

/** One generation of an index: what is live, and with what it was built. */
export interface Manifest {
  generation: number;
  /** After a compaction: the generation whose rows these are. */
  same?: GenerationToken;
  keyColumn: string;
  analyzer: { spec: ResolvedSpec; fingerprint: string };
  /** Stored columns. */
  fields: StoredField[];
  /** What is searched. */
  searched: Layout;
  /** Live documents. */
  documents: number;
  /** Sum of the live documents' lengths in terms. */
  totalLength: number;
  /** Σ l over live documents of each field that has terms of its own, by its place in `searched`; else 0. */
  fieldLengths: number[];
  segments: SegmentEntry[];
}

/** The files a manifest names. */
const partsOf = (manifest: Manifest): GenerationFile[] =>
  manifest.segments.flatMap(({ file, bytes, tombstones }) => [
    { file, bytes, check: path => verifySections(path, SEGMENT_KIND) },
    ...(tombstones ? [{ ...tombstones, check: Tombstones.verify }] : []),
  ]);

/** A manifest of version 1 says nothing of fields. */
export const sparseGenerations = new Generations<Manifest>(
  { name: 'millrace-sparse', version: FORMAT_VERSION, oldest: OLDEST_VERSION },
  partsOf,
  /\.(seg|del)$/,
  { searched: DEFAULT_LAYOUT, fieldLengths: [0] },
);

/** The names of the files that a manifest needs. */
export const filesOf = (manifest: Manifest): string[] => sparseGenerations.filesOf(manifest);

export const writeManifest = (dir: string, manifest: Manifest): Promise<void> =>
  sparseGenerations.write(dir, manifest);
export const readManifest = (dir: string, generation: number): Manifest =>
  sparseGenerations.read(dir, generation);
/** The live generation; undefined where nothing was ever published there. */
export const readCurrent = (dir: string): Current | undefined => sparseGenerations.readCurrent(dir);
