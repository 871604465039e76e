import { pipeline } from '../src/index.ts';

/** Two indexes over the same passages of the World Factbook: one of words, one of vectors by the embedded encoder. */
export default pipeline({
  name: 'index-hybrid',
  description: 'Indexes passages of the World Factbook twice, by words and by vectors, for search-hybrid.',
  memory: '1 GiB',
  next: ['npm run -s millrace -- run search-hybrid'],
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    { id: 'passages', op: 'split.passages', with: { words: 100, stride: 20 } },
    { id: 'titled', op: 'concat.title' },
    { id: 'sparse', op: 'index.sparse', with: { path: 'indexes/hybrid/sparse', analyzer: 'english' } },
    { id: 'vectors', op: 'encode.dense', from: 'titled', with: { model: 'default' } },
    { id: 'dense', op: 'index.dense', with: { path: 'indexes/hybrid/dense', precision: 'f16' } },
  ],
});
