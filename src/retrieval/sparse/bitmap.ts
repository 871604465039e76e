/** Bit `i` of a bitmap. */
export function hasBit(bits: Uint8Array | undefined, i: number): boolean {
  return bits !== undefined && (bits[i >>> 3] & (1 << (i & 7))) !== 0;
}

export function setBit(bits: Uint8Array, i: number): void {
  bits[i >>> 3] |= 1 << (i & 7);
}

export function emptyBitmap(size: number): Uint8Array {
  return new Uint8Array(Math.ceil(size / 8));
}
