import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { writeJsonl } from '../../../operators/write/jsonl.ts';
import { publishFile, Target } from '../../../operators/write/target.ts';
import { batchFromRows, utf8 } from '../../../src/arrow/index.ts';
import { context, failure, folder, openSink, write } from '../read/support.ts';

const columns = { doc_id: utf8(), text: utf8() };
const batch = (...texts: string[]) =>
  batchFromRows(
    columns,
    texts.map((text, i) => ({ doc_id: `d${i}`, text })),
  );

describe('a file appears whole or not at all', () => {
  test('nothing is seen before publish; publishing twice is publishing once', async () => {
    const root = folder({ 'a.jsonl': 'old' });
    const { sink, publish } = await openSink(writeJsonl, root, { path: 'a.jsonl' }, columns);
    await sink.write({ upserts: batch('x') });
    expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('old');
    const { token, summary } = await sink.prepare();
    await sink.close?.();
    expect(summary).toMatchObject({ rows: 1, bytes: 27 });
    expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('old');
    // the token is plain JSON, as a commit record holds it
    const stored = JSON.parse(JSON.stringify(token));
    await publish(stored);
    await publish(stored);
    expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('{"doc_id":"d0","text":"x"}\n');
    expect(readdirSync(root)).toEqual(['a.jsonl']);
  });

  test('abort leaves the old file and nothing else, before prepare and after it', async () => {
    const root = folder({ 'a.jsonl': 'old' });
    for (const prepared of [false, true]) {
      const { sink } = await openSink(writeJsonl, root, { path: 'a.jsonl' }, columns);
      await sink.write({ upserts: batch('x') });
      if (prepared) await sink.prepare();
      await sink.abort?.();
      await sink.close?.();
      expect(readdirSync(root)).toEqual(['a.jsonl']);
      expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('old');
    }
  });

  test('abort works for compressed files in the middle', async () => {
    const root = folder();
    const { sink } = await openSink(writeJsonl, root, { path: 'a.jsonl.gz' }, columns);
    for (let i = 0; i < 50; i++) await sink.write({ upserts: batch('x'.repeat(100_000)) });
    await sink.abort?.();
    expect(readdirSync(root)).toEqual([]);
  });

  test('folders are made; a run without rows writes an empty file', async () => {
    const root = folder();
    await write(writeJsonl, root, { path: 'deep/er/a.jsonl' }, columns, []);
    expect(readFileSync(join(root, 'deep/er/a.jsonl'), 'utf8')).toBe('');
  });

  test('what a dead process left is removed, what a live one writes is not', async () => {
    const root = folder({
      '.tmp-999999999-0.a.jsonl': 'left',
      [`.tmp-${process.ppid}-0.a.jsonl`]: 'live',
      '.tmp-999999999-0.other.jsonl': 'not ours',
    });
    await write(writeJsonl, root, { path: 'a.jsonl' }, columns, []);
    expect(readdirSync(root).sort()).toEqual(
      [`.tmp-${process.ppid}-0.a.jsonl`, '.tmp-999999999-0.other.jsonl', 'a.jsonl'].sort(),
    );
  });

  test('a prepared file that is gone', async () => {
    const root = folder();
    const token = { temporary: '.tmp-1-0.a.jsonl', bytes: 3, crc: 0 };
    expect(await failure(publishFile('a.jsonl', token, context(root)))).toContain(
      'a.jsonl: the prepared file .tmp-1-0.a.jsonl is gone, and nothing was published',
    );
  });

  test('a prepared file that is gone where an older one stands; one that was published', async () => {
    const root = folder({ 'a.jsonl': 'old' });
    const { sink } = await openSink(writeJsonl, root, { path: 'a.jsonl' }, columns);
    await sink.write({ upserts: batch('x') });
    const { token } = await sink.prepare();
    const [prepared] = readdirSync(root).filter(name => name.startsWith('.tmp-'));
    const bytes = readFileSync(join(root, prepared));
    rmSync(join(root, prepared));
    const gone = `a.jsonl: the prepared file ${prepared} is gone, and the file there is another one`;
    expect(await failure(publishFile('a.jsonl', token, context(root)))).toContain(gone);
    // as long as the one that was prepared
    writeFileSync(join(root, 'a.jsonl'), Buffer.alloc(bytes.length, 120));
    expect(await failure(publishFile('a.jsonl', token, context(root)))).toContain(gone);
    writeFileSync(join(root, 'a.jsonl'), bytes);
    await publishFile('a.jsonl', token, context(root));
    expect(readFileSync(join(root, 'a.jsonl'))).toEqual(bytes);
  });
});

