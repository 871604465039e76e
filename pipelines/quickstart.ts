import { pipeline } from '../src/index.ts';

/**
 * From a corpus to measured retrieval: documents of the World Factbook are split into passages and indexed by words and by
 * vectors; then a set of questions is searched in both, the hits are merged and measured, and three questions are shown
 * with what was found.
 */
export default pipeline({
  name: 'quickstart',
  description:
    'Indexes the World Factbook by words and vectors, searches 545 questions over it and measures the retrieval.',
  memory: '512 MiB',
  next: [
    'millrace search indexes/factbook "Which country has the oldest parliament?"',
    'millrace run quickstart --sweep steps.hits.with.k=5,20,100',
    'millrace tune indexes/factbook dataset:factbook/dev --merge indexes/factbook-vectors',
    'millrace explain quickstart',
    'millrace init my-search --corpus YOUR-FILE-OR-FOLDER',
  ],
  steps: [
    { id: 'documents', op: 'read.dataset', with: { name: 'factbook', take: 'documents' } },
    { id: 'passages', op: 'split.passages', with: { words: 100, stride: 20 } },
    { id: 'titled', op: 'concat.title' },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/factbook', analyzer: 'english' } },
    { id: 'encoded', op: 'encode.dense', from: 'titled', with: { model: 'default' } },
    { id: 'vectors', op: 'index.dense', with: { path: 'indexes/factbook-vectors', precision: 'f16' } },

    {
      id: 'questions',
      op: 'read.dataset',
      after: ['index', 'vectors'],
      with: { name: 'factbook', take: 'questions' },
    },
    { id: 'sparse', op: 'search.sparse', with: { index: 'indexes/factbook', k: 100 } },
    {
      id: 'asked',
      op: 'encode.dense',
      from: 'questions',
      with: { model: 'default', column: 'question' },
    },
    { id: 'dense', op: 'search.dense', with: { index: 'indexes/factbook-vectors', k: 100 } },
    { id: 'hits', op: 'merge.hits', from: ['sparse', 'dense'], with: { k: 100 } },
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
