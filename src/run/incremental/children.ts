/** The rows that a root has at a sink, packed: keys front-coded against the one before, and 8 bytes of hash each. */

/** A row at a sink. */
export interface Child {
  readonly key: string;
  /** 8 bytes. */
  readonly hash: Uint8Array;
}

export const CHILD_HASH_BYTES = 8;

function varint(value: number, out: number[]): void {
  let v = value;
  while (v >= 0x80) {
    out.push((v & 0x7f) | 0x80);
    v >>>= 7;
  }
  out.push(v);
}

export function encodeChildren(children: readonly Child[]): Buffer {
  const parts: Uint8Array[] = [];
  let before = Buffer.alloc(0);
  for (const { key, hash } of children) {
    const bytes = Buffer.from(key);
    let shared = 0;
    while (shared < bytes.length && shared < before.length && bytes[shared] === before[shared]) shared++;
    const head: number[] = [];
    varint(shared, head);
    varint(bytes.length - shared, head);
    parts.push(Uint8Array.from(head), bytes.subarray(shared), hash);
    before = bytes;
  }
  return Buffer.concat(parts);
}

export function decodeChildren(bytes: Buffer): Child[] {
  const children: Child[] = [];
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  let before = Buffer.alloc(0);
  while (at < bytes.length) {
    const shared = read();
    const length = read();
    const key = Buffer.concat([before.subarray(0, shared), bytes.subarray(at, at + length)]);
    at += length;
    children.push({ key: key.toString('utf8'), hash: bytes.subarray(at, at + CHILD_HASH_BYTES) });
    at += CHILD_HASH_BYTES;
    before = key;
  }
  return children;
}
