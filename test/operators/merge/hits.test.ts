import { describe, expect, it } from 'vitest';
import { mergeHits } from '../../../operators/merge/hits.ts';
import { runOperator } from '../../../src/testing/index.ts';

const hits = (question_id: string, source: string, ...units: [string, number][]) =>
  units.map(([unit_id, score], rank) => ({ question_id, rank, unit_id, text: unit_id, score, source }));

const merge = (options: object, ...inputs: object[][]) =>
  runOperator(mergeHits, { with: { ...options }, inputs: inputs as never, columns: { score: 'float64' } });

describe('merge.hits', () => {
  it('keeps questions that one list has nothing for, in order', async () => {
    const rows = await merge(
      {},
      [...hits('q1', 's', ['a', 3]), ...hits('q3', 's', ['c', 2])],
      [...hits('q1', 'd', ['b', 1]), ...hits('q2', 'd', ['x', 1]), ...hits('q3', 'd', ['c', 1])],
    );
    expect(rows.map(r => [r.question_id, r.rank, r.unit_id, r.source_ranks])).toEqual(
      expect.arrayContaining([
        ['q1', 0, 'a', [0, null]],
        ['q1', 1, 'b', [null, 0]],
        ['q2', 0, 'x', [null, 0]],
        ['q3', 0, 'c', [0, 0]],
      ]),
    );
    expect(rows).toHaveLength(4);
  });

  it('merges three lists', async () => {
    const rows = await merge(
      { method: 'weighted', weights: [1, 10, 100], k: 1 },
      hits('q', '1', ['a', 1], ['b', 0]),
      hits('q', '2', ['b', 1], ['a', 0]),
      hits('q', '3', ['c', 1], ['b', 0.5]),
    );
    // a 1 + 0 + 50, b 0 + 10 + 50, c 0 + 0 + 100
    expect(rows).toMatchObject([{ unit_id: 'c', score: 100, source_ranks: [null, null, 0] }]);
  });

  it('takes one list or the other as a chooser says', async () => {
    const chooser = { weights: [10, 0, 0], bias: -3 };
    const rows = await merge(
      { method: 'logistic', chooser },
      [
        ...hits('steep', 's', ['a', 9], ['b', 1], ['c', 0]),
        ...hits('flat', 's', ['a', 1], ['b', 1], ['c', 1], ['d', 1]),
      ],
      [...hits('steep', 'd', ['x', 0.9]), ...hits('flat', 'd', ['y', 0.8], ['a', 0.7])],
    );
    // half of the softmax mass of the best two: .5 → 5 - 3 > 0; .25 → 2.5 - 3 < 0
    expect(rows.filter(r => r.question_id === 'steep').map(r => r.unit_id)).toEqual(['a', 'b', 'c']);
    expect(rows.filter(r => r.question_id === 'flat').map(r => [r.unit_id, r.score])).toEqual([
      ['y', 0.8],
      ['a', 0.7],
    ]);
  });

  it('drops columns that only one input has', async () => {
    const [row] = await runOperator(mergeHits, {
      inputs: [hits('q', 's', ['a', 1]).map(h => ({ ...h, vector: 1 })), hits('q', 'd', ['a', 1])] as never,
      columns: { score: 'float64' },
    });
    expect(Object.keys(row)).toEqual([
      'question_id',
      'rank',
      'unit_id',
      'text',
      'score',
      'source',
      'source_ranks',
    ]);
  });

  it('says what is wrong with its parameters', async () => {
    const one = hits('q', 's', ['a', 1]);
    await expect(merge({ weights: [1] }, one, one)).rejects.toThrow(/with\.weights: has 1 numbers/);
    await expect(merge({ method: 'logistic' }, one, one)).rejects.toThrow(/needs the weights of a chooser/);
  });
});
