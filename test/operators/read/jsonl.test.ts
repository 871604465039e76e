import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readJsonl } from '../../../operators/read/jsonl.ts';
import { typeName } from '../../../src/arrow/index.ts';
import { failure, folder, read, resumesEverywhere } from './support.ts';

const lines = (rows: readonly object[]): string => rows.map(r => `${JSON.stringify(r)}\n`).join('');
const types = (columns: Awaited<ReturnType<typeof read>>['columns']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, c]) => [name, typeName(c.type) + (c.nullable ? '?' : '')]),
  );

describe('columns', () => {
  test('are inferred from the head: text, numbers, lists, JSON', async () => {
    const root = folder({
      'a.jsonl': lines([
        {
          id: 1,
          text: 'x',
          n: 1,
          big: 5_000_000_000,
          f: 1,
          b: true,
          tags: [],
          v: [1],
          o: { k: [1] },
          z: null,
        },
        { id: 2, text: 'y', n: -3, big: 1, f: 0.5, b: false, tags: ['t'], v: [0.5], o: 'any', z: null },
      ]),
    });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(types(got.columns)).toEqual({
      doc_id: 'Utf8',
      text: 'Utf8?',
      n: 'Int32?',
      big: 'Int64?',
      f: 'Float64?',
      b: 'Bool?',
      tags: 'List<Utf8>?',
      v: 'List<Float64>?',
      o: 'Utf8?',
      z: 'Utf8?',
    });
    expect(got.rows).toEqual([
      {
        doc_id: '1',
        text: 'x',
        n: 1,
        big: 5_000_000_000n,
        f: 1,
        b: true,
        tags: [],
        v: [1],
        o: '{"k":[1]}',
        z: null,
      },
      {
        doc_id: '2',
        text: 'y',
        n: -3,
        big: 1n,
        f: 0.5,
        b: false,
        tags: ['t'],
        v: [0.5],
        o: '"any"',
        z: null,
      },
    ]);
  });

  test('fields that objects inherit are fields like others', async () => {
    const root = folder({ 'a.jsonl': '{"id":"a","text":"x","constructor":"c"}\n{"id":"b","text":"y"}\n' });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(got.rows).toEqual([
      { doc_id: 'a', text: 'x', constructor: 'c' },
      { doc_id: 'b', text: 'y', constructor: null },
    ]);
  });

  test('are what the parameter says, and nothing else', async () => {
    const root = folder({
      'a.jsonl': lines([{ doc_id: 'a', text: 't', year: 3, vector: [1, 2], meta: { a: 1 } }]),
    });
    const columns = { doc_id: 'utf8', year: 'float64', vector: 'fixed<2,float32>', meta: 'json?' };
    const got = await read(readJsonl, root, { path: 'a.jsonl', columns });
    expect(got.rows).toEqual([{ doc_id: 'a', year: 3, vector: [1, 2], meta: '{"a":1}' }]);
    expect(got.warnings).toEqual([]);
    expect(await failure(read(readJsonl, root, { path: 'a.jsonl', columns: { a: 'string' } }))).toContain(
      'with.columns.a: "string" is no column type',
    );
  });

  test('drift: late fields are left out with one warning, missing ones null, other types row errors', async () => {
    const root = folder({
      '1.jsonl': lines([{ id: 'a', text: 'one', n: 1, f: 0.5 }]),
      '2.jsonl': lines([
        { id: 'b', text: 'two', late: 1, f: 2 },
        { id: 'c', text: 'three', n: 'many', late: 2 },
        { id: 'd', text: 4 },
        { id: 'e', text: 'five', n: 2.5 },
        { id: 'f', text: 'six', n: 3e9 },
        { id: null, text: 'seven' },
        { id: '', text: 'eight' },
      ]),
    });
    const got = await read(readJsonl, root, { path: '.' });
    expect(got.rows).toEqual([
      { doc_id: 'a', text: 'one', n: 1, f: 0.5 },
      { doc_id: 'b', text: 'two', n: null, f: 2 },
    ]);
    expect(got.warnings).toEqual([
      'field "late" was not in the head of the first file and is left out; name it in with.columns to keep it',
    ]);
    const guessed = (field: string) =>
      `(guessed from 1.jsonl, the first file with records; columns: { ${field}: ... } declares it)`;
    expect(got.errors.map(e => `${e.where} ${e.message}`)).toEqual([
      `2.jsonl:2 column "n": found text "many", wanted int32 ${guessed('n')}`,
      `2.jsonl:3 column "text": found number 4, wanted utf8 ${guessed('text')}`,
      `2.jsonl:4 column "n": found number 2.5, wanted int32 ${guessed('n')}`,
      `2.jsonl:5 column "n": found 3000000000, wanted int32 (-2147483648 to 2147483647) ${guessed('n')}`,
      '2.jsonl:6 column "id": found null, wanted a value',
      '2.jsonl:7 column "id": the key is empty',
    ]);
    expect(got.errors[0].record).toBe('{"id":"c","text":"three","n":"many","late":2}');
    // a key's type is never a guess, nor is a declared one
    expect(got.errors.map(e => e.help !== undefined)).toEqual([true, true, true, true, false, false]);
    const columns = { id: 'utf8', text: 'utf8', n: 'int32?' };
    const declared = await read(readJsonl, root, { path: '.', columns });
    expect(declared.errors[0]).toEqual({
      where: '2.jsonl:2',
      message: 'column "n": found text "many", wanted int32',
      record: expect.any(String),
    });
  });
});

