import { RecordBatchReader, tableFromArrays, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchFromRows,
  batchOf,
  bool,
  type Columns,
  columnData,
  columnOf,
  compact,
  concatBatches,
  copyBatch,
  dataOf,
  decodeBatch,
  encodeBatch,
  encodeRows,
  fixedList,
  float32,
  float64,
  hashRows,
  int32,
  int64,
  list,
  nullable,
  RowDecoder,
  renameColumns,
  retainedBytes,
  rowsOf,
  sameType,
  selectColumns,
  sliceRows,
  takeRows,
  typeName,
  Utf8Builder,
  usedBytes,
  utf8,
  utf8View,
} from '../../src/arrow/index.ts';

const columns: Columns = {
  s: nullable(utf8()),
  i: nullable(int32()),
  f: nullable(float64()),
  b: nullable(bool()),
  big: nullable(int64()),
  l: nullable(list(utf8())),
  v: fixedList(3, int32()),
};
const rowArb = fc.record({
  s: fc.option(fc.string({ unit: 'grapheme' })),
  i: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  f: fc.option(fc.double({ noNaN: true })),
  b: fc.option(fc.boolean()),
  big: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  l: fc.option(fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 3 })),
  v: fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)).map(t => [...t]),
});
const rowsArb = fc.array(rowArb, { maxLength: 40 });

describe('rows to batches and back', () => {
  it('keeps every value of every type, nulls and all', () => {
    fc.assert(
      fc.property(rowsArb, rows => {
        expect(rowsOf(batchFromRows(columns, rows))).toEqual(rows);
      }),
    );
  });

  it('is what Arrow itself reads', () => {
    const batch = batchFromRows(columns, [
      { s: '서울', i: 1, f: 0.5, b: true, big: 7n, l: ['a', null], v: [1, 2, 3] },
    ]);
    const row = batch.get(0)?.toJSON() as Record<string, unknown>;
    expect(row.s).toBe('서울');
    expect(row.big).toBe(7n);
    expect([...(row.l as Iterable<unknown>)]).toEqual(['a', null]);
    expect([...(row.v as Iterable<unknown>)]).toEqual([1, 2, 3]);
  });

  it('names the value that is of another type', () => {
    expect(() => batchFromRows({ n: int32() }, [{ n: 1 }, { n: 'two' }])).toThrow(
      'column "n": value 1 is text "two", wanted a number',
    );
    expect(() => dataOf(int32().type, [1.5])).toThrow('wanted an integer');
    expect(() => dataOf(list(utf8()).type, ['x'])).toThrow('wanted a list');
    expect(() => dataOf(bool().type, ['true'])).toThrow('wanted true or false');
  });
});

