/** Token vectors compressed and searched in stages, against plain loops over the vectors as they came. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LateIndex,
  LateIndexWriter,
  type LateWriterOptions,
  lateGenerations,
  type TokenRowsToIndex,
  verifyLate,
} from '../../../src/retrieval/late/index.ts';
import { random } from '../../../src/retrieval/random.ts';
import { inFolder, textColumn } from '../dense/support.ts';

interface Passage {
  readonly key: string;
  readonly tokens: readonly (readonly number[])[];
}

function rowsOf(passages: readonly Passage[]): TokenRowsToIndex {
  const offsets = new Int32Array(passages.length + 1);
  passages.forEach((p, i) => {
    offsets[i + 1] = offsets[i] + p.tokens.length;
  });
  return {
    rows: passages.length,
    key: textColumn(passages.map(p => p.key)),
    stored: { doc: { type: 'utf8', ...textColumn(passages.map(p => `d${p.tokens.length}`)) } },
    offsets,
    vectors: Float32Array.from(passages.flatMap(p => p.tokens.flat())),
  };
}

async function build(
  dir: string,
  passages: readonly Passage[],
  options: Partial<LateWriterOptions> = {},
): Promise<void> {
  const from = passages[0].tokens[0].length;
  // compressed, however few
  const writer = LateIndexWriter.open(dir, { keyColumn: 'id', from, plainNumbers: 0, ...options });
  await writer.add(rowsOf(passages));
  await writer.publish((await writer.prepare()).generation);
  await writer.close();
}

async function withIndex<T>(dir: string, work: (index: LateIndex) => T | Promise<T>): Promise<T> {
  const index = await LateIndex.open(dir);
  try {
    return await work(index);
  } finally {
    index.close();
  }
}

const unit = (v: readonly number[]): number[] => {
  const norm = Math.hypot(...v);
  return v.map(x => x / norm);
};

/** MaxSim by plain loops. */
const maxSim = (query: readonly (readonly number[])[], passage: Passage): number =>
  query
    .map(q => Math.max(...passage.tokens.map(t => unit(t).reduce((sum, x, i) => sum + x * q[i], 0))))
    .reduce((a, b) => a + b, 0);

/** Passages whose tokens lie about common directions, as words' vectors do. */
function corpus(
  count: number,
  d: number,
  seed = 3,
): { passages: Passage[]; near: (p: Passage) => number[][] } {
  const next = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const words = Array.from({ length: 300 }, () => Array.from({ length: d }, normal));
  const token = (word: number[]) => unit(word.map(x => x + 0.4 * normal()));
  const passages = Array.from({ length: count }, (_, i) => ({
    key: `p${String(i).padStart(5, '0')}`,
    tokens: Array.from({ length: 4 + Math.floor(next() * 12) }, () => token(words[Math.floor(next() * 300)])),
  }));
  return { passages, near: p => p.tokens.slice(0, 4).map(t => unit(t.map(x => x + 0.1 * normal()))) };
}

const SMALL: Passage[] = [
  {
    key: 'a',
    tokens: [
      [1, 0],
      [0, 2],
    ],
  },
  { key: 'b', tokens: [[0.6, 0.8]] },
  { key: 'c', tokens: [[0, 0]] },
];

