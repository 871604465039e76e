/**
 * LZ4 frames (Collet; the format's description is public), as Feather files from other tools hold them by default.
 * Checksums are stepped over: Arrow has none of its own either.
 */

const MAGIC = 0x184d2204;
const STORED = 0x80000000;

/** The bytes of a frame. @throws Error where it is cut off or no frame */
export function lz4Frame(source: Uint8Array): Uint8Array {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  if (source.length < 7 || view.getUint32(0, true) !== MAGIC) throw broken();
  const flags = source[4];
  const blockChecksum = (flags & 0x10) !== 0;
  const contentSize = (flags & 0x08) !== 0;
  const dictionary = (flags & 0x01) !== 0;
  let at = 6;
  let size = 0;
  if (contentSize) {
    if (source.length < at + 8) throw broken();
    size = Number(view.getBigUint64(at, true));
    at += 8;
  }
  at += (dictionary ? 4 : 0) + 1;
  const out = new Output(contentSize ? size : source.length * 4);
  for (;;) {
    if (at + 4 > source.length) throw broken();
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) return out.bytes();
    const length = head & ~STORED;
    if (at + length > source.length) throw broken();
    // `&` makes signed numbers of the highest bit
    if ((head & STORED) !== 0) out.copy(source, at, at + length);
    else block(source, at, at + length, out);
    at += length + (blockChecksum ? 4 : 0);
  }
}

const broken = (): Error => new Error('a compressed buffer is cut off or damaged (LZ4)');

/** What was written so far: matches reach back over the borders of blocks. */
class Output {
  #bytes: Uint8Array;
  #length = 0;
  constructor(expected: number) {
    this.#bytes = new Uint8Array(Math.max(64, expected));
  }
  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    wider.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = wider;
  }
  copy(source: Uint8Array, from: number, to: number): void {
    this.#room(to - from);
    this.#bytes.set(source.subarray(from, to), this.#length);
    this.#length += to - from;
  }
  match(offset: number, length: number): void {
    if (offset === 0 || offset > this.#length) throw broken();
    this.#room(length);
    const bytes = this.#bytes;
    let from = this.#length - offset;
    const to = this.#length + length;
    if (offset >= length) bytes.copyWithin(this.#length, from, from + length);
    else for (let i = this.#length; i < to; i++) bytes[i] = bytes[from++];
    this.#length = to;
  }
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Sequences of literals and a match each; the last has literals only. */
function block(source: Uint8Array, from: number, to: number, out: Output): void {
  let at = from;
  const extended = (length: number): number => {
    if (length !== 15) return length;
    let all = length;
    let byte: number;
    do {
      if (at >= to) throw broken();
      byte = source[at++];
      all += byte;
    } while (byte === 255);
    return all;
  };
  while (at < to) {
    const token = source[at++];
    const literals = extended(token >>> 4);
    if (at + literals > to) throw broken();
    out.copy(source, at, at + literals);
    at += literals;
    if (at === to) return;
    if (at + 2 > to) throw broken();
    const offset = source[at] | (source[at + 1] << 8);
    at += 2;
    out.match(offset, extended(token & 15) + 4);
  }
}