describe('places that cannot be written', () => {
  test('a folder; a file where a folder should be', async () => {
    const root = folder({ file: 'x' });
    mkdirSync(join(root, 'd'));
    expect(await failure(openSink(writeJsonl, root, { path: 'd' }, columns))).toBe(
      'UserError: with.path: d is a folder, wanted a file name',
    );
    expect(await failure(openSink(writeJsonl, root, { path: 'file/a.jsonl' }, columns))).toContain(
      'file/a.jsonl: a part of the path is a file, wanted a folder',
    );
  });

  test('a disk that gets full: how far it came, and the old file', async () => {
    const root = folder({ 'a.jsonl': 'old' });
    // takes 300,000 bytes, in pieces as a real file may
    const full = (handle: FileHandle) => {
      let room = 300_000;
      return {
        write: async (bytes: Uint8Array, offset: number, length: number) => {
          if (room === 0)
            throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
          const part = Math.min(length, room, 100_000);
          room -= part;
          return handle.write(bytes, offset, part);
        },
        sync: () => handle.sync(),
        close: () => handle.close(),
      };
    };
    const target = await Target.open('a.jsonl', context(root), { wrap: full });
    const message = await failure(
      (async () => {
        for (let i = 0; i < 100; i++) await target.write(Buffer.alloc(10_000, 120));
        await target.finish();
      })(),
    );
    expect(message).toBe(
      'UserError: a.jsonl: the disk is full after 293 KiB were written; a file that was there before is as it was | make room, or write to another disk, and run again',
    );
    await target.abort();
    expect(readdirSync(root)).toEqual(['a.jsonl']);
    expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('old');
  });

  test('a disk that gets full under a compressed file', async () => {
    const root = folder();
    const target = await Target.open('a.gz', context(root), {
      wrap: handle => ({
        write: async () => {
          throw Object.assign(new Error('write'), { code: 'ENOSPC' });
        },
        sync: () => handle.sync(),
        close: () => handle.close(),
      }),
    });
    const noise = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255));
    expect(
      await failure(
        (async () => {
          for (let i = 0; i < 40; i++) await target.write(noise);
          await target.finish();
        })(),
      ),
    ).toContain('a.gz: the disk is full after 0 B were written');
    await target.abort();
    expect(readdirSync(root)).toEqual([]);
  });

  const tmpfs = ((): string | undefined => {
    if (process.getuid?.() !== 0) return undefined;
    const place = folder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', place], { stdio: 'ignore' });
      return place;
    } catch {
      return undefined;
    }
  })();
  test.runIf(tmpfs !== undefined)('a real full disk', async () => {
    const root = tmpfs as string;
    try {
      writeFileSync(join(root, 'a.jsonl'), 'old');
      const big = batch(...Array.from({ length: 20 }, () => 'x'.repeat(50_000)));
      expect(
        await failure(write(writeJsonl, root, { path: 'a.jsonl' }, columns, [{ upserts: big }])),
      ).toMatch(/a\.jsonl: the disk is full after .* were written/);
      expect(readdirSync(root)).toEqual(['a.jsonl']);
      expect(readFileSync(join(root, 'a.jsonl'), 'utf8')).toBe('old');
    } finally {
      execFileSync('umount', [root]);
    }
  });
});

describe('compression by ending', () => {
  test('gzip, brotli, and Zstandard where Node has it', async () => {
    const root = folder();
    const rows = batch('서울', 'x'.repeat(600_000));
    const text = `{"doc_id":"d0","text":"서울"}\n{"doc_id":"d1","text":"${'x'.repeat(600_000)}"}\n`;
    await write(writeJsonl, root, { path: 'a.jsonl.gz' }, columns, [{ upserts: rows }]);
    await write(writeJsonl, root, { path: 'a.jsonl.br' }, columns, [{ upserts: rows }]);
    expect(gunzipSync(readFileSync(join(root, 'a.jsonl.gz'))).toString()).toBe(text);
    expect(brotliDecompressSync(readFileSync(join(root, 'a.jsonl.br'))).toString()).toBe(text);
    const native = 'createZstdCompress' in (await import('node:zlib'));
    const zstd = write(writeJsonl, root, { path: 'a.jsonl.zst' }, columns, [{ upserts: rows }]);
    if (native) {
      await zstd;
      expect(existsSync(join(root, 'a.jsonl.zst'))).toBe(true);
    } else
      expect(await failure(zstd)).toMatch(
        /asks for Zstandard, which Node .* cannot write \| write \.gz or \.br/,
      );
  });
});
