/** A score taken apart: every sum is exact, and the parts are the published ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExplanationNode,
  type QueryOptions,
  type ScoringSpec,
  type SimilarityName,
  similarities,
} from '../../src/retrieval/index.ts';
import { corpus, type FieldedDoc, WORDS, withFielded } from './fielded.ts';
import { withIndex } from './helpers.ts';

/** Every node that says it is a sum is one, to the last bit. */
function checkSums(node: ExplanationNode): void {
  if (node.description.startsWith('sum of'))
    expect(node.details.reduce((sum, d) => sum + d.value, 0)).toBe(node.value);
  for (const detail of node.details) checkSums(detail);
}

const scorings: ScoringSpec[] = [
  ...([...similarities.keys()] as SimilarityName[]),
  { name: 'bm25+', nonOccurring: true },
  { name: 'okapi', epsilon: 0.25 },
  'bm25f',
  { name: 'bm25f', weights: { title: 3 }, b: { title: 0.2 } },
  { name: 'ensemble', of: [{ similarity: 'lucene' }, { similarity: 'bm25f', weight: 0.3 }] },
  {
    name: 'ensemble',
    combine: 'mean',
    of: [{ similarity: 'tfidf' }, { similarity: 'lucene', field: 'title' }, { similarity: 'lm-jm' }],
  },
];
/** Similarities whose score is the sum of terms and nothing besides. */
const plain = new Set([
  'okapi',
  'robertson',
  'lucene',
  'bm25',
  'atire',
  'bm25l',
  'bm25+',
  'bm25-adpt',
  'bm25t',
  'tfldp',
  'lm-jm',
]);

describe('explain', () => {
  it('gives the score of the search, as sums that are exact, for every scoring and query', async () => {
    const words = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }).map(w => w.join(' '));
    const text = fc.oneof(
      words,
      fc.constantFrom('+a -b c', '"a b" c', 'title:a (b c)^2 -d', '+(a b) "c d"^.5 e', 'title:"a b" a a'),
    );
    await fc.assert(
      fc.asyncProperty(
        corpus,
        text,
        fc.integer({ min: 3, max: 9 }),
        fc.boolean(),
        async (docs, query, cut, feedback) => {
          const gone: FieldedDoc[] = [
            { key: 'zz', title: 'a', text: 'a b c', vector: {}, year: null, lang: null },
          ];
          await withFielded(docs, { cut, gone, positions: cut % 2 === 0 }, index => {
            for (const similarity of scorings) {
              const options: QueryOptions = {
                similarity,
                syntax: 'query',
                feedback: feedback && { documents: 2, terms: 2 },
              };
              const { docs: hits, scores } = index.search(query, { ...options, k: 100 });
              const where = `${JSON.stringify(similarity)} ${query}`;
              hits.forEach((doc, i) => {
                const explained = index.explain(query, doc, options);
                expect(explained.score, where).toBe(scores[i]);
                expect(explained.tree.value, where).toBe(scores[i]);
                expect(explained.matches, where).toBe(true);
                checkSums(explained.tree);
                if (typeof similarity === 'string' && plain.has(similarity))
                  expect(
                    explained.terms.reduce((sum, t) => sum + t.score, 0),
                    where,
                  ).toBe(scores[i]);
              });
              const found = new Set(index.keys(hits));
              for (const { key } of docs.filter(d => !found.has(d.key)))
                expect(index.explain(query, index.find(key), options).matches, `${where} ${key}`).toBe(false);
            }
          });
        },
      ),
      { numRuns: 10 },
    );
  }, 60_000);

  it('names tf, df, idf, length and length norm of golden A', async () => {
    const texts = ['a b a c', 'b c d', 'a a a d e f', 'e f g h', 'a b'];
    const docs = texts.map((text, i) => ({ key: `d${i + 1}`, text }));
    await withIndex([docs], index => {
      const { terms, length, score } = index.explain('a d d', index.find('d3'));
      expect(length).toBe(6);
      const u = 1 - 0.75 + (0.75 * 6) / 3.8;
      expect(terms).toEqual([
        {
          similarity: 'lucene',
          term: 'a',
          frequency: 3,
          documents: 3,
          idf: Math.log(1 + 2.5 / 3.5),
          length: 6,
          lengthNorm: u,
          queryFrequency: 1,
          boost: 1,
          score: expect.closeTo((Math.log(1 + 2.5 / 3.5) * 3) / (3 + 1.2 * u), 9),
        },
        {
          similarity: 'lucene',
          term: 'd',
          frequency: 1,
          documents: 2,
          idf: Math.log(1 + 3.5 / 2.5),
          length: 6,
          lengthNorm: u,
          queryFrequency: 2,
          boost: 1,
          score: expect.closeTo((2 * Math.log(1 + 3.5 / 2.5)) / (1 + 1.2 * u), 9),
        },
      ]);
      expect(score).toBe(terms[0].score + terms[1].score);
    });
  });
});
