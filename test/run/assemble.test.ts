import { Vector } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  batchFromRows,
  type Columns,
  columnData,
  int32,
  int32Data,
  rowsOf,
  schemaOf,
  utf8,
  utf8Data,
} from '../../src/arrow/index.ts';
import { asEngine, operator, type Rows } from '../../src/define/index.ts';
import { assembler, type MapOutput } from '../../src/run/assemble.ts';

const INPUT: Columns = { id: utf8(), text: utf8() };
const batch = batchFromRows(INPUT, [
  { id: 'a', text: 'one' },
  { id: 'b', text: 'two' },
  { id: 'c', text: 'three' },
]);

/** Assembles what an operator that writes `length` returns; `text` goes on under the name `body`. */
function assemble(rows: Rows, out: MapOutput, input = batch) {
  const op = operator({
    name: 'test.op',
    version: 1,
    shape: 'map',
    rows,
    summary: 'For a test.',
    params: z.strictObject({}),
    reads: () => ({}),
    writes: () => ({ length: int32() }),
    examples: [],
    open: () => ({ process: () => out as never }),
  });
  const output: Columns = { id: utf8(), body: utf8(), length: int32() };
  return assembler({
    op: asEngine(op),
    params: {},
    inputs: [INPUT],
    output,
    outputSchema: schemaOf(output),
    passes: { id: 'id', text: 'body' },
  })(input, out);
}

const length = (...values: number[]) => ({ length: int32Data(Int32Array.from(values)) });

describe('assembler', () => {
  test('same: passed columns are the input’s own, renamed', () => {
    const { batch: out, parent } = assemble('same', { columns: length(3, 3, 5) });
    expect(rowsOf(out)).toEqual([
      { id: 'a', body: 'one', length: 3 },
      { id: 'b', body: 'two', length: 3 },
      { id: 'c', body: 'three', length: 5 },
    ]);
    expect(columnData(out, 'body')).toBe(columnData(batch, 'text'));
    expect(parent).toBeUndefined();
  });

  test('filter: rows are taken, all of them without a copy', () => {
    const some = assemble('filter', { keep: Int32Array.of(0, 2), columns: length(3, 5) });
    expect(rowsOf(some.batch).map(r => [r.id, r.length])).toEqual([
      ['a', 3],
      ['c', 5],
    ]);
    expect(some.parent).toEqual(Int32Array.of(0, 2));
    const all = assemble('filter', { keep: Int32Array.of(0, 1, 2), columns: length(1, 2, 3) });
    expect(columnData(all.batch, 'id')).toBe(columnData(batch, 'id'));
    expect(assemble('filter', { keep: new Int32Array(0), columns: length() }).batch.numRows).toBe(0);
  });

  test('explode: a row goes to each that came from it', () => {
    const { batch: out, parent } = assemble('explode', {
      parent: Int32Array.of(0, 0, 2),
      columns: length(1, 2, 3),
    });
    expect(rowsOf(out).map(r => `${r.id}${r.length}`)).toEqual(['a1', 'a2', 'c3']);
    expect(parent).toEqual(Int32Array.of(0, 0, 2));
  });

  test('group: other columns come from the first row', () => {
    const { batch: out, parent } = assemble('group', {
      starts: Int32Array.of(0, 2, 3),
      columns: length(6, 5),
    });
    expect(rowsOf(out)).toEqual([
      { id: 'a', body: 'one', length: 6 },
      { id: 'c', body: 'three', length: 5 },
    ]);
    expect(parent).toEqual(Int32Array.of(0, 2));
  });

  test('vectors are taken like data', () => {
    const vector = new Vector([int32Data(Int32Array.of(1)), int32Data(Int32Array.of(2, 3))]);
    expect(rowsOf(assemble('same', { columns: { length: vector } }).batch).map(r => r.length)).toEqual([
      1, 2, 3,
    ]);
  });

  test.each<[string, Rows, unknown, string]>([
    ['nothing', 'same', undefined, 'operator test.op returned undefined'],
    ['a column less', 'same', { columns: {} }, 'did not return column length, which it declares'],
    [
      'a column more',
      'same',
      { columns: { ...length(1, 2, 3), other: utf8Data(['a', 'b', 'c']) } },
      'returned column other, which it does not declare; it declares length',
    ],
    [
      'another type',
      'same',
      { columns: { length: utf8Data(['a', 'b', 'c']) } },
      'operator test.op returned column length as Utf8, declared Int32',
    ],
    ['other lengths', 'same', { columns: length(1) }, 'returned 1 values of column length for 3 rows'],
    ['no keep', 'filter', { columns: length(1, 2, 3) }, 'returned no keep: wanted an Int32Array'],
    [
      'rows out of order',
      'filter',
      { keep: Int32Array.of(1, 0), columns: length(1, 2) },
      'keep[1] = 0 after 1; wanted row indices of 0 to 2, strictly ascending',
    ],
    ['a row twice', 'filter', { keep: Int32Array.of(1, 1), columns: length(1, 2) }, 'strictly ascending'],
    ['a row that is not there', 'explode', { parent: Int32Array.of(3), columns: length(1) }, 'parent[0] = 3'],
    ['a row below 0', 'explode', { parent: Int32Array.of(-1), columns: length(1) }, 'parent[0] = -1'],
    [
      'groups that end early',
      'group',
      { starts: Int32Array.of(0, 2), columns: length(1) },
      'returned starts from 0 to 2; wanted from 0 to 3',
    ],
    [
      'an empty group',
      'group',
      { starts: Int32Array.of(0, 0, 3), columns: length(1, 2) },
      'starts[1] = 0 after 0',
    ],
  ])('%s is refused', (_, rows, out, message) => {
    expect(() => assemble(rows, out as MapOutput)).toThrow(message);
  });

  test('an input that lacks a column is named', () => {
    const other = batchFromRows({ id: utf8() }, [{ id: 'a' }]);
    expect(() => assemble('same', { columns: length(1) }, other)).toThrow(
      'the input has no column text to pass through',
    );
  });
});
