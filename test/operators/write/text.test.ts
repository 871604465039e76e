import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Binary } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../../operators/read/csv.ts';
import { readJsonl } from '../../../operators/read/jsonl.ts';
import { float32Text } from '../../../operators/write/bytes.ts';
import { writeCsv } from '../../../operators/write/csv.ts';
import { writeJsonl } from '../../../operators/write/jsonl.ts';
import {
  batchFromRows,
  bool,
  type Columns,
  float32,
  float64,
  int32,
  int64,
  list,
  nullable,
  utf8,
} from '../../../src/arrow/index.ts';
import { failure, folder, openSink, type Row, read, write } from '../read/support.ts';

const written = async (
  op: typeof writeJsonl | typeof writeCsv,
  columns: Columns,
  rows: Row[],
): Promise<string> => {
  const root = folder();
  await write(op as never, root, { path: 'out' }, columns, [{ upserts: batchFromRows(columns, rows) }]);
  return readFileSync(join(root, 'out'), 'utf8');
};

describe('write.jsonl', () => {
  test('every kind of value', async () => {
    const columns = {
      t: nullable(utf8()),
      i: nullable(int32()),
      l: nullable(int64()),
      f: nullable(float64()),
      s: nullable(float32()),
      b: nullable(bool()),
      a: nullable(list(utf8())),
      v: nullable(list(float64())),
    };
    expect(
      await written(writeJsonl, columns, [
        {
          t: 'x',
          i: -1,
          l: 9007199254740993n,
          f: 1e21,
          s: Math.fround(0.1),
          b: true,
          a: ['p', 'q"'],
          v: [1.5, Number.NaN],
        },
        { t: '', i: 0, l: 0n, f: Number.POSITIVE_INFINITY, s: 16777216, b: false, a: [], v: [] },
        {},
      ]),
    ).toBe(
      '{"t":"x","i":-1,"l":9007199254740993,"f":1e+21,"s":0.1,"b":true,"a":["p","q\\""],"v":[1.5,null]}\n' +
        '{"t":"","i":0,"l":0,"s":16777216,"b":false,"a":[],"v":[]}\n' +
        '{}\n',
    );
  });

  test('text is escaped as JSON.stringify does', async () => {
    const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    const texts = [all, '서울\u2028🐜', '\\"\n\r\t\b\f\u007f'];
    const got = await written(
      writeJsonl,
      { t: utf8() },
      texts.map(t => ({ t })),
    );
    expect(got).toBe(texts.map(t => `${JSON.stringify({ t })}\n`).join(''));
  });

  test('what is written is read back the same', async () => {
    const columns = {
      doc_id: utf8(),
      t: nullable(utf8()),
      n: nullable(float64()),
      i: nullable(int32()),
      a: list(utf8()),
    };
    const types = { doc_id: 'utf8', t: 'utf8?', n: 'float64?', i: 'int32?', a: 'list<utf8>' };
    const row = fc.record({
      doc_id: fc.uuid(),
      t: fc.option(fc.string({ unit: 'grapheme' })),
      n: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      i: fc.option(fc.integer()),
      a: fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async rows => {
        const root = folder();
        await write(writeJsonl, root, { path: 'a.jsonl' }, columns, [
          { upserts: batchFromRows(columns, rows) },
        ]);
        const got = await read(readJsonl, root, { path: 'a.jsonl', columns: types });
        // JSON has one zero
        expect(got.rows).toEqual(rows.map(r => ({ ...r, n: r.n === 0 ? 0 : r.n })));
      }),
      { numRuns: 60 },
    );
  });

  test('slices and batches of any cut give the same bytes', async () => {
    const columns = { t: utf8(), a: list(int32()), b: bool() };
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      t: `t${i}`,
      a: [i, i + 1].slice(0, i % 3),
      b: i % 3 === 0,
    }));
    const whole = batchFromRows(columns, rows);
    const root = folder();
    await write(writeJsonl, root, { path: 'a' }, columns, [{ upserts: whole }]);
    const cuts = [0, 1, 13, 1024, 1500, 2999, 3000];
    const slices = cuts.slice(1).map((end, i) => ({ upserts: whole.slice(cuts[i], end) }));
    await write(writeJsonl, root, { path: 'b' }, columns, slices);
    expect(readFileSync(join(root, 'b'), 'utf8')).toBe(readFileSync(join(root, 'a'), 'utf8'));
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe(rows.map(r => `${JSON.stringify(r)}\n`).join(''));
  });

  test('a column that JSON cannot hold', async () => {
    const columns = { raw: { type: new Binary(), nullable: false } };
    expect(await failure(openSink(writeJsonl, folder(), { path: 'a' }, columns))).toContain(
      'column "raw" is Binary, which JSONL cannot hold | leave it out with the operator select',
    );
  });
});

