import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { indexSparse } from '../../../operators/index/sparse.ts';
import { openSearcher } from '../../../operators/search/searcher.ts';
import { searchSparse } from '../../../operators/search/sparse.ts';
import { asEngine, type PlanContext, type UserError } from '../../../src/define/index.ts';
import {
  inspectOperator,
  parseParams,
  type Row,
  type RunOperatorOptions,
  runOperator,
} from '../../../src/testing/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-sparse-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

// golden A of the reference: d1 "a b a c", d2 "b c d", d3 "a a a d e f", d4 "e f g h", d5 "a b"
const GOLDEN: Row[] = [
  { doc_id: 'd1', text: 'a b a c' },
  { doc_id: 'd2', text: 'b c d' },
  { doc_id: 'd3', text: 'a a a d e f' },
  { doc_id: 'd4', text: 'e f g h' },
  { doc_id: 'd5', text: 'a b' },
];
const build = (docs: readonly Row[], params: object = {}, more: RunOperatorOptions = {}) =>
  inspectOperator(indexSparse, {
    root,
    with: { path: 'i', analyzer: 'whitespace', ...params },
    in: docs,
    ...more,
  });
const search = (question: string, params: object = {}) =>
  runOperator(searchSparse, { root, with: { index: 'i', ...params }, in: [{ question_id: 'q', question }] });

describe('search.sparse over index.sparse', () => {
  test.each<[string | object, [string, number][]]>([
    [
      'lucene',
      [
        ['d3', 0.664245],
        ['d2', 0.435443],
        ['d1', 0.331959],
        ['d5', 0.303885],
      ],
    ],
    [
      'bm25',
      [
        ['d3', 1.461339],
        ['d2', 0.957974],
        ['d1', 0.73031],
        ['d5', 0.668548],
      ],
    ],
    [
      'okapi',
      [
        ['d2', 0.368182],
        ['d3', -0.198345],
        ['d5', -0.417345],
        ['d1', -0.455901],
      ],
    ],
    [
      { name: 'bm25+', k1: 1.2, b: 0.75, delta: 1 },
      [
        ['d3', 3.649014],
        ['d2', 2.300759],
        ['d1', 1.632322],
        ['d5', 1.552897],
      ],
    ],
  ])('golden A, %j', async (similarity, wanted) => {
    await build(GOLDEN);
    const hits = await search('a d', { similarity });
    expect(hits.map(h => h.doc_id)).toEqual(wanted.map(w => w[0]));
    hits.forEach((h, i) => {
      expect(h.score).toBeCloseTo(wanted[i][1], 5);
      expect(h.rank).toBe(i);
    });
  });

  test('documents are units of their own, from their first character to their last', async () => {
    await build([{ doc_id: 'd', text: '😀 서울' }]);
    expect(await search('서울', { source: 'bm25' })).toEqual([
      {
        question_id: 'q',
        question: '서울',
        rank: 0,
        unit: 'document',
        unit_id: 'd',
        doc_id: 'd',
        title: '',
        text: '😀 서울',
        start: 0,
        end: 5,
        score: expect.any(Number),
        source: 'bm25',
      },
    ]);
  });

  test('units come back as they were, with further columns and nulls', async () => {
    const units: Row[] = [
      {
        unit_id: 'a#0',
        doc_id: 'a',
        unit: 'passage',
        title: 'A',
        text: 'x y',
        start: 3,
        end: 6,
        year: 1999,
        ok: true,
        w: 0.5,
      },
      {
        unit_id: 'a#1',
        doc_id: 'a',
        unit: 'passage',
        title: 'A',
        text: 'x',
        start: 7,
        end: 8,
        year: null,
        ok: null,
        w: null,
      },
    ];
    await build(
      units,
      { store: ['year', 'ok', 'w'] },
      { columns: { year: 'int32?', ok: 'bool?', w: 'float64?' } },
    );
    const hits = await search('x', { columns: { year: 'int32', ok: 'bool', w: 'float64' } });
    expect(hits.map(({ question_id, question, rank, score, source, ...unit }) => unit)).toEqual([
      units[1],
      units[0],
    ]);
  });

  test('a question without hits gives none; each question has its own columns and ranks', async () => {
    await build(GOLDEN);
    const hits = await runOperator(searchSparse, {
      root,
      with: { index: 'i', k: 2 },
      in: [
        { question_id: 'q1', question: 'g', answers: ['h'] },
        { question_id: 'q2', question: 'zzz', answers: [] },
        { question_id: 'q3', question: 'b', answers: ['c', 'd'] },
      ],
    });
    expect(hits.map(h => [h.question_id, h.rank, h.doc_id, h.answers])).toEqual([
      ['q1', 0, 'd4', ['h']],
      ['q3', 0, 'd5', ['c', 'd']],
      ['q3', 1, 'd2', ['c', 'd']],
    ]);
  });

  test('changes onto what is there answer as a build from nothing', async () => {
    await build(GOLDEN);
    const changed = GOLDEN.filter(d => d.doc_id !== 'd4').map(d =>
      d.doc_id === 'd2' ? { ...d, text: 'a d d' } : d,
    );
    await inspectOperator(indexSparse, {
      root,
      full: false,
      with: { path: 'i', analyzer: 'whitespace' },
      changes: [{ deletes: [{ doc_id: 'd4' }] }, { upserts: [{ doc_id: 'd2', text: 'a d d' }] }],
    });
    const incremental = await search('a d e');
    await build(changed);
    expect(incremental).toEqual(await search('a d e'));
    expect(incremental.map(h => h.doc_id)).not.toContain('d4');
  });

  test('units of a deleted document go by its id', async () => {
    const unit = (n: number, doc_id: string): Row => ({ unit_id: `${doc_id}#${n}`, doc_id, text: 'x' });
    await build([unit(0, 'a'), unit(1, 'a'), unit(0, 'b')]);
    await inspectOperator(indexSparse, {
      root,
      full: false,
      with: { path: 'i', analyzer: 'whitespace' },
      keys: [['unit_id']],
      changes: [{ deletes: [{ doc_id: 'a' }] }, { upserts: [unit(1, 'b')] }],
    });
    expect((await search('x')).map(h => h.unit_id)).toEqual(['b#0', 'b#1']);
  });

  test('current is the generation that is published', async () => {
    const op = asEngine(indexSparse);
    if (op.shape !== 'sink' || !op.current) throw new Error('index.sparse takes changes');
    const ctx: PlanContext = { root, path: p => join(root, p) };
    const params = parseParams(indexSparse, { path: 'i' });
    expect(await op.current(params, ctx)).toBeUndefined();
    const { token } = await build(GOLDEN);
    expect(await op.current(params, ctx)).toEqual(token);
  });

  test('memory of a search counts what the index holds', async () => {
    await build(GOLDEN);
    const bytes = await asEngine(searchSparse).fixedBytes?.(parseParams(searchSparse, { index: 'i' }), {
      root,
      path: p => join(root, p),
    });
    expect(bytes).toBeGreaterThan(8 << 20);
    expect(bytes).toBeLessThan(9 << 20);
  });
});

