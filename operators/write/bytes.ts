/** A growing byte buffer, and numbers as shortest text: what the text writers put rows into. */
import { ByteWriter } from '../../src/arrow/index.ts';

/** Bytes under construction. */
export class ByteBuffer extends ByteWriter {
  constructor(size = 256 * 1024) {
    super(size);
  }
  /** Appends ASCII text. */
  ascii(text: string): void {
    this.room(text.length);
    // short texts: a call into the runtime costs more than a loop
    if (text.length < 32) for (let i = 0; i < text.length; i++) this.bytes[this.used++] = text.charCodeAt(i);
    else this.used += this.bytes.write(text, this.used, 'latin1');
  }
  /** What was written since the last call; valid until the next write. */
  take(): Uint8Array {
    const out = this.bytes.subarray(0, this.used);
    this.used = 0;
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
