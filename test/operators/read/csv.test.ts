import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../../operators/read/csv.ts';
import { parseCsv, plainCells } from '../../../operators/read/lib/csv-cells.ts';
import { CsvCutter, eachCsvRecord } from '../../../operators/read/lib/csv-records.ts';
import { failure, folder, read, resumesEverywhere } from './support.ts';

describe('records', () => {
  const dialect = { delimiter: 44, quote: 34 };
  const cell = fc.stringMatching(/^[ab ,"\n\r]{0,6}$/);
  const row = fc.array(cell, { minLength: 1, maxLength: 4 });
  const quote = (text: string): string =>
    /[",\n\r]|^\s|\s$/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;

  test('cut by bytes as fast-csv cuts them, at any block border', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 8 }),
        fc.integer({ min: 1, max: 20 }),
        async (rows, cut) => {
          const text = rows.map(cells => `${cells.map(quote).join(',')}\n`).join('');
          const bytes = Buffer.from(text);
          const records: string[] = [];
          eachCsvRecord(bytes, 1, dialect, (start, end) => {
            records.push(bytes.toString('utf8', start, end));
          });
          expect(records).toHaveLength(rows.length);
          for (const [i, record] of records.entries()) {
            expect(await parseCsv(record, ',', '"')).toEqual([rows[i]]);
            expect(plainCells(record, ',', '"') ?? rows[i]).toEqual(rows[i]);
          }
          const cutter = new CsvCutter(dialect);
          for (let at = 0; at < bytes.length; at += cut)
            cutter.feed(bytes, at, Math.min(bytes.length, at + cut));
          expect(cutter.records).toBe(rows.length);
          expect(cutter.lines).toBe(text.split('\n').length - 1);
        },
      ),
    );
  });
});

test.each([
  ['a,b', ['a', 'b']],
  ['', ['']],
  [',', ['', '']],
  ['"",', ['', '']],
  ['"a""b","c,d"', ['a"b', 'c,d']],
  ['"""",x', ['"', 'x']],
  [' "a",b', undefined],
  ['"a" ,b', undefined],
  ['"a"b', undefined],
  ['"a', undefined],
  ['5" pipe,x', undefined],
  ['a\rb', undefined],
])('cells that are plainly sound: %j', (text, wanted) => {
  expect(plainCells(text, ',', '"')).toEqual(wanted);
});

