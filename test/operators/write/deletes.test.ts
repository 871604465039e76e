import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArrow } from '../../../operators/read/arrow.ts';
import { readCsv } from '../../../operators/read/csv.ts';
import { readJsonl } from '../../../operators/read/jsonl.ts';
import { readParquet } from '../../../operators/read/parquet.ts';
import { writeArrow } from '../../../operators/write/arrow.ts';
import { writeCsv } from '../../../operators/write/csv.ts';
import { writeJsonl } from '../../../operators/write/jsonl.ts';
import { writeParquet } from '../../../operators/write/parquet.ts';
import { batchFromRows, type Columns, int32, utf8 } from '../../../src/arrow/index.ts';
import type { Change } from '../../../src/define/index.ts';
import { folder, type Row, read, write } from '../read/support.ts';

const COLUMNS: Columns = { question_id: utf8(), rank: int32(), text: utf8() };
const key = ['question_id', 'rank'];

const formats = [
  { name: 'jsonl', sink: writeJsonl, source: readJsonl, with: { path: 'a.jsonl' } },
  { name: 'jsonl, brotli', sink: writeJsonl, source: readJsonl, with: { path: 'a.jsonl.br' } },
  { name: 'csv', sink: writeCsv, source: readCsv, with: { path: 'a.csv' } },
  { name: 'arrow', sink: writeArrow, source: readArrow, with: { path: 'a.arrow' } },
  { name: 'arrow stream', sink: writeArrow, source: readArrow, with: { path: 'a.arrow', format: 'stream' } },
  { name: 'parquet', sink: writeParquet, source: readParquet, with: { path: 'a.parquet' } },
];

const rowsOf = (...ids: string[]): Row[] =>
  ids.map(id => ({ question_id: id[0], rank: Number(id.slice(1)), text: `${id},\n"x"` }));
const upserts = (...ids: string[]): Change => ({ upserts: batchFromRows(COLUMNS, rowsOf(...ids)) });
const byKey = (...ids: string[]): Change['deletes'] =>
  batchFromRows({ question_id: utf8(), rank: int32() }, rowsOf(...ids));
const byQuestion = (...ids: string[]): Change['deletes'] =>
  batchFromRows(
    { question_id: utf8() },
    ids.map(question_id => ({ question_id })),
  );

describe.each(formats)('$name', ({ sink, source, with: given }) => {
  const types = { question_id: 'utf8', rank: 'int32', text: 'utf8' };
  const left = async (changes: Change[]): Promise<string[]> => {
    const root = folder();
    await write(sink as never, root, given, COLUMNS, changes);
    const got = await read(source as never, root, { path: given.path, key, columns: types });
    expect(got.errors).toEqual([]);
    for (const row of got.rows) expect(row.text).toBe(`${row.question_id}${row.rank},\n"x"`);
    return got.rows.map(r => `${r.question_id}${r.rank}`);
  };

  test('rows written before are dropped, by key and by the key of an ancestor', async () => {
    expect(await left([upserts('a0', 'a1', 'b0'), { deletes: byKey('a1', 'c9') }])).toEqual(['a0', 'b0']);
    expect(await left([upserts('a0', 'a1', 'b0'), { deletes: byQuestion('a') }])).toEqual(['b0']);
    expect(await left([upserts('a0', 'b0'), { deletes: byQuestion('a', 'b') }])).toEqual([]);
  });

  test('a row that comes after its delete stays, also in one change', async () => {
    const changed = { deletes: byKey('a0'), ...upserts('a0', 'b0') };
    expect(await left([upserts('a0', 'c0'), changed])).toEqual(['c0', 'a0', 'b0']);
    expect(await left([{ deletes: byKey('a0') }, upserts('a0')])).toEqual(['a0']);
  });
});

test('any sequence of changes leaves what a list of rows would hold', async () => {
  const id = fc.constantFrom('a0', 'a1', 'b0', 'b1', 'c0');
  const step = fc.oneof(
    fc.record({ add: id }),
    fc.record({ remove: id }),
    fc.record({ removeAll: fc.constantFrom('a', 'b', 'c') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async steps => {
      let model: string[] = [];
      const changes = steps.map((s): Change => {
        if ('add' in s) {
          model.push(s.add);
          return upserts(s.add);
        }
        if ('remove' in s) {
          model = model.filter(x => x !== s.remove);
          return { deletes: byKey(s.remove) };
        }
        model = model.filter(x => x[0] !== s.removeAll);
        return { deletes: byQuestion(s.removeAll) };
      });
      const root = folder();
      await write(writeJsonl, root, { path: 'a.jsonl.gz' }, COLUMNS, changes);
      const lines = gunzipSync(readFileSync(join(root, 'a.jsonl.gz')))
        .toString()
        .split('\n')
        .filter(Boolean);
      expect(lines.map(l => JSON.parse(l)).map(r => `${r.question_id}${r.rank}`)).toEqual(model);
    }),
    { numRuns: 60 },
  );
});
