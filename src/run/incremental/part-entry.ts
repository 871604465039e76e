/** What the ledger has of a part of a source: its name, its signature, and its rows' ids in their order. */
import { type Ledger, shortKey, TABLE, tableKey } from '../../state/index.ts';
import { IdRanges } from './id-ranges.ts';

export interface KnownPart {
  readonly name: string;
  readonly signature: string;
  readonly ids: IdRanges;
  /** It held rows that were left out, since a row before them had their key: they may come in when that one goes. */
  readonly leftOut: boolean;
}

/** The key of a part's entry: a long name has its hash there. */
export const partKey = (slot: number, name: string): Buffer =>
  tableKey(TABLE.pieces, slot, shortKey(Buffer.from(name)));

/** The parts of a source. */
export function* partsOf(ledger: Ledger, slot: number): Generator<KnownPart> {
  for (const { key, value } of ledger.entries(TABLE.pieces, slot)) yield decodePart(key, value);
}

const HEAD = 9;
const LEFT_OUT = 1;
/** The name stands behind the signature, since the key has its hash alone. */
const NAMED = 2;

/**
 * Lengths of the signature (4 bytes) and of the ids (4), bits (1), signature and ids, a long name behind its length (4),
 * and what `records` has (see {@link recordsOf}).
 */
export function encodePart(
  part: Pick<KnownPart, 'name' | 'signature'> & Partial<Pick<KnownPart, 'ids' | 'leftOut'>>,
  records: Uint8Array = NONE,
): Buffer {
  const text = Buffer.from(part.signature);
  const ranges = (part.ids ?? NO_ROWS).encode();
  const name = Buffer.from(part.name);
  const named = shortKey(name) !== name;
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(ranges.length, 4);
  head[8] = (part.leftOut ? LEFT_OUT : 0) | (named ? NAMED : 0);
  return Buffer.concat([head, text, ranges, ...(named ? [lengthOf(name), name] : []), records]);
}
function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(bytes.length);
  return length;
}

/** @param key of the entry, without table and slot */
export function decodePart(key: Buffer, bytes: Buffer): KnownPart {
  const at = HEAD + bytes.readUInt32LE(0);
  const end = endOfIds(bytes);
  const named = (bytes[8] & NAMED) !== 0;
  return {
    name: named ? bytes.toString('utf8', end + 4, end + 4 + bytes.readUInt32LE(end)) : key.toString('utf8'),
    signature: bytes.toString('utf8', HEAD, at),
    ids: IdRanges.decode(bytes.subarray(at, end)),
    leftOut: (bytes[8] & LEFT_OUT) !== 0,
  };
}
const endOfIds = (bytes: Buffer): number => HEAD + bytes.readUInt32LE(0) + bytes.readUInt32LE(4);

/** The hashes of a part's records, 8 bytes each in the order of its ids; nothing where they are not known. */
export function recordsOf(bytes: Buffer): Uint8Array {
  const end = endOfIds(bytes);
  return bytes.subarray((bytes[8] & NAMED) === 0 ? end : end + 4 + bytes.readUInt32LE(end));
}

const NONE = new Uint8Array(0);
const NO_ROWS = new IdRanges();
