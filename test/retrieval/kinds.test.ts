/** What can be done with an index of any kind: compaction, the way back, and damage in one generation of two. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DenseIndex,
  DenseIndexWriter,
  denseGenerations,
  type VectorRows,
} from '../../src/retrieval/dense/index.ts';
import { indexActions } from '../../src/retrieval/kinds.ts';
import { LateIndex, LateIndexWriter, lateGenerations } from '../../src/retrieval/late/index.ts';
import { random } from '../../src/retrieval/random.ts';
import { SparseIndex, SparseIndexWriter, sparseGenerations } from '../../src/retrieval/sparse/index.ts';
import { inFolder, type Row, textColumn, vectorRows } from './dense/support.ts';
import { batch } from './helpers.ts';

interface Tried {
  readonly generations: {
    changed(dir: string): boolean;
    readCurrent(dir: string): { previous: number | null };
  };
  /** A generation with these keys more, and those gone. */
  change(dir: string, keys: readonly string[], gone?: readonly string[], replace?: boolean): Promise<void>;
  /** Hits and scores of a few questions. */
  answers(dir: string): Promise<unknown>;
}
const angle = (key: string): number => [...key].reduce((sum, c) => sum + c.charCodeAt(0), 0);
const vector = (key: string): [number, number] => [Math.cos(angle(key)), Math.sin(angle(key))];
const rowsFor = (keys: readonly string[]): VectorRows =>
  vectorRows(keys.map((key): Row => ({ key, vector: vector(key) })));
interface Writer {
  delete(keys: string[]): Promise<number>;
  prepare(): Promise<{ generation: number }>;
  publish(generation: number): Promise<void>;
  close(): Promise<void>;
}
async function done(writer: Writer, gone: readonly string[]): Promise<void> {
  if (gone.length > 0) await writer.delete([...gone]);
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
}
const changed = (kind: Pick<typeof sparseGenerations, 'isChanged' | 'readCurrent'>) => ({
  changed: (dir: string) => kind.isChanged(dir, kind.readCurrent(dir)?.generation ?? 0),
  readCurrent: (dir: string) => kind.readCurrent(dir) ?? { previous: null },
});

const kinds: Record<string, Tried> = {
  sparse: {
    generations: changed(sparseGenerations),
    change: async (dir, keys, gone = [], replace = false) => {
      const writer = await SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'key', replace });
      for (const key of keys) await writer.add(batch([{ key, text: `a b ${key} a`, group: key }]));
      await done(writer, gone);
    },
    answers: async dir => {
      const index = await SparseIndex.open(dir);
      const { docs, scores } = index.search('a x1', { k: 9 });
      const found = [index.rows(docs), scores];
      index.close();
      return found;
    },
  },
  dense: {
    generations: changed(denseGenerations),
    change: async (dir, keys, gone = [], replace = false) => {
      const writer = DenseIndexWriter.open(dir, { keyColumn: 'key', dimension: 2, replace });
      await writer.add(rowsFor(keys));
      await done(writer, gone);
    },
    answers: async dir => {
      const index = await DenseIndex.open(dir);
      const [{ docs, scores }] = await index.search(Float32Array.of(1, 0.5), 1, { k: 9 });
      const found = [index.rows(docs), scores];
      index.close();
      return found;
    },
  },
  late: {
    generations: changed(lateGenerations),
    change: async (dir, keys, gone = [], replace = false) => {
      const writer = LateIndexWriter.open(dir, { keyColumn: 'key', from: 2, replace });
      await writer.add({
        rows: keys.length,
        key: textColumn(keys),
        stored: { doc: { type: 'utf8', ...textColumn(keys) } },
        offsets: Int32Array.from({ length: keys.length + 1 }, (_, i) => 2 * i),
        vectors: Float32Array.from(keys.flatMap(key => [...vector(key), 1, 0])),
      });
      await done(writer, gone);
    },
    answers: async dir => {
      const index = await LateIndex.open(dir);
      const { docs, scores } = await index.search(Float32Array.of(0.6, 0.8), { k: 9 });
      const found = [index.rows(docs), scores];
      index.close();
      return found;
    },
  },
};

function flip(file: string): void {
  const before = new Date(Math.floor(statSync(file).mtimeMs));
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 4;
  writeFileSync(file, bytes);
  // as bits do that change by themselves
  utimesSync(file, before, before);
}
const filesOf = (dir: string, ending: string): string[] =>
  readdirSync(dir)
    .filter(name => name.endsWith(ending))
    .sort()
    .map(name => join(dir, name));

