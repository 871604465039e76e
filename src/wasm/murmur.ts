/**
 * MurmurHash3 x64 128 (Appleby 2011, public domain) of many pieces of bytes in one call: a WebAssembly loop of two
 * products per eight bytes, several times as fast as a digest a piece. It is no cryptographic hash: whoever wants two
 * pieces of one hash can make them.
 */
import {
  add,
  add64,
  advance,
  and64,
  assemble,
  type Code,
  extend32U,
  get,
  i32,
  i64,
  kernel,
  type Local,
  load32,
  load64,
  loopWhile,
  ltU,
  mul,
  mul64,
  rotl64,
  set,
  shl,
  shrU64,
  store64,
  sub,
  when,
  xor64,
} from './assembler.ts';
import { type Memory, WebAssembly } from './webassembly.ts';

/** Bytes of a hash. */
export const MURMUR_BYTES = 16;

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const int = (value: bigint): Code => i64(BigInt.asIntN(64, value));

const mixed = (k: Code, first: bigint, turn: bigint, second: bigint): Code =>
  mul64(rotl64(mul64(k, int(first)), int(turn)), int(second));

/** h = (rotl(h ^ mixed, turn) + other) × 5 + constant. */
const round = (h: Local, other: Local, k: Code, turn: bigint, constant: bigint): Code =>
  set(h, add64(mul64(add64(rotl64(xor64(get(h), k), int(turn)), get(other)), int(5n)), int(constant)));

const finished = (h: Local): Code[] => {
  const shifted = set(h, xor64(get(h), shrU64(get(h), int(33n))));
  return [
    shifted,
    set(h, mul64(get(h), int(0xff51afd7ed558ccdn))),
    shifted,
    set(h, mul64(get(h), int(0xc4ceb9fe1a85ec53n))),
    shifted,
  ];
};

/** Of the 8 bytes at an address, those that are left: rest of them, 1 to 8; others 0. */
const head = (address: Code, rest: Code): Code =>
  and64(load64(address), shrU64(int(-1n), extend32U(shl(sub(i32(8), rest), i32(3)))));

/** Locals of a hash: where it is, what is left of the piece, its length, and the two halves. */
export type Hashing = Record<'at' | 'left' | 'length' | 'a' | 'b', Local>;

/** Takes the next 16 bytes in. */
export const taken = (v: Hashing): Code[] => [
  round(v.a, v.b, mixed(load64(get(v.at)), C1, 31n, C2), 27n, 0x52dce729n),
  round(v.b, v.a, mixed(load64(get(v.at), 8), C2, 33n, C1), 31n, 0x38495ab5n),
  advance(v.at, 16),
];
/** Takes in what is `left` of a piece of `length`, less than 16 bytes, and writes the hash to `out`. */
export const ended = (v: Hashing, out: Local): Code[] => [
  when(
    ltU(i32(8), get(v.left)),
    set(v.b, xor64(get(v.b), mixed(head(add(get(v.at), i32(8)), sub(get(v.left), i32(8))), C2, 33n, C1))),
    set(v.left, i32(8)),
  ),
  when(get(v.left), set(v.a, xor64(get(v.a), mixed(head(get(v.at), get(v.left)), C1, 31n, C2)))),
  set(v.a, xor64(get(v.a), extend32U(get(v.length)))),
  set(v.b, xor64(get(v.b), extend32U(get(v.length)))),
  set(v.a, add64(get(v.a), get(v.b))),
  set(v.b, add64(get(v.b), get(v.a))),
  ...finished(v.a),
  ...finished(v.b),
  set(v.a, add64(get(v.a), get(v.b))),
  set(v.b, add64(get(v.b), get(v.a))),
  store64(get(out), get(v.a)),
  store64(get(out), get(v.b), 8),
];
/** Before the first bytes. */
export const begun = (v: Hashing): Code[] => [set(v.a, int(0n)), set(v.b, int(0n))];

/**
 * The hashes of n pieces: piece i reaches from the number at `bounds + i × step` to the one behind it, counted from
 * `bytes`; its hash goes to `out + 16 i`. Reads up to 16 bytes beyond a piece.
 */
const hashes = kernel(
  'hashes',
  { bytes: 'i32', bounds: 'i32', step: 'i32', n: 'i32', out: 'i32' },
  { at: 'i32', length: 'i32', left: 'i32', i: 'i32', a: 'i64', b: 'i64' },
  undefined,
  v => [
    loopWhile(
      ltU(get(v.i), get(v.n)),
      set(v.at, add(get(v.bytes), load32(get(v.bounds)))),
      set(v.length, sub(add(get(v.bytes), load32(get(v.bounds), 4)), get(v.at))),
      set(v.left, get(v.length)),
      ...begun(v),
      loopWhile(ltU(i32(15), get(v.left)), ...taken(v), advance(v.left, -16)),
      ...ended(v, v.out),
      set(v.bounds, add(get(v.bounds), get(v.step))),
      advance(v.out, MURMUR_BYTES),
      advance(v.i, 1),
    ),
  ],
);

