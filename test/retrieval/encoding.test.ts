import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteDictionary, hashBytes } from '../../src/retrieval/analysis/byte-dictionary.ts';
import { ByteReader, ByteWriter, crc32 } from '../../src/retrieval/sparse/bytes.ts';
import { FrontCodedReader, FrontCodedWriter } from '../../src/retrieval/sparse/front-coded.ts';
import { compress, compressBound, decompress } from '../../src/retrieval/sparse/lz4.ts';
import { PostingsEncoder, PostingsList } from '../../src/retrieval/sparse/postings.ts';
import { sortByBytes } from '../../src/retrieval/sparse/sort-bytes.ts';

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'utf8'));

describe('numbers and checksums', () => {
  it('varints keep every whole number below 2^53', () => {
    const whole = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
    );
    fc.assert(
      fc.property(fc.array(whole), numbers => {
        const out = new ByteWriter(1);
        for (const n of numbers) out.varint(n);
        const reader = new ByteReader(out.view());
        expect(numbers.map(() => reader.varint())).toEqual(numbers);
        expect(reader.at).toBe(out.length);
      }),
    );
  });

  it('crc32 is the IEEE one, in one piece or several', () => {
    expect(crc32(encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(encode('6789'), crc32(encode('12345')))).toBe(0xcbf43926);
  });
});

describe('lz4', () => {
  it('reads a block written by hand: literals, a match that overlaps itself, last literals', () => {
    // "abc", then 9 bytes from 3 back, then "xyzuv".
    const block = Uint8Array.of(0x35, 97, 98, 99, 3, 0, 0x50, 120, 121, 122, 117, 118);
    const target = new Uint8Array(17);
    decompress(block, target);
    expect(Buffer.from(target).toString()).toBe('abcabcabcabcxyzuv');
    expect(() => decompress(block, new Uint8Array(16))).toThrow(RangeError);
    expect(() => decompress(block.subarray(0, 8), new Uint8Array(17))).toThrow(RangeError);
  });

  it('gives back what it was given, and keeps the end-of-block rules', () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(encode('the same words again ')));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(3), (pieces, at) => {
        const raw = new Uint8Array(Buffer.concat(pieces));
        const target = new Uint8Array(at + compressBound(raw.length));
        const end = compress(raw, target, at);
        const back = new Uint8Array(raw.length);
        decompress(target.subarray(at, end), back);
        expect(back).toEqual(raw);
        if (raw.length >= 5) expect(target.subarray(end - 5, end)).toEqual(raw.subarray(-5));
      }),
    );
  });
});

describe('postings', () => {
  it('come back as they were, with the best pairs of every block', () => {
    const gap = fc.oneof(fc.nat(3), fc.nat(5000), fc.constant(2 ** 20));
    const tf = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2 ** 20 }));
    const posting = fc.tuple(gap, tf);
    fc.assert(
      fc.property(fc.array(posting, { minLength: 1, maxLength: 500, size: 'max' }), postings => {
        const docs = new Int32Array(postings.length);
        const tfs = new Int32Array(postings.length);
        let doc = -1;
        postings.forEach(([step, count], i) => {
          doc += step + 1;
          docs[i] = doc;
          tfs[i] = count;
        });
        // A length from the document number stands for the table.
        const lengths = new Proxy([], { get: (_, d) => (Number(d) * 37) % 101 }) as number[];
        const out = new ByteWriter(8);
        new PostingsEncoder().encode(out, docs, tfs, lengths, 0, docs.length);
        const list = new PostingsList(out.view(), 0, out.length, docs.length, lengths);
        const blockDocs = new Int32Array(128);
        const blockTfs = new Int32Array(128);
        for (let b = 0; b < list.blocks; b++) {
          const n = list.decode(b, blockDocs, blockTfs);
          expect(blockDocs.subarray(0, n)).toEqual(docs.subarray(b * 128, b * 128 + n));
          expect(blockTfs.subarray(0, n)).toEqual(tfs.subarray(b * 128, b * 128 + n));
          expect(list.last[b]).toBe(blockDocs[n - 1]);
          const pairs: [number, number][] = [];
          for (let i = list.frontierStart[b]; i < list.frontierStart[b + 1]; i++) {
            pairs.push([list.frontierTf[i], list.frontierLength[i]]);
          }
          for (let i = 0; i < n; i++) {
            const length = lengths[blockDocs[i]];
            expect(pairs.some(([f, l]) => f >= blockTfs[i] && l <= length)).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('strings', () => {
  const strings = fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 80 });
  const sorted = (list: string[]) => list.map(encode).sort(Buffer.compare);

  it('front-coded lists find, count and step like the sorted list', () => {
    fc.assert(
      fc.property(strings, fc.string({ unit: 'grapheme', maxLength: 12 }), (list, probe) => {
        const order = sorted(list);
        const writer = new FrontCodedWriter();
        order.forEach((text, i) => {
          writer.add(text, 0, text.length);
          writer.data.varint(i * 3);
        });
        const cursor = new FrontCodedReader(writer.data.view(), writer.index(), order.length, 1).cursor();
        const text = () => cursor.text.slice(0, cursor.length);
        for (let i = order.length - 1; i >= 0; i -= 3) {
          cursor.at(i);
          expect(text()).toEqual(order[i]);
          expect(cursor.payload).toEqual([i * 3]);
        }
        for (const [i, wanted] of order.entries()) {
          expect(cursor.seek(wanted, 0, wanted.length)).toBe(true);
          expect(cursor.ordinal).toBe(i);
        }
        const bytes = encode(probe);
        const at = order.findIndex(t => Buffer.compare(t, bytes) >= 0);
        expect(cursor.seek(bytes, 0, bytes.length)).toBe(at >= 0 && Buffer.compare(order[at], bytes) === 0);
        expect(cursor.ordinal).toBe(at < 0 ? order.length : at);
      }),
    );
  });

  it('byte sorting agrees with Buffer.compare, small lists and large', () => {
    const dictionary = new ByteDictionary();
    let state = 7;
    for (let i = 0; i < 9000; i++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const text = encode(
        `${i % 3 === 0 ? 'prefix-shared-' : ''}${(state >>> 3).toString(36)}${i % 5 === 0 ? '한글' : ''}`,
      );
      dictionary.intern(text, 0, text.length, hashBytes(text, 0, text.length));
    }
    for (const n of [0, 1, 100, dictionary.size]) {
      const ids = Int32Array.from({ length: n }, (_, i) => (i * 7919) % dictionary.size);
      const order = Array.from(sortByBytes(dictionary.bytes, dictionary.offsets, ids), id =>
        dictionary.slice(id),
      );
      expect(order).toEqual(Array.from(ids, id => dictionary.slice(id)).sort(Buffer.compare));
    }
  });
});
