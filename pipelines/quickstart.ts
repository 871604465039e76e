import { pipeline } from '../src/index.ts';

/**
 * From a corpus to measured retrieval: documents of the World Factbook are split into passages and indexed; then a
 * set of questions is searched, measured, and three of them are shown with what was found.
 */
export default pipeline({
  name: 'quickstart',
  description: 'Indexes the World Factbook, searches 545 questions over it and measures the retrieval.',
  memory: '512 MiB',
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    { id: 'passages', op: 'split.passages', with: { words: 100, stride: 20 } },
    { id: 'titled', op: 'concat.title' },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/factbook', analyzer: 'english' } },

    { id: 'questions', op: 'read.dataset', after: 'index', with: { name: 'factbook', take: 'questions' } },
    { id: 'hits', op: 'search.sparse', with: { index: 'indexes/factbook', k: 100 } },
    {
      id: 'samples',
      op: 'show.hits',
      with: { questions: ['w-001', 'w-002', 'w-003'] },
    },
    {
      id: 'retrieval',
      from: 'hits',
      op: 'evaluate.retrieval',
      with: { k: [1, 5, 20], path: 'out/quickstart/retrieval.json' },
    },
  ],
});
