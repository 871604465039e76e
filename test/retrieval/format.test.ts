import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish, rollback, SparseIndex, SparseIndexWriter, verify } from '../../src/retrieval/index.ts';
import { chooseMerge } from '../../src/retrieval/sparse/merge-policy.ts';
import { FORMAT_VERSION } from '../../src/retrieval/sparse/section-file.ts';
import { batch, buildIndex, type Doc, hits, temporaryFolder } from './helpers.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => {
  fs.rmSync(dir, { recursive: true, force: true });
});

const options = { analyzer: 'whitespace', keyColumn: 'id' } as const;
const docs = (from: number, to: number): Doc[] =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `k${from + i}`,
    text: `w${(from + i) % 50} all ${from + i}`,
  }));

async function commit(change: (writer: SparseIndexWriter) => Promise<unknown>): Promise<number> {
  const writer = await SparseIndexWriter.open(dir, options);
  await change(writer);
  const { generation } = await writer.prepare();
  await writer.publish(generation);
  return generation;
}

async function keysOf(query = 'all'): Promise<string[]> {
  const index = await SparseIndex.open(dir);
  const keys = hits(index, query, 10_000).map(([key]) => key);
  index.close();
  return keys.sort();
}

const files = () => fs.readdirSync(dir).sort();

describe('verify', () => {
  beforeEach(async () => {
    await buildIndex(dir, [docs(0, 200)]);
    await commit(async writer => {
      await writer.add(batch(docs(190, 300)));
      await writer.delete(['k5', 'k250']);
    });
  });

  it('passes a sound index and counts its files', async () => {
    const report = await verify(dir);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, generations: [1, 2] });
    expect(report.files).toBe(files().length);
  });

  it('finds a flipped bit at any place of any file and names the file', async () => {
    for (const name of files()) {
      const file = path.join(dir, name);
      const sound = fs.readFileSync(file);
      const step = Math.max(1, Math.floor(sound.length / 60));
      for (let at = 0; at < sound.length; at += step) {
        const broken = Buffer.from(sound);
        broken[at] ^= 1 << (at % 8);
        fs.writeFileSync(file, broken);
        const { problems } = await verify(dir);
        expect(
          problems.map(p => path.basename(p.file)),
          `${name} at ${at}`,
        ).toContain(name);
        expect(problems[0].message).toContain(name);
      }
      fs.writeFileSync(file, sound);
    }
    expect((await verify(dir)).ok).toBe(true);
  });

  it('finds a file cut short and a missing one', async () => {
    for (const name of files()) {
      const file = path.join(dir, name);
      const sound = fs.readFileSync(file);
      for (const length of [0, 10, Math.floor(sound.length / 2), sound.length - 1]) {
        fs.writeFileSync(file, sound.subarray(0, length));
        const { problems } = await verify(dir);
        expect(
          problems.map(p => path.basename(p.file)),
          `${name} to ${length}`,
        ).toContain(name);
      }
      fs.writeFileSync(file, sound);
    }
    const segment = files().find(name => name.endsWith('.seg')) ?? '';
    fs.rmSync(path.join(dir, segment));
    expect((await verify(dir)).problems[0]).toMatchObject({ file: path.join(dir, segment), code: 'missing' });
  });

  it('opening refuses damaged files by name, and never gives wrong hits', async () => {
    const expected = await keysOf();
    for (const name of files().filter(n => /\.(seg|del)$/.test(n))) {
      const file = path.join(dir, name);
      const sound = fs.readFileSync(file);
      for (let at = 3; at < sound.length; at += Math.max(1, Math.floor(sound.length / 40))) {
        const broken = Buffer.from(sound);
        broken[at] ^= 16;
        fs.writeFileSync(file, broken);
        const outcome = await keysOf().catch(error => error);
        if (Array.isArray(outcome)) expect(outcome, `${name} at ${at}`).toEqual(expected);
        else {
          expect(outcome).toMatchObject({ name: 'IndexError' });
          expect(outcome.file).toBe(file);
          expect(['corrupt', 'version']).toContain(outcome.code);
        }
      }
      fs.writeFileSync(file, sound);
    }
  });
});

