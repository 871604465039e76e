import { existsSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { datasets } from '../../../datasets/index.ts';
import { readBeir } from '../../../operators/read/beir.ts';
import { readDataset } from '../../../operators/read/dataset.ts';
import { readSquad } from '../../../operators/read/squad.ts';
import { failure, folder, read, resumesEverywhere } from './support.ts';

const DATA = process.env.MILLRACE_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
const there = existsSync(`${DATA}/korquad1`);
if (!there) console.warn(`skipped: tests of read.squad on published files, which are not in ${DATA}`);

const squad = (paragraphs: object[]): string =>
  JSON.stringify({ version: '1', data: [{ title: 'T', paragraphs }] });

describe('read.squad', () => {
  test('equal contexts are one row, over files too; questions name them', async () => {
    const root = folder({
      '1.json': squad([{ context: 'abc', qas: [{ id: 'q1', question: 'a?', answers: [] }] }]),
      '2.json': squad([
        { context: 'abc', qas: [{ id: 2, question: 'b?', answers: [{ text: 'c', answer_start: 2 }] }] },
        { context: 'def', qas: [] },
      ]),
    });
    const contexts = await read(readSquad, root, { path: '.', take: 'contexts' });
    // the first 16 hex digits of the published SHA-256 of "abc"
    expect(contexts.rows).toEqual([
      { doc_id: 'ba7816bf8f01cfea', title: 'T', text: 'abc' },
      { doc_id: 'cb8379ac2098aa16', title: 'T', text: 'def' },
    ]);
    const questions = await read(readSquad, root, { path: '.', take: 'questions' });
    expect(questions.rows.map(r => [r.question_id, r.doc_ids, r.answerable])).toEqual([
      ['q1', ['ba7816bf8f01cfea'], false],
      ['2', ['ba7816bf8f01cfea'], true],
    ]);
    expect(questions.key).toEqual(['question_id']);
  });

  test('offsets are converted to UTF-16 and checked', async () => {
    const context = '𝒜𝒷 서울 🐜x';
    const qa = (id: string, text: string, answer_start: number): object => ({
      id,
      question: '?',
      answers: [{ text, answer_start }],
    });
    const root = folder({
      'a.json': squad([
        {
          context,
          qas: [qa('a', '서울', 3), qa('b', 'x', 7), qa('c', '🐜x', 6), qa('d', '서울', 5), qa('e', 'x', 99)],
        },
      ]),
    });
    const got = await read(readSquad, root, { path: 'a.json', take: 'questions' });
    expect(got.rows.map(r => r.answer_starts)).toEqual([[5], [10], [8]]);
    for (const row of got.rows)
      expect(context.startsWith((row.answers as string[])[0], (row.answer_starts as number[])[0])).toBe(true);
    expect(got.errors.map(e => `${e.where} ${e.message}`)).toEqual([
      'a.json:data[0].paragraphs[0].qas[3] found " 🐜" at answer_start 5 (code points), wanted the answer "서울"',
      'a.json:data[0].paragraphs[0].qas[4] found the end at answer_start 99 (code points), wanted the answer "x"',
    ]);
  });

  test('unanswerable questions have no answers', async () => {
    const root = folder({
      'a.json': squad([
        {
          context: 'abc',
          qas: [
            {
              id: 'q',
              question: '?',
              is_impossible: true,
              answers: [],
              plausible_answers: [{ text: 'a', answer_start: 0 }],
            },
          ],
        },
      ]),
    });
    const got = await read(readSquad, root, { path: 'a.json', take: 'questions' });
    expect(got.rows).toMatchObject([{ answers: [], answer_starts: [], answerable: false }]);
  });

  test('broken records and files of another format', async () => {
    const root = folder({
      'a.json': JSON.stringify({
        data: [{ title: 'x' }, { paragraphs: [{ qas: [] }, { context: 'ok', qas: [{ id: 'q' }] }] }],
      }),
      'b.json': '{"questions": []}',
      'c.json': '{"data": [',
    });
    const got = await read(readSquad, root, { path: 'a.json', take: 'questions' });
    expect(got.errors.map(e => [e.where, e.message])).toEqual([
      ['a.json:data[0]', 'found no list "paragraphs"'],
      ['a.json:data[1].paragraphs[0]', 'found no text "context"'],
      ['a.json:data[1].paragraphs[1].qas[0]', 'found no text "question"'],
    ]);
    expect(await failure(read(readSquad, root, { path: 'b.json', take: 'contexts' }))).toContain(
      'b.json has no list "data"; its fields are questions',
    );
    expect(await failure(read(readSquad, root, { path: 'c.json', take: 'contexts' }))).toContain(
      'c.json is not JSON',
    );
  });

  test('reading on from any position gives the rest exactly', async () => {
    const paragraphs = (n: number): object[] =>
      Array.from({ length: 2500 }, (_, i) => ({
        context: `context ${i % 2000} of ${i % 2000 < 1500 ? 0 : n}`,
        qas: [{ id: `${n}-${i}`, question: '?', answers: [] }],
      }));
    const root = folder({ '1.json': squad(paragraphs(1)), '2.json.gz': gzipSync(squad(paragraphs(2))) });
    for (const take of ['contexts', 'questions']) {
      const { whole, resumed, wanted } = await resumesEverywhere(readSquad, root, { path: '.', take });
      expect(whole.positions.length).toBeGreaterThan(2);
      expect(whole.rows).toHaveLength(take === 'contexts' ? 2500 : 5000);
      resumed.forEach((rows, i) => {
        expect(rows).toEqual(wanted[i]);
      });
    }
  });

  test.runIf(there).each([
    ['korquad1/KorQuAD_v1.0_dev.json', 961, 5774, 0],
    ['squadshifts/new_wiki_v1.0.json', 1581, 7938, 0],
    ['squad2-dev/dev-half.dev-v2.0.json', 646, 6078, 3168],
  ])('%s as published', async (file, contexts, questions, unanswerable) => {
    const path = `${DATA}/${file}`;
    const texts = new Map(
      (await read(readSquad, '/', { path, take: 'contexts' })).rows.map(r => [
        r.doc_id as string,
        r.text as string,
      ]),
    );
    expect(texts.size).toBe(contexts);
    const got = await read(readSquad, '/', { path, take: 'questions' });
    expect(got.errors).toEqual([]);
    expect(got.rows).toHaveLength(questions);
    expect(got.rows.filter(r => !r.answerable)).toHaveLength(unanswerable);
    for (const row of got.rows) {
      const text = texts.get((row.doc_ids as string[])[0]) as string;
      (row.answers as string[]).forEach((answer, i) => {
        const start = (row.answer_starts as number[])[i];
        expect(text.slice(start, start + answer.length)).toBe(answer);
      });
    }
  });
});

describe('read.beir', () => {
  const files = {
    'b/corpus.jsonl':
      '{"_id":"d1","title":"","text":"one","metadata":{"a":1}}\n{"_id":"d2","text":"two"}\n{"_id":null,"text":"x"}\n',
    'b/queries.jsonl.gz': gzipSync(
      '{"_id":"q1","text":"who?"}\n{"_id":"q2","text":"what?"}\n{"_id":"q3","text":"why?"}\nbroken\n',
    ),
    'b/qrels/test.tsv': 'query-id\tcorpus-id\tscore\r\nq1\td2\t1\r\nq3\td1\t0\r\n',
    'b/qrels/dev.tsv': 'q2\td1\t2\n',
  };
  test('corpus and queries of a split', async () => {
    const root = folder(files);
    const corpus = await read(readBeir, root, { path: 'b', take: 'corpus' });
    expect(corpus.rows).toEqual([
      { doc_id: 'd1', title: '', text: 'one' },
      { doc_id: 'd2', title: null, text: 'two' },
    ]);
    expect(corpus.errors.map(e => e.where)).toEqual(['b/corpus.jsonl:3']);
    const queries = await read(readBeir, root, { path: 'b', take: 'queries' });
    expect(queries.rows).toEqual([
      { question_id: 'q1', question: 'who?', doc_ids: ['d2'], relevance: [1] },
      { question_id: 'q3', question: 'why?', doc_ids: [], relevance: [] },
    ]);
    expect(queries.errors.map(e => e.where)).toEqual(['b/queries.jsonl.gz:4']);
    const dev = await read(readBeir, root, { path: 'b', take: 'queries', split: 'dev', all: true });
    expect(dev.rows.map(r => [r.question_id, r.relevance])).toEqual([
      ['q1', []],
      ['q2', [2]],
      ['q3', []],
    ]);
  });
  test('what is missing or wrong is named', async () => {
    const root = folder({ ...files, 'b/qrels/bad.tsv': 'query-id\tcorpus-id\tscore\nq1 d2 1\n' });
    expect(await failure(read(readBeir, root, { path: 'b', take: 'queries', split: 'tets' }))).toContain(
      "nothing is at b/qrels/tets.tsv, wanted a BEIR folder's qrels/tets.tsv",
    );
    expect(await failure(read(readBeir, root, { path: 'b', take: 'queries', split: 'bad' }))).toContain(
      'b/qrels/bad.tsv:2: found "q1 d2 1", wanted query-id, corpus-id and a whole score between tabs',
    );
    expect(await failure(read(readBeir, root, { path: 'c', take: 'corpus' }))).toContain(
      'nothing is at c/corpus.jsonl',
    );
  });
});

describe('read.dataset', () => {
  test('gives the rows that a dataset declares', async () => {
    const dataset = datasets.find(d => d.name === 'factbook');
    const take = dataset?.takes.documents;
    const got = await read(readDataset, '/', { name: 'factbook', take: 'documents' });
    expect(Object.keys(got.columns)).toEqual(Object.keys(take?.columns ?? {}));
    expect(got.key).toEqual(take?.key);
    expect(new Set(got.rows.map(r => r.doc_id)).size).toBe(got.rows.length);
    expect(got.rows.length).toBeGreaterThan(2000);
    const middle = got.positions[1];
    const rest = await read(readDataset, '/', { name: 'factbook', take: 'documents' }, middle);
    const before = got.batches[0].numRows + got.batches[1].numRows;
    expect(rest.rows).toEqual(got.rows.slice(before));
  });
  test('unknown names, takes and splits', async () => {
    expect(await failure(read(readDataset, '/', { name: 'factbok' }))).toMatch(
      /with\.name: no dataset "factbok".*factbook/,
    );
    expect(await failure(read(readDataset, '/', { name: 'factbook', take: 'rows' }))).toContain(
      'with.take: dataset "factbook" has no "rows"; there are: documents',
    );
    expect(
      await failure(read(readDataset, '/', { name: 'factbook', take: 'questions', split: 'x' })),
    ).toContain('with.split: dataset "factbook" has no split "x"');
  });
  test('data that is not there', async () => {
    const root = folder();
    expect(await failure(read(readDataset, root, { name: 'korquad1', folder: '.' }))).toContain(
      'is not there',
    );
  });
});
