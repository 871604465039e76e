import * as fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compact,
  type SimilarityName,
  SparseIndex,
  SparseIndexWriter,
  similarities,
} from '../../src/retrieval/index.ts';
import {
  batch,
  buildIndex,
  compareKeys,
  type Doc,
  generator,
  hits,
  temporaryFolder,
  withIndex,
} from './helpers.ts';
import { BRUTE_FORCE, bruteForce } from './oracle.ts';

const names = [...similarities.keys()] as SimilarityName[];
const words = ['a', 'b', 'c', 'd', 'e', 'f', '서울', '😀', 'é'];
const text = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map(w => w.join(' '));
const key = fc.constantFrom(
  'k1',
  'k2',
  'k10',
  'K',
  '',
  '키',
  '😀',
  '\ue000',
  'k\u0301',
  'x y',
  'k3',
  'k4',
  'k5',
);

type Edit = { put: Doc[] } | { remove: string[] } | 'publish';
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ put: fc.array(fc.record({ key, text }), { minLength: 1, maxLength: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ remove: fc.array(key, { minLength: 1, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.constant<Edit>('publish') },
);

/** Applies edits to an index, with a segment a batch, and to a plain map. */
async function applyEdits(dir: string, edits: readonly Edit[]): Promise<Doc[]> {
  const live = new Map<string, Doc>();
  const writer = await SparseIndexWriter.open(dir, {
    analyzer: 'whitespace',
    keyColumn: 'id',
    memoryBytes: 1,
  });
  for (const step of [...edits, 'publish' as const]) {
    if (step === 'publish') {
      const { generation, documents } = await writer.prepare();
      expect(documents).toBe(live.size);
      await writer.publish(generation);
    } else if ('put' in step) {
      await writer.add(batch(step.put));
      for (const doc of step.put) live.set(doc.key, doc);
    } else {
      const gone = new Set(step.remove.filter(k => live.has(k)));
      expect(await writer.delete(step.remove)).toBe(gone.size);
      for (const k of gone) live.delete(k);
    }
  }
  return [...live.values()];
}

/** All matching documents by explained score and key: exhaustive search by other means. */
function exhaustive(
  index: SparseIndex,
  docs: readonly Doc[],
  query: string,
  similarity: SimilarityName,
): [string, number][] {
  return docs
    .map(doc => ({ doc, explained: index.explain(query, index.find(doc.key), { similarity }) }))
    .filter(({ explained }) => explained.matches)
    .map(({ doc, explained }): [string, number] => [doc.key, explained.score])
    .sort((a, b) => b[1] - a[1] || compareKeys(a[0], b[0]));
}

describe('search', () => {
  it('after any edits and segment cuts answers as a fresh index does, every similarity', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom(...words, 'unseen'), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 14 }),
        async (edits, query, k) => {
          const dir = temporaryFolder();
          try {
            const docs = await applyEdits(dir, edits);
            const index = await SparseIndex.open(dir);
            expect(index.info.documents).toBe(docs.length);
            await withIndex([docs], fresh => {
              for (const name of names) {
                const found = hits(index, query.join(' '), k, name);
                expect(found, name).toEqual(exhaustive(index, docs, query.join(' '), name).slice(0, k));
                expect(found, name).toEqual(hits(fresh, query.join(' '), k, name));
              }
              for (const doc of docs) {
                const [row] = index.rows([index.find(doc.key)]);
                expect(row).toEqual({ id: doc.key, text: doc.text, group: null });
              }
            });
            index.close();
          } finally {
            fs.rmSync(dir, { recursive: true, force: true });
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  it('scores agree with the published formulas', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 30 }),
        fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 5 }),
        async (texts, query) => {
          const docs = texts.map((t, i): Doc => ({ key: `${i}`, text: t }));
          await withIndex([docs], index => {
            for (const name of BRUTE_FORCE) {
              const expected = bruteForce(docs, query, name);
              const found = hits(index, query.join(' '), 100, name);
              expect(found.length, name).toBe(expected.size);
              for (const [k, score] of found)
                expect(score, name).toBeCloseTo(expected.get(k) ?? Number.NaN, 8);
            }
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('pruned search equals exhaustive search on corpora of many blocks and windows', async () => {
    const corpus = fc.record({
      seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      size: fc.integer({ min: 300, max: 7000 }),
      vocabulary: fc.integer({ min: 5, max: 400 }),
      cuts: fc.integer({ min: 1, max: 4 }),
      k: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(corpus, async ({ seed, size, vocabulary, cuts, k }) => {
        const random = generator(seed);
        // Skewed terms; few lengths and counts, so that equal scores are common.
        const term = () => `t${Math.floor(vocabulary * random() ** 3)}`;
        const docs = Array.from(
          { length: size },
          (_, i): Doc => ({
            key: `${(i * 7919) % size}`,
            text: Array.from({ length: 1 + Math.floor(random() * 6) }, term).join(' '),
          }),
        );
        const parts = Array.from({ length: cuts }, (_, c) => docs.filter((_, i) => i % cuts === c));
        const dir = temporaryFolder();
        try {
          const options = { analyzer: 'whitespace', keyColumn: 'id', memoryBytes: 1 } as const;
          const writer = await SparseIndexWriter.open(dir, options);
          for (const part of parts) await writer.add(batch(part));
          const gone = docs.filter(() => random() < 0.1).map(d => d.key);
          await writer.delete(gone);
          await writer.publish((await writer.prepare()).generation);
          // little memory: cursors over blocks; the default: impacts kept between queries
          const cacheBytes = random() < 0.5 ? 4096 : undefined;
          const index = await SparseIndex.open(dir, { preload: random() < 0.5, cacheBytes });
          const live = docs.filter(d => !gone.includes(d.key));
          for (let q = 0; q < 2; q++) {
            const query = Array.from({ length: 1 + Math.floor(random() * 6) }, term).join(' ');
            for (const name of names) {
              const all = exhaustiveByFullSearch(index, query, live.length, name);
              expect(hits(index, query, k, name), name).toEqual(all.slice(0, k));
            }
          }
          index.close();
        } finally {
          fs.rmSync(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: 6 },
    );
  }, 120_000);

  it('impacts over several windows of documents give what a full search by cursors gives', async () => {
    const random = generator(5);
    const term = () => `t${Math.floor(3000 * random() ** 4)}`;
    const docs = Array.from(
      { length: 40_000 },
      (_, i): Doc => ({
        key: `${(i * 7919) % 40_000}`,
        // The first documents are of few terms, so that windows differ in what they hold.
        text: Array.from({ length: 1 + Math.floor(random() * 8) }, () => (i < 9000 ? 't0' : term())).join(
          ' ',
        ),
      }),
    );
    // Counts above what a byte holds.
    docs[20_000].text = `${'t1 '.repeat(300)}${'t2 '.repeat(255)}`;
    const dir = temporaryFolder();
    try {
      const writer = await SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'id' });
      await writer.add(batch(docs));
      await writer.publish((await writer.prepare()).generation);
      const compare = async () => {
        const index = await SparseIndex.open(dir);
        const plain = await SparseIndex.open(dir, { cacheBytes: 0 });
        for (let q = 0; q < 12; q++) {
          const query = Array.from({ length: 1 + Math.floor(random() * 7) }, term).join(' ');
          for (const name of ['lucene', 'bm25', 'tfldp', 'atire'] as const) {
            const all = hits(plain, query, docs.length, name);
            for (const k of [1, 10, 300]) expect(hits(index, query, k, name)).toEqual(all.slice(0, k));
          }
        }
        index.close();
        plain.close();
      };
      await compare();
      const more = await SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'id' });
      await more.delete(docs.filter(() => random() < 0.2).map(d => d.key));
      await more.publish((await more.prepare()).generation);
      await compare();
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }, 120_000);

  it('gives nothing for queries without terms, without matches, or on an empty index', async () => {
    await withIndex(
      [
        [
          { key: '1', text: 'a' },
          { key: '2', text: '' },
          { key: '3', text: null },
        ],
      ],
      index => {
        expect(hits(index, '', 5)).toEqual([]);
        expect(hits(index, ' \n', 5)).toEqual([]);
        expect(hits(index, 'zzz', 5)).toEqual([]);
        expect(index.info).toMatchObject({ documents: 3, averageLength: 1 / 3 });
        expect(index.rows([index.find('3')], ['text'])).toEqual([{ text: null }]);
      },
    );
    await withIndex([], index => {
      expect(index.info.documents).toBe(0);
      expect(hits(index, 'a', 5)).toEqual([]);
    });
  });

  it('refuses a k that is no positive whole number and names unknown columns', async () => {
    await withIndex([[{ key: '1', text: 'a' }]], index => {
      expect(() => index.search('a', { k: 0 })).toThrow(/k is 0/);
      expect(() => index.search('a', { k: 1.5 })).toThrow(/k is 1.5/);
      expect(() => index.rows([0], ['titel'])).toThrow(/"titel".*id, group, text/s);
      expect(() => index.rows([7])).toThrow(/document number 7/);
    });
  });

  it('keeps stored columns of every type, nulls and replaced rows included', async () => {
    const docs: Doc[] = Array.from({ length: 300 }, (_, i) => ({ key: `${i % 250}`, text: `w${i} 텍스트` }));
    const nulls = Uint8Array.from(docs, (_, i) => (i % 7 === 0 ? 1 : 0));
    const dir = temporaryFolder();
    const writer = await SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'id' });
    await writer.add(
      batch(docs, {
        n: { type: 'int32', values: Int32Array.from(docs, (_, i) => i - 5), nulls },
        x: { type: 'float64', values: Float64Array.from(docs, (_, i) => i / 3) },
        flag: { type: 'bool', values: Uint8Array.from(docs, (_, i) => i % 2), nulls },
        id: { type: 'utf8', offsets: new Int32Array(301), bytes: new Uint8Array(0) },
      }),
    );
    await writer.publish((await writer.prepare()).generation);
    const index = await SparseIndex.open(dir);
    for (let i = 50; i < 300; i++) {
      const isNull = i % 7 === 0;
      expect(index.rows([index.find(`${i % 250}`)])).toEqual([
        {
          id: `${i % 250}`,
          text: `w${i} 텍스트`,
          group: null,
          n: isNull ? null : i - 5,
          x: i / 3,
          flag: isNull ? null : i % 2 === 1,
        },
      ]);
    }
    index.close();
    fs.rmSync(dir, { recursive: true });
  });

  it('keeps stored texts that fill several blocks, as written, merged and rewritten without deleted rows', async () => {
    const dir = temporaryFolder();
    const textOf = (i: number): string => `${i} ${'가나다 lorem '.repeat(20 + (i % 7))}${i * 7919}`;
    const writer = await SparseIndexWriter.open(dir, {
      analyzer: 'whitespace',
      keyColumn: 'id',
      positions: true,
    });
    const read = async (): Promise<void> => {
      const index = await SparseIndex.open(dir);
      for (let i = 1; i < 900; i++)
        expect(index.rows([index.find(`${i}`)])[0]).toMatchObject({
          id: `${i}`,
          text: textOf(i),
          group: `g${i}`,
        });
      index.close();
    };
    // nine segments, eight of which become one
    for (let part = 0; part < 9; part++) {
      await writer.add(
        batch(
          Array.from({ length: 100 }, (_, i) => part * 100 + i).map(i => ({
            key: `${i}`,
            text: textOf(i),
            group: `g${i}`,
          })),
        ),
      );
      await writer.publish((await writer.prepare()).generation);
      if (part === 6) await writer.delete(['0']);
    }
    await read();
    await writer.delete(['g0'], 'group');
    await writer.publish((await writer.prepare()).generation);
    await compact(dir);
    await read();
    fs.rmSync(dir, { recursive: true });
  });

  it('deletes by a stored column, in the buffer and in segments', async () => {
    const dir = temporaryFolder();
    const docs: Doc[] = Array.from({ length: 40 }, (_, i) => ({
      key: `${i}`,
      text: 'a',
      group: `g${i % 4}`,
    }));
    await buildIndex(dir, [docs.slice(0, 20)]);
    const writer = await SparseIndexWriter.open(dir, { analyzer: 'whitespace', keyColumn: 'id' });
    await writer.add(batch(docs.slice(20)));
    expect(await writer.delete(['g1', 'g3', 'none'], 'group')).toBe(20);
    await expect(writer.delete(['x'], 'colour')).rejects.toMatchObject({ code: 'argument' });
    await writer.publish((await writer.prepare()).generation);
    const index = await SparseIndex.open(dir);
    const found = hits(index, 'a', 100).map(([k]) => Number(k) % 4);
    expect(found.length).toBe(20);
    expect(new Set(found)).toEqual(new Set([0, 2]));
    index.close();
    fs.rmSync(dir, { recursive: true });
  });
});

function exhaustiveByFullSearch(
  index: SparseIndex,
  query: string,
  n: number,
  name: SimilarityName,
): [string, number][] {
  // With room for every document the threshold never rises, so nothing is pruned.
  return hits(index, query, n + 1000, name).sort((a, b) => b[1] - a[1] || compareKeys(a[0], b[0]));
}