/**
 * The hashes of n rows, each of the hashes of its k values: that of value c of row i stands at
 * `columns + c × stride + 16 i`; the row's goes to `out + kept × i`, whole, so that the next is put over what is not kept.
 */
const rows = kernel(
  'rows',
  { columns: 'i32', stride: 'i32', k: 'i32', n: 'i32', out: 'i32', kept: 'i32' },
  { at: 'i32', left: 'i32', length: 'i32', c: 'i32', value: 'i32', i: 'i32', a: 'i64', b: 'i64' },
  undefined,
  v => [
    set(v.length, mul(get(v.k), i32(MURMUR_BYTES))),
    loopWhile(
      ltU(get(v.i), get(v.n)),
      ...begun(v),
      set(v.value, get(v.columns)),
      set(v.c, i32(0)),
      loopWhile(
        ltU(get(v.c), get(v.k)),
        set(v.at, get(v.value)),
        ...taken(v),
        set(v.value, add(get(v.value), get(v.stride))),
        advance(v.c, 1),
      ),
      set(v.left, i32(0)),
      ...ended(v, v.out),
      set(v.out, add(get(v.out), get(v.kept))),
      advance(v.columns, MURMUR_BYTES),
      advance(v.i, 1),
    ),
  ],
);

const PAGE = 65536;
/** Bytes of pieces that are hashed at once, unless one is longer. */
const AT_ONCE = 1 << 20;
/** What may be read beyond the last piece. */
export const SLACK = 32;

interface Engine {
  readonly memory: Memory;
  readonly hashes: (bytes: number, bounds: number, step: number, n: number, out: number) => void;
  readonly rows: (columns: number, stride: number, k: number, n: number, out: number, kept: number) => void;
}
let engine: Engine | undefined;

function started(): Engine {
  if (engine) return engine;
  const memory = new WebAssembly.Memory({ initial: (2 * AT_ONCE) / PAGE });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble([hashes, rows])), {
    env: { memory },
  });
  engine = { memory, ...(instance.exports as Pick<Engine, 'hashes' | 'rows'>) };
  return engine;
}

/** Bytes of one piece up to which it is hashed in one go: what the module's memory may grow by, for good. */
export const MURMUR_MOST = 8 << 20;

/**
 * The hashes of n pieces of `bytes`, 16 bytes each, to `out` from `at` on.
 * @param bounds of piece i: from `bounds[i × step]` to `bounds[i × step + 1]`; step 1 for offsets, 2 for pairs
 * @throws RangeError where a piece is longer than {@link MURMUR_MOST}
 */
export function murmurInto(
  bytes: Uint8Array,
  bounds: Int32Array,
  step: 1 | 2,
  n: number,
  out: Uint8Array,
  at = 0,
): void {
  const { memory, hashes } = started();
  for (let from = 0; from < n; ) {
    const start = bounds[from * step];
    let to = from + 1;
    while (to < n && bounds[to * step + 1] - start <= AT_ONCE) to++;
    const count = to - from;
    const length = bounds[(to - 1) * step + 1] - start;
    if (count === 1 && length > MURMUR_MOST) throw new RangeError('a piece is too long to be hashed at once');
    // memory: hashes, bounds, bytes
    const boundsAt = count * MURMUR_BYTES;
    const boundsCount = (count - 1) * step + 2;
    const bytesAt = (boundsAt + boundsCount * 4 + 15) & ~15;
    const wanted = bytesAt + length + SLACK;
    if (memory.buffer.byteLength < wanted) memory.grow(Math.ceil((wanted - memory.buffer.byteLength) / PAGE));
    const all = new Uint8Array(memory.buffer);
    new Int32Array(memory.buffer, boundsAt, boundsCount).set(
      bounds.subarray(from * step, from * step + boundsCount),
    );
    all.set(bytes.subarray(start, start + length), bytesAt);
    hashes(bytesAt - start, boundsAt, step * 4, count, 0);
    out.set(all.subarray(0, boundsAt), at + from * MURMUR_BYTES);
    from = to;
  }
}

/**
 * The hashes of n rows, of which each is that of its values' hashes one behind the other.
 * @param columns the hashes of a column's values each, 16 bytes a row
 * @param kept bytes of a row's hash that go to `out`, one behind the other: up to 16
 */
export function murmurRows(columns: readonly Uint8Array[], n: number, kept: number, out: Uint8Array): void {
  const { memory, rows } = started();
  const k = columns.length;
  const most = Math.max(1, Math.floor(AT_ONCE / (MURMUR_BYTES * (k + 1))));
  const all = new Uint8Array(memory.buffer);
  for (let from = 0; from < n; from += most) {
    const count = Math.min(most, n - from);
    const stride = MURMUR_BYTES * count;
    for (let c = 0; c < k; c++)
      all.set(columns[c].subarray(MURMUR_BYTES * from, MURMUR_BYTES * (from + count)), c * stride);
    rows(0, stride, k, count, k * stride, kept);
    out.set(all.subarray(k * stride, k * stride + count * kept), from * kept);
  }
}
