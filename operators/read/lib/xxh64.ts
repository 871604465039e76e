/**
 * XXH64 (Collet, xxHash specification 0.1.1) over a stream, seed 0: the checksum of Zstandard frames.
 * 64-bit lanes are held as two 32-bit halves, since BigInt is forty times slower.
 */

const mulHigh = (a: number, b: number): number => {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const mid = a1 * b0 + ((a0 * b0) >>> 16);
  const low = a0 * b1 + (mid & 0xffff);
  return a1 * b1 + Math.floor(mid / 65536) + Math.floor(low / 65536);
};

// primes as high and low halves
const P1H = 0x9e3779b1;
const P1L = 0x85ebca87;
const P2H = 0xc2b2ae3d;
const P2L = 0x27d4eb4f;
const P3H = 0x165667b1;
const P3L = 0x9e3779f9;
const P4H = 0x85ebca77;
const P4L = 0xc2b2ae63;
const P5H = 0x27d4eb2f;
const P5L = 0x165667c5;

/** A running XXH64. */
export class Xxh64 {
  // four lanes, high and low
  readonly #h = new Int32Array(4);
  readonly #l = new Int32Array(4);
  readonly #tail = new Uint8Array(32);
  #held = 0;
  #length = 0;
  // result registers of the 64-bit helpers
  #rh = 0;
  #rl = 0;

  constructor() {
    this.#add(P1H, P1L, P2H, P2L);
    this.#h[0] = this.#rh;
    this.#l[0] = this.#rl;
    this.#h[1] = P2H;
    this.#l[1] = P2L;
    this.#add(~P1H, ~P1L, 0, 1);
    this.#h[3] = this.#rh;
    this.#l[3] = this.#rl;
  }
  #add(ah: number, al: number, bh: number, bl: number): void {
    const low = (al >>> 0) + (bl >>> 0);
    this.#rl = low | 0;
    this.#rh = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0;
  }
  #mul(ah: number, al: number, bh: number, bl: number): void {
    this.#rh = (mulHigh(al >>> 0, bl >>> 0) + Math.imul(ah, bl) + Math.imul(al, bh)) | 0;
    this.#rl = Math.imul(al, bl);
  }
  #rotl(h: number, l: number, by: number): void {
    if (by === 0) {
      this.#rh = h;
      this.#rl = l;
    } else if (by < 32) {
      this.#rh = (h << by) | (l >>> (32 - by));
      this.#rl = (l << by) | (h >>> (32 - by));
    } else this.#rotl(l, h, by - 32);
  }
  /** lane = rotl(lane + input · P2, 31) · P1 */
  #round(h: number, l: number, ih: number, il: number): void {
    this.#mul(ih, il, P2H, P2L);
    this.#add(h, l, this.#rh, this.#rl);
    this.#rotl(this.#rh, this.#rl, 31);
    this.#mul(this.#rh, this.#rl, P1H, P1L);
  }
  #stripe(view: DataView, at: number): void {
    for (let lane = 0; lane < 4; lane++) {
      const p = at + lane * 8;
      this.#round(this.#h[lane], this.#l[lane], view.getInt32(p + 4, true), view.getInt32(p, true));
      this.#h[lane] = this.#rh;
      this.#l[lane] = this.#rl;
    }
  }
  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      const take = Math.min(32 - this.#held, bytes.length);
      this.#tail.set(bytes.subarray(0, take), this.#held);
      this.#held += take;
      at = take;
      if (this.#held < 32) return;
      this.#stripe(new DataView(this.#tail.buffer), 0);
      this.#held = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + 32 <= bytes.length; at += 32) this.#stripe(view, at);
    this.#tail.set(bytes.subarray(at));
    this.#held = bytes.length - at;
  }
  /** The hash as [high, low] unsigned 32-bit halves. */
  digest(): [number, number] {
    let h: number;
    let l: number;
    if (this.#length >= 32) {
      h = 0;
      l = 0;
      for (const [lane, by] of [1, 7, 12, 18].entries()) {
        this.#rotl(this.#h[lane], this.#l[lane], by);
        this.#add(h, l, this.#rh, this.#rl);
        h = this.#rh;
        l = this.#rl;
      }
      for (let lane = 0; lane < 4; lane++) {
        this.#round(0, 0, this.#h[lane], this.#l[lane]);
        this.#mul(h ^ this.#rh, l ^ this.#rl, P1H, P1L);
        this.#add(this.#rh, this.#rl, P4H, P4L);
        h = this.#rh;
        l = this.#rl;
      }
    } else {
      h = P5H;
      l = P5L;
    }
    this.#add(h, l, Math.floor(this.#length / 0x100000000), this.#length | 0);
    h = this.#rh;
    l = this.#rl;
    const view = new DataView(this.#tail.buffer);
    let at = 0;
    for (; at + 8 <= this.#held; at += 8) {
      this.#round(0, 0, view.getInt32(at + 4, true), view.getInt32(at, true));
      this.#rotl(h ^ this.#rh, l ^ this.#rl, 27);
      this.#mul(this.#rh, this.#rl, P1H, P1L);
      this.#add(this.#rh, this.#rl, P4H, P4L);
      h = this.#rh;
      l = this.#rl;
    }
    if (at + 4 <= this.#held) {
      this.#mul(0, view.getInt32(at, true), P1H, P1L);
      this.#rotl(h ^ this.#rh, l ^ this.#rl, 23);
      this.#mul(this.#rh, this.#rl, P2H, P2L);
      this.#add(this.#rh, this.#rl, P3H, P3L);
      h = this.#rh;
      l = this.#rl;
      at += 4;
    }
    for (; at < this.#held; at++) {
      this.#mul(0, this.#tail[at], P5H, P5L);
      this.#rotl(h ^ this.#rh, l ^ this.#rl, 11);
      this.#mul(this.#rh, this.#rl, P1H, P1L);
      h = this.#rh;
      l = this.#rl;
    }
    // avalanche
    l ^= h >>> 1;
    this.#mul(h, l, P2H, P2L);
    h = this.#rh;
    l = this.#rl;
    // h >> 29
    l ^= (l >>> 29) | (h << 3);
    const h29 = this.#rh >>> 29;
    h ^= h29;
    this.#mul(h, l, P3H, P3L);
    h = this.#rh;
    l = this.#rl ^ h;
    return [h >>> 0, l >>> 0];
  }
}
