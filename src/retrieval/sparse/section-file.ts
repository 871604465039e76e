import * as fs from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { ByteWriter, crc32 } from './bytes.ts';
import { IndexError } from './errors.ts';

/**
 * The container of every binary file of an index: a header, named sections, a table of contents, a
 * trailer. Each byte is under some CRC-32, so a flipped bit anywhere is found.
 *
 *   header   "MILLRACE" kind(8) version(u32) crc(u32)
 *   sections each padded to 8 bytes, padding under the section's checksum
 *   contents JSON: [{ name, offset, length, crc }]
 *   trailer  contents offset(f64) contents length(u32) contents crc(u32) "ECARLLIM" crc(u32)
 */
const MAGIC = 'MILLRACE';
const END = 'ECARLLIM';
const HEADER_BYTES = 24;
const TRAILER_BYTES = 28;
/** 2 added fields, weighted terms and positions; files of version 1 are read as an index of one text field. */
export const FORMAT_VERSION = 2;
export const OLDEST_VERSION = 1;

export const readable = (version: unknown): boolean =>
  typeof version === 'number' && version >= OLDEST_VERSION && version <= FORMAT_VERSION;

export interface Section {
  name: string;
  offset: number;
  length: number;
  crc: number;
}

const fsync = promisify(fs.fsync);

function ascii(text: string, size = text.length): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at);
}

function seal(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
  return bytes;
}

/** Writes one file, section after section, through a buffer of a mebibyte. */
export class SectionWriter {
  readonly path: string;
  private readonly fd: number;
  private readonly sections: Section[] = [];
  private readonly buffer = new ByteWriter(1 << 20);
  private position = 0;
  private open: { name: string; offset: number; crc: number } | undefined;

  /** `kind` is at most 8 ASCII characters. */
  constructor(path: string, kind: string) {
    this.path = path;
    this.fd = fs.openSync(path, 'w');
    const header = new Uint8Array(HEADER_BYTES);
    header.set(ascii(MAGIC), 0);
    header.set(ascii(kind, 8), 8);
    new DataView(header.buffer).setUint32(16, FORMAT_VERSION, true);
    this.raw(seal(header));
  }

  begin(name: string): void {
    this.open = { name, offset: this.position, crc: 0 };
  }

  write(bytes: Uint8Array): void {
    if (this.open === undefined) throw new Error('no section is open');
    this.open.crc = crc32(bytes, this.open.crc);
    this.raw(bytes);
  }

  end(): void {
    const { open } = this;
    if (open === undefined) throw new Error('no section is open');
    const length = this.position - open.offset;
    const rest = this.position % 8;
    if (rest !== 0) this.write(new Uint8Array(8 - rest));
    this.sections.push({ name: open.name, offset: open.offset, length, crc: open.crc >>> 0 });
    this.open = undefined;
  }

  section(name: string, data: ArrayBufferView): void {
    this.begin(name);
    this.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.end();
  }

  /** Bytes written to the open section. */
  get sectionLength(): number {
    return this.open === undefined ? 0 : this.position - this.open.offset;
  }

  /** Writes contents and trailer, syncs and closes. Returns the file's length in bytes. */
  async finish(): Promise<number> {
    const contents = new TextEncoder().encode(JSON.stringify(this.sections));
    const trailer = new Uint8Array(TRAILER_BYTES);
    const view = new DataView(trailer.buffer);
    view.setFloat64(0, this.position, true);
    view.setUint32(8, contents.length, true);
    view.setUint32(12, crc32(contents), true);
    trailer.set(ascii(END), 16);
    this.raw(contents);
    this.raw(seal(trailer));
    this.drain();
    try {
      await fsync(this.fd);
    } finally {
      fs.closeSync(this.fd);
    }
    return this.position;
  }

  /** Closes and removes the file. */
  abort(): void {
    fs.closeSync(this.fd);
    fs.rmSync(this.path, { force: true });
  }

  private raw(bytes: Uint8Array): void {
    this.position += bytes.length;
    if (bytes.length >= 1 << 16) {
      this.drain();
      writeAll(this.fd, bytes);
      return;
    }
    this.buffer.put(bytes);
    if (this.buffer.length >= 1 << 20) this.drain();
  }

  private drain(): void {
    writeAll(this.fd, this.buffer.view());
    this.buffer.reset();
  }
}

/** Sections that threads share: "file name/section" → its bytes, padded, checked when they were read. */
export type SharedSections = Map<string, SharedArrayBuffer>;

/** Reads one file: header, contents and trailer are checked on opening, sections when loaded whole. */
export class SectionFile {
  readonly path: string;
  readonly length: number;
  readonly sections: readonly Section[];
  private fd: number;
  private readonly shared: SharedSections | undefined;

  /**
   * Throws IndexError 'missing', 'version' or 'corrupt', naming the file. With `shared`, sections are taken from there,
   * and those that are not there yet are put there.
   */
  constructor(path: string, kind: string, shared?: SharedSections) {
    this.path = path;
    this.shared = shared;
    try {
      this.fd = fs.openSync(path, 'r');
    } catch {
      throw new IndexError('missing', `${path}: the index names this file, but it cannot be opened`, path);
    }
    try {
      this.length = fs.fstatSync(this.fd).size;
      this.sections = this.readContents(kind);
    } catch (error) {
      fs.closeSync(this.fd);
      throw error;
    }
  }

