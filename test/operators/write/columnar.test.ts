import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Int32,
  LargeUtf8,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  tableFromIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { readArrow } from '../../../operators/read/arrow.ts';
import { readParquet } from '../../../operators/read/parquet.ts';
import { writeArrow } from '../../../operators/write/arrow.ts';
import { writeParquet } from '../../../operators/write/parquet.ts';
import {
  batchFromRows,
  bool,
  type Columns,
  fixedList,
  float32,
  float64,
  int32,
  int64,
  list,
  nullable,
  utf8,
} from '../../../src/arrow/index.ts';
import { failure, folder, type Row, read, resumesEverywhere, write } from '../read/support.ts';

const COLUMNS: Columns = {
  doc_id: utf8(),
  text: nullable(utf8()),
  n: nullable(int32()),
  l: nullable(int64()),
  f: nullable(float64()),
  b: nullable(bool()),
  a: nullable(list(utf8())),
  v: nullable(fixedList(2, float32())),
};
const ROWS: Row[] = Array.from({ length: 3000 }, (_, i) => ({
  doc_id: `d${i}`,
  text: i % 7 ? `서울 ${'x'.repeat(i % 50)}` : null,
  n: i % 5 ? i : null,
  l: i % 3 ? BigInt(i) * 10_000_000_000n : null,
  f: i / 8,
  b: i % 2 === 0,
  a: i % 4 ? [`a${i}`, ''].slice(0, i % 3) : null,
  v: [i, -i],
}));
const whole = batchFromRows(COLUMNS, ROWS);
const cut = [0, 700, 701, 2000, 3000];
const changes = cut.slice(1).map((end, i) => ({ upserts: whole.slice(cut[i], end) }));

const pairs = [
  { name: 'arrow file', write: writeArrow, read: readArrow, with: { path: 'a.arrow' } },
  { name: 'arrow stream', write: writeArrow, read: readArrow, with: { path: 'a.arrow', format: 'stream' } },
  { name: 'parquet', write: writeParquet, read: readParquet, with: { path: 'a.parquet' } },
  {
    name: 'parquet, snappy',
    write: writeParquet,
    read: readParquet,
    with: { path: 'a.parquet', compression: 'snappy' },
  },
];

