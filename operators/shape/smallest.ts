/** The n smallest of a stream of numbers, each with a number of its own: a bounded max-heap. */
export class Smallest {
  readonly #most: number;
  #values: number[] = [];
  #numbers: number[] = [];
  /** Whether any was refused or pushed out. */
  dropped = false;

  constructor(most: number) {
    this.#most = most;
  }
  /** Takes `value` in if it is among the smallest so far; of equal ones the first stays. */
  offer(value: number, number: number): boolean {
    if (this.#values.length < this.#most) {
      this.#values.push(value);
      this.#numbers.push(number);
      this.#up(this.#values.length - 1);
      return true;
    }
    this.dropped = true;
    if (value >= this.#values[0]) return false;
    this.#values[0] = value;
    this.#numbers[0] = number;
    this.#down(0);
    return true;
  }
  /** The numbers of those it holds. */
  numbers(): Set<number> {
    return new Set(this.#numbers);
  }
  remove(gone: ReadonlySet<number>): void {
    const values = this.#values;
    const numbers = this.#numbers;
    this.#values = [];
    this.#numbers = [];
    numbers.forEach((number, i) => {
      if (!gone.has(number)) this.offer(values[i], number);
    });
  }
  #up(from: number): void {
    for (let i = from; i > 0; ) {
      const above = (i - 1) >> 1;
      if (this.#values[above] >= this.#values[i]) return;
      this.#swap(i, above);
      i = above;
    }
  }
  #down(from: number): void {
    const n = this.#values.length;
    for (let i = from; ; ) {
      let most = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < n && this.#values[child] > this.#values[most]) most = child;
      if (most === i) return;
      this.#swap(i, most);
      i = most;
    }
  }
  #swap(a: number, b: number): void {
    [this.#values[a], this.#values[b]] = [this.#values[b], this.#values[a]];
    [this.#numbers[a], this.#numbers[b]] = [this.#numbers[b], this.#numbers[a]];
  }
}
