import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { ResolvedSpec } from '../analysis/index.ts';
import { crc32 } from './bytes.ts';
import type { StoredField } from './columns.ts';
import { IndexError } from './errors.ts';
import { DEFAULT_LAYOUT, type Layout } from './fields.ts';
import { FORMAT_VERSION, readable, versionError } from './section-file.ts';

const FORMAT = 'millrace-sparse';

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

export interface Current {
  generation: number;
  /** The generation `rollback` goes back to. */
  previous: number | null;
}

export const CURRENT = 'CURRENT';
export const manifestName = (generation: number): string => `manifest.${generation}.json`;

/** JSON with a CRC-32 of all that comes before it as its last member. */
function sealed(body: object): string {
  const text = JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, ...body }, undefined, 1).slice(
    0,
    -2,
  );
  const crc = crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
  return `${text},\n "checksum": "${crc}"\n}\n`;
}

function unseal(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'latin1');
  } catch {
    throw new IndexError('missing', `${file}: there is no such file`, file);
  }
  const bytes = Buffer.from(text, 'latin1');
  const match = /,\n "checksum": "([0-9a-f]{8})"\n\}\n$/.exec(text);
  const broken = (what: string) =>
    new IndexError('corrupt', `${file}: ${what}; restore the file, roll back or build the index again`, file);
  if (match === null)
    throw foreign(file, bytes) ?? broken('has no sound checksum line; it was cut short or changed');
  const crc = crc32(bytes.subarray(0, match.index)).toString(16).padStart(8, '0');
  if (crc !== match[1]) throw broken('fails its checksum');
  const body = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  if (body.format !== FORMAT || !readable(body.version))
    throw foreign(file, bytes) ?? broken('is not an index file');
  return body;
}

/** The error for a readable file of another format or version; undefined where the file is just broken. */
function foreign(file: string, bytes: Buffer): IndexError | undefined {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const { format, version } = (body ?? {}) as { format?: unknown; version?: unknown };
  if (format === FORMAT && readable(version)) return undefined;
  if (format === FORMAT) return versionError(file, version);
  return new IndexError(
    'version',
    `${file}: format ${JSON.stringify(format)}, wanted "${FORMAT}" version ${FORMAT_VERSION}`,
    file,
  );
}

const fsync = promisify(fs.fsync);

/** Syncs a folder, so that renames and new names in it survive a power cut. */
export async function syncFolder(dir: string): Promise<void> {
  let fd: number;
  try {
    fd = fs.openSync(dir, 'r');
  } catch {
    return; // Windows opens no folders.
  }
  try {
    await fsync(fd).catch(() => {});
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes a file whole or not at all: temporary name, sync, rename, sync of the folder. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const fd = fs.openSync(temporary, 'w');
  try {
    fs.writeSync(fd, text);
    await fsync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(temporary, file);
  await syncFolder(path.dirname(file));
}

export async function writeManifest(dir: string, manifest: Manifest): Promise<void> {
  await writeAtomically(path.join(dir, manifestName(manifest.generation)), sealed(manifest));
}

export function readManifest(dir: string, generation: number): Manifest {
  const file = path.join(dir, manifestName(generation));
  // A manifest of version 1 says nothing of fields.
  const manifest: Manifest = {
    searched: DEFAULT_LAYOUT,
    fieldLengths: [0],
    ...(unseal(file) as unknown as Omit<Manifest, 'searched' | 'fieldLengths'>),
  };
  if (manifest.generation !== generation) {
    throw new IndexError('corrupt', `${file}: says it is generation ${manifest.generation}`, file);
  }
  return manifest;
}

export async function writeCurrent(dir: string, current: Current): Promise<void> {
  await writeAtomically(path.join(dir, CURRENT), sealed(current));
}

/** The live generation; undefined where nothing was ever published there. */
export function readCurrent(dir: string): Current | undefined {
  const file = path.join(dir, CURRENT);
  if (!fs.existsSync(file)) return undefined;
  return unseal(file) as unknown as Current;
}

/** Generations whose manifest is in the folder, ascending. */
export function generations(dir: string): number[] {
  return fs
    .readdirSync(dir)
    .map(name => /^manifest\.(\d+)\.json$/.exec(name)?.[1])
    .filter(g => g !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The files a manifest names. */
export function filesOf(manifest: Manifest): string[] {
  return manifest.segments.flatMap(s =>
    s.tombstones === undefined ? [s.file] : [s.file, s.tombstones.file],
  );
}