describe('read.csv', () => {
  test('quotes, newlines in cells, CRLF, byte order mark, no newline at the end', async () => {
    const root = folder({
      'a.csv': '\ufeffid,title,text\r\n1,"a ""b""","x\r\ny"\r\n\r\n2,5" pipe, spaced \r\n3,,"z"',
    });
    const got = await read(readCsv, root, { path: 'a.csv' });
    expect(got.errors).toEqual([]);
    expect(got.rows).toEqual([
      { doc_id: '1', title: 'a "b"', text: 'x\r\ny' },
      { doc_id: '2', title: '5" pipe', text: ' spaced ' },
      { doc_id: '3', title: '', text: 'z' },
    ]);
  });

  test('types by columns; an empty cell is null where it is no text', async () => {
    const root = folder({
      'a.csv':
        'id,n,f,b,tags,o,big\n1,5,2,true,"[""x""]","{""a"":1}",9007199254740993\n2,,,,,,\n3,5.5,x,maybe,x,,\n',
    });
    const columns = {
      id: 'utf8',
      n: 'int32?',
      f: 'float64?',
      b: 'bool?',
      tags: 'list<utf8>?',
      o: 'json?',
      big: 'int64?',
    };
    const got = await read(readCsv, root, { path: 'a.csv', columns });
    expect(got.rows).toEqual([
      { doc_id: '1', n: 5, f: 2, b: true, tags: ['x'], o: '{"a":1}', big: 9007199254740993n },
      { doc_id: '2', n: null, f: null, b: null, tags: null, o: null, big: null },
    ]);
    expect(got.errors.map(e => `${e.where} ${e.message}`)).toEqual([
      'a.csv:4 column "n": found number 5.5, wanted int32',
    ]);
  });

  test('bad records are named by line; the rest is read', async () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `${i},"text, ${i}"`);
    lines[410] = '410,"two\nlines"';
    lines[811 - 1] = '810,"two","three"';
    lines[900] = '900,"x"y';
    lines[901] = '901';
    const root = folder({ 'a.csv': `id,text\n${lines.join('\n')}\n` });
    const got = await read(readCsv, root, { path: 'a.csv' });
    expect(got.rows).toHaveLength(9997);
    expect(got.rows[410]).toEqual({ doc_id: '410', text: 'two\nlines' });
    // line 1 is the header, and one cell holds a newline
    expect(got.errors.map(e => e.where)).toEqual(['a.csv:813', 'a.csv:903', 'a.csv:904']);
    expect(got.errors[0].message).toBe('found 3 cells, wanted 2 (id,text)');
    expect(got.errors[1].message).toContain("expected: ',' OR new line got: 'y'");
    expect(got.errors[2].message).toBe('found 1 cells, wanted 2 (id,text)');
  });

  test('a quote that is not closed names the line where it opens', async () => {
    const root = folder({ 'a.csv': 'id,text\n1,x\n2,"open\n3,y\n' });
    const got = await read(readCsv, root, { path: 'a.csv' });
    expect(got.rows).toHaveLength(1);
    expect(got.errors).toMatchObject([{ where: 'a.csv:3', message: 'a quote is opened and not closed' }]);
    // TSV files often hold quotes that mean nothing
    const plain = await read(readCsv, root, { path: 'a.csv', quote: false });
    expect(plain.rows.map(r => r.text)).toEqual(['x', '"open', 'y']);
  });

  test('TSV by ending, delimiters by parameter, files without header', async () => {
    const root = folder({
      'a.tsv': 'id\ttext\n1\ta, b\n',
      'b.txt': 'id;text\n1;a, b\n',
      'c.csv': '7,seven\n8,"ei,ght"\n',
      'd.tsv.gz': gzipSync('id\ttext\n1\tzipped\n'),
    });
    const rows = async (given: object): Promise<unknown> => (await read(readCsv, root, given)).rows;
    expect(await rows({ path: 'a.tsv' })).toEqual([{ doc_id: '1', text: 'a, b' }]);
    expect(await rows({ path: 'd.tsv.gz' })).toEqual([{ doc_id: '1', text: 'zipped' }]);
    expect(await rows({ path: 'b.txt', delimiter: ';' })).toEqual([{ doc_id: '1', text: 'a, b' }]);
    expect(await rows({ path: 'c.csv', header: false, columns: { id: 'utf8', text: 'utf8' } })).toEqual([
      { doc_id: '7', text: 'seven' },
      { doc_id: '8', text: 'ei,ght' },
    ]);
    expect(await rows({ path: 'c.csv', header: false, text: 'column2' })).toEqual([
      { doc_id: 'c.csv#1', text: 'seven', column1: '7' },
      { doc_id: 'c.csv#2', text: 'ei,ght', column1: '8' },
    ]);
  });

  test('a later file with other columns', async () => {
    const root = folder({ '1.csv': 'id,text,n\n1,a,x\n', '2.csv': 'text,id,extra\nb,2,?\n', '3.csv': '' });
    const got = await read(readCsv, root, { path: '.' });
    expect(got.rows).toEqual([
      { doc_id: '1', text: 'a', n: 'x' },
      { doc_id: '2', text: 'b', n: null },
    ]);
    expect(got.warnings).toHaveLength(1);
    expect(got.warnings[0]).toContain('field "extra"');
  });

  test('headers that name a cell twice, missing columns, invalid UTF-8, no file', async () => {
    const root = folder({
      'a.csv': 'id,text,text\n1,a,b\n',
      'b.csv': Buffer.concat([Buffer.from('id,text\n1,'), Buffer.from([0xe9]), Buffer.from('\n2,ok\n')]),
    });
    expect(await failure(read(readCsv, root, { path: 'a.csv' }))).toContain(
      'a.csv:1: the header names "text" twice',
    );
    expect(
      await failure(read(readCsv, root, { path: 'b.csv', columns: { id: 'utf8', body: 'utf8' } })),
    ).toContain('b.csv has no column "body"; its header is id, text');
    expect(await failure(read(readCsv, root, { path: 'c.csv' }))).toContain('nothing is at c.csv');
    const got = await read(readCsv, root, { path: 'b.csv' });
    expect(got.rows).toEqual([{ doc_id: '2', text: 'ok' }]);
    expect(got.errors[0]).toMatchObject({ where: 'b.csv:2', message: 'the record is not valid UTF-8' });
  });

  test('an empty file has no rows and the columns of documents', async () => {
    const root = folder({ 'a.csv': '' });
    const got = await read(readCsv, root, { path: 'a.csv' });
    expect([got.rows, Object.keys(got.columns)]).toEqual([[], ['doc_id', 'title', 'text']]);
  });

  test('reading on from any position gives the rest exactly', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `"${i}\n",${'w '.repeat(i % 90)}\n`).join('');
    const root = folder({
      'a.csv': `\ufeffid,text\n${rows}`,
      'b.csv.gz': gzipSync(`id,text\n${rows}`),
      'c.csv': 'text,id\nx,1\n',
    });
    const { whole, resumed, wanted } = await resumesEverywhere(readCsv, root, { path: '.' });
    expect(whole.rows).toHaveLength(60_001);
    expect(whole.positions.length).toBeGreaterThan(6);
    expect(whole.progress).toBe(whole.total);
    resumed.forEach((got, i) => {
      expect(got).toEqual(wanted[i]);
    });
  });
});