describe('keys and names', () => {
  test('doc_id, else _id, else id, else file and line', async () => {
    const root = folder({
      'a.jsonl': lines([{ id: 'i', _id: 'u', doc_id: 'd', text: '' }]),
      'b.jsonl': lines([{ id: 'i', _id: 'u', text: '' }]),
      'c.jsonl': '\n{"text":"x"}\n\n{"text":"y"}\n',
    });
    const ids = async (path: string, more = {}): Promise<unknown[]> =>
      (await read(readJsonl, root, { path, ...more })).rows.map(r => r.doc_id);
    expect(await ids('a.jsonl')).toEqual(['d']);
    expect(await ids('b.jsonl')).toEqual(['u']);
    expect(await ids('a.jsonl', { id: '_id' })).toEqual(['u']);
    expect(await ids('c.jsonl')).toEqual(['c.jsonl#2', 'c.jsonl#4']);
    // found in a folder, the name is the path in it
    expect(await ids('.', { columns: { text: 'utf8' } })).toEqual([
      'a.jsonl#1',
      'b.jsonl#1',
      'c.jsonl#2',
      'c.jsonl#4',
    ]);
  });

  test('a number that JSON does not hold exactly is no key', async () => {
    const root = folder({ 'a.jsonl': '{"id": 12345678901234567890, "text": "x"}\n' });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(got.errors[0].message).toContain('above 2^53');
  });

  test('a key of several columns, and rows that are no documents', async () => {
    const root = folder({ 'h.jsonl': lines([{ question_id: 'q', rank: 0, score: 1.5 }]) });
    const got = await read(readJsonl, root, { path: 'h.jsonl', key: ['question_id', 'rank'] });
    expect(got.key).toEqual(['question_id', 'rank']);
    expect(types(got.columns)).toEqual({ question_id: 'Utf8', rank: 'Int32', score: 'Float64?' });
    expect(
      await failure(read(readJsonl, root, { path: 'h.jsonl', key: ['question_id', 'place'] })),
    ).toContain('with.key: h.jsonl has no field "place"; the fields are question_id, rank, score');
  });

  test('a named field that is not there; a text that is named otherwise', async () => {
    const root = folder({ 'a.jsonl': lines([{ id: 'a', contents: 'x', name: 'N' }]) });
    expect(await failure(read(readJsonl, root, { path: 'a.jsonl', text: 'content' }))).toContain(
      'with.text: a.jsonl has no field "content"; the fields are id, contents, name | did you mean "contents"?',
    );
    expect(await failure(read(readJsonl, root, { path: 'a.jsonl' }))).toContain('with.text: contents');
    const got = await read(readJsonl, root, { path: 'a.jsonl', text: 'contents', title: 'name' });
    expect(got.rows).toEqual([{ doc_id: 'a', title: 'N', text: 'x' }]);
    expect(Object.keys(got.rows[0])).toEqual(['doc_id', 'title', 'text']);
  });
});

