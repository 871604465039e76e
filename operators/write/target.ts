/**
 * A file that appears whole or not at all: written beside its place under a temporary name, synced, and renamed by
 * `publish`.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import {
  formatBytes,
  type Json,
  type PlanContext,
  type Prepared,
  UserError,
} from '../../src/define/index.ts';
import { asideOf, holds, type Seal, sweepAside, syncFolder } from '../../src/state/durable.ts';
import { faultPoint } from '../../src/state/fault.ts';
import type { SourceFile } from '../read/lib/files.ts';

/** Bytes gathered before the file is written to. */
const BLOCK_BYTES = 256 * 1024;

type ZstdZlib = { createZstdCompress?: (options?: object) => Transform };

/** The compressor that a file's ending asks for, or undefined for none. @throws UserError where Node has none. */
export function compressorFor(path: string): Transform | undefined {
  const options = { chunkSize: BLOCK_BYTES };
  if (/\.gz$/i.test(path)) return zlib.createGzip(options);
  if (/\.br$/i.test(path))
    return zlib.createBrotliCompress({ ...options, params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } });
  if (!/\.zst$/i.test(path)) return undefined;
  const native = (zlib as ZstdZlib).createZstdCompress;
  if (!native)
    throw new UserError(
      `with.path: ${path} asks for Zstandard, which Node ${process.versions.node} cannot write`,
      {
        help: 'write .gz or .br, or run on Node 22.15 or newer',
      },
    );
  return native(options);
}

/** A file as the output needs it; tests give one that fails. */
export interface OutputHandle {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** An open output file. */
export class Target {
  readonly #shown: string;
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: OutputHandle;
  readonly #compressor: Transform | undefined;
  #draining: Promise<void> | undefined;
  #failure: unknown;
  #block = new Uint8Array(BLOCK_BYTES);
  #used = 0;
  #closed = false;
  #crc = 0;
  /** Bytes on disk. */
  written = 0;

  constructor(shown: string, path: string, temporary: string, handle: OutputHandle, compressor?: Transform) {
    this.#shown = shown;
    this.#path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#compressor = compressor;
    if (compressor) this.#draining = this.#drain(compressor);
  }

  /** @throws UserError where the place cannot be written, or its compression is not to be had. */
  static async open(
    shown: string,
    ctx: PlanContext,
    options: { compress?: boolean; wrap?: (handle: FileHandle) => OutputHandle } = {},
  ): Promise<Target> {
    const path = resolve(ctx.path(shown));
    const compressor = options.compress === false ? undefined : compressorFor(path);
    const folder = dirname(path);
    const temporary = asideOf(path);
    try {
      if ((await stat(path).catch(() => undefined))?.isDirectory())
        throw new UserError(`with.path: ${shown} is a folder, wanted a file name`);
      await mkdir(folder, { recursive: true });
      await sweepAside(path);
      const handle = await open(temporary, 'wx');
      return new Target(shown, path, temporary, options.wrap?.(handle) ?? handle, compressor);
    } catch (cause) {
      throw outputError(cause, shown, 0);
    }
  }

  /** The file as it stands, for a second pass over it. */
  get file(): SourceFile {
    const path = this.#temporary;
    return { path, shown: this.#shown, name: basename(this.#path), size: this.written };
  }

  async #put(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at);
      at += bytesWritten;
      this.written += bytesWritten;
    }
    this.#crc = zlib.crc32(bytes, this.#crc);
  }
  async #drain(compressor: Transform): Promise<void> {
    try {
      for await (const chunk of compressor) await this.#put(chunk as Uint8Array);
    } catch (error) {
      this.#failure ??= error;
    }
  }
  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#compressor) return this.#put(bytes);
    // the compressor keeps what it is given until it is done with it
    if (!this.#compressor.write(bytes.slice()))
      await Promise.race([once(this.#compressor, 'drain'), this.#draining]);
    if (this.#failure) throw this.#failure;
  }

  /** Appends bytes; they may be changed afterwards. @throws UserError on a full disk, saying how far it came. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#used + bytes.length <= this.#block.length) {
        this.#block.set(bytes, this.#used);
        this.#used += bytes.length;
        return;
      }
      await this.#flush();
      if (bytes.length >= this.#block.length) await this.#send(bytes);
      else {
        this.#block.set(bytes);
        this.#used = bytes.length;
      }
    } catch (cause) {
      throw outputError(cause, this.#shown, this.written);
    }
  }
  async #flush(): Promise<void> {
    const full = this.#block.subarray(0, this.#used);
    this.#used = 0;
    if (full.length > 0) await this.#send(full);
  }

  /** Writes what is held, syncs and closes: the file is whole and nobody sees it. */
  async finish(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#flush();
      if (this.#compressor) {
        this.#compressor.end();
        await this.#draining;
        if (this.#failure) throw this.#failure;
      }
      faultPoint('file-prepare');
      await this.#handle.sync();
      this.#closed = true;
      await this.#handle.close();
    } catch (cause) {
      throw outputError(cause, this.#shown, this.written);
    }
  }

  /** What `publish` needs. */
  prepared(rows: number): Prepared {
    return {
      token: {
        temporary: basename(this.#temporary),
        bytes: this.written,
        crc: this.#crc,
      } satisfies FileToken,
      summary: { path: this.#shown, rows, bytes: this.written },
    };
  }

  /** Closes and removes the temporary file, unless it has been published. */
  async abort(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#compressor?.destroy();
      await this.#draining;
      await this.#handle.close().catch(() => {});
    }
    await rm(this.#temporary, { force: true });
  }
}

/** The error of an output in the user's words. */
export function outputError(cause: unknown, shown: string, written: number): Error {
  if (cause instanceof UserError) return cause;
  const code = (cause as NodeJS.ErrnoException)?.code;
  const kept = 'a file that was there before is as it was';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UserError(
      `${shown}: ${code === 'ENOSPC' ? 'the disk is full' : 'the disk quota is used up'} after ${formatBytes(written)} were written; ${kept}`,
      { help: 'make room, or write to another disk, and run again', cause },
    );
  if (code === 'EFBIG')
    return new UserError(`${shown}: the file system takes no file above ${formatBytes(written)}; ${kept}`, {
      cause,
    });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new UserError(`with.path: ${shown} may not be written (${code}); ${kept}`, {
      help: 'look at the permissions of its folder',
      cause,
    });
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new UserError(`with.path: ${shown}: a part of the path is a file, wanted a folder (${code})`, {
      cause,
    });
  if (code === 'ENAMETOOLONG') return new UserError(`with.path: ${shown}: the name is too long`, { cause });
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** What `publish` needs: the prepared file's name, and what tells it from another one once it has been renamed. */
type FileToken = { readonly temporary: string } & Seal;

/**
 * Renames a prepared file to its place. Idempotent: called again, it finds the work done.
 * @throws UserError where the prepared file is gone and its place does not hold what was prepared.
 */
export async function publishFile(shown: string, prepared: Json, ctx: PlanContext): Promise<void> {
  const token = prepared as unknown as FileToken;
  const path = resolve(ctx.path(shown));
  faultPoint('file-publish');
  try {
    await rename(join(dirname(path), token.temporary), path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw outputError(cause, shown, 0);
    if (!(await holds(path, token))) {
      const there = existsSync(path) ? 'the file there is another one' : 'nothing was published';
      throw new UserError(`${shown}: the prepared file ${token.temporary} is gone, and ${there}`, {
        help: 'run again with --full: everything is made anew',
        cause,
      });
    }
  }
  faultPoint('file-published');
  await syncFolder(dirname(path));
}
