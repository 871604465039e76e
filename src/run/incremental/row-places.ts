/** In which part a row stands, of parts that are not read: ranges of ids in order, put together once. */
import type { KnownPart } from './part-entry.ts';

export class RowPlaces {
  readonly #parts: readonly KnownPart[];
  /** First id, number of ids and part of each range, in order of the first. */
  readonly #ranges: readonly (readonly [number, number, number])[];
  readonly #order: ReadonlyMap<string, number>;

  /** @param order the names of all parts, in order */
  constructor(parts: readonly KnownPart[], order: readonly string[]) {
    this.#parts = parts;
    this.#ranges = parts
      .flatMap(({ ids }, part) => [...ids.ranges()].map(([first, count]) => [first, count, part] as const))
      .sort(([a], [b]) => a - b);
    this.#order = new Map(order.map((name, i) => [name, i]));
  }
  /** The part's name, or nothing. */
  partOf(id: number): string {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle][0] <= id) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return '';
    const [first, count, part] = this.#ranges[low - 1];
    return id < first + count ? this.#parts[part].name : '';
  }
  /** The place of a part, from 0; -1 where it is none. */
  orderOf(part: string): number {
    return this.#order.get(part) ?? -1;
  }
}
