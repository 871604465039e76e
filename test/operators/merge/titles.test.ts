import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TitleState } from '../../../operators/merge/title-state.ts';
import { mergeTitles } from '../../../operators/merge/titles.ts';
import { int32, list, nullable, rowsOf, schemaOf, utf8 } from '../../../src/arrow/index.ts';
import { type Row, rows, runOperator } from '../../../src/testing/index.ts';

interface Doc {
  doc_id: string;
  title: string | null;
  text: string;
}

/** The same by a map of arrays. */
function oracle(docs: readonly Doc[], separator: string): Row[] {
  const groups = new Map<string, Doc[]>();
  for (const doc of docs) {
    const key = doc.title ? `t${doc.title}` : `d${doc.doc_id}`;
    groups.set(key, [...(groups.get(key) ?? []), doc]);
  }
  return [...groups.values()].map(members => {
    const starts: number[] = [];
    let text = '';
    for (const [i, doc] of members.entries()) {
      if (i > 0) text += separator;
      starts.push(text.length);
      text += doc.text;
    }
    return {
      doc_id: members[0].doc_id,
      title: members[0].title,
      text,
      doc_ids: members.map(m => m.doc_id),
      starts,
    };
  });
}

const title = fc.option(fc.constantFrom('', 'A', 'B', 'C', '가', '나', '😀', 'long title'), { freq: 6 });
const docs = fc
  .array(fc.record({ title, text: fc.string({ unit: 'grapheme', maxLength: 6 }) }), { maxLength: 30 })
  .map(all => all.map((d, i): Doc => ({ doc_id: `d${i}`, ...d })));
const columns = { doc_id: 'utf8', title: 'utf8?', text: 'utf8' };

/** Runs the state itself, with a budget so small that everything is spilled, and partitions are cut again. */
async function spilled(given: readonly Doc[], budget: number, batchRows: number): Promise<[Row[], string[]]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-titles-'));
  try {
    const names = { title: 'title', text: 'text', id: 'doc_id', separator: '|', key: ['doc_id'] };
    const output = {
      doc_id: utf8(),
      title: nullable(utf8()),
      text: utf8(),
      doc_ids: list(utf8()),
      starts: list(int32()),
    };
    const state = new TitleState(names, schemaOf(output), budget, async () => folder);
    for (let at = 0; at < given.length; at += batchRows)
      await state.add(rows(columns, given.slice(at, at + batchRows) as unknown as Row[]));
    const out: Row[] = [];
    let files: string[] = [];
    for await (const batch of state.end()) {
      if (out.length === 0) files = await readdir(folder);
      out.push(...rowsOf(batch));
    }
    await state.close();
    expect(await readdir(folder)).toEqual([]);
    return [out, files];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('merge.titles', () => {
  test('joins as a map of arrays does, in order of first appearance', async () => {
    await fc.assert(
      fc.asyncProperty(docs, fc.integer({ min: 1, max: 8 }), async (given, batchRows) => {
        const got = await runOperator(mergeTitles, {
          with: { separator: ' ¶ ' },
          columns,
          in: given as unknown as Row[],
          batchRows,
        });
        expect(got).toEqual(oracle(given, ' ¶ '));
      }),
      { numRuns: 100 },
    );
  });

  test('gives the same when nothing fits in memory', async () => {
    await fc.assert(
      fc.asyncProperty(docs, fc.integer({ min: 1, max: 8 }), async (given, batchRows) => {
        fc.pre(given.length > 0);
        const [got, files] = await spilled(given, 1, batchRows);
        expect(got).toEqual(oracle(given, '|'));
        expect(files.every(f => /^part-\d+\.arrow\.joined$/.test(f)) && files.length > 0).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  test('a partition that does not fit is cut again', async () => {
    const given = Array.from(
      { length: 3000 },
      (_, i): Doc => ({ doc_id: `d${i}`, title: `t${i % 160}`, text: `x${i}` }),
    );
    const [got, files] = await spilled(given, 4000, 160);
    expect(got).toEqual(oracle(given, '|'));
    // 160 titles fill all 32 partitions; what each was cut into again has been merged to one file by now
    expect(files.filter(f => /^part-\d+\.arrow\.joined$/.test(f))).toHaveLength(32);
    expect(files).toHaveLength(32);
  });

  test('deleted documents are left out, those that come after stay', async () => {
    const doc = (doc_id: string, title: string, text: string): Row => ({ doc_id, title, text });
    const got = await runOperator(mergeTitles, {
      with: { separator: ' ' },
      changes: [
        { upserts: [doc('a', 'T', 'one'), doc('b', 'T', 'two'), doc('c', 'U', 'three')] },
        { deletes: [{ doc_id: 'a' }, { doc_id: 'c' }], upserts: [doc('a', 'T', 'anew')] },
      ],
    });
    expect(got).toEqual([{ doc_id: 'a', title: 'T', text: 'anew two', doc_ids: ['a', 'b'], starts: [0, 5] }]);
  });

  test('documents join in the order of their keys, numbers in them as numbers', async () => {
    const ids = ['d10', 'd9', 'c', 'd09x', 'd1', 'd'];
    const got = await runOperator(mergeTitles, {
      with: { separator: '' },
      in: ids.map(doc_id => ({ doc_id, title: 'T', text: '.' })),
    });
    expect(got).toMatchObject([{ doc_id: 'c', doc_ids: ['c', 'd', 'd1', 'd09x', 'd9', 'd10'] }]);
  });
});
