/** JSON files of an index that say themselves whether they are whole: format, version, a CRC-32 as the last member. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from '../sparse/bytes.ts';
import { IndexError } from '../sparse/errors.ts';

/** What a kind of index calls its files. */
export interface Format {
  /** `millrace-sparse` */
  readonly name: string;
  /** Written. */
  readonly version: number;
  /** The oldest that is read. */
  readonly oldest: number;
}

export const readableAs = (format: Format, version: unknown): boolean =>
  typeof version === 'number' && version >= format.oldest && version <= format.version;

/** The error for a file written by another version of the format. */
export function otherVersion(file: string, found: unknown, format: Format): IndexError {
  return new IndexError(
    'version',
    `${file}: format version ${String(found)}, this release reads version ${format.version}` +
      `${format.oldest < format.version ? ' and older' : ''}; use the release that wrote it, or build the index again`,
    file,
  );
}

/** A body as text with a CRC-32 of all that comes before it as its last member. */
export function sealed(format: Format, body: object): string {
  const text = JSON.stringify({ format: format.name, version: format.version, ...body }, undefined, 1).slice(
    0,
    -2,
  );
  const crc = crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
  return `${text},\n "checksum": "${crc}"\n}\n`;
}

/** The body of a sealed file. @throws IndexError 'missing', 'corrupt', 'version' */
export function unseal(file: string, format: Format): Record<string, unknown> {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch {
    throw new IndexError('missing', `${file}: there is no such file`, file);
  }
  const match = /,\n "checksum": "([0-9a-f]{8})"\n\}\n$/.exec(bytes.toString('latin1'));
  const broken = (what: string) =>
    new IndexError('corrupt', `${file}: ${what}; restore the file, roll back or build the index again`, file);
  if (match === null)
    throw foreign(file, bytes, format) ?? broken('has no sound checksum line; it was cut short or changed');
  const crc = crc32(bytes.subarray(0, match.index)).toString(16).padStart(8, '0');
  if (crc !== match[1]) throw broken('fails its checksum');
  const body = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  if (body.format !== format.name || !readableAs(format, body.version))
    throw foreign(file, bytes, format) ?? broken('is not an index file');
  return body;
}

/** What indexes of each format hold, and the step that searches them. */
const HOLDS: Readonly<Record<string, { readonly rows: string; readonly search: string }>> = {
  'millrace-sparse': { rows: 'words', search: 'search.sparse' },
  'millrace-dense': { rows: 'vectors', search: 'search.dense' },
  'millrace-late': { rows: 'token vectors', search: 'search.late' },
};

/** The error for a readable file of another format or version; undefined where the file is just broken. */
function foreign(file: string, bytes: Buffer, wanted: Format): IndexError | undefined {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const { format, version } = (body ?? {}) as { format?: unknown; version?: unknown };
  if (format === wanted.name && readableAs(wanted, version)) return undefined;
  if (format === wanted.name) return otherVersion(file, version, wanted);
  const [found, own] = [HOLDS[String(format)], HOLDS[wanted.name]];
  if (found && own)
    return new IndexError(
      'version',
      `${file}: this is an index of ${found.rows}, wanted one of ${own.rows}`,
      file,
      `search it with ${found.search}, or name another folder: one index a folder`,
    );
  return new IndexError(
    'version',
    `${file}: format ${JSON.stringify(format)}, wanted "${wanted.name}" version ${wanted.version}`,
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
export async function writeAtomically(file: string, text: string): Promise<void> {
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
