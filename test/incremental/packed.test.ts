import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  CHILD_HASH_BYTES,
  type Child,
  countChildren,
  decodeChildren,
  packed,
} from '../../src/run/incremental/children.ts';
import { IdRanges } from '../../src/run/incremental/id-ranges.ts';
import { SeenHashes } from '../../src/run/incremental/seen-hashes.ts';

const hash = fc.uint8Array({ minLength: CHILD_HASH_BYTES, maxLength: CHILD_HASH_BYTES });
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom('d#', '0', 'é', ''), fc.nat(200)).map(([text, n]) => `${text}${n}`),
  fc.constantFrom('9', '09', '999999999', '9999999999', '-1', 'a#00'),
);

it('rows at a sink come back as they were', () => {
  const child = fc.record({ key, hashes: hash, at: fc.constant(0) });
  const plain = (c: Child): unknown => [c.key, [...c.hashes.subarray(c.at, c.at + CHILD_HASH_BYTES)]];
  fc.assert(
    fc.property(fc.array(child, { maxLength: 12 }), children => {
      const back = decodeChildren(packed(children));
      expect(back.map(plain)).toEqual(children.map(plain));
      expect(countChildren(packed(children))).toBe(children.length);
    }),
  );
});

it('numbered rows take a byte and their hash each', () => {
  const children = Array.from({ length: 100 }, (_, i) => ({
    key: `doc#${i}`,
    hashes: new Uint8Array(CHILD_HASH_BYTES),
    at: 0,
  }));
  // the first one: a byte for what it shares, one for its length, five of its own
  expect(packed(children).length).toBe(1 + 5 + 1 + 99 + 100 * CHILD_HASH_BYTES);
});

it('ids come back in their order, in as many ranges as there are runs of them', () => {
  const run = fc.tuple(fc.nat(1 << 30), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 20 }), runs => {
      const ids = runs.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
      const ranges = new IdRanges();
      for (const id of ids) ranges.add(id);
      const back = IdRanges.decode(ranges.encode());
      expect([...back]).toEqual(ids);
      expect(back.length).toBe(ids.length);
      for (const id of ids.slice(0, 5)) expect(back.indexOf(id)).toBe(ids.indexOf(id));
      expect(back.indexOf(-1)).toBe(-1);
      expect(back.encode().length).toBeLessThanOrEqual(runs.length * 7);
    }),
  );
});

it('hashes that came are known, however many there are and however alike they look', () => {
  const seen = new SeenHashes();
  const known = new Set<string>();
  // few values a byte, zeros among them, so that many share their parts and their halves
  let state = 1;
  const hash = new Uint8Array(12);
  for (let i = 0; i < 60_000; i++) {
    for (let b = 0; b < 8; b++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      hash[4 + b] = (state >>> 24) % (b === 3 ? 200 : 6);
    }
    const text = Buffer.from(hash).toString('hex');
    expect(seen.seen(hash, 4)).toBe(known.has(text));
    known.add(text);
  }
  expect(known.size).toBeGreaterThan(20_000);
});