test('32-bit floats are their shortest text', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), value => {
      const text = float32Text(value);
      expect(Math.fround(Number(text))).toBe(value === 0 ? 0 : value);
      expect(text.length).toBeLessThanOrEqual(String(value).length);
    }),
  );
  expect([0.1, 3.4028234663852886e38, 1e-45, 16777216].map(v => float32Text(Math.fround(v)))).toEqual([
    '0.1',
    '3.4028235e+38',
    '1e-45',
    '16777216',
  ]);
});

describe('write.csv', () => {
  test('quotes where they are needed', async () => {
    const columns = {
      id: utf8(),
      t: nullable(utf8()),
      n: nullable(float64()),
      a: nullable(list(utf8())),
      b: nullable(bool()),
    };
    expect(
      await written(writeCsv, columns, [
        { id: '1', t: 'plain', n: 0.1, a: ['x'], b: true },
        { id: '2', t: 'a,b', n: null, a: null, b: false },
        { id: '3', t: 'say "hi"\nthere', n: 1e-7 },
        { id: '4', t: ' blank ' },
        { id: '5', t: '' },
      ]),
    ).toBe(
      'id,t,n,a,b\n1,plain,0.1,"[""x""]",true\n2,"a,b",,,false\n3,"say ""hi""\nthere",1e-7,,\n4," blank ",,,\n5,,,,\n',
    );
  });

  test('one column that is empty is no blank line; TSV; no header', async () => {
    const root = folder();
    const columns = { t: utf8() };
    const rows = { upserts: batchFromRows(columns, [{ t: '' }, { t: 'a\tb' }, { t: 'c,d' }]) };
    await write(writeCsv, root, { path: 'a.csv', header: false }, columns, [rows]);
    await write(writeCsv, root, { path: 'a.tsv' }, columns, [rows]);
    expect(readFileSync(join(root, 'a.csv'), 'utf8')).toBe('""\na\tb\n"c,d"\n');
    expect(readFileSync(join(root, 'a.tsv'), 'utf8')).toBe('t\n""\n"a\tb"\nc,d\n');
  });

  test('what is written is read back the same', async () => {
    const columns = { doc_id: utf8(), t: utf8(), n: nullable(float64()), a: list(utf8()) };
    const types = { doc_id: 'utf8', t: 'utf8', n: 'float64?', a: 'list<utf8>' };
    const text = fc.stringMatching(/^[ab가🐜 ,;"'\n\r\t]{0,8}$/u);
    const row = fc.record({
      doc_id: fc.uuid(),
      t: text,
      n: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      a: fc.array(text, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async rows => {
        const root = folder();
        await write(writeCsv, root, { path: 'a.csv' }, columns, [{ upserts: batchFromRows(columns, rows) }]);
        const got = await read(readCsv, root, { path: 'a.csv', columns: types });
        expect(got.errors).toEqual([]);
        expect(got.rows).toEqual(rows.map(r => ({ ...r, n: r.n === 0 ? 0 : r.n })));
      }),
      { numRuns: 60 },
    );
  });
});
