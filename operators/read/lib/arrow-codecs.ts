/** Codecs for compressed Arrow batches: other tools write LZ4 unless told otherwise. */
import * as zlib from 'node:zlib';
import { CompressionType, compressionRegistry } from 'apache-arrow';
import { decompress } from 'fzstd';
import { lz4Frame } from './lz4-frame.ts';

// Node has it from 22.15 on
const native = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync;

/** Makes apache-arrow read LZ4 and Zstandard bodies; a codec that someone has set before stays. */
export function registerCodecs(): void {
  if (!compressionRegistry.get(CompressionType.LZ4_FRAME)?.decode)
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });
  if (!compressionRegistry.get(CompressionType.ZSTD)?.decode)
    compressionRegistry.set(CompressionType.ZSTD, {
      decode: bytes => aligned((native ?? decompress)(bytes)),
    });
}

/** Columns are read in place as 64-bit numbers; a decoder may give a piece of a larger buffer that starts anywhere. */
const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());
