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

const all = [...Object.keys(scorings), 'bm25f'];
const runOf = (name: string) => `out/compare-sparse/${name}.trec`;
const titled = { name: 'bm25f', weights: { title: 1, text: 1 } } as const;

/**
 * Several similarities over one index and one set of questions, compared: a table, what differs from `lucene` by more than
 * chance, and curves of top-k accuracy of all in one plot, `out/compare-sparse/report.*.svg`. The runs are TREC files, so
 * `millrace compare out/compare-sparse/lucene.trec out/compare-sparse/*.trec --qrels out/compare-sparse/qrels.txt` says
 * which questions were won and lost. For other data, exchange the two datasets.
 */
export default pipeline({
  name: 'compare-sparse',
  description: 'Indexes the World Factbook by title and text and compares nine scorings on its questions.',
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
        with: { path: runOf(name), tag: name },
      },
    ]),
    {
      id: 'runs',
      after: ['qrels', ...all.map(name => `${name}-run`)],
      op: 'read.trec',
      with: { path: all.map(runOf) },
    },
    {
      id: 'comparison',
      op: 'evaluate.compare',
      with: {
        qrels: 'out/compare-sparse/qrels.txt',
        against: 'lucene',
        path: 'out/compare-sparse/report.json',
      },
    },
  ],
});
