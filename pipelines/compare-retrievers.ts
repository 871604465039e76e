import { pipeline } from '../src/index.ts';

const out = 'out/compare-retrievers';
const indexes = 'indexes/compare-retrievers';

/** How the lists of words, vectors and token vectors become one: a name, which becomes the run's file. */
const fusions = {
  'sparse-dense-expz': { from: ['sparse', 'dense'], method: 'expz', weights: [1, 0.3] },
  'sparse-dense-rrf': { from: ['sparse', 'dense'], method: 'rrf' },
  'sparse-dense-minmax': { from: ['sparse', 'dense'], method: 'minmax', weights: [1, 0.3] },
  'sparse-dense-zscore': { from: ['sparse', 'dense'], method: 'zscore', weights: [1, 0.3] },
  'sparse-dense-weighted': { from: ['sparse', 'dense'], method: 'weighted', weights: [1, 10] },
  'sparse-late-expz': { from: ['sparse', 'late'], method: 'expz' },
  'sparse-late-rrf': { from: ['sparse', 'late'], method: 'rrf' },
  'sparse-late-minmax': { from: ['sparse', 'late'], method: 'minmax', weights: [1, 0.3] },
  'all-expz': { from: ['sparse', 'dense', 'late'], method: 'expz', weights: [1, 0.3, 1] },
  'all-rrf': { from: ['sparse', 'dense', 'late'], method: 'rrf' },
  'all-minmax': { from: ['sparse', 'dense', 'late'], method: 'minmax', weights: [1, 0.3, 0.3] },
} as const;

const run = (name: string) => ({
  id: `${name}-run`,
  op: 'write.trec' as const,
  from: name,
  with: { path: `${out}/${name}.trec`, tag: name },
});

/**
 * Words, vectors, token vectors and their mergers over the same passages and questions. The runs are TREC files of
 * documents, each as good as its best passage; then
 * `millrace compare` gives a table with confidence intervals and the top-k curves of all runs in one plot.
 */
export default pipeline({
  name: 'compare-retrievers',
  description:
    'Indexes the World Factbook by words, vectors and token vectors and answers its questions by each and all.',
  memory: '2 GiB',
  next: [`npm run -s millrace -- compare ${out}/*.trec --qrels ${out}/qrels.txt --plots ${out}`],
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    { id: 'passages', op: 'split.passages', with: { words: 100, stride: 20 } },
    { id: 'titled', op: 'concat.title' },
    { id: 'words', op: 'index.sparse', with: { path: `${indexes}/sparse`, analyzer: 'english' } },
    { id: 'encoded', op: 'encode.dense', from: 'titled', with: { model: 'default' } },
    { id: 'vectors', op: 'index.dense', with: { path: `${indexes}/dense`, precision: 'f16' } },
    { id: 'tokens', op: 'encode.tokens', from: 'titled', with: { model: 'default', pool: 2 } },
    { id: 'token-vectors', op: 'index.late', with: { path: `${indexes}/late` } },

    {
      id: 'questions',
      after: ['words', 'vectors', 'token-vectors'],
      op: 'read.dataset',
      with: { name: 'factbook', take: 'questions' },
    },
    { id: 'qrels', op: 'write.trec', with: { path: `${out}/qrels.txt`, take: 'qrels' } },
    { id: 'sparse', op: 'search.sparse', from: 'questions', with: { index: `${indexes}/sparse`, k: 100 } },
    { id: 'asked', op: 'encode.dense', from: 'questions', with: { model: 'default', column: 'question' } },
    { id: 'near', op: 'search.dense', with: { index: `${indexes}/dense`, k: 100 } },
    { id: 'dense', op: 'select', with: { drop: ['vector'] } },
    {
      id: 'asked-tokens',
      op: 'encode.tokens',
      from: 'questions',
      with: { model: 'default', column: 'question' },
    },
    { id: 'tokens-near', op: 'search.late', with: { index: `${indexes}/late`, k: 100 } },
    { id: 'late', op: 'select', with: { drop: ['token_vectors', 'token_starts', 'token_ends'] } },
    ...['sparse', 'dense', 'late'].map(run),
    ...Object.entries(fusions).flatMap(([name, { from, ...how }]) => [
      {
        id: name,
        op: 'merge.hits' as const,
        from: [...from],
        with: { ...how, weights: 'weights' in how ? [...how.weights] : undefined, k: 100 },
      },
      run(name),
    ]),
  ],
});