  /** The names that start with a prefix. */
  names(prefix: string): string[] {
    return this.sections.filter(s => s.name.startsWith(prefix)).map(s => s.name);
  }

  find(name: string): Section {
    const section = this.sections.find(s => s.name === name);
    if (section === undefined) throw this.corrupt(`has no section "${name}"`);
    return section;
  }

  /** Reads a whole section into a buffer of its own and checks it; a section that is shared was read before. */
  load(name: string): Uint8Array {
    const section = this.find(name);
    const key = `${basename(this.path)}/${name}`;
    const kept = this.shared?.get(key);
    if (kept !== undefined) return new Uint8Array(kept, 0, section.length);
    const padded = Math.ceil((section.offset + section.length) / 8) * 8 - section.offset;
    const buffer = this.shared === undefined ? new ArrayBuffer(padded) : new SharedArrayBuffer(padded);
    const bytes = new Uint8Array(buffer);
    this.read(bytes, section.offset);
    if (crc32(bytes) !== section.crc) throw this.corrupt(`section "${name}" fails its checksum`);
    if (buffer instanceof SharedArrayBuffer) this.shared?.set(key, buffer);
    return bytes.subarray(0, section.length);
  }

  /** Reads bytes of a section without checking them. */
  readAt(section: Section, offset: number, target: Uint8Array): void {
    if (offset + target.length > section.length) throw this.corrupt(`section "${section.name}" ends early`);
    this.read(target, section.offset + offset);
  }

  /** Recomputes every checksum; throws IndexError 'corrupt' at the first that differs. */
  verify(): void {
    const chunk = new Uint8Array(1 << 20);
    let position = HEADER_BYTES;
    for (const section of this.sections) {
      if (section.offset !== position) throw this.corrupt(`section "${section.name}" is out of place`);
      let left = Math.ceil((section.offset + section.length) / 8) * 8 - section.offset;
      let crc = 0;
      while (left > 0) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        this.read(part, position);
        crc = crc32(part, crc);
        position += part.length;
        left -= part.length;
      }
      if (crc >>> 0 !== section.crc) throw this.corrupt(`section "${section.name}" fails its checksum`);
    }
  }

  close(): void {
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
  }

  private read(target: Uint8Array, position: number): void {
    if (this.fd < 0) throw new IndexError('closed', `${this.path}: read after close`, this.path);
    for (let at = 0; at < target.length; ) {
      const got = fs.readSync(this.fd, target, at, target.length - at, position + at);
      if (got === 0) throw this.corrupt('ends early');
      at += got;
    }
  }

  private readContents(kind: string): Section[] {
    if (this.length < HEADER_BYTES + TRAILER_BYTES) throw this.corrupt(`is only ${this.length} bytes long`);
    const header = new Uint8Array(HEADER_BYTES);
    this.read(header, 0);
    const text = (bytes: Uint8Array) => String.fromCharCode(...bytes).replace(/\0+$/, '');
    if (text(header.subarray(0, 8)) !== MAGIC || text(header.subarray(8, 16)) !== kind) {
      throw new IndexError(
        'version',
        `${this.path}: is not a "${kind}" file of this index format (it begins with ${JSON.stringify(text(header.subarray(0, 16)))})`,
        this.path,
      );
    }
    const view = new DataView(header.buffer);
    if (view.getUint32(20, true) !== crc32(header.subarray(0, 20)))
      throw this.corrupt('header fails its checksum');
    const version = view.getUint32(16, true);
    if (!readable(version)) throw versionError(this.path, version);
    const trailer = new Uint8Array(TRAILER_BYTES);
    this.read(trailer, this.length - TRAILER_BYTES);
    const end = new DataView(trailer.buffer);
    if (
      text(trailer.subarray(16, 24)) !== END ||
      end.getUint32(24, true) !== crc32(trailer.subarray(0, 24))
    ) {
      throw this.corrupt('has no sound trailer; it was cut short or changed');
    }
    const offset = end.getFloat64(0, true);
    const length = end.getUint32(8, true);
    if (offset + length + TRAILER_BYTES !== this.length) throw this.corrupt('contents do not fit its length');
    const contents = new Uint8Array(length);
    this.read(contents, offset);
    if (crc32(contents) !== end.getUint32(12, true)) throw this.corrupt('contents fail their checksum');
    return JSON.parse(new TextDecoder().decode(contents)) as Section[];
  }

  private corrupt(what: string): IndexError {
    return new IndexError(
      'corrupt',
      `${this.path}: ${what}; restore the file, roll back or build the index again`,
      this.path,
    );
  }
}

/** The error for a file written by another version of the format. */
export function versionError(path: string, found: unknown): IndexError {
  return new IndexError(
    'version',
    `${path}: format version ${String(found)}, this release reads version ${FORMAT_VERSION} and older; ` +
      'use the release that wrote it, or build the index again',
    path,
  );
}

/** Compares all checksums of a file. @throws IndexError 'corrupt', 'missing', 'version' */
export function verifySections(path: string, kind: string): void {
  const file = new SectionFile(path, kind);
  try {
    file.verify();
  } finally {
    file.close();
  }
}
