/** A file as blocks of plain bytes, decompressed by what its first bytes and its ending say. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { UserError } from '../../../src/define/index.ts';
import type { SourceFile } from './files.ts';
import { zstdBlocks } from './zstd.ts';

export type Compression = 'none' | 'gzip' | 'brotli' | 'zstd';

/** Bytes of a block of a plain file; decompressors give about as much. */
export const BLOCK_BYTES = 512 * 1024;

type ZstdZlib = { createZstdDecompress?: (options?: object) => Transform };

/** The error of a file that cannot be opened or read, in the user's words. */
export function fileError(cause: unknown, shown: string, doing = 'read'): Error {
  const code = (cause as NodeJS.ErrnoException)?.code;
  if (code === 'ENOENT') return new UserError(`${shown} is not there any more`, { cause });
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(`${shown} may not be ${doing === 'read' ? 'read' : 'written'} (${code})`, {
      cause,
      help: 'look at its permissions and owner',
    });
  if (code === 'EISDIR') return new UserError(`${shown} is a folder, wanted a file`, { cause });
  return cause instanceof Error ? cause : new Error(String(cause));
}

async function headOf(handle: FileHandle): Promise<Uint8Array> {
  const head = new Uint8Array(4);
  const { bytesRead } = await handle.read(head, 0, 4, 0);
  return head.subarray(0, bytesRead);
}

function compressionOf(file: SourceFile, head: Uint8Array): Compression {
  const ending = /\.(gz|br|zst)$/i.exec(file.path)?.[1].toLowerCase();
  const found: Compression =
    head[0] === 0x1f && head[1] === 0x8b
      ? 'gzip'
      : head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd
        ? 'zstd'
        : // skippable frame
          ending === 'zst' && (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d
          ? 'zstd'
          : 'none';
  if (found !== 'none') return found;
  // brotli has no magic bytes
  if (ending === 'br') return 'brotli';
  if (ending === 'gz' || ending === 'zst') {
    const what = ending === 'gz' ? 'gzip' : 'Zstandard';
    throw new UserError(
      `${file.shown} ends in .${ending} but is ${head.length === 0 ? 'empty' : `no ${what} file (it starts with ${Buffer.from(head).toString('hex')})`}`,
      { help: 'fetch or make it again, or name it by what it holds' },
    );
  }
  return 'none';
}

/** An open file: iterate for its plain bytes. A block is valid until the next one is asked for. */
export interface ByteBlocks extends AsyncIterable<Uint8Array> {
  readonly compression: Compression;
  /** Bytes on disk that were read so far. */
  readonly consumed: number;
}

class Plain implements ByteBlocks {
  readonly compression = 'none';
  consumed = 0;
  readonly #file: SourceFile;
  readonly #offset: number;
  constructor(file: SourceFile, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const handle = await open(this.#file.path).catch(cause => {
      throw fileError(cause, this.#file.shown);
    });
    try {
      const block = new Uint8Array(Math.max(4096, Math.min(BLOCK_BYTES, this.#file.size || BLOCK_BYTES)));
      let at = this.#offset;
      for (;;) {
        const { bytesRead } = await handle.read(block, 0, block.length, at).catch(cause => {
          throw fileError(cause, this.#file.shown);
        });
        if (bytesRead === 0) return;
        at += bytesRead;
        this.consumed += bytesRead;
        yield block.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
}

class Compressed implements ByteBlocks {
  readonly compression: Compression;
  consumed = 0;
  readonly #file: SourceFile;
  readonly #skip: number;
  constructor(file: SourceFile, compression: Compression, skip: number) {
    this.compression = compression;
    this.#file = file;
    this.#skip = skip;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let skip = this.#skip;
    try {
      for await (const block of this.#blocks()) {
        if (skip >= block.length) {
          skip -= block.length;
          continue;
        }
        yield skip > 0 ? block.subarray(skip) : block;
        skip = 0;
      }
    } catch (cause) {
      throw this.#named(cause);
    }
  }
  #blocks(): AsyncIterable<Uint8Array> {
    const input = createReadStream(this.#file.path, { highWaterMark: 128 * 1024 });
    const count = (chunk: Uint8Array): void => {
      this.consumed += chunk.length;
    };
    const native = (zlib as ZstdZlib).createZstdDecompress;
    if (this.compression === 'zstd' && !native) return zstdBlocks(input, count);
    const options = { chunkSize: BLOCK_BYTES };
    const transform =
      this.compression === 'gzip'
        ? zlib.createGunzip(options)
        : this.compression === 'brotli'
          ? zlib.createBrotliDecompress(options)
          : (native as NonNullable<typeof native>)(options);
    input.on('data', chunk => count(chunk as Buffer));
    // errors come out of the iteration; leaving it early destroys both
    pipeline(input, transform, () => {});
    return transform;
  }
  #named(cause: unknown): Error {
    const code = (cause as NodeJS.ErrnoException)?.code ?? '';
    const text = (cause as Error).message ?? '';
    if (cause instanceof UserError) return cause;
    if (
      /^Z_|^ERR__?ZSTD|^ZSTD_|^ERR_BROTLI|^ERR__ERROR|BROTLI|DECOMPRESS/i.test(code) ||
      /zstd|unexpected end/i.test(text)
    ) {
      const cut = /unexpected end|EOF|Z_BUF_ERROR|truncated/i.test(`${text} ${code}`);
      return new UserError(
        `${this.#file.shown}: the ${this.compression} data ${cut ? 'ends too early: the file is cut short' : `is damaged (${text})`}, ` +
          `after ${this.consumed} of ${this.#file.size} bytes on disk`,
        { help: 'fetch or make the file again', cause },
      );
    }
    return fileError(cause, this.#file.shown);
  }
}

/**
 * Opens a file from byte `offset` of its plain content (a compressed one is decompressed up to there again).
 * @throws UserError naming the file, where it cannot be read or is not what its ending says.
 */
export async function openBytes(file: SourceFile, offset = 0): Promise<ByteBlocks> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.path);
    const compression = compressionOf(file, await headOf(handle));
    return compression === 'none' ? new Plain(file, offset) : new Compressed(file, compression, offset);
  } catch (cause) {
    throw fileError(cause, file.shown);
  } finally {
    await handle?.close();
  }
}

/** The whole plain content of a file that is read at once. @throws UserError above `limit` bytes. */
export async function readWhole(
  file: SourceFile,
  limit: number,
): Promise<{ bytes: Uint8Array; consumed: number }> {
  const blocks = await openBytes(file);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const block of blocks) {
    parts.push(block.slice());
    length += block.length;
    if (length > limit)
      throw new UserError(`${file.shown} holds more than ${limit} bytes, the most one document may have`, {
        help: 'split it, or convert it to JSONL with a document a line',
      });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, consumed: blocks.consumed };
}
