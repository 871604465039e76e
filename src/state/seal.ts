/**
 * A checksum beside a store that has none of its own: taken when the store is closed, looked at when it is opened. While
 * it is written, and where that was cut short, its size then is all that is held: it only grows, and a store that was
 * cut off would end the process that maps it. One that was sealed a moment ago and that nobody has touched since is not
 * read again: what is asked for comes out of the system's memory anyway, and a state of gigabytes takes seconds.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';

interface SealFile {
  readonly bytes: number;
  /** Absent where the file is too large to be read each time, or being written. */
  readonly crc?: number;
  /** When it was sealed, in milliseconds since 1970, and times of the file then: whoever touches it changes one. */
  readonly at?: number;
  readonly times?: string;
}

/** How long a seal counts for a file that is as it was. */
const FRESH_MS = 600_000;
/** Times of files go by ticks: so much before now a time is that of no write to come. */
const TICK_MS = 100;

function timesOf(path: string): string | undefined {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info && `${info.size} ${info.ino} ${info.mtimeNs} ${info.ctimeNs}`;
}

const sealPath = (path: string): string => `${path}.seal`;
// it stays in the processor's cache
const BLOCK = 256 << 10;

/** Size and checksum of a file; no checksum above `most` bytes. Undefined where there is none. */
function measured(path: string, most: number): SealFile | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = fstatSync(file).size;
    if (bytes > most) return { bytes };
    const block = Buffer.allocUnsafeSlow(Math.min(BLOCK, bytes));
    let crc = 0;
    for (let at = 0; at < bytes; ) {
      const read = readSync(file, block, 0, block.length, at);
      if (read === 0) break;
      crc = crc32(block.subarray(0, read), crc);
      at += read;
    }
    return { bytes, crc };
  } finally {
    closeSync(file);
  }
}

function sealOf(path: string): string | undefined {
  try {
    return readFileSync(sealPath(path), 'utf8');
  } catch {
    return undefined;
  }
}

/** Seals a file as it is now. @param most bytes up to which it is read: larger ones are held by their size alone */
export function seal(path: string, most = Number.POSITIVE_INFINITY): void {
  const found = measured(path, most);
  if (!found) {
    rmSync(sealPath(path), { force: true });
    return;
  }
  let sealed = found;
  if (found.crc !== undefined) {
    const at = Date.now();
    utimesSync(path, at / 1000, (at - TICK_MS) / 1000);
    sealed = { ...found, at, times: timesOf(path) };
  }
  writeFileSync(`${sealPath(path)}.tmp`, JSON.stringify(sealed));
  renameSync(`${sealPath(path)}.tmp`, sealPath(path));
}

/** Before the file is written: of what it is now, its size alone counts. */
export const unseal = (path: string): void => seal(path, -1);

/** What is wrong with a file that was sealed; undefined where nothing is, or nothing is known. */
export function brokenSeal(path: string): string | undefined {
  const text = sealOf(path);
  if (text === undefined) return undefined;
  let sealed: SealFile;
  try {
    sealed = JSON.parse(text) as SealFile;
  } catch {
    // cut off by a loss of power, perhaps: then nothing is known
    return undefined;
  }
  const age = Date.now() - (sealed.at ?? 0);
  if (age >= 0 && age < FRESH_MS && sealed.times === timesOf(path)) return undefined;
  const found = measured(path, sealed.crc === undefined ? 0 : Number.POSITIVE_INFINITY);
  // another process may have begun to write meanwhile
  const wrong = (why: string): string | undefined => (sealOf(path) === text ? why : undefined);
  if (!found) return wrong('it is missing');
  if (sealed.crc === undefined)
    return found.bytes < sealed.bytes
      ? wrong(`it has ${found.bytes} bytes, wanted ${sealed.bytes}`)
      : undefined;
  if (found.bytes !== sealed.bytes) return wrong(`it has ${found.bytes} bytes, wanted ${sealed.bytes}`);
  return found.crc === sealed.crc ? undefined : wrong('its checksum does not hold');
}

/** Whether a file has a checksum: nobody writes it, and nobody was killed while writing. */
export function isSealed(path: string): boolean {
  try {
    return (JSON.parse(sealOf(path) ?? '{}') as Partial<SealFile>).crc !== undefined;
  } catch {
    return false;
  }
}