describe('versions', () => {
  it('refuses a newer format by name, in the manifest and in a segment', async () => {
    await buildIndex(dir, [docs(0, 3)]);
    const { crc32 } = await import('../../src/retrieval/sparse/bytes.ts');
    const segment = path.join(dir, files().find(name => name.endsWith('.seg')) ?? '');
    const sound = fs.readFileSync(segment);
    const newer = Buffer.from(sound);
    newer.writeUInt32LE(FORMAT_VERSION + 1, 16);
    newer.writeUInt32LE(crc32(newer.subarray(0, 20)), 20);
    fs.writeFileSync(segment, newer);
    await expect(SparseIndex.open(dir)).rejects.toMatchObject({ code: 'version', file: segment });
    await expect(SparseIndex.open(dir)).rejects.toThrow(
      `format version ${FORMAT_VERSION + 1}, this release reads version ${FORMAT_VERSION}`,
    );
    fs.writeFileSync(segment, sound);

    const current = path.join(dir, 'CURRENT');
    const text = fs.readFileSync(current, 'utf8').replace(`"version": ${FORMAT_VERSION}`, `"version": 99`);
    const body = text.slice(0, text.indexOf(',\n "checksum"'));
    const crc = crc32(Buffer.from(body)).toString(16).padStart(8, '0');
    fs.writeFileSync(current, `${body},\n "checksum": "${crc}"\n}\n`);
    await expect(SparseIndex.open(dir)).rejects.toMatchObject({ code: 'version', file: current });
    fs.writeFileSync(current, '{"name":"something else"}');
    await expect(SparseIndex.open(dir)).rejects.toMatchObject({ code: 'version', file: current });
  });

  it('says what is not there', async () => {
    await expect(SparseIndex.open(path.join(dir, 'none'))).rejects.toMatchObject({ code: 'missing' });
    await expect(SparseIndex.open(dir)).rejects.toMatchObject({ code: 'missing' });
    await expect(verify(dir)).rejects.toMatchObject({ code: 'missing' });
    await buildIndex(dir, [docs(0, 3)]);
    await expect(SparseIndex.open(dir, { generation: 7 })).rejects.toMatchObject({ code: 'generation' });
  });

  it('refuses another analyzer, key column or set of columns, unless the index is replaced', async () => {
    await buildIndex(dir, [docs(0, 3)]);
    await expect(SparseIndexWriter.open(dir, { ...options, analyzer: 'english' })).rejects.toMatchObject({
      code: 'analyzer',
    });
    await expect(SparseIndexWriter.open(dir, { ...options, keyColumn: 'key' })).rejects.toMatchObject({
      code: 'schema',
    });
    const writer = await SparseIndexWriter.open(dir, options);
    const other = { ...batch(docs(3, 4)), stored: {} };
    await expect(writer.add(other)).rejects.toThrow(
      /the batch has none; the index has group utf8, text utf8/,
    );
    await writer.abort();
    const fresh = await SparseIndexWriter.open(dir, { analyzer: 'english', keyColumn: 'key', replace: true });
    await fresh.add(other);
    await fresh.publish((await fresh.prepare()).generation);
    const index = await SparseIndex.open(dir);
    expect(index.info).toMatchObject({ documents: 1, keyColumn: 'key', columns: [] });
    index.close();
  });
});

describe('generations', () => {
  it('shows nothing before publish, and a reader keeps the generation it opened', async () => {
    await buildIndex(dir, [docs(0, 10)]);
    const reader = await SparseIndex.open(dir, { preload: false });
    const writer = await SparseIndexWriter.open(dir, { ...options, replace: true });
    await writer.add(batch(docs(100, 105)));
    const { generation } = await writer.prepare();
    expect((await keysOf()).length).toBe(10);
    const ahead = await SparseIndex.open(dir, { generation });
    expect(ahead.info.documents).toBe(5);
    ahead.close();
    await writer.publish(generation);
    expect((await keysOf()).length).toBe(5);
    // Two more generations remove the files the reader has open.
    await commit(w => w.add(batch(docs(200, 201))));
    await commit(w => w.add(batch(docs(201, 202))));
    expect(hits(reader, 'all', 100).length).toBe(10);
    expect(reader.rows([3], ['text'])[0].text).toMatch(/ all /);
    reader.close();
  });

  it('rolls back to the generation before, once', async () => {
    await buildIndex(dir, [docs(0, 10)]);
    await commit(w => w.delete(['k1', 'k2']));
    expect((await keysOf()).length).toBe(8);
    expect(await rollback(dir)).toBe(1);
    expect((await keysOf()).length).toBe(10);
    await expect(rollback(dir)).rejects.toMatchObject({ code: 'generation' });
    expect(await commit(w => w.delete(['k3']))).toBe(3);
    expect((await keysOf()).length).toBe(9);
    expect((await verify(dir)).ok).toBe(true);
  });

  it('goes on after a publish, keeps two generations and no other files', async () => {
    const writer = await SparseIndexWriter.open(dir, options);
    for (let round = 0; round < 20; round++) {
      await writer.add(batch(docs(round * 10, round * 10 + 15)));
      await writer.publish((await writer.prepare()).generation);
    }
    const index = await SparseIndex.open(dir);
    expect(index.info.documents).toBe(205);
    expect(index.info.segments).toBeLessThan(9);
    index.close();
    const report = await verify(dir);
    expect(report.generations).toEqual([19, 20]);
    expect(files().filter(name => name !== 'CURRENT').length).toBe(report.files - 1);
  });

  it('drops what an aborted writer wrote', async () => {
    await buildIndex(dir, [docs(0, 10)]);
    const before = files();
    const writer = await SparseIndexWriter.open(dir, { ...options, memoryBytes: 1 });
    await writer.add(batch(docs(10, 20)));
    await writer.add(batch(docs(20, 30)));
    await writer.prepare();
    await writer.abort();
    expect(files()).toEqual(before);
    expect((await keysOf()).length).toBe(10);
  });

  it('publishes a prepared generation without its writer, as recovery does', async () => {
    await buildIndex(dir, [docs(0, 10)]);
    const generation = await runChild(`
      await writer.add(batch(docs(10, 20)));
      const { generation } = await writer.prepare();
      console.log(generation);
      process.kill(process.pid, 'SIGKILL');
    `);
    expect((await keysOf()).length).toBe(10);
    await publish(dir, Number(generation));
    await publish(dir, Number(generation));
    expect((await keysOf()).length).toBe(20);
    await expect(publish(dir, 99)).rejects.toMatchObject({ code: 'missing' });
  });
});

