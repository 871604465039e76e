/** Puts a piece of a journal into the store. */
import type { PutOptions } from 'lmdb';
import { BlockChanges, blockOf } from './id-blocks.ts';
import { eachInTurn, eachSorted } from './sorted-entries.ts';
import type { Store } from './store.ts';
import { HEAD, ID_KEY, IN_BLOCKS } from './tables.ts';

// behind the last key: it needs no search, and leaves full pages
const APPEND: PutOptions = { append: true };
function put(store: Store, key: Buffer, value: Buffer, append: boolean): void {
  if (!append) store.putSync(key, value);
  // false where it is not behind the last one, though the library's types say nothing of it
  else if ((store.putSync(key, value, APPEND) as unknown) === false)
    throw new Error('an entry of the ledger is out of its order');
}

/** Whether a store has nothing yet. (`getKeysCount` goes over all keys, whatever its `limit`.) */
export const isEmpty = (store: Store): boolean => {
  for (const _ of store.getKeys({ limit: 1 })) return false;
  return true;
};

/**
 * Call it within a transaction.
 * @param piece whole entries
 * @param behind whether all that is in the store comes before what is in the piece, and nothing of it is changed
 * @param sorted whether the piece is in order of its keys
 */
export function putPiece(store: Store, piece: Buffer, behind = isEmpty(store), sorted = false): void {
  const blocks = new BlockPuts(store, piece, behind);
  // the last entry of a key counts, so that each waits for the next
  let key = -1;
  let value = 0;
  let end = 0;
  let gone = false;
  const settle = (): void => {
    if (key < 0) return;
    const name = piece.subarray(key, value);
    // among blocks, keys of others are not in the order of the store
    const among = IN_BLOCKS.has(piece[key]);
    if (among) blocks.append = false;
    if (gone) store.removeSync(name);
    else put(store, name, piece.subarray(value, end), behind && !among);
  };
  const each = sorted ? eachInTurn : eachSorted;
  each(piece, (nextKey, nextValue, nextEnd, deleted) => {
    if (nextValue - nextKey === ID_KEY && IN_BLOCKS.has(piece[nextKey])) {
      settle();
      key = -1;
      blocks.add(nextKey, nextValue, nextEnd, deleted);
      return;
    }
    blocks.flush();
    if (key >= 0 && !same(piece, key, value, nextKey, nextValue)) settle();
    [key, value, end, gone] = [nextKey, nextValue, nextEnd, deleted];
  });
  settle();
  blocks.flush();
}

/** Entries of ids, put a block at a time. */
class BlockPuts {
  readonly #store: Store;
  readonly #piece: Buffer;
  readonly #behind: boolean;
  /** Whether blocks come behind all that is there. */
  append: boolean;
  readonly #changes = new BlockChanges();
  readonly #key = Buffer.alloc(ID_KEY);
  /** Table and slot as a number, and the block; -1 where none is open. */
  #group = -1;
  #block = -1;

  constructor(store: Store, piece: Buffer, behind: boolean) {
    this.#store = store;
    this.#piece = piece;
    this.#behind = behind;
    this.append = behind;
  }
  add(key: number, value: number, end: number, deleted: boolean): void {
    const piece = this.#piece;
    const group = (piece[key] << 16) | (piece[key + 1] << 8) | piece[key + 2];
    const id =
      ((piece[key + HEAD] << 24) |
        (piece[key + HEAD + 1] << 16) |
        (piece[key + HEAD + 2] << 8) |
        piece[key + HEAD + 3]) >>>
      0;
    const block = blockOf(id);
    if (block !== this.#block || group !== this.#group) {
      this.flush();
      this.#group = group;
      this.#block = block;
      piece.copy(this.#key, 0, key, key + HEAD);
      this.#key.writeUInt32BE(block, HEAD);
    }
    this.#changes.add(id, deleted ? -1 : value, end);
  }
  flush(): void {
    if (this.#block < 0) return;
    const store = this.#store;
    const before = this.#behind ? undefined : (store.getBinaryFast(this.#key) as Buffer | undefined);
    const now = this.#changes.apply(before, this.#piece);
    if (now) put(store, this.#key, now, this.append);
    else if (before) store.removeSync(this.#key);
    this.#changes.clear();
    this.#group = -1;
    this.#block = -1;
  }
}

function same(piece: Buffer, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  // from the end, where keys of one table differ soonest
  for (let i = aEnd - 1, j = bEnd - 1; i >= a; i--, j--) if (piece[i] !== piece[j]) return false;
  return true;
}
