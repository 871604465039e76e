/** The store of a ledger: LMDB, keys and values as bytes. */
import { open, type RootDatabase } from 'lmdb';

export type Store = RootDatabase<Buffer, Buffer>;

/** Opens or makes it. One file may be open on several threads of a process at once. */
export const openStore = (path: string): Store =>
  open<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: true });
