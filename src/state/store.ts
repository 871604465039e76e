/** The store of a ledger: LMDB, keys and values as bytes. */
import { open, type RootDatabase } from 'lmdb';

export type Store = RootDatabase<Buffer, Buffer>;

const BYTES = { encoding: 'binary', keyEncoding: 'binary', noSubdir: true } as const;

/** Opens or makes it. One file may be open on several threads of a process at once. */
export const openStore = (path: string): Store => open<Buffer, Buffer>({ path, ...BYTES });

/** Opens one that is there; nothing can be written through it. */
export const openToRead = (path: string): Store => open<Buffer, Buffer>({ path, ...BYTES, readOnly: true });

/** One that holds nothing, for what reads where nothing is. */
export const NOTHING = {
  getBinary: () => undefined,
  getBinaryFast: () => undefined,
  getRange: () => [],
  getKeys: () => [],
  close: () => Promise.resolve(),
} as unknown as Store;
