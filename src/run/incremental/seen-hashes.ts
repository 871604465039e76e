/**
 * Which hashes came in this run: 8 bytes of each, since there may be as many as rows. In parts that grow by half, one
 * at a time, so that there are never two tables of all of them.
 */
const PARTS = 64;
const LEAST = 64;
/** Of a part's places, how many are taken before it grows. */
const LOAD = 0.8;

interface Part {
  // a pair of zeros is an empty place
  high: Uint32Array;
  low: Uint32Array;
  used: number;
}

export class SeenHashes {
  readonly #parts: Part[] = Array.from({ length: PARTS }, () => ({
    high: new Uint32Array(LEAST),
    low: new Uint32Array(LEAST),
    used: 0,
  }));

  /** Puts the hash that stands at `bytes[at]`; whether it was there. */
  seen(bytes: Uint8Array, at: number): boolean {
    const high = word(bytes, at);
    const low = word(bytes, at + 4);
    const part = this.#parts[bytes[at + 7] % PARTS];
    // the one hash that an empty place has stands for its neighbour
    if (!place(part, high, high === 0 && low === 0 ? 1 : low)) return true;
    if (++part.used > part.high.length * LOAD) grow(part);
    return false;
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;

// false where it is there
function place({ high: highs, low: lows }: Part, high: number, low: number): boolean {
  const size = highs.length;
  for (let i = Math.floor((high / 2 ** 32) * size); ; i = i + 1 === size ? 0 : i + 1) {
    if (highs[i] === 0 && lows[i] === 0) {
      highs[i] = high;
      lows[i] = low;
      return true;
    }
    if (highs[i] === high && lows[i] === low) return false;
  }
}

function grow(part: Part): void {
  const { high, low } = part;
  const size = Math.ceil(high.length * 1.5);
  part.high = new Uint32Array(size);
  part.low = new Uint32Array(size);
  for (let i = 0; i < high.length; i++) if (high[i] !== 0 || low[i] !== 0) place(part, high[i], low[i]);
}
