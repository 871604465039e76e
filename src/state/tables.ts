/** The tables of a ledger, and how their keys are made. */
import { createHash } from 'node:crypto';
import { blockOf } from './id-blocks.ts';

/** Tables, by the first byte of a key; the next two are the slot of the step they speak of. */
export const TABLE = {
  /** JSON by name. */
  meta: 0x6d,
  /** Source: hash of a row's key → row id, hash of its values. */
  rows: 0x72,
  /** Source, stream: row id → how the hash of its key begins, its key, and how its values begin. */
  keys: 0x6b,
  /** Source, stream: the columns of an entry of `keys`, by a number of one byte. */
  layouts: 0x6c,
  /** Source: a piece (a file) → its signature and the ids of its rows, in order. */
  pieces: 0x70,
  /** Source: row id → why it went through last. */
  why: 0x77,
  /** Sink: root (row id, or hash of a key) → the rows it has there: keys and hashes. */
  children: 0x63,
  /** Source: one entry, a bit for each row id that went through in the run that was cut short. */
  done: 0x64,
  /** Stream: what the step remembers, by keys of its own. */
  state: 0x73,
} as const;

/** Bytes of a key before what is the table's own: table, slot. */
export const HEAD = 3;
/** A key that goes on with an id. */
export const ID_KEY = HEAD + 4;
/** Tables in which entries of ids stand in blocks; in `children` there are others too, each by itself. */
export const IN_BLOCKS: ReadonlySet<number> = new Set([TABLE.keys, TABLE.children]);
/** Whether a key is that of an id's entry, which stands in a block. */
export const isId = (key: Uint8Array): boolean => key.length === ID_KEY && IN_BLOCKS.has(key[0]);
/** The key of the block in which the entry of an id stands. */
export function blockKey(key: Buffer): Buffer {
  const own = Buffer.from(key);
  own.writeUInt32BE(blockOf(key.readUInt32BE(HEAD)), HEAD);
  return own;
}
/** The largest slot. */
export const MOST_SLOTS = 0xffff;

/** A key of a table: table, slot of the step, and the rest. */
export function tableKey(table: number, slot: number, rest: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(HEAD + rest.length);
  key[0] = table;
  key.writeUInt16BE(slot, 1);
  key.set(rest, HEAD);
  return key;
}

/** The longest key that the store takes, in bytes. */
export const MOST_KEY = 1978;
/** Bytes of a key's own part that stand in it as they are. */
const MOST_PLAIN = MOST_KEY - HEAD;
/** What a hash begins with that stands for a long key: no text does, in UTF-8. */
const HASHED = 0xff;

/** The rest of a key, which may be of any length: a long one is its hash, and so is one that looks like such a hash. */
export function shortKey<K extends Uint8Array>(rest: K): K | Buffer {
  if (rest.length <= MOST_PLAIN && !(rest.length === 33 && rest[0] === HASHED)) return rest;
  return Buffer.concat([Uint8Array.of(HASHED), createHash('sha256').update(rest).digest()]);
}

/** Four bytes, largest first, so that ids sort as numbers. */
export function idBytes(id: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(id, 0);
  return bytes;
}
