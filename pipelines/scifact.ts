import { pipeline } from '../src/index.ts';

/** Ad-hoc ranking: the claims of SciFact's test set (as in BEIR) over 5,183 abstracts, title and text together. */
export default pipeline({
  name: 'scifact',
  description: 'Indexes 5,183 scientific abstracts and measures the ranking for 300 claims.',
  memory: '512 MiB',
  steps: [
    { id: 'abstracts', op: 'read.dataset', with: { name: 'scifact', take: 'documents' } },
    { id: 'titled', op: 'concat.title', with: { separator: ' ' } },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/scifact', analyzer: 'english' } },

    {
      id: 'claims',
      after: 'index',
      op: 'read.dataset',
      with: { name: 'scifact', take: 'questions', split: 'test' },
    },
    { id: 'hits', op: 'search.sparse', with: { index: 'indexes/scifact', k: 100 } },
    {
      id: 'retrieval',
      op: 'evaluate.retrieval',
      with: { k: [1, 5, 20, 100], path: 'out/scifact/retrieval.json' },
    },
  ],
});
