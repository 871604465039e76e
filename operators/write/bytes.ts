/** A growing byte buffer, and numbers as shortest text: what the text writers put rows into. */

/** Bytes under construction. Write at `at` after `room`. */
export class ByteBuffer {
  bytes: Buffer;
  at = 0;
  constructor(size = 256 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
  /** Makes sure of `n` more bytes. */
  room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + n));
    wider.set(this.bytes.subarray(0, this.at));
    this.bytes = wider;
  }
  /** Appends ASCII text. */
  ascii(text: string): void {
    this.room(text.length);
    // short texts: a call into the runtime costs more than a loop
    if (text.length < 32) for (let i = 0; i < text.length; i++) this.bytes[this.at++] = text.charCodeAt(i);
    else this.at += this.bytes.write(text, this.at, 'latin1');
  }
  put(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
  byte(b: number): void {
    this.room(1);
    this.bytes[this.at++] = b;
  }
  /** What was written since the last call; valid until the next write. */
  take(): Uint8Array {
    const out = this.bytes.subarray(0, this.at);
    this.at = 0;
    return out;
  }
}

/** The shortest decimal text that reads back as the same 32-bit float. */
export function float32Text(value: number): string {
  // subnormal numbers have fewer digits; all others need six at least, trailing zeros aside
  for (let digits = Math.abs(value) < 1.2e-38 ? 1 : 6; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}
