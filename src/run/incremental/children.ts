/**
 * The rows that a root has at a sink, packed: keys against the one before, and 6 bytes of hash each. Units of a document
 * are numbered, so a key that counts on from the one before takes a byte.
 */
import { ByteWriter, readVarint } from '../../arrow/index.ts';

/** A row at a sink. */
export interface Child {
  readonly key: string;
  /** Where its hash stands: {@link CHILD_HASH_BYTES} of `hashes` from `at` on. */
  readonly hashes: Uint8Array;
  readonly at: number;
}

/** A row's hash is held against one other alone: 6 bytes miss one change of 10¹⁴. */
export const CHILD_HASH_BYTES = 6;

/** The key that counts on from another: `d7#1` from `d7#0`. */
function following(key: string): string | undefined {
  const last = key.charCodeAt(key.length - 1);
  if (!(last >= 0x30 && last <= 0x39)) return undefined;
  // most numbers have one digit, behind something that is none
  const before = key.charCodeAt(key.length - 2);
  if (last < 0x39 && !(before >= 0x30 && before <= 0x39))
    return key.slice(0, -1) + String.fromCharCode(last + 1);
  const [digits] = /(?:0|[1-9]\d{0,8})$/.exec(key) ?? [];
  return digits === undefined ? undefined : `${key.slice(0, -digits.length)}${Number(digits) + 1}`;
}

// a head of 0: counts on; else one more than the bytes it shares with the key before, then how many are its own
export function encodeChildren(children: readonly Child[], out: ByteWriter): void {
  let before = '';
  for (const { key, hashes, at } of children) {
    if (key === following(before)) out.byte(0);
    else if (before === '') {
      out.varint(1);
      out.text(key);
    } else {
      const bytes = Buffer.from(key);
      const beforeBytes = Buffer.from(before);
      let shared = 0;
      while (shared < bytes.length && shared < beforeBytes.length && bytes[shared] === beforeBytes[shared])
        shared++;
      out.varint(shared + 1);
      out.varint(bytes.length - shared);
      out.range(bytes, shared, bytes.length);
    }
    out.range(hashes, at, at + CHILD_HASH_BYTES);
    before = key;
  }
}

export function decodeChildren(bytes: Buffer): Child[] {
  const children: Child[] = [];
  const place = { at: 0 };
  let before = '';
  while (place.at < bytes.length) {
    const head = readVarint(bytes, place);
    let key = head === 0 ? following(before) : undefined;
    if (key === undefined) {
      const length = readVarint(bytes, place);
      const own = bytes.subarray(place.at, place.at + length);
      key = Buffer.concat([Buffer.from(before).subarray(0, head - 1), own]).toString('utf8');
      place.at += length;
    }
    children.push({ key, hashes: bytes, at: place.at });
    place.at += CHILD_HASH_BYTES;
    before = key;
  }
  return children;
}

/** How many rows {@link decodeChildren} gives, without making them. */
export function countChildren(bytes: Uint8Array): number {
  const place = { at: 0 };
  let count = 0;
  for (; place.at < bytes.length; count++) {
    if (readVarint(bytes, place) > 0) {
      const length = readVarint(bytes, place);
      place.at += length;
    }
    place.at += CHILD_HASH_BYTES;
  }
  return count;
}

/** {@link encodeChildren}, as bytes of their own. */
export function packed(children: readonly Child[]): Buffer {
  const out = new ByteWriter(256);
  encodeChildren(children, out);
  return out.bytes.subarray(0, out.used);
}

/** Whether two rows at a sink have one content. */
export function sameHash(a: Child, b: Child): boolean {
  for (let i = 0; i < CHILD_HASH_BYTES; i++) if (a.hashes[a.at + i] !== b.hashes[b.at + i]) return false;
  return true;
}
