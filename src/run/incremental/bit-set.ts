/** A set of small whole numbers. */
export class BitSet {
  #words = new Uint32Array(1024);
  has(i: number): boolean {
    const word = i >>> 5;
    return word < this.#words.length && (this.#words[word] & (1 << (i & 31))) !== 0;
  }
  remove(i: number): void {
    const word = i >>> 5;
    if (word < this.#words.length) this.#words[word] &= ~(1 << (i & 31));
  }
  /** From {@link bytes}. */
  static from(bytes: Uint8Array): BitSet {
    const set = new BitSet();
    set.#words = new Uint32Array(Math.max(1024, bytes.length >> 2));
    new Uint8Array(set.#words.buffer).set(bytes);
    return set;
  }
  /** As bytes, without the empty ones at the end. */
  bytes(): Buffer {
    let last = this.#words.length;
    while (last > 0 && this.#words[last - 1] === 0) last--;
    return Buffer.from(this.#words.slice(0, last).buffer);
  }
  /** In their order. */
  *[Symbol.iterator](): Generator<number> {
    for (let w = 0; w < this.#words.length; w++)
      for (let bits = this.#words[w]; bits !== 0; bits &= bits - 1)
        yield 32 * w + 31 - Math.clz32(bits & -bits);
  }
  addAll(other: BitSet): void {
    const words = other.#words;
    if (words.length > this.#words.length) {
      const wider = new Uint32Array(words.length);
      wider.set(this.#words);
      this.#words = wider;
    }
    for (let i = 0; i < words.length; i++) this.#words[i] |= words[i];
  }
  add(i: number): void {
    const word = i >>> 5;
    if (word >= this.#words.length) {
      const wider = new Uint32Array(Math.max(this.#words.length * 2, word + 1));
      wider.set(this.#words);
      this.#words = wider;
    }
    this.#words[word] |= 1 << (i & 31);
  }
}
