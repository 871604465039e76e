/** A growing column of numbers, 8 bytes an entry; what was never set is NaN. */
export class NumberColumn {
  #values = new Float64Array(64).fill(Number.NaN);

  set(at: number, value: number): void {
    if (at >= this.#values.length) {
      const larger = new Float64Array(Math.max(at + 1, this.#values.length * 2)).fill(Number.NaN);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[at] = value;
  }

  /** A copy of the first `size` entries. */
  take(size: number): Float64Array {
    const copy = new Float64Array(size).fill(Number.NaN);
    copy.set(this.#values.subarray(0, Math.min(size, this.#values.length)));
    return copy;
  }
}

/** Mean of the entries that are not NaN, NaN where there is none. */
export function meanOf(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (!Number.isNaN(value)) {
      sum += value;
      count++;
    }
  }
  return sum / count;
}
