import { pipeline } from '../src/index.ts';

/** Korean open-domain retrieval: the paragraphs of KorQuAD 1.0's development set and their 5,774 questions. */
export default pipeline({
  name: 'korquad',
  description: 'Indexes 961 Korean Wikipedia paragraphs and measures the retrieval of 5,774 questions.',
  memory: '512 MiB',
  steps: [
    { id: 'paragraphs', op: 'read.dataset', with: { name: 'korquad1', take: 'documents' } },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/korquad', analyzer: 'korean' } },

    { id: 'questions', after: 'index', op: 'read.dataset', with: { name: 'korquad1', take: 'questions' } },
    { id: 'hits', op: 'search.sparse', with: { index: 'indexes/korquad', k: 20 } },
    {
      id: 'retrieval',
      op: 'evaluate.retrieval',
      with: { k: [1, 5, 20], path: 'out/korquad/retrieval.json' },
    },
  ],
});
