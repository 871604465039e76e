/** Where places of a text are after edits. */
import type { Edit } from './clean-rules.ts';

/** Edits of one pass, with the running difference between the old and the new text. */
class Pass {
  readonly #edits: readonly Edit[];
  readonly #shift: Int32Array;

  constructor(edits: readonly Edit[]) {
    this.#edits = edits;
    this.#shift = new Int32Array(edits.length + 1);
    edits.forEach((e, i) => {
      this.#shift[i + 1] = this.#shift[i] + e.by.length - (e.end - e.start);
    });
  }
  /** The number of edits that end at or before `at`. */
  #before(at: number): number {
    let low = 0;
    let high = this.#edits.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#edits[middle].end <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  move(at: number): number {
    const i = this.#before(at);
    const edit = this.#edits[i];
    if (!edit || at <= edit.start) return at + this.#shift[i];
    return edit.start + this.#shift[i] + Math.min(at - edit.start, edit.by.length);
  }
}

/**
 * Follows places through passes of edits. A place inside a piece that was replaced keeps its distance from the
 * piece's start as far as the new piece goes; where the piece is gone, it is where the piece was.
 */
export class OffsetMap {
  readonly #passes: Pass[] = [];

  add(edits: readonly Edit[]): void {
    if (edits.length > 0) this.#passes.push(new Pass(edits));
  }
  get changed(): boolean {
    return this.#passes.length > 0;
  }
  /** Where the place `at` is now. */
  move(at: number): number {
    return this.#passes.reduce((place, pass) => pass.move(place), at);
  }
}
