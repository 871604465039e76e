/** Adds up the time of some work; work inside of other work counts once. */
export class Stopwatch {
  #total = 0;
  #depth = 0;
  #since = 0;

  get underWay(): boolean {
    return this.#depth > 0;
  }
  /** Milliseconds so far, those of work under way included. */
  ms(): number {
    return this.#total + (this.#depth > 0 ? performance.now() - this.#since : 0);
  }
  async time<T>(work: () => Promise<T>): Promise<T> {
    if (this.#depth++ === 0) this.#since = performance.now();
    try {
      return await work();
    } finally {
      if (--this.#depth === 0) this.#total += performance.now() - this.#since;
    }
  }
}