describe('bad input', () => {
  test('line 812 of 10,000 is broken: the others are read', async () => {
    const rows = Array.from(
      { length: 10_000 },
      (_, i) => `{"id":"d${i + 1}","text":"some text of row ${i + 1}"}`,
    );
    rows[811] = '{"id":"d812","text":"cut';
    const root = folder({ 'data/a.jsonl': rows.join('\n') });
    const got = await read(readJsonl, root, { path: 'data/a.jsonl' });
    expect(got.rows).toHaveLength(9999);
    expect(got.rows[811].doc_id).toBe('d813');
    expect(got.errors).toHaveLength(1);
    expect(got.errors[0].where).toBe('data/a.jsonl:812');
    expect(got.errors[0].message).toContain('not JSON');
    expect(got.errors[0].record).toBe('{"id":"d812","text":"cut');
  });

  test('byte order mark, CRLF, blank lines, no newline at the end', async () => {
    const root = folder({ 'a.jsonl': '\ufeff{"id":"a","text":"x"}\r\n\r\n  \n{"id":"b","text":"y\\r"}' });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(got.rows).toEqual([
      { doc_id: 'a', text: 'x' },
      { doc_id: 'b', text: 'y\r' },
    ]);
    expect(got.errors).toEqual([]);
  });

  test('a line of 5 MB among short ones, plain and compressed', async () => {
    const long = 'x'.repeat(5_000_000);
    const text = lines([
      { id: 'a', text: 's' },
      { id: 'b', text: long },
      { id: 'c', text: 't' },
    ]);
    const root = folder({ 'a.jsonl': text, 'b.jsonl.gz': gzipSync(text) });
    for (const path of ['a.jsonl', 'b.jsonl.gz']) {
      const got = await read(readJsonl, root, { path });
      expect(got.rows.map(r => (r.text as string).length)).toEqual([1, 5_000_000, 1]);
    }
  });

  test('invalid UTF-8 is a row error; UTF-16 is refused', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"id":"a","text":"é"}\n{"id":"b","text":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}\n{"id":"c","text":"서울"}\n'),
    ]);
    const root = folder({ 'a.jsonl': bad, 'b.jsonl': Buffer.from('\ufeff{"id":"a"}\n', 'utf16le') });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(got.rows.map(r => r.text)).toEqual(['é', '서울']);
    expect(got.errors.map(e => [e.where, e.message])).toEqual([['a.jsonl:2', 'the line is not valid UTF-8']]);
    expect(await failure(read(readJsonl, root, { path: 'b.jsonl' }))).toContain('b.jsonl is UTF-16');
  });

  test('records that are no objects; files that are no JSONL', async () => {
    const root = folder({
      'a.jsonl': '{"id":"a","text":"x"}\n[1]\n"text"\nnull\n7\n',
      'list.json': '[\n{"id":"a"}\n]\n',
      'one-list.json': '[{"id":"a"},{"id":"b"}]',
      'text.jsonl': 'just words\n',
    });
    const got = await read(readJsonl, root, { path: 'a.jsonl' });
    expect(got.errors.map(e => e.message)).toEqual([
      'found a list, wanted a JSON object',
      'found text, wanted a JSON object',
      'found null, wanted a JSON object',
      'found a number, wanted a JSON object',
    ]);
    expect(await failure(read(readJsonl, root, { path: 'one-list.json' }))).toContain(
      "jq -c '.[]' one-list.json",
    );
    expect(await failure(read(readJsonl, root, { path: 'text.jsonl' }))).toContain(
      'no line at its head is a JSON object; line 1 is just words',
    );
  });

  test('an empty corpus has no rows and the columns of documents', async () => {
    const root = folder({ 'a.jsonl': '', 'b.jsonl': '\n\n' });
    const got = await read(readJsonl, root, { path: '.' });
    expect(got.rows).toEqual([]);
    expect(types(got.columns)).toEqual({ doc_id: 'Utf8', title: 'Utf8?', text: 'Utf8?' });
    expect(got.warnings).toEqual(['all 2 files held no records']);
  });

  test('the head is that of the first file with records', async () => {
    const root = folder({ 'a.jsonl': '', 'b.jsonl': lines([{ id: 'a', text: 'x' }]) });
    expect((await read(readJsonl, root, { path: '.' })).rows).toEqual([{ doc_id: 'a', text: 'x' }]);
  });

  test('a gzip file that is cut short', async () => {
    const whole = gzipSync(
      Buffer.from(lines(Array.from({ length: 3000 }, (_, i) => ({ id: i, text: `t${i * 7919}` })))),
    );
    const root = folder({ 'a.jsonl.gz': whole.subarray(0, whole.length - 9) });
    expect(await failure(read(readJsonl, root, { path: 'a.jsonl.gz' }))).toContain(
      'a.jsonl.gz: the gzip data ends too early',
    );
  });
});

test('reading on from any position gives the rest exactly', async () => {
  const file = (name: string, n: number): string =>
    Array.from(
      { length: n },
      (_, i) => `{"text":"${name} ${i} ${'한글 '.repeat(i % 60)}"}\n${i % 7 ? '' : '\n'}`,
    ).join('');
  const root = folder({
    'a.jsonl': `\ufeff${file('a', 12_000)}`,
    'b.jsonl': '',
    'c.jsonl.gz': gzipSync(file('c', 15_000)),
    'd.jsonl': file('d', 10),
  });
  const { whole, resumed, wanted } = await resumesEverywhere(readJsonl, root, { path: '.' });
  expect(whole.positions.length).toBeGreaterThan(6);
  expect(whole.rows).toHaveLength(27_010);
  expect(whole.progress).toBe(whole.total);
  resumed.forEach((rows, i) => {
    expect(rows).toEqual(wanted[i]);
  });
});
