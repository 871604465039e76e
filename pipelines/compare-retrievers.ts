import { pipeline } from '../src/index.ts';

const out = 'out/compare-retrievers';
const indexes = 'indexes/compare-retrievers';

/**
 * How lists become one: a name, which becomes the run's file. Where no weights stand, they are those of merge.hits. What
 * has numbers has them from dev questions:
 * `millrace tune indexes/compare-retrievers/sparse dataset:factbook/dev --merge indexes/compare-retrievers/dense`
 */
const fusions = {
  'words-vectors-expz': { from: ['words', 'vectors'] },
  'words-vectors-rrf': { from: ['words', 'vectors'], method: 'rrf' },
  'words-vectors-minmax': { from: ['words', 'vectors'], method: 'minmax' },
  'words-vectors-zscore': { from: ['words', 'vectors'], method: 'zscore' },
  'words-vectors-weighted': { from: ['words', 'vectors'], method: 'weighted', weights: [1, 10] },
  'words-vectors-logistic': {
    from: ['words', 'vectors'],
    method: 'logistic',
    depth: 20,
    chooser: { weights: [3.15827, 14.136, -18.0206], bias: -1.246 },
  },
  'words-vectors-tuned': { from: ['words', 'vectors'], weights: [1, 1.5], depth: 100 },
  'words-tokens-expz': { from: ['words', 'tokens'] },
  'words-tokens-rrf': { from: ['words', 'tokens'], method: 'rrf' },
  'all-expz': { from: ['words', 'vectors', 'tokens'] },
  'all-rrf': { from: ['words', 'vectors', 'tokens'], method: 'rrf' },
} as const;

const runs = ['words', 'vectors', 'tokens', ...Object.keys(fusions)];
const runOf = (name: string) => `${out}/${name}.trec`;

/**
 * Words (sparse), vectors (dense), token vectors (late) and their mergers by every method over the same passages and
 * questions, compared: a table with confidence intervals, which differ from words alone by more than chance, and top-k
 * curves of all in one plot, `out/compare-retrievers/report.*.svg`. Runs are TREC files of documents, each as good as its
 * best passage, so
 * `millrace compare out/compare-retrievers/words.trec out/compare-retrievers/*.trec --qrels out/compare-retrievers/qrels.txt`
 * says which questions were won and lost. Questions are those of the test split, as weights and the chooser were found on
 * dev questions. The list of `logistic` is 20 long: so many hits its chooser was trained on (`depth`), and it takes all of one
 * list, so its curve is flat from there. For other data, exchange the two datasets.
 */
export default pipeline({
  name: 'compare-retrievers',
  description:
    'Indexes the World Factbook by words, vectors and token vectors and compares each and all mergers on its questions; the list of logistic has 20 hits, as many as its chooser was trained on.',
  memory: '2 GiB',
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    { id: 'passages', op: 'split.passages', with: { words: 100, stride: 20 } },
    { id: 'titled', op: 'concat.title' },
    { id: 'sparse', op: 'index.sparse', with: { path: `${indexes}/sparse`, analyzer: 'english' } },
    { id: 'encoded', op: 'encode.dense', from: 'titled', with: { model: 'default' } },
    { id: 'dense', op: 'index.dense', with: { path: `${indexes}/dense`, precision: 'f16' } },
    { id: 'encoded-tokens', op: 'encode.tokens', from: 'titled', with: { model: 'default', pool: 2 } },
    { id: 'late', op: 'index.late', with: { path: `${indexes}/late` } },

    {
      id: 'questions',
      after: ['sparse', 'dense', 'late'],
      op: 'read.dataset',
      with: { name: 'factbook', take: 'questions', split: 'test' },
    },
    { id: 'qrels', op: 'write.trec', with: { path: `${out}/qrels.txt`, take: 'qrels' } },
    { id: 'words', op: 'search.sparse', from: 'questions', with: { index: `${indexes}/sparse`, k: 100 } },
    { id: 'asked', op: 'encode.dense', from: 'questions', with: { model: 'default', column: 'question' } },
    { id: 'near', op: 'search.dense', with: { index: `${indexes}/dense`, k: 100 } },
    { id: 'vectors', op: 'select', with: { drop: ['vector'] } },
    {
      id: 'asked-tokens',
      op: 'encode.tokens',
      from: 'questions',
      with: { model: 'default', column: 'question' },
    },
    { id: 'tokens-near', op: 'search.late', with: { index: `${indexes}/late`, k: 100 } },
    { id: 'tokens', op: 'select', with: { drop: ['token_vectors', 'token_starts', 'token_ends'] } },
    ...Object.entries(fusions).map(([id, { from, ...how }]) => ({
      id,
      op: 'merge.hits' as const,
      from: [...from],
      with: { ...structuredClone(how as object), k: 100 },
    })),
    ...runs.map(name => ({
      id: `${name}-run`,
      op: 'write.trec' as const,
      from: name,
      with: { path: runOf(name), tag: name },
    })),

    {
      id: 'runs',
      after: ['qrels', ...runs.map(name => `${name}-run`)],
      op: 'read.trec',
      with: { path: runs.map(runOf) },
    },
    {
      id: 'comparison',
      op: 'evaluate.compare',
      with: { qrels: `${out}/qrels.txt`, against: 'words', path: `${out}/report.json` },
    },
  ],
});
