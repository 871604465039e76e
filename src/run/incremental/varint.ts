/** Whole numbers in seven bits a byte, lowest first. */
export function varint(value: number, out: number[]): void {
  let v = value;
  while (v >= 0x80) {
    out.push((v % 128) | 0x80);
    v = Math.floor(v / 128);
  }
  out.push(v);
}

/** @param place where it stands; moved behind it */
export function readVarint(bytes: Uint8Array, place: { at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[place.at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}
