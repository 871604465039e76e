/** Files of another implementation: pyarrow's write_feather, 200 rows, LZ4 in batches of 150, and Zstandard. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readArrow } from '../../../operators/read/arrow.ts';
import { lz4Frame } from '../../../operators/read/lib/lz4-frame.ts';
import { folder, read } from './support.ts';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

describe('compressed Feather files', () => {
  test.each(['lz4', 'zstd'])('%s', async codec => {
    const root = folder({ 'docs.feather': fixture(`${codec}.feather`) });
    const { rows } = await read(readArrow, root, { path: 'docs.feather' });
    expect(rows).toEqual(
      Array.from({ length: 200 }, (_, i) => ({
        doc_id: `d${i}`,
        text: `words that repeat and repeat ${i} `.repeat((i % 7) + 1),
        n: BigInt(i),
        none: i % 3 ? null : 'x',
      })),
    );
  });
});

describe('an LZ4 frame', () => {
  // magic, flags (independent blocks), block size, header checksum; a block of 3 literals and a match 2 back
  const frame = (...block: number[]): Uint8Array =>
    Uint8Array.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0]);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const [a, b, c, d] = Buffer.from('abcd');

  test('repeats what it has, over itself', () => {
    expect(text(lz4Frame(frame(0x32, a, b, c, 2, 0, 0x10, d)))).toBe('abcbcbcbcd');
  });
  test('that is cut off, or reaches back too far, is refused', () => {
    const whole = frame(0x32, a, b, c, 2, 0, 0x10, d);
    for (let cut = 0; cut < whole.length; cut++) {
      if (cut >= whole.length - 4) continue;
      expect(() => lz4Frame(whole.subarray(0, cut))).toThrow('cut off or damaged');
    }
    expect(() => lz4Frame(frame(0x32, a, b, c, 9, 0))).toThrow('cut off or damaged');
    expect(() => lz4Frame(Buffer.from('no frame at all'))).toThrow('cut off or damaged');
  });
});
