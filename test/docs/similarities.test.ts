/** The worked example of docs/similarities.md is what an index gives. */
import { expect, test } from 'vitest';
import { type ScoringSpec, scoringNames } from '../../src/retrieval/index.ts';
import { withIndex } from '../retrieval/helpers.ts';
import { textOf } from './blocks.ts';

const rows = [...textOf('docs/similarities.md').matchAll(/^\| `(\{.*?\})` \| (.*) \|$/gm)].map(
  ([, spec, values]) => [spec, values.split(' | ').map(Number)] as const,
);

test('the worked example is what an index gives', async () => {
  expect(rows.length).toBe(15);
  const texts = ['a b a c', 'b c d', 'a a a d e f', 'e f g h', 'a b'];
  await withIndex([texts.map((text, i) => ({ key: `d${i + 1}`, text }))], index => {
    for (const [spec, values] of rows) {
      const similarity = JSON.parse(spec) as ScoringSpec;
      values.forEach((value, i) => {
        const { score } = index.explain('a d', index.find(`d${i + 1}`), { similarity });
        expect(score, `${spec} d${i + 1}`).toBeCloseTo(value, 6);
      });
    }
  });
});

test('every similarity has its row', () => {
  const named = [...textOf('docs/similarities.md').matchAll(/^\| `([\w+-]+)` \|/gm)].map(m => m[1]);
  expect(named.sort()).toEqual([...scoringNames].sort());
});