describe.each(pairs)('$name', ({ write: sink, read: source, with: given }) => {
  test('what is written is read back the same, slices included', async () => {
    const root = folder();
    await write(sink as never, root, given, COLUMNS, changes);
    const got = await read(source as never, root, { path: given.path });
    expect(got.errors).toEqual([]);
    expect(got.warnings).toEqual([]);
    expect(got.rows).toEqual(ROWS);
  });

  test('no rows, and one', async () => {
    for (const rows of [[], ROWS.slice(0, 1)]) {
      const root = folder();
      const upserts = batchFromRows(COLUMNS, rows);
      await write(sink as never, root, given, COLUMNS, rows.length ? [{ upserts }] : []);
      const got = await read(source as never, root, { path: given.path });
      expect(got.rows).toEqual(rows);
      expect(Object.keys(got.columns)).toEqual(Object.keys(COLUMNS));
    }
  });

  test('the same rows give the same bytes', async () => {
    const root = folder();
    await write(sink as never, root, given, COLUMNS, changes);
    const first = readFileSync(join(root, given.path));
    // however they are cut
    await write(sink as never, root, given, COLUMNS, [{ upserts: whole }]);
    expect(readFileSync(join(root, given.path)).equals(first)).toBe(true);
  });

  test('reading on from any position gives the rest exactly', async () => {
    const root = folder();
    const columns = { doc_id: utf8(), text: utf8(), n: nullable(int32()) };
    const rows = Array.from({ length: 2500 }, (_, i) => ({
      doc_id: `d${i}`,
      text: `${i} `.repeat(i % 500),
      n: i % 3 ? i : null,
    }));
    for (const name of ['1', '2'])
      await write(sink as never, root, { ...given, path: `${name}-${given.path}` }, columns, [
        { upserts: batchFromRows(columns, rows) },
      ]);
    const { whole: all, resumed, wanted } = await resumesEverywhere(source as never, root, { path: '.' });
    expect(all.positions.length).toBeGreaterThan(3);
    expect(all.rows).toEqual([...rows, ...rows]);
    expect(all.progress).toBeLessThanOrEqual(all.total as number);
    resumed.forEach((got, i) => {
      expect(got).toEqual(wanted[i]);
    });
  });

  test('large rows come in batches of about a megabyte', async () => {
    const root = folder();
    const columns = { doc_id: utf8(), text: utf8() };
    const rows = Array.from({ length: 60 }, (_, i) => ({
      doc_id: `d${i}`,
      text: String(i % 10).repeat(100_000),
    }));
    await write(sink as never, root, given, columns, [{ upserts: batchFromRows(columns, rows) }]);
    const got = await read(source as never, root, { path: given.path });
    expect(got.rows).toEqual(rows);
    expect(Math.max(...got.batches.map(b => b.numRows))).toBeLessThanOrEqual(12);
  });

  test('keys: numbers become text, nulls and other types are row errors, made where none is', async () => {
    const root = folder();
    const columns = { id: nullable(int64()), text: utf8() };
    const rows = [{ id: 5n, text: 'a' }, { text: 'b' }, { id: 7n, text: 'c' }];
    await write(sink as never, root, given, columns, [{ upserts: batchFromRows(columns, rows) }]);
    const got = await read(source as never, root, { path: given.path });
    expect(got.rows).toEqual([
      { doc_id: '5', text: 'a' },
      { doc_id: '7', text: 'c' },
    ]);
    expect(got.errors).toEqual([
      { where: `${given.path}:2`, message: 'column "id": found null, wanted a value' },
    ]);
    const made = await read(source as never, root, { path: given.path, columns: { text: 'utf8' } });
    expect(made.rows.map(r => r.doc_id)).toEqual([1, 2, 3].map(n => `${given.path}#${n}`));
  });

  test('drift between files', async () => {
    const root = folder();
    const one = { id: utf8(), text: utf8(), n: int32(), f: float64() };
    const two = { text: utf8(), id: utf8(), n: utf8(), f: int32(), late: utf8() };
    await write(sink as never, root, { ...given, path: `1-${given.path}` }, one, [
      { upserts: batchFromRows(one, [{ id: 'a', text: 'x', n: 1, f: 0.5 }]) },
    ]);
    await write(sink as never, root, { ...given, path: `2-${given.path}` }, two, [
      {
        upserts: batchFromRows(two, [
          { id: 'b', text: 'y', n: 'many', f: 2, late: '!' },
          { id: 'c', text: 'z', n: null, f: 3 },
        ]),
      },
    ]);
    const got = await read(source as never, root, { path: '.' });
    expect(got.rows).toEqual([
      { doc_id: 'a', text: 'x', n: 1, f: 0.5 },
      { doc_id: 'c', text: 'z', n: null, f: 3 },
    ]);
    expect(got.errors.map(e => `${e.where} ${e.message}`)).toEqual([
      `2-${given.path}:1 column "n": found text "many", wanted Int32`,
    ]);
    expect(got.warnings).toHaveLength(1);
    expect(got.warnings[0]).toContain('field "late"');
  });

  test('files that are empty, cut short or of another format', async () => {
    const root = folder({ 'e.bin': '', 'x.bin': 'this is neither Arrow nor Parquet, just some text\n' });
    await write(sink as never, root, given, COLUMNS, changes);
    const bytes = readFileSync(join(root, given.path));
    const cutRoot = folder({ [given.path]: bytes.subarray(0, Math.floor(bytes.length / 2)) });
    for (const [where, path] of [
      [root, 'e.bin'],
      [root, 'x.bin'],
      [cutRoot, given.path],
    ] as const) {
      const message = await failure(read(source as never, where, { path }));
      expect(message).toContain('UserError');
      expect(message).toContain(path);
    }
    expect(await failure(read(source as never, root, { path: 'none.bin' }))).toContain(
      'nothing is at none.bin',
    );
  });
});