describe('take, slice, concat, copy, message', () => {
  const cut = (n: number) =>
    fc.tuple(fc.nat(n), fc.nat(n)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  it('agree with the same work on plain rows', () => {
    fc.assert(
      fc.property(
        rowsArb.chain(rows =>
          fc.tuple(
            fc.constant(rows),
            cut(rows.length),
            fc.array(fc.nat(Math.max(0, rows.length - 1)), { maxLength: rows.length ? 20 : 0 }),
          ),
        ),
        rowsArb,
        ([rows, [start, end], picks], others) => {
          const batch = batchFromRows(columns, rows);
          const slice = batch.slice(start, end);
          const sliced = rows.slice(start, end);
          expect(rowsOf(slice)).toEqual(sliced);
          expect(rowsOf(sliceRows(batch, start, end))).toEqual(sliced);
          expect(rowsOf(takeRows(batch, Int32Array.from(picks)))).toEqual(picks.map(i => rows[i]));
          expect(rowsOf(copyBatch(slice))).toEqual(sliced);
          expect(rowsOf(compact(slice))).toEqual(sliced);
          expect(rowsOf(decodeBatch(encodeBatch(slice)))).toEqual(sliced);
          const inner = Int32Array.from(sliced.keys()).reverse();
          expect(rowsOf(takeRows(slice, inner))).toEqual([...sliced].reverse());
          const other = batchFromRows(columns, others);
          expect(rowsOf(concatBatches([slice, other, batch]))).toEqual([...sliced, ...others, ...rows]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('select and rename columns without copying them', () => {
    const batch = batchFromRows({ a: utf8(), b: int32() }, [{ a: 'x', b: 1 }]);
    expect(rowsOf(selectColumns(batch, ['b']))).toEqual([{ b: 1 }]);
    expect(rowsOf(renameColumns(batch, { a: 'z' }))).toEqual([{ z: 'x' }]);
    expect(columnData(renameColumns(batch, { a: 'z' }), 'z')).toBe(columnData(batch, 'a'));
  });

  it('name the columns there are where one is missing', () => {
    const batch = batchFromRows({ a: utf8() }, []);
    expect(() => columnData(batch, 'b')).toThrow('no column "b"; the columns are: a');
  });
});

describe('rows as bytes', () => {
  it('come back as they were, of every type', () => {
    fc.assert(
      fc.property(rowsArb, fc.array(fc.nat(5), { maxLength: 10 }), (rows, cuts) => {
        const batch = batchFromRows(columns, rows);
        const names = Object.keys(columns);
        const decoder = new RowDecoder(names.map(n => columns[n].type));
        let from = 0;
        for (const cut of [...cuts, rows.length]) {
          const to = Math.min(rows.length, from + cut);
          expect(decoder.add(encodeRows(batch.data.children, from, to))).toBe(to - from);
          from = to;
        }
        expect(rowsOf(batchOf(batch.schema, rows.length, decoder.finish()))).toEqual(rows);
      }),
    );
  });
});

describe('hashes of rows', () => {
  it('are equal where the values are, whatever the order of columns and the cut of batches', () => {
    fc.assert(
      fc.property(rowsArb, rowsArb, (a, b) => {
        const all = hashRows(batchFromRows(columns, [...a, ...b]), Object.keys(columns));
        const parts = [a, b].map(r => hashRows(batchFromRows(columns, r), Object.keys(columns).reverse()));
        expect(Buffer.concat(parts).equals(all)).toBe(true);
      }),
    );
  });
  it('differ where a value, a null or the border between two columns does', () => {
    const c = { a: nullable(utf8()), b: nullable(utf8()) };
    const rows = [
      { a: 'x', b: 'yz' },
      { a: 'xy', b: 'z' },
      { a: '', b: null },
      { a: null, b: '' },
      { a: '', b: '' },
    ];
    const hashes = hashRows(batchFromRows(c, rows), ['a', 'b']);
    const texts = rows.map((_, i) => Buffer.from(hashes.subarray(i * 12, i * 12 + 12)).toString('hex'));
    expect(new Set(texts).size).toBe(rows.length);
  });
});

describe('retained bytes', () => {
  const long = batchFromRows(
    { t: utf8(), n: int32() },
    Array.from({ length: 2000 }, (_, i) => ({ t: `text number ${i}`.repeat(8), n: i })),
  );
  it('of a slice are those of its parent, until it is copied', () => {
    const slice = long.slice(0, 10);
    expect(retainedBytes(slice)).toBe(retainedBytes(long));
    const own = compact(slice);
    expect(retainedBytes(own)).toBeLessThan(3000);
    expect(rowsOf(own)).toEqual(rowsOf(slice));
    expect(compact(long)).toBe(long);
  });
  it('of two columns of one buffer count once', () => {
    const message = decodeBatch(encodeBatch(long));
    const buffer = (columnData(message, 't').values as Uint8Array).buffer;
    expect(retainedBytes(message)).toBe(buffer.byteLength);
  });
  it('are near what the rows use in a batch of its own', () => {
    const own = copyBatch(long);
    expect(retainedBytes(own) / usedBytes(own)).toBeGreaterThan(0.99);
    expect(retainedBytes(own) / usedBytes(own)).toBeLessThan(1.01);
  });
});

describe('messages', () => {
  it('are one exact buffer that another Arrow reader reads', () => {
    const batch = batchFromRows({ t: utf8() }, [{ t: 'a' }, { t: 'b' }]);
    const buffer = encodeBatch(batch);
    expect(buffer).toBeInstanceOf(ArrayBuffer);
    const [read] = [...RecordBatchReader.from(new Uint8Array(buffer))];
    expect(read.numRows).toBe(2);
  });
});

describe('text columns', () => {
  it('are built from strings and bytes alike', () => {
    const builder = new Utf8Builder(1, 1);
    builder.push('é');
    builder.pushNull();
    builder.pushBytes(new TextEncoder().encode('x한글y'), 1, 7);
    builder.push('');
    const view = utf8View(batchFromRows({ t: utf8() }, []), 't');
    expect(view.length).toBe(0);
    const data = builder.finish();
    expect(data.nullCount).toBe(1);
    const values = [0, 1, 2, 3].map(i => vectorFromArray(['é', null, '한글', ''], new Utf8()).get(i));
    expect(
      [...new Array(4).keys()].map(i =>
        i === 1
          ? null
          : new TextDecoder().decode(
              (data.values as Uint8Array).subarray(data.valueOffsets[i], data.valueOffsets[i + 1]),
            ),
      ),
    ).toEqual(values);
  });
  it('keep a byte order mark inside a text, short or long', () => {
    const texts = ['\uFEFFa', `\uFEFF${'b'.repeat(5000)}`];
    expect(
      rowsOf(
        batchFromRows(
          { t: utf8() },
          texts.map(t => ({ t })),
        ),
      ),
    ).toEqual(texts.map(t => ({ t })));
  });
});

describe('column names', () => {
  it.each([
    ['utf8', 'Utf8'],
    ['list<utf8>', 'List<Utf8>'],
    ['fixed<4,float32>', 'FixedSizeList[4]<Float32>'],
    ['int64', 'Int64'],
  ])('%s is %s', (name, type) => expect(typeName(columnOf(name)!.type)).toBe(type));
  it('say nullable by a question mark and refuse what is none', () => {
    expect(columnOf('utf8?')).toMatchObject({ nullable: true });
    expect(columnOf('text')).toBeUndefined();
    expect(columnOf('list<text>')).toBeUndefined();
  });
  it('compare types by what they hold', () => {
    expect(sameType(list(utf8()).type, list(nullable(utf8())).type)).toBe(true);
    expect(sameType(list(utf8()).type, list(int32()).type)).toBe(false);
    expect(sameType(float32().type, float64().type)).toBe(false);
    const dictionary = tableFromArrays({ a: ['x'] }).schema.fields[0].type;
    expect(sameType(dictionary, utf8().type)).toBe(false);
  });
});
