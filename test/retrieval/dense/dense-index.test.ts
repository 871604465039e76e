import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DenseIndex,
  DenseIndexWriter,
  type DenseWriterOptions,
  rollbackDense,
  verifyDense,
} from '../../../src/retrieval/dense/index.ts';
import { bestOf, inFolder, type Row, vectorRows } from './support.ts';

const OPTIONS: DenseWriterOptions = { keyColumn: 'id', dimension: 2 };

async function build(dir: string, rows: readonly Row[], options: Partial<DenseWriterOptions> = {}) {
  const writer = DenseIndexWriter.open(dir, { ...OPTIONS, ...options });
  await writer.add(vectorRows(rows));
  const { generation } = await writer.prepare();
  await writer.publish(generation);
  await writer.close();
}

async function find(
  dir: string,
  query: readonly number[],
  options: object = {},
): Promise<[string, number][]> {
  const index = await DenseIndex.open(dir);
  const [{ docs, scores }] = await index.search(query, 1, { k: 10, ...options });
  const keys = index.keys(docs);
  index.close();
  return keys.map((key, i) => [key, scores[i]]);
}

describe('a dense index', () => {
  it('gives the best by dot product, ties by key', () =>
    inFolder(async dir => {
      await build(dir, [
        { key: 'c', vector: [1, 1] },
        { key: 'a', vector: [2, 0] },
        { key: 'b', vector: [0, 2] },
        { key: 'd', vector: [-1, -1] },
      ]);
      expect(await find(dir, [1, 1])).toEqual([
        ['a', 2],
        ['b', 2],
        ['c', 2],
        ['d', -2],
      ]);
    }));

  it('compares by cosine where it is told to', () =>
    inFolder(async dir => {
      await build(
        dir,
        [
          { key: 'far', vector: [30, 40] },
          { key: 'near', vector: [1, 0] },
          { key: 'none', vector: [0, 0] },
        ],
        { metric: 'cosine' },
      );
      const found = await find(dir, [5, 0]);
      expect(found.map(([key]) => key)).toEqual(['near', 'far']);
      expect(found[1][1]).toBeCloseTo(0.6, 6);
    }));

  it('has no hits of zeros or for them, which what has no token is encoded as', () =>
    inFolder(async dir => {
      for (const metric of ['dot', 'cosine'] as const) {
        const rows = [
          { key: 'a', vector: [0, 0] },
          { key: 'b', vector: [0, -0] },
          { key: 'c', vector: [-1, 0] },
          { key: 'd', vector: [0, 1] },
        ];
        await build(dir, rows, { metric, replace: true });
        // so many wanted that zeros would take the place of what is there
        expect((await find(dir, [1, 0], { k: 2 })).map(([key]) => key)).toEqual(['d', 'c']);
        expect(await find(dir, [0, 0])).toEqual([]);
      }
    }));

  it('has no hits of zeros by a graph either', () =>
    inFolder(async dir => {
      // all point away from the query, so that zeros are nearest; rows 50, 150, … have the score -1
      const rows = Array.from({ length: 5000 }, (_, i) => ({
        key: `k${i}`,
        vector: i % 100 === 0 ? [0, 0] : [-1 - (i % 50), i % 7],
      }));
      await build(dir, rows, { approximate: { recall: 0.9, connectivity: 16, expansion: 64 } });
      const index = await DenseIndex.open(dir);
      expect(index.info.graphs).toHaveLength(1);
      index.close();
      const found = await find(dir, [1, 0], { k: 3 });
      expect(found).toEqual(await find(dir, [1, 0], { k: 3, exact: true }));
      expect(found.map(([, score]) => score)).toEqual([-1, -1, -1]);
    }));

  it('keeps halves and bytes as near as they can be', () =>
    inFolder(async dir => {
      await build(dir, [{ key: 'a', vector: [0.1, -0.7] }], { precision: 'f16' });
      const half = await DenseIndex.open(dir);
      // 0.1 and -0.7 as halves
      expect([...half.vector(0)]).toEqual([0.0999755859375, -0.7001953125]);
      half.close();
    }).then(() =>
      inFolder(async dir => {
        await build(dir, [{ key: 'a', vector: [0.3, -1.27] }], { precision: 'int8' });
        const bytes = await DenseIndex.open(dir);
        // the factor is .01: 30 and -127 of it
        expect(bytes.vector(0)[0]).toBeCloseTo(0.3, 6);
        expect(bytes.vector(0)[1]).toBeCloseTo(-1.27, 6);
        bytes.close();
      }),
    ));

  it('gives stored columns back, and filters by them', () =>
    inFolder(async dir => {
      await build(dir, [
        { key: 'a#0', vector: [1, 0], doc: 'a' },
        { key: 'a#1', vector: [2, 0], doc: 'a' },
        { key: 'b#0', vector: [3, 0], doc: 'b' },
      ]);
      expect(await find(dir, [1, 0], { filter: { doc: 'a' } })).toEqual([
        ['a#1', 2],
        ['a#0', 1],
      ]);
      expect(await find(dir, [1, 0], { filter: { id: ['b#0', 'zz'] } })).toEqual([['b#0', 3]]);
      await expect(find(dir, [1, 0], { filter: { nope: 1 } })).rejects.toThrow(/stores no such column/);
      const index = await DenseIndex.open(dir);
      expect(index.rows([0])).toEqual([{ id: 'a#0', doc: 'a', size: 2 }]);
      index.close();
    }));

  it('is what a fresh one would be after any changes, however it is cut', async () => {
    const vector = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }));
    const change = fc.oneof(
      fc.record({ add: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), vector), { maxLength: 6 }) }),
      fc.record({ remove: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }) }),
      fc.record({ removeDoc: fc.integer({ min: 0, max: 2 }) }),
      fc.constant({ commit: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), vector, (changes, query) =>
        inFolder(async dir => {
          const rows = new Map<string, Row>();
          const writer = DenseIndexWriter.open(dir, { ...OPTIONS, memoryBytes: 1 });
          for (const c of changes) {
            if ('add' in c) {
              const added = c.add.map(([n, v]): Row => ({ key: `k${n}`, vector: v, doc: `d${n % 3}` }));
              for (const row of added) rows.set(row.key, row);
              await writer.add(vectorRows(added));
            } else if ('remove' in c) {
              const keys = [...new Set(c.remove.map(n => `k${n}`))];
              const had = keys.filter(key => rows.delete(key)).length;
              expect(await writer.delete(keys)).toBe(had);
            } else if ('removeDoc' in c) {
              const doc = `d${c.removeDoc}`;
              for (const [key, row] of rows) if (row.doc === doc) rows.delete(key);
              await writer.delete([doc], 'doc');
            } else await writer.publish((await writer.prepare()).generation);
          }
          const { generation, documents } = await writer.prepare();
          await writer.publish(generation);
          await writer.close();
          expect(documents).toBe(rows.size);
          expect(await find(dir, query)).toEqual(bestOf([...rows.values()], query, 10));
          expect((await verifyDense(dir)).ok).toBe(true);
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('scores the same whatever a query runs beside, and whatever multiplies', () =>
    inFolder(async dir => {
      const d = 24;
      const rows = Array.from(
        { length: 300 },
        (_, i): Row => ({
          key: `k${i}`,
          vector: Array.from({ length: d }, (_, c) => Math.fround(Math.sin(i * 7.1 + c * (1 + (i % 3))))),
        }),
      );
      await build(dir, rows, { dimension: d });
      const queries = rows.slice(0, 70).flatMap(r => r.vector.map(x => x * 1.7));
      const plain = await DenseIndex.open(dir);
      // a product that is off by as much as floats may be
      const rough = await DenseIndex.open(dir, {
        cacheBytes: 0,
        multiply: (x, n, q, count) =>
          Float32Array.from({ length: n * count }, (_, i) => {
            let sum = 0;
            for (let c = d - 1; c >= 0; c--)
              sum = Math.fround(
                sum + Math.fround(x[Math.floor(i / count) * d + c] * q[c * count + (i % count)]),
              );
            return sum;
          }),
      });
      const all = await plain.search(queries, 70, { k: 5 });
      expect(await rough.search(queries, 70, { k: 5 })).toEqual(all);
      const [alone] = await plain.search(queries.slice(0, d), 1, { k: 5 });
      expect(alone).toEqual(all[0]);
      plain.close();
      rough.close();
    }));

  it('goes back a generation', () =>
    inFolder(async dir => {
      await build(dir, [{ key: 'a', vector: [1, 0] }]);
      await build(dir, [{ key: 'b', vector: [2, 0] }]);
      expect(await find(dir, [1, 0])).toEqual([
        ['b', 2],
        ['a', 1],
      ]);
      await rollbackDense(dir);
      expect(await find(dir, [1, 0])).toEqual([['a', 1]]);
    }));
});

describe('an approximate index', () => {
  const d = 16;
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const rows = Array.from({ length: 6000 }, (_, i): Row => {
    const v = Array.from({ length: d }, next);
    const norm = Math.hypot(...v);
    return {
      key: `k${String(i).padStart(5, '0')}`,
      vector: v.map(x => Math.fround(x / norm)),
      doc: `d${i % 4}`,
    };
  });
  const approximate = { recall: 0.98, connectivity: 16, expansion: 128 };

  it('finds nearly all, scores exactly, and honours deletes and filters', () =>
    inFolder(async dir => {
      await build(dir, rows, { dimension: d, approximate });
      const index = await DenseIndex.open(dir);
      expect(index.info.graphs).toHaveLength(1);
      expect(index.info.graphs[0].recall).toBeGreaterThanOrEqual(0.98);
      const queries = rows.slice(0, 50).flatMap((r, i) => r.vector.map((x, c) => x + rows[i + 60].vector[c]));
      const near = await index.search(queries, 50, { k: 10 });
      const exact = await index.search(queries, 50, { k: 10, exact: true });
      let found = 0;
      exact.forEach(({ docs, scores }, q) => {
        const score = new Map(Array.from(docs, (doc, i) => [doc, scores[i]]));
        near[q].docs.forEach((doc, i) => {
          if (!score.has(doc)) return;
          found++;
          expect(near[q].scores[i]).toBe(score.get(doc));
        });
      });
      expect(found / 500).toBeGreaterThanOrEqual(0.95);
      const [filtered] = await index.search(rows[1].vector, 1, { k: 10, filter: { doc: 'd2' } });
      expect(index.rows(filtered.docs, ['doc']).every(r => r.doc === 'd2')).toBe(true);
      expect(filtered.docs).toHaveLength(10);
      index.close();

      const writer = DenseIndexWriter.open(dir, { keyColumn: 'id', dimension: d, approximate });
      await writer.delete([rows[7].key]);
      await writer.publish((await writer.prepare()).generation);
      const after = await DenseIndex.open(dir);
      const [best] = await after.search(rows[7].vector, 1, { k: 10 });
      expect(best.docs).toHaveLength(10);
      expect(after.keys(best.docs)).not.toContain(rows[7].key);
      after.close();
    }));

  it('has one graph over what was written in pieces, as far as the memory of the writer holds it', async () => {
    const wide = 128;
    const many = Array.from(
      { length: 5200 },
      (_, i): Row => ({ key: `k${String(i).padStart(5, '0')}`, vector: Array.from({ length: wide }, next) }),
    );
    const built = (memoryBytes: number, method: typeof approximate | null) =>
      inFolder(async dir => {
        await build(dir, many, { dimension: wide, approximate: method, memoryBytes });
        const index = await DenseIndex.open(dir);
        const [{ docs }] = await index.search(many[4].vector, 1, { k: 1 });
        expect(index.keys(docs)).toEqual([many[4].key]);
        const { documents, segments, graphs } = index.info;
        index.close();
        expect(documents).toBe(many.length);
        return { segments, graphs: graphs.map(g => g.documents) };
      });
    // a vector is 512 bytes while it waits, and 448 in a graph
    expect((await built(2.4e6, null)).segments).toBeGreaterThan(1);
    expect(await built(2.4e6, approximate)).toEqual({ segments: 1, graphs: [5200] });
    expect((await built(1.2e6, approximate)).graphs).toEqual([]);
  });

  it('finds as many under filters and deletes that go by what lies near the query', () =>
    inFolder(async dir => {
      // half of the rows point at the query, and only the others are allowed
      const many = Array.from({ length: 6000 }, (_, i): Row => {
        const v = Array.from({ length: 8 }, () => 0.5 * next());
        v[0] += i % 2 === 0 ? 1 : -1;
        const norm = Math.hypot(...v);
        return {
          key: `k${String(i).padStart(5, '0')}`,
          vector: v.map(x => Math.fround(x / norm)),
          doc: i % 2 === 0 ? 'near' : 'far',
        };
      });
      await build(dir, many, { dimension: 8, approximate });
      const query = [1, 0, 0, 0, 0, 0, 0, 0];
      const compare = async (options: object) => {
        const found = await find(dir, query, options);
        const exact = await find(dir, query, { ...options, exact: true });
        expect(found).toHaveLength(exact.length);
        const keys = new Set(exact.map(([key]) => key));
        return found.filter(([key]) => keys.has(key)).length / exact.length;
      };
      expect(await compare({ filter: { doc: 'far' } })).toBeGreaterThanOrEqual(0.9);
      expect(await compare({ filter: { doc: 'near' } })).toBeGreaterThanOrEqual(0.9);
      const writer = DenseIndexWriter.open(dir, { keyColumn: 'id', dimension: 8, approximate });
      await writer.delete(many.filter((r, i) => r.doc === 'near' && i < 5800).map(r => r.key));
      await writer.publish((await writer.prepare()).generation);
      await writer.close();
      const index = await DenseIndex.open(dir);
      expect(index.info.graphs).toHaveLength(1);
      index.close();
      expect(await compare({})).toBeGreaterThanOrEqual(0.9);
      expect(await compare({ k: 150 })).toBeGreaterThanOrEqual(0.9);
    }));

  it('measures recall by scores, so that equal vectors are no misses, and tells where it is not reached', () =>
    inFolder(async dir => {
      // an empty text has a vector of zeros, a boilerplate one the same each time
      const equal = rows.map((r, i) => ({
        ...r,
        vector: i < 60 ? r.vector.map(() => 0) : i < 180 ? rows[0].vector : r.vector,
      }));
      await build(dir, equal, { dimension: d, approximate });
      const index = await DenseIndex.open(dir);
      expect(index.info.graphs[0].recall).toBeGreaterThanOrEqual(0.98);
      expect(index.info.graphs[0].search).toBeLessThanOrEqual(128);
      index.close();
      const told: string[] = [];
      const poor = { recall: 1, connectivity: 2, expansion: 2 };
      await build(dir, rows, { dimension: d, approximate: poor, replace: true, warn: m => told.push(m) });
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(/graph of 6000 vectors finds 0?\.?\d+ of the 10 nearest, wanted 1/);
    }));

  it('merges no segments to one whose graph the memory of the writer does not hold', () =>
    inFolder(async dir => {
      // a row of a graph takes 224 bytes here: memory holds one of 5,357
      const memoryBytes = 1.2e6;
      const writer = DenseIndexWriter.open(dir, { keyColumn: 'id', dimension: d, approximate, memoryBytes });
      for (let commit = 0; commit < 9; commit++) {
        const some = rows.slice(0, 700).map(r => ({ ...r, key: `${commit}-${r.key}` }));
        await writer.add(vectorRows(some));
        await writer.publish((await writer.prepare()).generation);
      }
      await writer.close();
      const index = await DenseIndex.open(dir);
      expect(index.info.documents).toBe(6300);
      expect(index.info.segments).toBeGreaterThan(1);
      for (const { documents } of index.info.graphs) expect(documents).toBeLessThanOrEqual(5357);
      index.close();
    }));

  it('reads hardly any of a graph when it is opened', () =>
    inFolder(async dir => {
      await build(dir, rows, { dimension: d, approximate });
      const file = join(dir, readdirSync(dir).find(name => name.endsWith('.graph')) as string);
      const bytes = readFileSync(file);
      // changed behind the back of the clock: opening does not see it, verify does. Its own time would not do: a date
      // rounds it to a millisecond, which may be after the publication
      const before = new Date(statSync(file).mtimeMs - 1000);
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(file, bytes);
      utimesSync(file, before, before);
      (await DenseIndex.open(dir)).close();
      expect((await verifyDense(dir)).problems.map(p => p.file)).toEqual([file]);
      // but it sees the end
      bytes[bytes.length - 9] ^= 1;
      writeFileSync(file, bytes);
      utimesSync(file, before, before);
      await expect(DenseIndex.open(dir)).rejects.toThrow(/\.graph: fails its checksum/);
    }));

  it('puts in order what halves cannot tell apart', () =>
    inFolder(async dir => {
      // twelve long vectors that are the same one as halves, whose steps at this size are 2⁻⁷
      const base = rows[0].vector.map(x => Math.fround(30 * x));
      const [c, side] = [
        base.findIndex(x => Math.abs(x) > 8),
        Math.sign(base.find(x => Math.abs(x) > 8) ?? 1),
      ];
      const middle = Math.round(base[c] * 128) / 128;
      const twins = Array.from({ length: 12 }, (_, i): Row => {
        const vector = [...base];
        vector[c] = middle + (side * ((i * 7) % 12)) / 16384;
        return { key: `twin${i}`, vector };
      });
      const all = [...rows.map((r, i) => ({ ...r, vector: r.vector.map(x => x * (1 + (i % 5))) })), ...twins];
      await build(dir, all, { dimension: d, approximate });
      const index = await DenseIndex.open(dir);
      expect(index.info.graphs).toHaveLength(1);
      const query = rows[0].vector.map(x => x * 3);
      const [{ docs }] = await index.search([...query, ...query], 2, { k: 3 });
      expect(index.keys(docs)).toEqual(bestOf(all, query, 3).map(([key]) => key));
      index.close();
    }));

  it('refuses a graph that was cut short or changed, by name', () =>
    inFolder(async dir => {
      await build(dir, rows, { dimension: d, approximate });
      const file = join(dir, readdirSync(dir).find(name => name.endsWith('.graph')) as string);
      const bytes = readFileSync(file);
      truncateSync(file, bytes.length / 2);
      await expect(DenseIndex.open(dir)).rejects.toThrow(/\.graph: is \d+ bytes long, the manifest says/);
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(file, bytes);
      await expect(DenseIndex.open(dir)).rejects.toThrow(/\.graph: fails its checksum/);
      const { problems } = await verifyDense(dir);
      expect(problems.map(p => p.code)).toEqual(['corrupt']);
    }));
});

describe('what is wrong is said by name', () => {
  const rows: Row[] = [{ key: 'a', vector: [1, 0] }];

  it('vectors that are no numbers, or of another length', () =>
    inFolder(async dir => {
      const writer = DenseIndexWriter.open(dir, OPTIONS);
      await expect(writer.add(vectorRows([{ key: 'bad', vector: [0, Number.NaN] }]))).rejects.toThrow(
        /key "bad": number 1 of the vector is NaN/,
      );
      await expect(writer.add(vectorRows([{ key: 'bad', vector: [1] }]))).rejects.toThrow(
        /1 numbers for 1 rows, wanted 2 each/,
      );
      await writer.close();
      await build(dir, rows);
      await expect(find(dir, [1, 2, 3])).rejects.toThrow(/holds vectors of 2 numbers, the query has 3/);
      await expect(find(dir, [1, Number.POSITIVE_INFINITY])).rejects.toThrow(/not finite/);
      expect(() => DenseIndexWriter.open(dir, { ...OPTIONS, dimension: 3 })).toThrow(
        /holds f32 vectors of 2 numbers, dot; this writer has f32 vectors of 3 numbers/,
      );
    }));

  it('a number too large for a half', () =>
    inFolder(async dir => {
      const writer = DenseIndexWriter.open(dir, { ...OPTIONS, precision: 'f16' });
      await expect(writer.add(vectorRows([{ key: 'a', vector: [70000, 0] }]))).rejects.toThrow(
        /too large for f16/,
      );
      await writer.close();
    }));

  it('an index without rows answers nothing', () =>
    inFolder(async dir => {
      await build(dir, []);
      expect(await find(dir, [1, 0])).toEqual([]);
      // it may have been emptied for another model
      expect(await find(dir, [1, 0, 0])).toEqual([]);
      await expect(DenseIndex.open(join(dir, 'none'))).rejects.toThrow(/no index here/);
    }));

  it('files that were cut short, changed, or are of a newer version', () =>
    inFolder(async dir => {
      await build(dir, rows);
      const segment = join(dir, readdirSync(dir).find(name => name.endsWith('.seg')) as string);
      const bytes = readFileSync(segment);
      writeFileSync(segment, bytes.subarray(0, bytes.length - 9));
      await expect(DenseIndex.open(dir)).rejects.toThrow(/\.seg: has no sound trailer/);
      const flipped = Buffer.from(bytes);
      flipped[60] ^= 4;
      writeFileSync(segment, flipped);
      expect((await verifyDense(dir)).problems.map(p => p.file)).toEqual([segment]);
      writeFileSync(segment, bytes);
      const current = join(dir, 'CURRENT');
      writeFileSync(current, readFileSync(current, 'utf8').replace('"version": 1', '"version": 9'));
      await expect(DenseIndex.open(dir)).rejects.toThrow(/CURRENT: /);
    }));

  it('two writers at once', () =>
    inFolder(async dir => {
      const first = DenseIndexWriter.open(dir, OPTIONS);
      expect(() => DenseIndexWriter.open(dir, OPTIONS)).toThrow(/is writing this index/);
      await first.close();
    }));

  it('goes on from a generation that was kept, while readers see the one that is published', () =>
    inFolder(async dir => {
      await build(dir, [{ key: 'a', vector: [1, 0] }]);
      const first = DenseIndexWriter.open(dir, OPTIONS);
      await first.add(vectorRows([{ key: 'b', vector: [2, 0] }]));
      const early = (await first.prepare()).generation;
      await first.keep(early);
      await first.add(vectorRows([{ key: 'c', vector: [3, 0] }]));
      const { generation } = await first.prepare();
      await first.keep(generation);
      // the generation kept before is over
      expect(readdirSync(dir)).not.toContain(`manifest.${early}.json`);
      await first.add(vectorRows([{ key: 'lost', vector: [9, 9] }]));
      await first.abort();
      expect(await find(dir, [1, 0])).toEqual([['a', 1]]);
      const second = DenseIndexWriter.open(dir, { ...OPTIONS, from: generation });
      await second.delete(['b']);
      await second.publish((await second.prepare()).generation);
      await second.close();
      expect(await find(dir, [1, 0])).toEqual([
        ['c', 3],
        ['a', 1],
      ]);
      expect((await verifyDense(dir)).ok).toBe(true);
    }));
});
