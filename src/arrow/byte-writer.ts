/**
 * Reads a whole number in seven bits a byte, lowest first.
 * @param place where it stands; moved behind it
 */
export function readVarint(bytes: Uint8Array, place: { at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[place.at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

/** Bytes written one behind the other, into a buffer that grows. */
export class ByteWriter {
  bytes: Buffer;
  used = 0;

  constructor(capacity = 4096) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }
  /** Makes room for so many more bytes. */
  room(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.used + more));
    wider.set(this.bytes.subarray(0, this.used));
    this.bytes = wider;
  }
  byte(value: number): void {
    if (this.used === this.bytes.length) this.room(1);
    this.bytes[this.used++] = value;
  }
  /** Four bytes, lowest first. */
  word(value: number): void {
    this.room(4);
    this.used = this.bytes.writeUInt32LE(value >>> 0, this.used);
  }
  /** A whole number in seven bits a byte, lowest first. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }
  put(source: Uint8Array): void {
    this.range(source, 0, source.length);
  }
  /** Bytes `[from, to)` of `source`; few are copied one by one, which is quicker than a view of them. */
  range(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    this.room(length);
    const { bytes, used } = this;
    if (length <= 32) for (let i = 0; i < length; i++) bytes[used + i] = source[from + i];
    else bytes.set(source.subarray(from, to), used);
    this.used = used + length;
  }
  /** A copy in a buffer of its own, aligned for any typed array. */
  exact(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, this.used));
  }
  /** A text as UTF-8, behind its length in bytes as a varint. */
  text(value: string): void {
    // up to 42 units take one byte of length, whatever they are
    if (value.length <= 42) {
      this.room(1 + value.length * 3);
      const length = this.bytes.write(value, this.used + 1);
      this.bytes[this.used] = length;
      this.used += 1 + length;
      return;
    }
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.room(length);
    this.used += this.bytes.write(value, this.used);
  }
}
