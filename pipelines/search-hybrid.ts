import { pipeline } from '../src/index.ts';

/** Searches both indexes of index-hybrid with the Factbook's questions, merges the hits, and measures all three lists. */
export default pipeline({
  name: 'search-hybrid',
  description: 'Searches words and vectors, merges the hits, and measures both and their merger.',
  memory: '1 GiB',
  steps: [
    { id: 'questions', op: 'read.dataset', with: { name: 'factbook', take: 'questions' } },
    { id: 'vectors', op: 'encode.dense', with: { model: 'default', column: 'question' } },
    {
      id: 'sparse',
      op: 'search.sparse',
      from: 'vectors',
      with: { index: 'indexes/hybrid/sparse', k: 100 },
    },
    { id: 'dense', op: 'search.dense', from: 'vectors', with: { index: 'indexes/hybrid/dense', k: 100 } },
    // vectors count for what their encoder's files say; `millrace tune --merge` finds weights for other data
    { id: 'hits', op: 'merge.hits', from: ['sparse', 'dense'], with: { k: 100 } },
    {
      id: 'sparse-measured',
      op: 'evaluate.retrieval',
      from: 'sparse',
      with: { k: [1, 5, 20], path: 'out/hybrid/sparse.json' },
    },
    {
      id: 'dense-measured',
      op: 'evaluate.retrieval',
      from: 'dense',
      with: { k: [1, 5, 20], path: 'out/hybrid/dense.json' },
    },
    {
      id: 'hybrid-measured',
      op: 'evaluate.retrieval',
      from: 'hits',
      with: { k: [1, 5, 20], path: 'out/hybrid/hybrid.json' },
    },
  ],
});
