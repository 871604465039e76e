/** Row ids in an order of their own, as ranges: rows that came one after the other have ids that do. */

import { ByteWriter, readVarint } from '../../arrow/index.ts';
import type { BitSet } from './bit-set.ts';

export class IdRanges {
  // first id and number of ids of each range
  #bounds = new Int32Array(8);
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }
  add(id: number): void {
    this.#length++;
    const last = this.#used - 2;
    if (last >= 0 && this.#bounds[last] + this.#bounds[last + 1] === id) this.#bounds[last + 1]++;
    else this.#push(id, 1);
  }
  #push(first: number, count: number): void {
    if (this.#used === this.#bounds.length) {
      const wider = new Int32Array(this.#bounds.length * 2);
      wider.set(this.#bounds);
      this.#bounds = wider;
    }
    this.#bounds[this.#used++] = first;
    this.#bounds[this.#used++] = count;
  }
  *[Symbol.iterator](): Generator<number> {
    for (let r = 0; r < this.#used; r += 2)
      for (let i = 0; i < this.#bounds[r + 1]; i++) yield this.#bounds[r] + i;
  }
  /** All of them, in order. */
  all(): Int32Array {
    const ids = new Int32Array(this.#length);
    for (let r = 0, at = 0; r < this.#used; r += 2)
      for (let i = 0; i < this.#bounds[r + 1]; i++) ids[at++] = this.#bounds[r] + i;
    return ids;
  }
  /** First id and number of ids of each range. */
  *ranges(): Generator<readonly [number, number]> {
    for (let r = 0; r < this.#used; r += 2) yield [this.#bounds[r], this.#bounds[r + 1]];
  }
  some(test: (id: number) => boolean): boolean {
    for (const id of this) if (test(id)) return true;
    return false;
  }
  addTo(set: BitSet): void {
    for (let r = 0; r < this.#used; r += 2)
      for (let i = 0; i < this.#bounds[r + 1]; i++) set.add(this.#bounds[r] + i);
  }
  /** The place of an id, from 0; -1 where it is not there. */
  indexOf(id: number): number {
    let before = 0;
    for (let r = 0; r < this.#used; r += 2) {
      const at = id - this.#bounds[r];
      if (at >= 0 && at < this.#bounds[r + 1]) return before + at;
      before += this.#bounds[r + 1];
    }
    return -1;
  }

  /** Two varints a range: how far its first id is from the end of the one before, and how many there are. */
  encode(): Buffer {
    const out = new ByteWriter(64);
    let end = 0;
    for (let r = 0; r < this.#used; r += 2) {
      const step = this.#bounds[r] - end;
      out.varint(step < 0 ? -2 * step - 1 : 2 * step);
      out.varint(this.#bounds[r + 1]);
      end = this.#bounds[r] + this.#bounds[r + 1];
    }
    return out.bytes.subarray(0, out.used);
  }
  /** @param bytes of {@link encode} */
  static decode(bytes: Uint8Array): IdRanges {
    const ranges = new IdRanges();
    const place = { at: 0 };
    let end = 0;
    while (place.at < bytes.length) {
      const step = readVarint(bytes, place);
      const count = readVarint(bytes, place);
      const first = end + (step % 2 === 1 ? -(step + 1) / 2 : step / 2);
      ranges.#push(first, count);
      ranges.#length += count;
      end = first + count;
    }
    return ranges;
  }
}
