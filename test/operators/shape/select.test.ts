import { describe, expect, test } from 'vitest';
import { select } from '../../../operators/shape/select.ts';
import { columnData } from '../../../src/arrow/index.ts';
import { inspectOperator, rows } from '../../../src/testing/index.ts';

const batch = rows([{ doc_id: 'a', title: 'T', text: 'one', year: 1 }]);
const run = (params: object) => inspectOperator(select, { with: { ...params }, in: batch });

describe('select', () => {
  test('keeps columns in the order they are named, without a copy', async () => {
    const { batches, step } = await run({ keep: ['text', 'doc_id'], rename: { text: 'body' } });
    expect(batches[0].schema.fields.map(f => f.name)).toEqual(['body', 'doc_id']);
    expect(columnData(batches[0], 'body')).toBe(columnData(batch, 'text'));
    expect(step.key).toEqual(['doc_id']);
  });

  test('a key goes on under its new name', async () => {
    const { step } = await run({ drop: ['year'], rename: { doc_id: 'id' } });
    expect(step.key).toEqual(['id']);
    expect(Object.keys(step.output)).toEqual(['id', 'title', 'text']);
  });

  test.each<[object, string]>([
    [{ keep: ['text'] }, 'with.keep: leaves out "doc_id", which names the rows'],
    [{ drop: ['doc_id'] }, 'with.drop: leaves out "doc_id", which names the rows'],
    [{ keep: ['doc_id'], drop: ['text'] }, 'give keep or drop, not both'],
    [{ keep: ['doc_id', 'doc_id'] }, 'with.keep: names column "doc_id" twice'],
    [{ drop: ['text'], rename: { text: 'body' } }, 'column "text" does not go on'],
    [{ rename: { text: 'title' } }, 'two columns would be called "title"'],
    [{ rename: { text: 'x', title: 'x' } }, 'two columns would be called "x"'],
    [{ drop: ['yaer'] }, 'select reads column "yaer"'],
  ])('%j is refused', async (params, message) => {
    await expect(run(params)).rejects.toThrow(message);
  });
});