describe('writers', () => {
  it('refuses a second writer in this process and in another, and takes over from a dead one', async () => {
    const writer = await SparseIndexWriter.open(dir, options);
    await expect(SparseIndexWriter.open(dir, options)).rejects.toMatchObject({ code: 'locked' });
    expect(await runChild('', `try { await open(); } catch (error) { console.log(error.code); }`)).toBe(
      'locked',
    );
    await writer.close();
    await runChild(`process.kill(process.pid, 'SIGKILL');`);
    expect(files()).toContain('LOCK');
    const next = await SparseIndexWriter.open(dir, options);
    await next.close();
    expect(files()).not.toContain('LOCK');
  });

  it('does not mistake a new process with an old number for the writer', async () => {
    const lock = {
      host: (await import('node:os')).hostname(),
      boot: 'another boot',
      pid: process.pid,
      started: '1',
      token: 'x',
    };
    fs.writeFileSync(path.join(dir, 'LOCK'), JSON.stringify(lock));
    await (await SparseIndexWriter.open(dir, options)).close();
  });

  it('a kill at any moment of a commit leaves the old state or the new one', async () => {
    await buildIndex(dir, [docs(0, 50)]);
    let documents = 50;
    let last = 'old';
    for (let delay = 0; delay < 6; delay++) {
      const from = 1000 + delay * 100;
      await runChild(
        `
        await writer.add(batch(docs(${from}, ${from + 100})));
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${delay * 3});
        const { generation } = await writer.prepare();
        await writer.publish(generation);
        process.kill(process.pid, 'SIGKILL');
      `,
      );
      const found = (await keysOf()).length;
      expect([documents, documents + 100]).toContain(found);
      last = found > documents ? 'new' : 'old';
      documents = found;
      expect((await verify(dir)).problems).toEqual([]);
      await commit(w => w.add(batch(docs(0, 1))));
      expect((await keysOf()).length).toBe(documents);
    }
    expect(['old', 'new']).toContain(last);
    // Orphans of the killed writers are gone after a publish.
    await commit(w => w.add(batch(docs(0, 1))));
    const report = await verify(dir);
    expect(files().filter(name => /\.(seg|del|json)$/.test(name)).length).toBe(report.files - 1);
  });
});

describe('merge policy', () => {
  const segment = (bytes: number, documents = 100, liveDocuments = documents) => ({
    bytes,
    documents,
    liveDocuments,
  });

  it('merges eight of a tier, rewrites half-deleted segments, leaves the rest', () => {
    expect(chooseMerge([segment(1e9), segment(1e6), segment(1e8)])).toEqual([]);
    expect(chooseMerge(Array.from({ length: 7 }, () => segment(1e6)))).toEqual([]);
    const small = Array.from({ length: 8 }, () => segment(1e6));
    expect(chooseMerge([segment(1e9), ...small])).toEqual(small);
    const half = segment(1e9, 100, 50);
    expect(chooseMerge([segment(1e9), half])).toEqual([half]);
    expect(chooseMerge([segment(1e9, 100, 0)])).toEqual([]);
  });
});

/** Runs a script in a process of its own, which may kill itself; gives what it printed. */
function runChild(body: string, main?: string): Promise<string> {
  const root = path.resolve(import.meta.dirname, '../..');
  const script = `
    import { SparseIndexWriter } from ${JSON.stringify(path.join(root, 'src/retrieval/index.ts'))};
    import { batch } from ${JSON.stringify(path.join(root, 'test/retrieval/helpers.ts'))};
    const docs = (from, to) => Array.from({ length: to - from }, (_, i) => ({ key: 'k' + (from + i), text: 'w all ' + i }));
    const open = () => SparseIndexWriter.open(${JSON.stringify(dir)}, ${JSON.stringify(options)});
    ${main ?? `const writer = await open(); ${body}`}
  `;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: root,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', data => {
      out += data;
    });
    child.stderr.on('data', data => {
      err += data;
    });
    child.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(err));
      else resolve(out.trim());
    });
  });
}
