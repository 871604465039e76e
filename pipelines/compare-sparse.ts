import { pipeline } from '../src/index.ts';

/** What is compared: a name, which becomes the run's file, and how hits are scored. */
const scorings = {
  lucene: 'lucene',
  softer: { name: 'lucene', k1: 0.9, b: 0.4 },
  bm25l: 'bm25l',
  'bm25-plus': 'bm25+',
  'bm25-adpt': 'bm25-adpt',
  tfldp: 'tfldp',
  'lm-dirichlet': 'lm-dirichlet',
  ensemble: { name: 'ensemble', combine: 'mean', of: [{ similarity: 'lucene' }, { similarity: 'tfldp' }] },
} as const;

const titled = { name: 'bm25f', weights: { title: 1, text: 1 } } as const;

/**
 * Several similarities over one index and one set of questions. The runs are TREC files; then
 * `millrace compare out/compare-sparse/*.trec --qrels out/compare-sparse/qrels.txt --plots out/compare-sparse`
 * gives differences, significance and the curves of all runs in one plot.
 */
export default pipeline({
  name: 'compare-sparse',
  description: 'Indexes the World Factbook by title and text and answers its questions under nine scorings.',
  memory: '512 MiB',
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    {
      id: 'index',
      op: 'index.sparse',
      with: { path: 'indexes/compare-sparse', analyzer: 'english', fields: ['title', 'text'] },
    },
    { id: 'questions', after: 'index', op: 'read.dataset', with: { name: 'factbook', take: 'questions' } },
    { id: 'qrels', op: 'write.trec', with: { path: 'out/compare-sparse/qrels.txt', take: 'qrels' } },
    ...[...Object.entries(scorings), ['bm25f', titled] as const].flatMap(([name, similarity]) => [
      {
        id: name,
        op: 'search.sparse' as const,
        from: 'questions',
        with: { index: 'indexes/compare-sparse', k: 100, similarity },
      },
      {
        id: `${name}-run`,
        op: 'write.trec' as const,
        with: { path: `out/compare-sparse/${name}.trec`, tag: name },
      },
    ]),
  ],
});
