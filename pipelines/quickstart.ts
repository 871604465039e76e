import { pipeline } from '../src/index.ts';

/**
 * From a corpus to measured retrieval: documents of the World Factbook are split into passages and indexed; then a
 * set of questions is searched, measured, and three of them are shown with what was found.
 */
export default pipeline({
  name: 'quickstart',
  description: 'Indexes the World Factbook, searches 545 questions over it and measures the retrieval.',
  memory: '512 MiB',
  next: [
    'millrace search indexes/factbook "Which country has the oldest parliament?"',
    'millrace run quickstart --sweep steps.hits.with.k=5,20,100',
    'millrace explain quickstart',
    'millrace init my-search --corpus YOUR-FILE-OR-FOLDER',
  ],
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
      with: { questions: ['written-050', 'written-089', 'written-099'] },
    },
    {
      id: 'retrieval',
      from: 'hits',
      op: 'evaluate.retrieval',
      with: {
        k: [1, 5, 20],
        print: ['gold@1', 'gold@5', 'gold@20', 'answer@1', 'answer@5', 'answer@20', 'mrr@10'],
        path: 'out/quickstart/retrieval.json',
      },
    },
  ],
});