describe('fields, conditions and weights', () => {
  const books: Row[] = [
    { doc_id: '1', title: 'red sea', text: 'a blue book', year: 1990, vector: '{"x": 1.5, "y": 0.25}' },
    { doc_id: '2', title: 'blue sea', text: 'a red red book', year: 2000, vector: '{"y": 2}' },
    { doc_id: '3', title: 'sea', text: 'red blue', year: 2010, vector: null },
  ];
  const fields = ['title', 'text', { column: 'vector', kind: 'weights' }];
  const keys = async (question: string, params: object = {}) =>
    (await search(question, params)).map(h => h.doc_id);

  test('one field, a field in the query, phrases, signs and filters', async () => {
    for (const positions of [false, true]) {
      await build(books, { fields, positions, store: ['year'] }, { columns: { vector: 'utf8?' } });
      expect(await keys('red', { field: 'title' })).toEqual(['1']);
      expect(await keys('title:red', { syntax: 'query' })).toEqual(['1']);
      expect(await keys('title:red')).toEqual([]);
      expect(await keys('"red blue"', { syntax: 'query' })).toEqual(['3']);
      expect((await keys('+red -"blue book"', { syntax: 'query' })).sort()).toEqual(['2', '3']);
      expect(await keys('sea', { filter: { year: { min: 1995, max: 2005 } } })).toEqual(['2']);
      expect(await keys('sea', { filter: { doc_id: ['3', '1'], year: 2010 } })).toEqual(['3']);
      const titled = { name: 'bm25f', weights: { title: 10, text: 1 } };
      expect((await keys('red', { similarity: titled }))[0]).toBe('1');
      expect((await keys('red', { similarity: { name: 'bm25f', weights: { title: 0.1 } } }))[0]).toBe('2');
    }
  });

  test('weighted terms of objects and of lists score as their dot product', async () => {
    await build(books, { fields }, { columns: { vector: 'utf8?' } });
    const asked = (question: Row, params: object, columns?: Record<string, string>) =>
      runOperator(searchSparse, { root, with: { index: 'i', ...params }, in: [question], columns });
    const hits = await asked({ question_id: 'q', v: '{"x": 2, "y": 0.5}' }, { weights: 'v' });
    expect(hits.map(h => [h.doc_id, h.score])).toEqual([
      ['1', 3.125],
      ['2', 1],
    ]);
    const listed = await asked(
      { question_id: 'q', t: ['x', 'y'], w: [2, 0.5] },
      { weights: { column: 't', weights: 'w' } },
    );
    expect(listed.map(h => h.score)).toEqual([3.125, 1]);
    const both = await asked(
      { question_id: 'q', question: 'red', v: '{"x": 2}' },
      {
        weights: 'v',
        column: 'question',
        similarity: { name: 'ensemble', of: [{ similarity: 'lucene', weight: 0 }, { similarity: 'impact' }] },
      },
    );
    expect(both.map(h => [h.doc_id, h.score])).toEqual([
      ['1', 3],
      ['2', 0],
      ['3', 0],
    ]);
    await build(
      [{ doc_id: 'a', terms: ['x', 'z', 'x'], values: [0.5, 1, 0.25] }],
      { fields: [{ column: 'terms', weights: 'values' }] },
      { columns: { values: 'list<float32>' } },
    );
    const [hit] = await asked({ question_id: 'q', v: '{"x": 1}' }, { weights: 'v' });
    expect(hit.score).toBe(0.75);
  });

  test('feedback and explanations', async () => {
    await build(books, { fields: ['title', 'text'] });
    const plain = await search('book');
    const wide = await search('book', { feedback: { terms: 3 }, explain: true });
    expect(plain.length).toBe(2);
    expect(wide.length).toBe(3);
    for (const hit of wide) {
      const { score, terms, tree } = JSON.parse(hit.explanation as string);
      expect(score).toBe(hit.score);
      expect(tree.value).toBe(hit.score);
      expect(terms.reduce((sum: number, t: { score: number }) => sum + t.score, 0)).toBe(hit.score);
    }
  });

  test('what does not fit is said before any question is read', async () => {
    await build(books, { fields }, { columns: { vector: 'utf8?' } });
    const cases: [Promise<unknown>, string][] = [
      [
        search('x', { field: 'body' }),
        'field "body": the index searches title (text), text (text), vector (weights)',
      ],
      [search('x', { filter: { year: 1 } }), 'filter.year: the index stores no such column'],
      [search('x', { similarity: 'impact' }), 'the query has text'],
      [search('x', { similarity: { name: 'ensemble', of: [] } }), 'ensemble: of: wanted a list'],
      [build(books, { fields: ['title', 'title'] }), 'with.fields: column "title" stands twice'],
      [
        build([{ doc_id: 'a', v: '[1]' }], { fields: [{ column: 'v', kind: 'weights' }] }),
        'column "v": is no object, wanted an object such as {"term": 1.5}',
      ],
      [
        build([{ doc_id: 'a', v: [1] }], { fields: [{ column: 'v', kind: 'weights' }] }),
        'with.fields: column "v" is List<Int32>, wanted Utf8',
      ],
    ];
    for (const [work, message] of cases) await expect(work).rejects.toThrow(message);
  });
});

