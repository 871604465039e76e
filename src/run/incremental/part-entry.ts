/** What the ledger has of a part of a source: its signature, and its rows' ids in their order. */
import { TABLE, tableKey } from '../../state/index.ts';
import { IdRanges } from './id-ranges.ts';

export interface KnownPart {
  readonly signature: string;
  readonly ids: IdRanges;
  /** It held rows that were left out, since a row before them had their key: they may come in when that one goes. */
  readonly leftOut: boolean;
}

export const partKey = (slot: number, name: string): Buffer =>
  tableKey(TABLE.pieces, slot, Buffer.from(name));

const HEAD = 9;

/**
 * Lengths of the signature (4 bytes) and of the ids (4), whether rows were left out (1), signature and ids, and what
 * `records` has (see {@link recordsOf}).
 */
export function encodePart(
  signature: string,
  ids: IdRanges,
  leftOut: boolean,
  records: Uint8Array = NONE,
): Buffer {
  const text = Buffer.from(signature);
  const ranges = ids.encode();
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(ranges.length, 4);
  head[8] = leftOut ? 1 : 0;
  return Buffer.concat([head, text, ranges, records]);
}
export function decodePart(bytes: Buffer): KnownPart {
  const at = HEAD + bytes.readUInt32LE(0);
  return {
    signature: bytes.toString('utf8', HEAD, at),
    ids: IdRanges.decode(bytes.subarray(at, at + bytes.readUInt32LE(4))),
    leftOut: bytes[8] === 1,
  };
}
/** The hashes of a part's records, 8 bytes each in the order of its ids; nothing where they are not known. */
export const recordsOf = (bytes: Buffer): Uint8Array =>
  bytes.subarray(HEAD + bytes.readUInt32LE(0) + bytes.readUInt32LE(4));

const NONE = new Uint8Array(0);
