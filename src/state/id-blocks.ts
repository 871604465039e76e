/**
 * Entries of neighbouring ids in one value of the store: a B-tree takes a value of a few hundred bytes about as quickly
 * as one of forty, so tables of which each row has an entry are written, read through and kept the better.
 */
import { ByteWriter, readVarint } from '../arrow/byte-writer.ts';

/** Ids of a block: with 40 bytes each, five blocks fill a page of 4 KiB. */
const BITS = 4;
const LOW = (1 << BITS) - 1;

/** The block that an id is in. */
export const blockOf = (id: number): number => id >>> BITS;

/** Changes of the entries of a block, in order of their ids; of one id the last counts. */
export class BlockChanges {
  #count = 0;
  #ids: number[] = [];
  #from: number[] = [];
  #to: number[] = [];

  clear(): void {
    this.#count = 0;
  }
  /** @param from where its value stands in the bytes that {@link apply} gets; -1 takes the entry out */
  add(id: number, from: number, to: number): void {
    const at = this.#count++;
    this.#ids[at] = id & LOW;
    this.#from[at] = from;
    this.#to[at] = to;
  }
  /** The block after the changes, only good until the next call; undefined where nothing is left of it. */
  apply(block: Buffer | undefined, values: Uint8Array): Buffer | undefined {
    const out = scratch;
    out.used = 0;
    let next = 0;
    const putBelow = (below: number): void => {
      for (; next < this.#count && this.#ids[next] < below; next++) {
        if (this.#from[next] < 0 || (next + 1 < this.#count && this.#ids[next + 1] === this.#ids[next]))
          continue;
        out.byte(this.#ids[next]);
        out.varint(this.#to[next] - this.#from[next]);
        out.range(values, this.#from[next], this.#to[next]);
      }
    };
    // entries that stay go over as they stand, as many as there are between two that change
    let stays = 0;
    const place = { at: 0 };
    while (block && place.at < block.length && next < this.#count) {
      const start = place.at;
      const low = block[place.at++];
      const length = readVarint(block, place);
      place.at += length;
      if (low < this.#ids[next]) continue;
      out.range(block, stays, start);
      putBelow(low);
      stays = start;
      if (next < this.#count && this.#ids[next] === low) {
        putBelow(low + 1);
        stays = place.at;
      }
    }
    if (block) out.range(block, stays, block.length);
    putBelow(LOW + 1);
    return out.used === 0 ? undefined : out.bytes.subarray(0, out.used);
  }
}

const scratch = new ByteWriter();

// an entry: the last bits of its id, its length as a varint, its bytes; in order of the ids
function eachEntry(block: Uint8Array, use: (low: number, from: number, to: number) => void): void {
  const place = { at: 0 };
  while (place.at < block.length) {
    const low = block[place.at++];
    const length = readVarint(block, place);
    const from = place.at;
    place.at += length;
    use(low, from, place.at);
  }
}

/** The entry of an id in its block: a view. */
export function inBlock(block: Buffer, id: number): Buffer | undefined {
  let found: Buffer | undefined;
  eachEntry(block, (low, from, to) => {
    if (low === (id & LOW)) found = block.subarray(from, to);
  });
  return found;
}

/** All entries of a block: views. */
export function ofBlock(number: number, block: Buffer): { id: number; value: Buffer }[] {
  const entries: { id: number; value: Buffer }[] = [];
  eachEntry(block, (low, from, to) => {
    entries.push({ id: number * (LOW + 1) + low, value: block.subarray(from, to) });
  });
  return entries;
}
