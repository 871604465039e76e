/** Queries over fields, phrases, signs, filters and weighted terms, against plain loops over the documents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter, Query, QueryOptions, ScoringSpec, SparseIndex } from '../../src/retrieval/index.ts';
import { corpus, type FieldedDoc, WORDS, weight, withFielded } from './fielded.ts';
import { compareKeys, generator, withIndex } from './helpers.ts';

type Field = 'title' | 'text';

/** A query as a tree, that can be written down and worked out. */
type Node =
  | { kind: 'word'; word: string; field?: Field }
  | { kind: 'phrase'; words: string[]; field?: Field }
  | { kind: 'group'; parts: { sign: '' | '+' | '-'; node: Node }[] };

const field = fc.option(fc.constantFrom<Field>('title', 'text'), { nil: undefined });
const word: fc.Arbitrary<Node> = fc.record({
  kind: fc.constant('word' as const),
  word: fc.constantFrom(...WORDS),
  field,
});
const phrase: fc.Arbitrary<Node> = fc.record({
  kind: fc.constant('phrase' as const),
  words: fc.array(fc.constantFrom(...WORDS), { minLength: 2, maxLength: 3 }),
  field,
});
const group = (of: fc.Arbitrary<Node>): fc.Arbitrary<Node> =>
  fc.record({
    kind: fc.constant('group' as const),
    parts: fc.array(
      fc.record({ sign: fc.constantFrom('' as const, '' as const, '+' as const, '-' as const), node: of }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  });
const leaf = fc.oneof({ weight: 3, arbitrary: word }, { weight: 2, arbitrary: phrase });
const tree = group(fc.oneof({ weight: 4, arbitrary: leaf }, { weight: 1, arbitrary: group(leaf) }));

const prefix = (f?: Field): string => (f === undefined ? '' : `${f}:`);
const written = (node: Node): string =>
  node.kind === 'word'
    ? `${prefix(node.field)}${node.word}`
    : node.kind === 'phrase'
      ? `${prefix(node.field)}"${node.words.join(' ')}"`
      : node.parts
          .map(p => p.sign + (p.node.kind === 'group' ? `(${written(p.node)})` : written(p.node)))
          .join(' ');

const tokens = (text: string): string[] => text.split(' ').filter(t => t !== '');
const occurrences = (text: string, words: readonly string[]): number => {
  const of = tokens(text);
  return of.filter((_, i) => words.every((w, j) => of[i + j] === w)).length;
};
const textOf = (doc: FieldedDoc, f?: Field): string[] => (f === undefined ? [doc.title, doc.text] : [doc[f]]);

/** Lucene's formula over a field or all text, from plain counts. */
class Oracle {
  private readonly docs: readonly FieldedDoc[];
  constructor(docs: readonly FieldedDoc[]) {
    this.docs = docs;
  }
  count(doc: FieldedDoc, words: readonly string[], f?: Field): number {
    return textOf(doc, f).reduce((sum, text) => sum + occurrences(text, words), 0);
  }
  length(doc: FieldedDoc, f?: Field): number {
    return textOf(doc, f).reduce((sum, text) => sum + tokens(text).length, 0);
  }
  contribution(doc: FieldedDoc, w: string, tf: number, f?: Field): number {
    const { docs } = this;
    const n = docs.filter(d => this.count(d, [w], f) > 0).length;
    const L = docs.reduce((sum, d) => sum + this.length(d, f), 0) / docs.length;
    const u = 1 - 0.75 + (0.75 * this.length(doc, f)) / L;
    return (Math.log(1 + (docs.length - n + 0.5) / (n + 0.5)) * tf) / (tf + 1.2 * u);
  }
  /** The score of a node; undefined where it does not match. */
  score(node: Node, doc: FieldedDoc): number | undefined {
    if (node.kind !== 'group') {
      const words = node.kind === 'word' ? [node.word] : node.words;
      const tf = this.count(doc, words, node.field);
      return tf === 0
        ? undefined
        : words.reduce((sum, w) => sum + this.contribution(doc, w, tf, node.field), 0);
    }
    const scores = node.parts.map(p => ({ sign: p.sign, score: this.score(p.node, doc) }));
    const must = scores.filter(s => s.sign === '+');
    const should = scores.filter(s => s.sign === '');
    if (scores.some(s => s.sign === '-' && s.score !== undefined)) return undefined;
    if (must.some(s => s.score === undefined)) return undefined;
    if (must.length === 0 && !should.some(s => s.score !== undefined)) return undefined;
    return [...must, ...should].reduce((sum, s) => sum + (s.score ?? 0), 0);
  }
}

function found(index: SparseIndex, query: Query, options: QueryOptions, k = 100): [string, number][] {
  const { docs, scores } = index.search(query, { ...options, k });
  return index.keys(docs).map((key, i) => [key, scores[i]]);
}

const sorted = (hits: [string, number][]): [string, number][] =>
  hits.sort((a, b) => b[1] - a[1] || compareKeys(a[0], b[0]));

const gone: FieldedDoc[] = [
  { key: 'gone', title: 'a b', text: 'a a b c', vector: { x: 3 }, year: 1990, lang: 'en' },
  { key: 'k0a', title: 'e', text: 'e d c b a', vector: { y: 1 }, year: null, lang: null },
];

describe('the query language', () => {
  it('finds and scores as loops over the documents do, with and without positions, over any segments', async () => {
    await fc.assert(
      fc.asyncProperty(corpus, tree, fc.integer({ min: 3, max: 9 }), async (docs, node, cut) => {
        const oracle = new Oracle(docs);
        const wanted = new Map(
          docs.flatMap(doc => {
            const score = oracle.score(node, doc);
            return score === undefined ? [] : [[doc.key, score] as const];
          }),
        );
        const text = written(node);
        const results: [string, number][][] = [];
        for (const options of [{ cut, positions: true, gone }, { positions: false }]) {
          await withFielded(docs, options, index => {
            const hits = found(index, text, { syntax: 'query' });
            expect(new Set(hits.map(h => h[0])), text).toEqual(new Set(wanted.keys()));
            for (const [key, score] of hits)
              expect(score, text).toBeCloseTo(wanted.get(key) ?? Number.NaN, 8);
            expect(hits).toEqual(sorted([...hits]));
            results.push(hits);
          });
        }
        expect(results[0]).toEqual(results[1]);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it('never fails, whatever the signs, and a sign without meaning is text', async () => {
    const docs: FieldedDoc[] = [
      { key: 'k', title: 'what is c', text: 'a b', vector: {}, year: 1, lang: null },
      { key: 'l', title: 'd', text: 'd', vector: {}, year: 1, lang: null },
    ];
    const signs = fc.constantFrom(
      '"',
      '+',
      '-',
      '(',
      ')',
      ':',
      '^',
      'title:',
      '^2',
      ' ',
      'a',
      'b',
      '"a b"',
      '\\',
      '~',
      '*',
      '?',
      'AND',
      '!',
      '&&',
      '[',
      '가',
      '😀',
      '\u0000',
      '\ud800',
      '\n',
      '^^',
      '1e9',
    );
    const any = fc.oneof(
      fc.array(signs, { maxLength: 14 }).map(s => s.join('')),
      fc.string({ unit: 'binary' }),
    );
    await withFielded(docs, { positions: true, analyzer: 'standard' }, async index => {
      await fc.assert(
        fc.asyncProperty(any, async text => {
          for (const doc of found(index, text, { syntax: 'query' }))
            expect(Number.isFinite(doc[1])).toBe(true);
        }),
        { numRuns: 1500 },
      );
      const keys = (text: string) => found(index, text, { syntax: 'query' }).map(h => h[0]);
      // an open quote, an open parenthesis, a sign before a space, a field that is none, a dash inside
      for (const text of [
        '"a',
        '(a',
        'a)',
        '- a',
        'a -',
        'titel: a',
        'a?',
        '"a" "',
        'a ^',
        '^2 a',
        'a :',
        '"" a',
        '() a',
        '+ a',
        '""a',
      ])
        expect(keys(text), text).toEqual(['k']);
    });
  });

  it('boosts: word^2 counts twice, a phrase and a group as well', async () => {
    const docs = ['a b', 'b a', 'c'].map(
      (text, i): FieldedDoc => ({ key: `${i}`, title: '', text, vector: {}, year: null, lang: null }),
    );
    await withFielded(docs, {}, index => {
      const score = (text: string) => new Map(found(index, text, { syntax: 'query' })).get('0') ?? 0;
      expect(score('a^2')).toBeCloseTo(2 * score('a'), 9);
      expect(score('"a b"^2.5')).toBeCloseTo(2.5 * score('"a b"'), 9);
      expect(score('(a b)^.5')).toBeCloseTo(0.5 * score('a b'), 9);
      expect(score('a^2 a')).toBeCloseTo(3 * score('a'), 9);
    });
  });

  it('says which field or column there is not, and what a phrase needs', async () => {
    await withFielded(gone, {}, index => {
      const search = (query: Query, options: QueryOptions) => () => found(index, query, options);
      expect(search('a', { field: 'body' })).toThrow(/field "body".*title \(text\), text \(text\)/);
      expect(search('a', { field: 'vector' })).toThrow(/holds weights/);
      expect(search('a', { filter: { colour: 'red' } })).toThrow(
        /filter.colour.*id, lang, text, title, year/,
      );
      expect(search('a', { filter: { year: 'x' } })).toThrow(/filter.year: is "x", the column holds int32/);
      expect(search('a', { similarity: 'impact' })).toThrow(/the query has text/);
      expect(search('a', { similarity: { name: 'bm25f', weights: { body: 1 } } })).toThrow(
        /no text field "body"/,
      );
      expect(search('a', { similarity: { name: 'bm26' } as unknown as ScoringSpec })).toThrow(
        /"bm26".*bm25f/s,
      );
    });
  });
});

describe('filters', () => {
  const condition: fc.Arbitrary<Filter> = fc.oneof(
    fc.record({ lang: fc.constantFrom('en', 'ko', 'none', null) }),
    fc.record({ lang: fc.constant(['en', null]) }),
    fc.record({ lang: fc.constant({ min: 'en' }) }),
    fc.record({ year: fc.record({ min: fc.integer({ min: 1989, max: 1996 }) }) }),
    fc.record({
      year: fc.record({ min: fc.constant(1991), max: fc.constant(1993) }),
      lang: fc.constantFrom('en', 'ko'),
    }),
    fc.record({ id: fc.constantFrom(['k1', 'k3', 'gone'], 'k2') }),
    fc.record({ id: fc.constant({ min: 'k1', max: 'k3' }) }),
  );
  const holds = (doc: FieldedDoc, filter: Filter): boolean =>
    Object.entries(filter).every(([name, wanted]) => {
      const value = name === 'id' ? doc.key : (doc[name as 'year'] as unknown);
      if (Array.isArray(wanted)) return wanted.includes(value);
      if (wanted !== null && typeof wanted === 'object') {
        const { min, max } = wanted as { min?: string | number; max?: string | number };
        return (
          value !== null &&
          (min === undefined || (value as number) >= (min as number)) &&
          (max === undefined || (value as number) <= (max as number))
        );
      }
      return value === wanted;
    });

  it('keep the hits that meet them and change no score', async () => {
    await fc.assert(
      fc.asyncProperty(corpus, condition, fc.integer({ min: 3, max: 9 }), async (docs, filter, cut) => {
        await withFielded(docs, { cut, gone }, index => {
          for (const similarity of [
            'lucene',
            'lm-dirichlet',
            'tfidf',
            { name: 'bm25+', nonOccurring: true },
          ] as const) {
            const all = found(index, 'a b c', { similarity });
            const kept = new Set(docs.filter(d => holds(d, filter)).map(d => d.key));
            const wanted = all.filter(([key]) => kept.has(key));
            expect(found(index, 'a b c', { similarity, filter })).toEqual(wanted);
            expect(found(index, 'a b c', { similarity, filter }, 2)).toEqual(wanted.slice(0, 2));
          }
        });
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});

describe('weighted terms', () => {
  it('impact is the dot product, over any segments, pruned or not', async () => {
    const weights = fc.dictionary(
      fc.constantFrom('x', 'y', 'z', 'a', 'unseen'),
      fc.oneof(weight, fc.constant(-0.5)),
      { minKeys: 1 },
    );
    await fc.assert(
      fc.asyncProperty(corpus, weights, fc.integer({ min: 3, max: 9 }), async (docs, query, cut) => {
        const wanted = sorted(
          docs
            .filter(d => Object.keys(query).some(t => d.vector[t] !== undefined))
            .map(d => [
              d.key,
              Object.entries(query).reduce((sum, [t, w]) => sum + w * (d.vector[t] ?? 0), 0),
            ]),
        );
        await withFielded(docs, { cut, gone }, index => {
          expect(found(index, { weights: query }, {})).toEqual(wanted);
          expect(
            found(index, { weights: new Map(Object.entries(query)) }, { similarity: 'impact' }, 3),
          ).toEqual(wanted.slice(0, 3));
        });
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  it('gives the best of many documents by the weights as stored, very large ones too', async () => {
    for (const [seed, largest] of [
      [1, 3],
      [2, 120_000],
    ]) {
      const random = generator(seed);
      const vector = () =>
        Object.fromEntries(
          Array.from({ length: 1 + Math.floor(random() * 6) }, () => [
            `t${Math.floor(12 * random() ** 2)}`,
            // eleven bits and a power of two: exact in 16 bits
            Math.max(1, Math.floor(random() * 2048)) * (largest / 4096 > 1 ? 32 : 2 ** -10),
          ]),
        );
      const docs = Array.from({ length: 1500 }, (_, i) => ({ ...gone[0], key: `${i}`, vector: vector() }));
      const query = { t0: 1.5, t1: 0.25, t3: 2, t7: 0.125 };
      const wanted = sorted(
        docs
          .filter(d => Object.keys(query).some(t => d.vector[t] !== undefined))
          .map(d => [d.key, Object.entries(query).reduce((sum, [t, w]) => sum + w * (d.vector[t] ?? 0), 0)]),
      );
      await withFielded(docs, { cut: 400 }, index => {
        for (const k of [1, 10, 300])
          expect(found(index, { weights: query }, {}, k)).toEqual(wanted.slice(0, k));
      });
    }
  }, 30_000);

  it('weights of words score text, and an ensemble takes both in one pass', async () => {
    await withFielded(
      [...gone, { key: 'o', title: 'q', text: 'a', vector: { x: 0.5, y: 2 }, year: null, lang: null }],
      { bits: 8 },
      index => {
        const twice = new Map(found(index, 'a a b', {}));
        const weighted = new Map(
          found(
            index,
            { weights: { a: 2, b: 1 }, field: undefined },
            { similarity: { name: 'ensemble', of: [{ similarity: 'impact' }] } },
          ),
        );
        expect(weighted.size).toBe(0);
        const both = found(
          index,
          { text: 'a a b', weights: { x: 2 } },
          {
            similarity: {
              name: 'ensemble',
              of: [
                { similarity: 'lucene', weight: 0.5 },
                { similarity: 'impact', weight: 3 },
              ],
            },
          },
        );
        const vectors: Record<string, number> = { gone: 3, o: 0.5 };
        for (const [key, score] of both)
          expect(score).toBeCloseTo(0.5 * (twice.get(key) ?? 0) + 3 * 2 * (vectors[key] ?? 0), 8);
        expect(both.map(h => h[0])).toEqual(expect.arrayContaining(['gone', 'o', 'k0a']));
      },
    );
  });

  it('refuses weights that cannot be stored', async () => {
    const doc = (w: number): FieldedDoc => ({
      key: 'k',
      title: '',
      text: '',
      vector: { x: w },
      year: null,
      lang: null,
    });
    await expect(withFielded([doc(-1)], {}, () => {})).rejects.toThrow(
      /weight -1; 16 bits hold weights from 0/,
    );
    await expect(withFielded([doc(1e6)], { bits: 8 }, () => {})).rejects.toThrow(/16 bits hold larger ones/);
    await expect(withFielded([doc(Number.NaN)], {}, () => {})).rejects.toThrow(/weight NaN/);
  });
});

describe('bm25f', () => {
  it('is the simple form over title and text, worked by plain loops', async () => {
    const w = { title: 2.5, text: 1 };
    const b = { title: 0.3, text: 0.75 };
    await fc.assert(
      fc.asyncProperty(
        corpus,
        fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 3, max: 9 }),
        async (docs, query, cut) => {
          const oracle = new Oracle(docs);
          const mean = (f: Field) => docs.reduce((sum, d) => sum + oracle.length(d, f), 0) / docs.length;
          const expected = new Map<string, number>();
          for (const doc of docs) {
            for (const t of query) {
              const n = docs.filter(d => oracle.count(d, [t]) > 0).length;
              if (oracle.count(doc, [t]) === 0) continue;
              const flow = (['title', 'text'] as const).reduce((sum, f) => {
                const tf = oracle.count(doc, [t], f);
                return tf === 0
                  ? sum
                  : sum + (w[f] * tf) / (1 - b[f] + (b[f] * oracle.length(doc, f)) / mean(f));
              }, 0);
              const idf = Math.log(1 + (docs.length - n + 0.5) / (n + 0.5));
              expected.set(doc.key, (expected.get(doc.key) ?? 0) + (idf * flow) / (1.2 + flow));
            }
          }
          await withFielded(docs, { cut, gone }, index => {
            const hits = found(index, query.join(' '), { similarity: { name: 'bm25f', weights: w, b } });
            expect(hits.length).toBe(expected.size);
            for (const [key, score] of hits) expect(score).toBeCloseTo(expected.get(key) ?? Number.NaN, 8);
            // a field that does not count; both fields as one
            const titles = found(index, query.join(' '), {
              similarity: { name: 'bm25f', weights: { text: 0 } },
            });
            expect(new Set(titles.map(h => h[0]))).toEqual(
              new Set(docs.filter(d => query.some(t => oracle.count(d, [t], 'title') > 0)).map(d => d.key)),
            );
          });
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
});

describe('an ensemble', () => {
  it('says what is wrong with one', async () => {
    await withIndex([[{ key: '1', text: 'a' }]], index => {
      const search = (similarity: unknown) => () =>
        index.search('a', { k: 1, similarity: similarity as 'lucene' });
      expect(search('ensemble')).toThrow(/ensemble: of: wanted a list of \{ similarity, weight, field \}/);
      expect(search({ name: 'ensemble', of: [{ similarity: 'ensemble' }] })).toThrow(
        /an ensemble cannot be in another/,
      );
      expect(search('bm26')).toThrow(/none is named "bm26"; there are okapi, .*ensemble/);
    });
  });

  it('adds weighted scores, or the mean of scores from 0 to 1, of what each similarity alone gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        corpus,
        fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 3, max: 9 }),
        async (docs, query, cut) => {
          const text = query.join(' ');
          const of = [
            { similarity: 'lucene' as const, weight: 2 },
            { similarity: { name: 'tfldp' as const, b: 0.2 }, weight: 0.5 },
            { similarity: 'lm-dirichlet' as const },
            { similarity: 'tfidf' as const, weight: 0.25 },
          ];
          await withFielded(docs, { cut, gone }, index => {
            const alone = of.map(m => new Map(found(index, text, { similarity: m.similarity })));
            const keys = [...alone[0].keys()];
            const sum = found(index, text, { similarity: { name: 'ensemble', of } });
            expect(sum.length).toBe(keys.length);
            for (const [key, score] of sum)
              expect(score).toBeCloseTo(
                of.reduce((s, m, i) => s + (m.weight ?? 1) * (alone[i].get(key) ?? Number.NaN), 0),
                8,
              );
            const mean = found(index, text, { similarity: { name: 'ensemble', combine: 'mean', of } });
            const scaled = (i: number, key: string) => {
              const all = [...alone[i].values()];
              const [min, max] = [Math.min(...all), Math.max(...all)];
              return max === min ? 1 : ((alone[i].get(key) ?? Number.NaN) - min) / (max - min);
            };
            for (const [key, score] of mean)
              expect(score).toBeCloseTo(
                of.reduce((s, m, i) => s + (m.weight ?? 1) * scaled(i, key), 0) / 3.75,
                8,
              );
          });
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
});

describe('RM3 feedback', () => {
  it('adds the terms of the best documents with the weights worked by hand', async () => {
    const docs = ['a b b c', 'a c', 'd'].map(
      (text, i): FieldedDoc => ({ key: `${i}`, title: '', text, vector: {}, year: null, lang: null }),
    );
    await withFielded(docs, {}, index => {
      const scores = new Map(found(index, 'a', {}));
      const [s0, s1] = [scores.get('0') ?? 0, scores.get('1') ?? 0];
      // p(w|R) = Σ tf/l · score/Σ score
      const p = {
        a: (s0 / 4 + s1 / 2) / (s0 + s1),
        b: (s0 * 2) / 4 / (s0 + s1),
        c: (s0 / 4 + s1 / 2) / (s0 + s1),
      };
      const terms = Object.fromEntries(
        index
          .queryTerms('a', { feedback: { documents: 2, terms: 3, weight: 0.6 } })
          .map(t => [t.term, t.weight]),
      );
      expect(Object.keys(terms).sort()).toEqual(['a', 'b', 'c']);
      expect(terms.a).toBeCloseTo(0.6 + 0.4 * p.a, 10);
      expect(terms.b).toBeCloseTo(0.4 * p.b, 10);
      expect(terms.c).toBeCloseTo(0.4 * p.c, 10);
      // two terms of three: what is left is scaled to sum to 1; ties (a and c) in term order
      const two = index.queryTerms('a', { feedback: { documents: 2, terms: 2 } });
      expect(two.map(t => t.term)).toEqual(['a', 'c']);
      expect(two.reduce((sum, t) => sum + t.weight, 0)).toBeCloseTo(1, 10);
      const wide = found(index, 'a', { feedback: { documents: 2, terms: 3, weight: 0.6 } });
      const expected = new Map<string, number>();
      for (const [term, w] of Object.entries(terms))
        for (const [key, score] of found(index, term, {}))
          expected.set(key, (expected.get(key) ?? 0) + w * score);
      for (const [key, score] of wide) expect(score).toBeCloseTo(expected.get(key) ?? Number.NaN, 8);
    });
  });

  it('does not depend on how the index is cut', async () => {
    await fc.assert(
      fc.asyncProperty(corpus, fc.integer({ min: 1, max: 5 }), async (docs, cut) => {
        const options: QueryOptions = { feedback: { documents: 4, terms: 5 } };
        const whole = await withFielded(docs, {}, index => found(index, 'a b', options));
        const pieces = await withFielded(docs, { cut, gone }, index => found(index, 'a b', options));
        expect(pieces).toEqual(whole);
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});