describe('errors', () => {
  const problem = (work: Promise<unknown>): Promise<UserError> =>
    work.then(
      () => {
        throw new Error('it went through');
      },
      (e: unknown) => e as UserError,
    );

  test('threads over one copy of the index give what one thread gives', async () => {
    await build(
      Array.from({ length: 300 }, (_, i) => ({
        doc_id: `d${i}`,
        text: Array.from({ length: 3 + (i % 5) }, (_, j) => `w${(i * 7 + j * j * 3) % 23}`).join(' '),
      })),
    );
    const questions = Array.from({ length: 130 }, (_, i) => ({
      question_id: `q${i}`,
      question: i === 5 ? 'nowhere' : `w${i % 23} w${(i * 5) % 23} -w${i % 7}`,
    }));
    const asked = (params: object) =>
      runOperator(searchSparse, { root, with: { index: 'i', k: 4, ...params }, in: questions });
    for (const params of [{}, { syntax: 'query', explain: true }, { feedback: true, similarity: 'bm25+' }]) {
      const one = await asked(params);
      expect(one.length).toBeGreaterThan(400);
      expect(await asked({ ...params, threads: 3 })).toEqual(one);
    }
    const error = await problem(asked({ threads: 2, field: 'none' }));
    expect(error.name).toBe('UserError');
    expect((await problem(asked({ threads: 0 }))).message).toContain('with.threads');
  });

  test('instances of one step share the threads and their copy of the index', async () => {
    await build(GOLDEN);
    const [a, b] = [
      await openSearcher(join(root, 'i'), 2, 1 << 24),
      await openSearcher(join(root, 'i'), 2, 1 << 24),
    ];
    expect(b.index).toBe(a.index);
    await a.close();
    await a.close();
    expect((await b.search(['a'], { k: 1 }))[0].docs).toHaveLength(1);
    await b.close();
    const later = await openSearcher(join(root, 'i'), 2, 1 << 24);
    expect(later.index).not.toBe(a.index);
    await later.close();
  });

  test('an index that is not there', async () => {
    const error = await problem(search('x'));
    expect(error.name).toBe('UserError');
    expect(error.message).toContain(`${join(root, 'i')}: there is no index here`);
    expect(error.help).toContain('run the pipeline that builds it');
  });

  test('an index of a newer version', async () => {
    await build(GOLDEN);
    for (const name of await readdir(join(root, 'i'))) {
      if (!/^manifest\.\d+\.json$/.test(name)) continue;
      const file = join(root, 'i', name);
      await writeFile(file, (await readFile(file, 'utf8')).replace(/("(?:version|format)":\s*)\d+/, '$199'));
    }
    expect((await problem(search('x'))).name).toBe('UserError');
  });

  test('a folder that another writer holds', async () => {
    const op = asEngine(indexSparse);
    if (op.shape !== 'sink') throw new Error('index.sparse is a sink');
    const params = parseParams(indexSparse, { path: 'i' });
    const held = await op.open(params, {
      root,
      path: (p: string) => join(root, p),
      step: 's',
      memory: 1 << 26,
      tempFolder: async () => root,
      signal: new AbortController().signal,
      warn: () => {},
      inputs: [{}],
      keys: [['doc_id']],
      full: true,
    });
    const error = await problem(build(GOLDEN));
    expect(error.name).toBe('UserError');
    expect(error.message).toContain('is writing this index');
    await held.close?.();
    await build(GOLDEN);
  });

  test('parameters that cannot be', async () => {
    await mkdir(join(root, 'x'));
    await build(GOLDEN);
    const cases: [Promise<unknown>, string][] = [
      [search('x', { similarity: 'bm26' }), 'with.similarity'],
      [search('x', { similarity: { name: 'lucene', k1: -1 } }), 'with.similarity: lucene: k1 is -1'],
      [search('x', { similarity: { name: 'lucene', mu: 1 } }), 'has no parameter "mu"'],
      [search('x', { columns: { year: 'int32' } }), 'with.columns.year: the index at i does not store it'],
      [search('x', { columns: { text: 'utf8' } }), 'with.columns.text: is a column of every hit already'],
      [
        build(GOLDEN, { analyzer: { name: 'english', stemmer: 'x' } }),
        'with.analyzer: analyzer english: stemmer is "x"',
      ],
      [
        build([{ doc_id: 'a', text: 'x', tags: ['y'] }], { store: ['tags'] }),
        'with.store: column "tags" is List<Utf8>',
      ],
      [build([{ doc_id: 1, text: 'x' }]), 'wants a key of text; column "doc_id" is Int32'],
    ];
    for (const [work, message] of cases) expect((await problem(work)).message).toContain(message);
  });
});