describe('read.arrow', () => {
  const values = ['서울', 'b', '서울', null];
  const schema = new Schema([
    new Field('doc_id', new LargeUtf8(), true),
    new Field('kind', new Dictionary(new Utf8(), new Int32(), 7), true),
    new Field('day', new DateDay(), true),
    new Field('at', new TimestampMillisecond(), true),
    new Field('meta', new Struct([new Field('a', new Int32(), true)]), true),
    new Field('price', new Decimal(2, 10, 128), true),
  ]);
  const table = new Table(schema, {
    doc_id: vectorFromArray(['1', '2', '3', '4'], new LargeUtf8()),
    kind: vectorFromArray(values, schema.fields[1].type),
    day: vectorFromArray([new Date('2020-02-03'), null, null, null], new DateDay()),
    at: vectorFromArray([new Date('2020-02-03T04:05:06.007Z'), null, null, null], new TimestampMillisecond()),
    meta: vectorFromArray([{ a: 1 }, null, { a: null }, { a: 2 }], schema.fields[4].type),
    price: vectorFromArray([null, null, null, null], schema.fields[5].type),
  } as never);

  test.each([
    ['file', RecordBatchFileWriter],
    ['stream', RecordBatchStreamWriter],
  ])('types that do not flow are made plain: %s', async (_, Writer) => {
    const root = folder({ 'a.arrow': Writer.writeAll(table).toUint8Array(true) });
    const got = await read(readArrow, root, { path: 'a.arrow' });
    expect(got.rows).toEqual([
      { doc_id: '1', kind: '서울', day: '2020-02-03', at: '2020-02-03T04:05:06.007Z', meta: '{"a":1}' },
      { doc_id: '2', kind: 'b', day: null, at: null, meta: null },
      { doc_id: '3', kind: '서울', day: null, at: null, meta: '{"a":null}' },
      { doc_id: '4', kind: null, day: null, at: null, meta: '{"a":2}' },
    ]);
    expect(got.warnings).toHaveLength(1);
    expect(got.warnings[0]).toContain('columns that cannot be read are left out: price');
  });
});

test('write.arrow is read by Arrow itself, batch by batch', async () => {
  const root = folder();
  await write(writeArrow, root, { path: 'a.arrow' }, COLUMNS, changes);
  const table = tableFromIPC(readFileSync(join(root, 'a.arrow')));
  expect(table.batches.map(b => b.numRows)).toEqual([3000]);
  expect(table.getChild('text')?.toArray()).toHaveLength(3000);
  expect(table.get(2999)?.toJSON()).toMatchObject({ doc_id: 'd2999', f: 374.875 });
});

describe('parquetjs-lite', () => {
  const parquet = createRequire(import.meta.url)('parquetjs-lite');

  test('what it writes is read', async () => {
    const root = folder();
    const path = join(root, 'a.parquet');
    for (const compression of ['UNCOMPRESSED', 'SNAPPY', 'GZIP']) {
      const schema = new parquet.ParquetSchema({
        id: { type: 'UTF8', compression },
        text: { type: 'UTF8', optional: true, compression },
        n: { type: 'INT32', compression },
        f: { type: 'DOUBLE', compression },
        b: { type: 'BOOLEAN', compression },
      });
      const writer = await parquet.ParquetWriter.openFile(schema, path);
      writer.setRowGroupSize(100);
      const rows = Array.from({ length: 250 }, (_, i) => ({
        id: `d${i}`,
        ...(i % 3 ? { text: `서울 ${i}` } : {}),
        n: i,
        f: i / 4,
        b: i % 2 === 0,
      }));
      for (const row of rows) await writer.appendRow(row);
      await writer.close();
      const got = await read(readParquet, root, { path: 'a.parquet' });
      expect(got.rows).toEqual(
        rows.map(({ id, n, f, b, text }) => ({ doc_id: id, text: text ?? null, n, f, b })),
      );
    }
  });

  test.each(['none', 'snappy'])('it reads our flat files: %s', async compression => {
    const root = folder();
    const columns = { doc_id: utf8(), text: nullable(utf8()), n: int32(), f: float64() };
    const rows = Array.from({ length: 300 }, (_, i) => ({
      doc_id: `d${i}`,
      text: i % 3 ? `서울 ${i}` : null,
      n: i,
      f: i / 4,
    }));
    await write(writeParquet, root, { path: 'a.parquet', compression, dictionary: false }, columns, [
      { upserts: batchFromRows(columns, rows) },
    ]);
    const reader = await parquet.ParquetReader.openFile(join(root, 'a.parquet'));
    const cursor = reader.getCursor();
    const got: Row[] = [];
    for (let row = await cursor.next(); row; row = await cursor.next()) got.push(row);
    await reader.close();
    expect(got).toEqual(rows.map(r => (r.text === null ? { doc_id: r.doc_id, n: r.n, f: r.f } : r)));
  });
});
