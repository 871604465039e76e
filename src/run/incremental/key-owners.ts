/** Which root has a key: 64 bits of hash and a number a key, since there may be as many as rows. */
import { HashMap64 } from './hash-map.ts';

/** A key that was given up, and that none has taken over. */
export const FREE = 0xfffffffe;

export class KeyOwners {
  readonly #map = new HashMap64();
  readonly #words = new Uint32Array(2);
  readonly #hash = new Uint8Array(this.#words.buffer);

  // two products that run side by side and are mixed in the end, over UTF-16 units, as cyrb53 has them
  #mix(key: string): Uint8Array {
    let a = 0xdeadbeef;
    let b = 0x41c6ce57;
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      a = Math.imul(a ^ unit, 2654435761);
      b = Math.imul(b ^ unit, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    this.#words[0] = a;
    this.#words[1] = b;
    return this.#hash;
  }
  get(key: string): number | undefined {
    return this.#map.get(this.#mix(key), 0);
  }
  set(key: string, root: number): void {
    this.#map.set(this.#mix(key), 0, root);
  }
}
