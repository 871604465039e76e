/** An Int32Array that grows. */
export class IntBuffer {
  #data: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.#data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.#data.length) this.#grow(this.length + 1);
    this.#data[this.length++] = value;
  }

  /** Adds `base` to each value of a list and appends them. */
  pushAll(values: ArrayLike<number>, base = 0): void {
    const end = this.length + values.length;
    if (end > this.#data.length) this.#grow(end);
    for (let i = 0; i < values.length; i++) this.#data[this.length + i] = values[i] + base;
    this.length = end;
  }

  get(index: number): number {
    return this.#data[index];
  }

  /** The values from a place on, to be changed where they are; good until the next push. */
  view(from: number): Int32Array {
    return this.#data.subarray(from, this.length);
  }

  /** The values so far, as an array of their own. */
  take(): Int32Array {
    return this.#data.slice(0, this.length);
  }

  #grow(needed: number): void {
    const next = new Int32Array(Math.max(needed, this.#data.length * 2));
    next.set(this.#data.subarray(0, this.length));
    this.#data = next;
  }
}
