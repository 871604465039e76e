import * as zlib from 'node:zlib';

if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
  throw new Error('the sparse index needs a little-endian machine');
}

/** A growing byte buffer with the encodings the index files use. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const need = this.length + extra;
    if (need <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(need, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** LEB128, for integers 0 ≤ value < 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      if (rest < 0x80000000) {
        this.bytes[this.length++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      } else {
        this.bytes[this.length++] = (rest % 128) | 0x80;
        rest = Math.floor(rest / 128);
      }
    }
    this.bytes[this.length++] = rest;
  }

  put(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start);
    if (end - start < 24) for (let i = start; i < end; i++) this.bytes[this.length++] = source[i];
    else {
      this.bytes.set(source.subarray(start, end), this.length);
      this.length += end - start;
    }
  }

  /** Zero bytes up to a multiple of `size`. */
  align(size: number): void {
    const rest = this.length % size;
    if (rest === 0) return;
    this.reserve(size - rest);
    this.bytes.fill(0, this.length, this.length + size - rest);
    this.length += size - rest;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }
}

/** Reads what ByteWriter wrote. */
export class ByteReader {
  bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    const bytes = this.bytes;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 7;
    if (byte < 0x80) return value;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 14;
    if (byte < 0x80) return value;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 21;
    if (byte < 0x80) return value;
    let scale = 268435456;
    do {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value;
  }
}

/** Byte order, which for UTF-8 is code point order. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

let table: Uint32Array | undefined;

function crcTable(): Uint32Array {
  if (table !== undefined) return table;
  table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    table[i] = c >>> 0;
  }
  return table;
}

function crcByTable(bytes: Uint8Array, start = 0): number {
  const t = crcTable();
  let c = ~start;
  for (let i = 0; i < bytes.length; i++) c = t[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

const native = (zlib as { crc32?: (bytes: Uint8Array, start?: number) => number }).crc32;

/** CRC-32 (IEEE), continued from `start`; zlib's where this Node has it. */
export const crc32: (bytes: Uint8Array, start?: number) => number = native ?? crcByTable;