describe.each(Object.entries(kinds))('an index of kind %s', (kind, { generations, change, answers }) => {
  it('is made one segment with the same answers, goes on to take changes, and goes back', () =>
    inFolder(async dir => {
      await change(dir, ['x1', 'x2', 'x3']);
      const first = await answers(dir);
      await change(dir, ['x4', 'x5', 'x1'], ['x2']);
      const before = await answers(dir);
      const actions = indexActions(dir);
      expect(actions.kind).toBe(kind);
      const compacted = await actions.compact(dir);
      expect(compacted).toMatchObject({ documents: 4, before: { segments: 2 }, after: { segments: 1 } });
      expect(await answers(dir)).toEqual(before);
      expect(await actions.verify(dir)).toMatchObject({ ok: true, damaged: [] });
      expect((await actions.facts(dir)).info).toMatchObject({ documents: 4, segments: 1 });
      expect(await actions.compact(dir)).toMatchObject({ generation: compacted.generation });
      expect(await actions.rollback(dir)).toBe(1);
      expect(await answers(dir)).toEqual(first);
      await change(dir, ['x4', 'x5'], ['x2']);
      expect(await answers(dir)).toEqual(before);
    }));

  it('goes back to what differs, however often nothing changed since', () =>
    inFolder(async dir => {
      await change(dir, ['x1', 'x2']);
      const first = await answers(dir);
      await change(dir, ['x3'], ['x1']);
      const second = await answers(dir);
      await change(dir, []);
      await change(dir, [], ['nobody']);
      expect(await answers(dir)).toEqual(second);
      expect(generations.readCurrent(dir)).toMatchObject({ generation: 4, previous: 1 });
      expect((await indexActions(dir).verify(dir)).ok).toBe(true);
      expect(await indexActions(dir).rollback(dir)).toBe(1);
      expect(await answers(dir)).toEqual(first);
    }));

  it('says which generation is damaged, does not go back to a damaged one, and drops it', () =>
    inFolder(async dir => {
      await change(dir, ['x1', 'x2']);
      // only the first generation needs it from here on
      const [old] = filesOf(dir, '.seg');
      await change(dir, ['x3'], ['x1', 'x2']);
      const now = await answers(dir);
      flip(old);
      const actions = indexActions(dir);
      expect(await actions.verify(dir)).toMatchObject({
        ok: false,
        live: 2,
        previous: 1,
        damaged: [1],
        problems: [{ file: old, generations: [1] }],
      });
      await expect(actions.rollback(dir)).rejects.toThrow(
        /generation 1, the one before the live one, is damaged: .*segment-00000\d\.seg is missing or not .*generation 2 stays live/,
      );
      expect(await answers(dir)).toEqual(now);
      await change(dir, ['x4']);
      expect(existsSync(old)).toBe(false);
      expect((await actions.verify(dir)).ok).toBe(true);
      expect(await actions.rollback(dir)).toBe(2);
    }));

  it('does not keep a damaged generation as the one to go back to', () =>
    inFolder(async dir => {
      await change(dir, ['x1', 'x2']);
      const [segment] = filesOf(dir, '.seg');
      await change(dir, ['x3']);
      flip(segment);
      // what verify of the command line leaves; surely after the manifest, also where this takes no millisecond
      const later = new Date(Date.now() + 1000);
      utimesSync(segment, later, later);
      await change(dir, ['x4'], [], true);
      expect(generations.readCurrent(dir).previous).toBeNull();
      expect(filesOf(dir, 'manifest.2.json')).toEqual([]);
      await expect(indexActions(dir).rollback(dir)).rejects.toMatchObject({ code: 'generation' });
    }));
});

it('a copy whose files are younger than its manifest is read once', () =>
  inFolder(async root => {
    const [dir, copy] = [join(root, 'a'), join(root, 'b')];
    await kinds.sparse.change(dir, ['x1']);
    cpSync(dir, copy, { recursive: true, preserveTimestamps: true });
    const later = new Date(Date.now() + 5000);
    for (const file of filesOf(copy, '.seg')) utimesSync(file, later, later);
    expect(kinds.sparse.generations.changed(copy)).toBe(true);
    expect(await sparseGenerations.isSound(copy, 1)).toBe(true);
    expect(kinds.sparse.generations.changed(copy)).toBe(false);
    for (const file of filesOf(copy, '.seg')) flip(file);
    for (const file of filesOf(copy, '.seg')) utimesSync(file, later, new Date(Date.now() + 9000));
    expect(await sparseGenerations.isSound(copy, 1)).toBe(false);
    // and remains so
    expect(await sparseGenerations.isSound(copy, 1)).toBe(false);
  }));

it('the graph of a large segment is built anew over what compaction made', () =>
  inFolder(async dir => {
    const next = random(3);
    const options = {
      keyColumn: 'key',
      dimension: 4,
      approximate: { recall: 0.9, connectivity: 8, expansion: 32 },
    };
    for (const [from, n] of [
      [0, 5000],
      [5000, 20],
    ]) {
      const writer = DenseIndexWriter.open(dir, options);
      const rows = Array.from(
        { length: n },
        (_, i): Row => ({
          key: `k${from + i}`,
          vector: [next(), next(), next(), next()],
        }),
      );
      await writer.add(vectorRows(rows));
      await done(writer, from > 0 ? ['k3'] : []);
    }
    const actions = indexActions(dir);
    expect(await actions.compact(dir)).toMatchObject({ documents: 5019, after: { segments: 1 } });
    expect((await actions.facts(dir)).own.at(-1)).toEqual([
      'graphs',
      expect.stringMatching(/^5,019 vectors, .* recall /),
    ]);
    expect((await actions.verify(dir)).ok).toBe(true);
  }));
