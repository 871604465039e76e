/** A file as blocks of plain bytes, decompressed by what its first bytes and its ending say. */
import { createReadStream } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { UserError } from '../../../src/define/index.ts';
import { BLOCK_BYTES, FileReads } from './file-reads.ts';
import type { SourceFile } from './files.ts';
import { zstdBlocks } from './zstd.ts';

export type Compression = 'none' | 'gzip' | 'brotli' | 'zstd';

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

/**
 * An open file: iterate for its plain bytes, once. A block is valid until the next one is asked for. Leaving the loop
 * closes it; where there is none, {@link close} does.
 */
export interface ByteBlocks extends AsyncIterable<Uint8Array> {
  readonly compression: Compression;
  /** Bytes on disk that were read so far. */
  readonly consumed: number;
  close(): Promise<void>;
}

/** A file's blocks as they stand on disk; from a disk, the next is read while the one before is worked on. */
class Plain implements ByteBlocks {
  readonly compression = 'none';
  consumed = 0;
  readonly #file: SourceFile;
  readonly #fd: number;
  readonly #reads: FileReads;
  #at: number;
  #next: Promise<Uint8Array<ArrayBuffer>> | undefined;
  #closed: Promise<void> | undefined;
  /** @param first what stands at `offset`, or is being read from there */
  constructor(
    file: SourceFile,
    fd: number,
    offset: number,
    first: Promise<Uint8Array<ArrayBuffer>>,
    reads: FileReads,
  ) {
    this.#file = file;
    this.#fd = fd;
    this.#at = offset;
    this.#next = first;
    this.#reads = reads;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const block = await (this.#next ?? this.#read());
        this.#next = undefined;
        this.#at += block.length;
        this.consumed += block.length;
        // a short one at the size that was listed is the last
        const last =
          block.length === 0 || (this.#at >= this.#file.size && block.byteLength < block.buffer.byteLength);
        if (!last && !this.#reads.atOnce) this.#next = this.#read();
        if (block.length > 0) yield block;
        this.#reads.give(block.buffer);
        if (last) return;
      }
    } finally {
      await this.close();
    }
  }
  #read(): Promise<Uint8Array<ArrayBuffer>> {
    return readBlock(this.#file, this.#fd, this.#at, this.#reads.take(), this.#reads);
  }
  close(): Promise<void> {
    // a read that is under way has the buffer and the file
    this.#closed ??= (async () => {
      await this.#next?.catch(() => undefined);
      await this.#reads.close(this.#fd);
    })();
    return this.#closed;
  }
}

/** The block of a file at `at`; empty at its end. An error is for whoever waits for it. */
function readBlock(
  file: SourceFile,
  fd: number,
  at: number,
  into: Uint8Array<ArrayBuffer>,
  reads: FileReads,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = reads.read(fd, into, at).then(
    length => into.subarray(0, length),
    cause => {
      throw fileError(cause, file.shown);
    },
  );
  read.catch(() => undefined);
  return read;
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
  async close(): Promise<void> {}
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
 * @param reads where many files are read one after another: the same for all
 * @throws UserError naming the file, where it cannot be read or is not what its ending says.
 */
export async function openBytes(file: SourceFile, offset = 0, reads?: FileReads): Promise<ByteBlocks> {
  const by = reads ?? new FileReads();
  const fd = await by.open(file.path).catch(cause => {
    throw fileError(cause, file.shown);
  });
  // of a compressed file only its first bytes are looked at here
  const little = /\.(gz|br|zst)$/i.test(file.path) ? 16 : undefined;
  // a byte more than a small file, to see its end at once
  const room = reads ? BLOCK_BYTES : Math.max(4096, Math.min(BLOCK_BYTES, file.size + 1));
  const buffer = (bytes: number): Uint8Array<ArrayBuffer> =>
    bytes === BLOCK_BYTES ? by.take() : new Uint8Array(bytes);
  const first = readBlock(file, fd, 0, buffer(little ?? room), by);
  let compression: Compression | undefined;
  try {
    compression = compressionOf(file, (await first).subarray(0, 4));
  } finally {
    if (compression !== 'none') await by.close(fd);
  }
  if (compression !== 'none') return new Compressed(file, compression, offset);
  const at = offset === 0 ? first : readBlock(file, fd, offset, buffer(room), by);
  return new Plain(file, fd, offset, at, by);
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
