import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openBytes } from '../../../operators/read/lib/bytes.ts';
import { resolveFiles } from '../../../operators/read/lib/files.ts';
import { LineCutter, recordBlocks } from '../../../operators/read/lib/lines.ts';
import { Xxh64 } from '../../../operators/read/lib/xxh64.ts';
import { zstdBlocks } from '../../../operators/read/lib/zstd.ts';
import { context, failure, folder } from './support.ts';

async function content(root: string, path: string, offset = 0): Promise<string> {
  const [file] = await resolveFiles(path, context(root), { endings: [], what: 'files' });
  const parts: Buffer[] = [];
  for await (const block of await openBytes(file, offset)) parts.push(Buffer.from(block));
  return Buffer.concat(parts).toString('utf8');
}

// made by: printf 'hello millrace\n...' | zstd -19 --check
const TEXT = 'hello millrace\nhello millrace\nhello millrace\n';
const ZSTD = Buffer.from('KLUv/QRorQAAeGhlbGxvIG1pbGxyYWNlCgEAIs465QY/RA==', 'base64');

const hex = (bytes: Uint8Array, cut = bytes.length || 1): string => {
  const hash = new Xxh64();
  for (let i = 0; i < bytes.length; i += cut) hash.update(bytes.subarray(i, i + cut));
  return hash
    .digest()
    .map(half => half.toString(16).padStart(8, '0'))
    .join('');
};

describe('xxh64', () => {
  // values published with the xxHash implementations
  test.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
    ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('%j', (text, wanted) => {
    for (const cut of [1, 7, 64]) expect(hex(Buffer.from(text), cut)).toBe(wanted);
  });
});

describe('compression', () => {
  test('is seen by magic bytes, and brotli by its ending', async () => {
    const root = folder({
      'a.txt': 'plain',
      'b.gz': gzipSync('zipped'),
      'c.txt': gzipSync('zipped too'),
      'd.txt.br': brotliCompressSync('brotli'),
      'e.txt.zst': ZSTD,
      'two.gz': Buffer.concat([gzipSync('one,'), gzipSync('two')]),
    });
    expect(await content(root, 'a.txt')).toBe('plain');
    expect(await content(root, 'b.gz')).toBe('zipped');
    expect(await content(root, 'c.txt')).toBe('zipped too');
    expect(await content(root, 'd.txt.br')).toBe('brotli');
    expect(await content(root, 'e.txt.zst')).toBe(TEXT);
    expect(await content(root, 'two.gz')).toBe('one,two');
  });

  test('an offset counts plain bytes', async () => {
    const root = folder({ a: '0123456789', 'b.gz': gzipSync('0123456789'), 'c.zst': ZSTD });
    expect(await content(root, 'a', 4)).toBe('456789');
    expect(await content(root, 'b.gz', 4)).toBe('456789');
    expect(await content(root, 'c.zst', 15)).toBe(TEXT.slice(15));
  });

  test('cut and damaged files are named', async () => {
    const whole = gzipSync(Buffer.from('many words '.repeat(5000)));
    const hurt = Buffer.from(whole);
    hurt[hurt.length - 6] ^= 0xff;
    const brotli = brotliCompressSync(Buffer.from('many words '.repeat(5000)));
    const root = folder({
      'cut.gz': whole.subarray(0, whole.length - 20),
      'hurt.gz': hurt,
      'cut.br': brotli.subarray(0, brotli.length - 3),
      'no.gz': 'not gzip at all',
      'empty.gz': '',
      'no.zst': 'nothing',
    });
    expect(await failure(content(root, 'cut.gz'))).toMatch(
      /UserError: cut\.gz: the gzip data ends too early: the file is cut short, after \d+ of \d+ bytes on disk \| fetch or make the file again/,
    );
    expect(await failure(content(root, 'hurt.gz'))).toContain('hurt.gz: the gzip data is damaged');
    expect(await failure(content(root, 'cut.br'))).toContain('cut.br: the brotli data ends too early');
    expect(await failure(content(root, 'no.gz'))).toContain('no.gz ends in .gz but is no gzip file');
    expect(await failure(content(root, 'empty.gz'))).toContain('empty.gz ends in .gz but is empty');
    expect(await failure(content(root, 'no.zst'))).toContain('no.zst ends in .zst but is no Zstandard file');
  });
});

describe('zstd', () => {
  const plain = async (bytes: Uint8Array, cut: number): Promise<string> => {
    const pieces = (async function* () {
      for (let i = 0; i < bytes.length; i += cut) yield bytes.subarray(i, i + cut);
    })();
    const parts: Buffer[] = [];
    for await (const block of zstdBlocks(pieces)) parts.push(Buffer.from(block));
    return Buffer.concat(parts).toString('utf8');
  };
  test('frames, skippable frames, any cut of the input', async () => {
    const skippable = Buffer.concat([Buffer.from([0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('xyz')]);
    const stream = Buffer.concat([ZSTD, skippable, ZSTD]);
    for (const cut of [1, 3, 50, 1000]) expect(await plain(stream, cut)).toBe(TEXT + TEXT);
  });
  test('a wrong checksum, a cut frame and trailing bytes are errors', async () => {
    const wrong = Buffer.from(ZSTD);
    wrong[wrong.length - 1] ^= 1;
    expect(await failure(plain(wrong, 1000))).toContain('zstd: the checksum does not match the content');
    expect(await failure(plain(ZSTD.subarray(0, ZSTD.length - 2), 1000))).toContain('unexpected end');
    expect(await failure(plain(Buffer.concat([ZSTD, Buffer.from('junk')]), 9))).toContain(
      'no frame where one should start',
    );
  });
  test('the file is named', async () => {
    const wrong = Buffer.from(ZSTD);
    wrong[wrong.length - 1] ^= 1;
    const root = folder({ 'bad.zst': wrong });
    expect(await failure(content(root, 'bad.zst'))).toContain('bad.zst: the zstd data is damaged');
  });
});

describe('recordBlocks', () => {
  test('blocks put together are the input, whatever the cuts; lines are counted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[a-z\r\n]{0,12}$/), { maxLength: 30 }), async pieces => {
        const blocks = (async function* () {
          for (const piece of pieces) yield Buffer.from(piece);
        })();
        let text = '';
        let end = { offset: 0, line: 1 };
        for await (const block of recordBlocks(blocks, new LineCutter(), 'x')) {
          expect(block.line).toBe(end.line);
          text += Buffer.from(block.raw).toString();
          end = block.end;
        }
        const whole = pieces.join('');
        expect(text).toBe(whole);
        const newlines = whole.split('\n').length - 1;
        expect(end.line).toBe(1 + newlines + (whole !== '' && !whole.endsWith('\n') ? 1 : 0));
        expect(end.offset).toBe(whole.length);
      }),
    );
  });
  test('blocks hold 256 KB and whole lines', async () => {
    const lines = Array.from({ length: 9000 }, (_, i) => `line ${i} ${'x'.repeat(i % 200)}\n`).join('');
    const source = (async function* () {
      for (let i = 0; i < lines.length; i += 100_000) yield Buffer.from(lines.slice(i, i + 100_000));
    })();
    const sizes: number[] = [];
    for await (const block of recordBlocks(source, new LineCutter(), 'x')) {
      expect(block.raw.at(-1)).toBe(10);
      expect(block.raw.byteLength).toBe(block.raw.buffer.byteLength);
      sizes.push(block.raw.length);
    }
    expect(sizes.reduce((a, b) => a + b)).toBe(lines.length);
    expect(sizes.slice(0, -1).every(size => size >= 256 * 1024 && size < 2 ** 20)).toBe(true);
  });
});