describe('an index of token vectors', () => {
  it('sums the best product of each token of the question', () =>
    inFolder(async dir => {
      await build(dir, SMALL);
      await withIndex(dir, async index => {
        const { docs, scores } = await index.search(Float32Array.of(1, 0, 0.5, 1), { k: 5 });
        // a: 1 + 1; b: .6 + (.3 + .8); c has no token of any length
        expect(index.keys(docs)).toEqual(['a', 'b']);
        expect(scores[0]).toBeCloseTo(2, 3);
        expect(scores[1]).toBeCloseTo(1.7, 3);
        expect(index.rows(docs)[0]).toEqual({ id: 'a', doc: 'd2' });
      });
    }));

  it(
    'ranks compressed tokens nearly as exact MaxSim, and the stages miss hardly any',
    () =>
      inFolder(async dir => {
        const { passages, near } = corpus(1200, 32);
        await build(dir, passages);
        await withIndex(dir, async index => {
          let [compressed, staged, all] = [0, 0, 0];
          for (let q = 0; q < 20; q++) {
            const query = near(passages[q * 60]);
            const best = passages
              .map(p => ({ key: p.key, score: maxSim(query, p) }))
              .sort((a, b) => b.score - a.score)
              .slice(0, 10)
              .map(p => p.key);
            const flat = Float32Array.from(query.flat());
            const exact = await index.search(flat, { k: 10, exact: true });
            const found = await index.search(flat, { k: 10 });
            const known = new Set(index.keys(exact.docs));
            compressed += best.filter(key => known.has(key)).length;
            staged += index.keys(found.docs).filter(key => known.has(key)).length;
            all += 10;
            expect(index.keys(found.docs)[0]).toBe(passages[q * 60].key);
          }
          expect(compressed / all).toBeGreaterThan(0.85);
          expect(staged / all).toBeGreaterThan(0.9);
        });
      }),
    60_000,
  );

  it('keeps a token in 35 bytes at 128 numbers of 2 bits, and in 19 of 1', () =>
    inFolder(async dir => {
      const { passages } = corpus(60, 128);
      for (const [bits, bytes] of [
        [2, 35],
        [1, 19],
      ] as const) {
        await build(dir, passages, { bits, replace: true });
        const tokens = passages.reduce((sum, p) => sum + p.tokens.length, 0);
        await withIndex(dir, index => {
          expect(index.info.tokens).toBe(tokens);
          expect(index.vectors(0).length).toBe(passages[0].tokens.length * 128);
        });
        const manifest = lateGenerations.find(dir);
        const [segment] = manifest.segments;
        // payloads, and a few hundred bytes of keys, columns and contents
        expect(segment.bytes).toBeGreaterThan(tokens * bytes);
        expect(segment.bytes).toBeLessThan(tokens * bytes + 6000);
      }
    }));

  it('gives the MaxSim of the vectors it holds, whatever their width, with shares of passages or without', () =>
    inFolder(async dir => {
      for (const [d, bits, common] of [
        [5, 1, 0],
        [17, 2, 0],
        [32, 2, 0.8],
        [24, 1, 0.8],
      ] as const) {
        const { passages, near } = corpus(120, d);
        const next = random(d);
        const shared = passages.map(p => {
          const all = p.tokens[0].map(() => common * (next() - 0.5));
          return { ...p, tokens: p.tokens.map(t => unit(t.map((x, i) => x + all[i]))) };
        });
        await build(dir, shared, { bits, replace: true });
        const settings = () => lateGenerations.find(dir).settings;
        const before = settings();
        await withIndex(dir, async index => {
          const query = near(shared[7]);
          const { docs, scores } = await index.search(Float32Array.from(query.flat()), {
            k: 120,
            exact: true,
          });
          expect(docs.length).toBe(120);
          const top = await index.search(Float32Array.from(query.flat()), { k: 5 });
          expect(index.keys(top.docs)[0]).toBe('p00007');
          expect(top.scores[0]).toBeCloseTo(scores[0], 10);
          scores.forEach((score, i) => {
            const wanted = maxSim(query, shared[Number(index.keys(docs)[i].slice(1))]);
            expect(Math.abs(score - wanted)).toBeLessThan(bits === 1 ? 1.2 : 0.6);
          });
        });
        await build(dir, shared, { bits, replace: true });
        // a codebook's name is made of its content
        expect(settings()).toEqual(before);
      }
    }));

  it('cuts wide vectors to their leading directions and keeps products in them', () =>
    inFolder(async dir => {
      const { passages } = corpus(200, 8);
      // 8 numbers, turned into 24 of the same products
      const wide = passages.map(p => ({
        ...p,
        tokens: p.tokens.map(t => [...t, ...t, ...t].map(x => x / Math.sqrt(3))),
      }));
      await build(dir, wide, { dimension: 8 });
      await withIndex(dir, async index => {
        const query = wide[7].tokens.slice(0, 2);
        const { docs, scores } = await index.search(Float32Array.from(query.flat()), { k: 1 });
        expect(index.keys(docs)).toEqual(['p00007']);
        expect(scores[0]).toBeGreaterThan(1.8);
        expect(scores[0]).toBeLessThan(2.01);
      });
    }));

  it('gives hits that meet the filter only', () =>
    inFolder(async dir => {
      const { passages } = corpus(400, 16);
      await build(dir, passages);
      await withIndex(dir, async index => {
        const { docs } = await index.search(Float32Array.from(passages[0].tokens.flat()), {
          k: 20,
          filter: { doc: 'd5' },
        });
        expect(docs.length).toBeGreaterThan(0);
        for (const row of index.rows(docs)) expect(row.doc).toBe('d5');
      });
    }));

  it(
    'holds after edits what a full build with its codebook holds',
    () =>
      inFolder(async dir => {
        const { passages } = corpus(80, 8);
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(fc.tuple(fc.nat(79), fc.boolean()), { minLength: 1, maxLength: 8 }), {
              minLength: 1,
              maxLength: 3,
            }),
            async runs => {
              const live = new Map(passages.slice(0, 40).map(p => [p.key, p]));
              await build(dir, [...live.values()], { replace: true });
              const { codebook } = (await withIndex(dir, index => index.info)).settings;
              for (const edits of runs) {
                const writer = LateIndexWriter.open(dir, { keyColumn: 'id', from: 8 });
                for (const [at, remove] of edits) {
                  const { key } = passages[at];
                  if (remove) {
                    live.delete(key);
                    await writer.delete([key]);
                  } else {
                    const changed = { key, tokens: passages[(at * 7 + edits.length) % 80].tokens };
                    live.set(key, changed);
                    await writer.add(rowsOf([changed]));
                  }
                }
                await writer.publish((await writer.prepare()).generation);
                await writer.close();
              }
              await withIndex(dir, async index => {
                expect(index.info.documents).toBe(live.size);
                expect(index.info.settings.codebook).toEqual(codebook);
                const query = passages[3].tokens.slice(0, 2);
                const { docs, scores } = await index.search(Float32Array.from(query.flat()), {
                  k: 80,
                  exact: true,
                });
                const keys = index.keys(docs);
                expect([...keys].sort()).toEqual([...live.keys()].sort());
                keys.forEach((key, i) => {
                  expect(Math.abs(scores[i] - maxSim(query, live.get(key) as Passage))).toBeLessThan(0.5);
                });
              });
            },
          ),
          { numRuns: 8 },
        );
      }),
    60_000,
  );

  it('keeps few tokens as they come, whatever the commits, and finds what plain loops find', () =>
    inFolder(async dir => {
      const { passages, near } = corpus(90, 12);
      for (const cuts of [[90], [1, 90], [3, 10, 11, 90]]) {
        const writer = LateIndexWriter.open(dir, { keyColumn: 'id', from: 12, replace: true });
        let first = 0;
        for (const end of cuts) {
          await writer.add(rowsOf(passages.slice(first, end)));
          await writer.publish((await writer.prepare()).generation);
          first = end;
        }
        await writer.delete(['p00005']);
        await writer.publish((await writer.prepare()).generation);
        await writer.close();
        await withIndex(dir, async index => {
          expect(index.info.settings.codebook).toBeNull();
          expect(index.info.tokens).toBe(passages.reduce((sum, p) => sum + p.tokens.length, 0));
          for (const p of [4, 5, 60]) {
            const query = near(passages[p]);
            const wanted = passages
              .filter(({ key }) => key !== 'p00005')
              .map(other => ({ key: other.key, score: maxSim(query, other) }))
              .sort((a, b) => b.score - a.score)
              .slice(0, 10);
            const { docs, scores } = await index.search(Float32Array.from(query.flat()), { k: 10 });
            expect(index.keys(docs)).toEqual(wanted.map(w => w.key));
            scores.forEach((score, i) => {
              expect(Math.abs(score - wanted[i].score)).toBeLessThan(4e-3);
            });
          }
        });
      }
    }));

  it(
    'finds after commits of any sizes what a full build finds, of texts of other kinds too',
    () =>
      inFolder(async dir => {
        // two kinds of texts, one after the other: their words have nothing in common
        const [one, two] = [corpus(250, 16, 3), corpus(250, 16, 4)];
        const passages = [...one.passages, ...two.passages.map((p, i) => ({ ...p, key: `q${i}` }))];
        const asked = Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? one : two).near(passages[i * 12 + 3]),
        );
        const best = asked.map(query =>
          passages
            .map(p => ({ key: p.key, score: maxSim(query, p) }))
            .sort((a, b) => b.score - a.score)
            .slice(0, 10)
            .map(p => p.key),
        );
        // searched in stages, as users do; of the best by plain loops, the share that is found
        const found = async (cuts: readonly number[]): Promise<number> => {
          const writer = LateIndexWriter.open(dir, {
            keyColumn: 'id',
            from: 16,
            // a codebook of a thousand tokens, about a hundred passages, at least
            plainNumbers: 16_000,
            replace: true,
          });
          let first = 0;
          for (const end of [...cuts, passages.length]) {
            await writer.add(rowsOf(passages.slice(first, end)));
            await writer.publish((await writer.prepare()).generation);
            first = end;
          }
          await writer.close();
          return withIndex(dir, async index => {
            let share = 0;
            for (const [i, query] of asked.entries()) {
              const { docs } = await index.search(Float32Array.from(query.flat()), { k: 10 });
              share += index.keys(docs).filter(key => best[i].includes(key)).length / 10 / asked.length;
            }
            return share;
          });
        };
        const full = await found([]);
        expect(full).toBeGreaterThan(0.75);
        for (const cuts of [[1], [10, 30], [60, 120, 250, 400], [120, 300]])
          expect([cuts, (await found(cuts)) > full - 0.05]).toEqual([cuts, true]);
      }),
    60_000,
  );

  it('goes on from a generation that was kept, and an abort leaves it', () =>
    inFolder(async dir => {
      const first = LateIndexWriter.open(dir, { keyColumn: 'id', from: 2, replace: true });
      await first.add(rowsOf(SMALL.slice(0, 1)));
      const { generation } = await first.prepare();
      await first.keep(generation);
      await first.add(rowsOf(SMALL.slice(1, 2)));
      await first.abort();
      expect(lateGenerations.readCurrent(dir)).toBeUndefined();
      const second = LateIndexWriter.open(dir, { keyColumn: 'id', from: 2, generation });
      await second.add(rowsOf([{ key: 'd', tokens: [[1, 0]] }]));
      await second.publish((await second.prepare()).generation);
      await second.close();
      await withIndex(dir, async index => {
        const { docs } = await index.search(Float32Array.of(1, 0), { k: 5 });
        expect(index.keys(docs)).toEqual(['a', 'd']);
      });
    }));

  it('says which file a flipped bit is in, the codebook too', () =>
    inFolder(async dir => {
      await build(dir, SMALL);
      expect((await verifyLate(dir)).ok).toBe(true);
      for (const ending of ['.seg', '.book']) {
        const file = join(dir, readdirSync(dir).find(name => name.endsWith(ending)) as string);
        const bytes = readFileSync(file);
        const broken = Buffer.from(bytes);
        broken[60] ^= 4;
        writeFileSync(file, broken);
        const report = await verifyLate(dir);
        expect(report.problems.map(p => p.file)).toEqual([file]);
        writeFileSync(file, bytes);
      }
    }));

  it('refuses what does not fit by name', () =>
    inFolder(async dir => {
      await build(dir, SMALL);
      expect(() => LateIndexWriter.open(dir, { keyColumn: 'id', from: 3 })).toThrow(
        /holds tokens of 2 numbers kept as 2 of 2 bits; this writer has tokens of 3/,
      );
      const writer = LateIndexWriter.open(dir, { keyColumn: 'id', from: 2 });
      await expect(writer.add(rowsOf([{ key: 'x', tokens: [[Number.NaN, 1]] }]))).rejects.toThrow(
        /key "x".*not finite/,
      );
      await writer.close();
      await withIndex(dir, async index => {
        await expect(index.search(new Float32Array(3), { k: 1 })).rejects.toThrow(/vectors of 2 numbers/);
        expect((await index.search(new Float32Array(0), { k: 1 })).docs.length).toBe(0);
      });
      expect(existsSync(join(dir, 'CURRENT'))).toBe(true);
    }));
});
