import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  batchFromRows,
  bool,
  Fingerprints,
  fingerprints,
  float32,
  HASH_BYTES,
  int32,
  int64,
  list,
  MURMUR_BYTES,
  nullable,
  utf8,
} from '../../src/arrow/index.ts';
import { MURMUR_MOST } from '../../src/wasm/murmur.ts';

const of = (...texts: string[]): string[] => {
  const pieces = texts.map(t => Buffer.from(t));
  const bounds = new Int32Array(2 * pieces.length);
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    bounds[2 * i] = at;
    at += piece.length;
    bounds[2 * i + 1] = at;
  }
  const hashes = fingerprints(Buffer.concat(pieces), bounds);
  return texts.map((_, i) => {
    const hash = Buffer.from(hashes.subarray(i * MURMUR_BYTES, (i + 1) * MURMUR_BYTES));
    const half = (h: number): string => hash.readBigUInt64LE(h).toString(16).padStart(16, '0');
    return half(0) + half(8);
  });
};

// by the reference implementation (MurmurHash3_x64_128, seed 0), both halves as numbers
it('hashes as MurmurHash3 does', () => {
  expect(
    of(
      '',
      'hello',
      'hello, world',
      '19 Jan 2038 at 3:14:07 AM',
      'The quick brown fox jumps over the lazy dog.',
    ),
  ).toEqual([
    '00000000000000000000000000000000',
    'cbd8a7b341bd9b025b1e906a48ae1d19',
    '342fac623a5ebc8e4cdcbc079642414d',
    'b89e5988b737affc664fc2950231b2cb',
    'cd99481f9ee902c9695da1a38987b6e7',
  ]);
});

it('hashes a piece alike wherever it stands, at every length, and longer than the memory it starts with', () => {
  const bytes = Buffer.from(Array.from({ length: 5 << 20 }, (_, i) => (i * 31 + (i >> 7)) & 0xff));
  const lengths = [...Array.from({ length: 50 }, (_, i) => i), 4 << 20];
  const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
  for (const shift of [0, 1, 7]) {
    const bounds = Int32Array.from(lengths.flatMap(n => [shift, shift + n]));
    const together = fingerprints(bytes, bounds);
    for (const [i, n] of lengths.entries()) {
      const alone = fingerprints(Buffer.from(bytes.subarray(shift, shift + n)), Int32Array.of(0, n));
      expect(hex(alone)).toBe(hex(together.subarray(i * MURMUR_BYTES, (i + 1) * MURMUR_BYTES)));
    }
  }
});

it('takes pieces of many megabytes', () => {
  const bytes = Buffer.alloc(2 * MURMUR_MOST + 10, 'x');
  const two = fingerprints(bytes, Int32Array.of(0, MURMUR_MOST + 1, MURMUR_MOST + 1, bytes.length));
  expect(two.subarray(0, MURMUR_BYTES)).not.toEqual(two.subarray(MURMUR_BYTES));
  bytes[MURMUR_MOST] = 0;
  const other = fingerprints(bytes, Int32Array.of(0, MURMUR_MOST + 1, MURMUR_MOST + 1, bytes.length));
  expect(other.subarray(0, MURMUR_BYTES)).not.toEqual(two.subarray(0, MURMUR_BYTES));
  expect(other.subarray(MURMUR_BYTES)).toEqual(two.subarray(MURMUR_BYTES));
});

const columns = {
  a: nullable(utf8()),
  b: nullable(int32()),
  c: nullable(list(utf8())),
  d: nullable(bool()),
  e: nullable(float32()),
  f: nullable(int64()),
};
const row = fc.record({
  a: fc.option(fc.string({ unit: 'grapheme' })),
  b: fc.option(fc.integer()),
  c: fc.option(fc.array(fc.string(), { maxLength: 3 })),
  d: fc.option(fc.boolean()),
  e: fc.option(fc.float({ noNaN: true })),
  f: fc.option(fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n })),
});
const hashesOf = (rows: readonly object[], names: readonly string[]): string[] => {
  const batch = batchFromRows(columns, rows as Record<string, unknown>[]);
  const hashes = Buffer.from(new Fingerprints(batch).rows(names));
  return rows.map((_, i) => hashes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES));
};

it('rows have one hash where their values are one, whatever the order of columns and the cut of batches', () => {
  const names = Object.keys(columns);
  const text = (r: object): string =>
    JSON.stringify(r, (_, v) => (typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : v));
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), fc.array(row, { maxLength: 8 }), (a, b) => {
      const all = hashesOf([...a, ...b], names);
      expect([...hashesOf(a, [...names].reverse()), ...hashesOf(b, names)]).toEqual(all);
      const rows = [...a, ...b].map(text);
      for (const [i, one] of rows.entries())
        for (const [j, other] of rows.entries()) expect(all[i] === all[j]).toBe(one === other);
    }),
  );
});

it('tells a null from an empty text and values of neighbours apart', () => {
  const c = { a: nullable(utf8()), b: nullable(utf8()) };
  const rows = [
    { a: 'x', b: 'yz' },
    { a: 'xy', b: 'z' },
    { a: '', b: null },
    { a: null, b: '' },
    { a: '', b: '' },
    { a: null, b: null },
  ];
  const hashes = Buffer.from(new Fingerprints(batchFromRows(c, rows)).rows(['a', 'b']));
  const texts = rows.map((_, i) => hashes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES));
  expect(new Set(texts).size).toBe(rows.length);
});

it('hashes rows as the hashes of their values one behind the other, however many there are', () => {
  const n = 30_000;
  const batch = batchFromRows(
    { b: utf8(), a: nullable(int32()), c: utf8() },
    Array.from({ length: n }, (_, i) => ({ b: `b${i % 7}`, a: i % 3 ? i : null, c: 'x'.repeat(i % 40) })),
  );
  const prints = new Fingerprints(batch);
  const columns = ['a', 'b', 'c'].map(name => prints.values(name));
  const beside = Buffer.concat(
    Array.from({ length: n }, (_, i) => columns.map(c => c.subarray(16 * i, 16 * (i + 1)))).flat(),
  );
  const bounds = Int32Array.from({ length: 2 * n }, (_, i) => 48 * ((i + 1) >> 1));
  const whole = fingerprints(beside, bounds);
  const wanted = Buffer.concat(
    Array.from({ length: n }, (_, i) => whole.subarray(16 * i, 16 * i + HASH_BYTES)),
  );
  expect(Buffer.from(prints.rows(['c', 'a', 'b'])).equals(wanted)).toBe(true);
});
