/** Finds words in UTF-8 text: runs of non-space, where space is whatever has Unicode's White_Space property. */

/** Kind of a byte: 0 one-byte character, 1 white space of one byte, 2 to 4 the first of so many bytes. */
const KIND = Uint8Array.from({ length: 256 }, (_, b) => {
  if (b < 0x80) return (b >= 0x09 && b <= 0x0d) || b === 0x20 ? 1 : 0;
  return b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
});

/** Whether the character of `kind` bytes at `i` is white space. */
function isSpace(bytes: Uint8Array, i: number, kind: number): boolean {
  if (kind === 2) return bytes[i] === 0xc2 && (bytes[i + 1] === 0x85 || bytes[i + 1] === 0xa0); // U+0085, U+00A0
  if (kind !== 3) return false;
  const b = bytes[i];
  const c = bytes[i + 1];
  const d = bytes[i + 2];
  if (b === 0xe2) {
    // U+2000–200A, U+2028, U+2029, U+202F; U+205F
    if (c === 0x80) return (d >= 0x80 && d <= 0x8a) || d === 0xa8 || d === 0xa9 || d === 0xaf;
    return c === 0x81 && d === 0x9f;
  }
  if (b === 0xe3) return c === 0x80 && d === 0x80; // U+3000
  return b === 0xe1 && c === 0x9a && d === 0x80; // U+1680
}

/** Words of one text: four numbers a word, reused from text to text. */
export class Words {
  count = 0;
  /** Byte range of each word in the buffer that was scanned. */
  from = new Int32Array(1024);
  to = new Int32Array(1024);
  /** The same in UTF-16 code units from the start of the text. */
  start = new Int32Array(1024);
  end = new Int32Array(1024);

  /** Finds the words of `bytes[begin, end)`; returns their number. */
  scan(bytes: Uint8Array, begin: number, end: number): number {
    this.count = 0;
    // how many bytes more than UTF-16 units have been passed, plus the text's own place
    let ahead = begin;
    let i = begin;
    while (i < end) {
      let kind = KIND[bytes[i]];
      if (kind === 1) {
        i++;
        continue;
      }
      if (kind >= 2 && isSpace(bytes, i, kind)) {
        i += kind;
        ahead += kind - 1;
        continue;
      }
      const from = i;
      const start = i - ahead;
      while (i < end) {
        kind = KIND[bytes[i]];
        if (kind === 0) i++;
        else if (kind === 1 || isSpace(bytes, i, kind)) break;
        else {
          i += kind;
          ahead += kind === 2 ? 1 : 2;
        }
      }
      this.#add(from, i, start, i - ahead);
    }
    return this.count;
  }

  #add(from: number, to: number, start: number, end: number): void {
    const at = this.count++;
    if (at === this.from.length) {
      this.from = twice(this.from);
      this.to = twice(this.to);
      this.start = twice(this.start);
      this.end = twice(this.end);
    }
    this.from[at] = from;
    this.to[at] = to;
    this.start[at] = start;
    this.end[at] = end;
  }
}

/** A copy of twice the length. */
export function twice(old: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(old.length * 2);
  wider.set(old);
  return wider;
}
