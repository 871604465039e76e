/** Hashes in typed arrays: 12 bytes each where a Map of strings takes a hundred. */

/** Maps the first 8 bytes of hashes to small numbers. */
export class HashMap64 {
  #high: Uint32Array;
  #low: Uint32Array;
  // value + 1, so that 0 is an empty place
  #values: Uint32Array;
  #size = 0;

  constructor(capacity = 1 << 12) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#values = new Uint32Array(capacity);
  }
  /** The value of the hash at `bytes[at]`, or, where there is none, undefined after putting `value`. */
  getOrSet(bytes: Uint8Array, at: number, value: number): number | undefined {
    if (this.#size * 4 > this.#values.length * 3) this.#grow();
    const high = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    const low = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
    return this.#place(high >>> 0, low >>> 0, value + 1);
  }
  get(bytes: Uint8Array, at: number): number | undefined {
    const i = this.#find(bytes, at);
    return this.#values[i] === 0 ? undefined : this.#values[i] - 1;
  }
  set(bytes: Uint8Array, at: number, value: number): void {
    if (this.getOrSet(bytes, at, value) !== undefined) this.#values[this.#find(bytes, at)] = value + 1;
  }
  #find(bytes: Uint8Array, at: number): number {
    const high = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
    const low = (bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)) >>> 0;
    const mask = this.#values.length - 1;
    let i = high & mask;
    while (this.#values[i] !== 0 && (this.#high[i] !== high || this.#low[i] !== low)) i = (i + 1) & mask;
    return i;
  }
  #place(high: number, low: number, stored: number): number | undefined {
    const mask = this.#values.length - 1;
    for (let i = high & mask; ; i = (i + 1) & mask) {
      if (this.#values[i] === 0) {
        this.#high[i] = high;
        this.#low[i] = low;
        this.#values[i] = stored;
        this.#size++;
        return undefined;
      }
      if (this.#high[i] === high && this.#low[i] === low) return this.#values[i] - 1;
    }
  }
  #grow(): void {
    const [high, low, values] = [this.#high, this.#low, this.#values];
    this.#high = new Uint32Array(values.length * 2);
    this.#low = new Uint32Array(values.length * 2);
    this.#values = new Uint32Array(values.length * 2);
    this.#size = 0;
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) this.#place(high[i], low[i], values[i]);
  }
}
