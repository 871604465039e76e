import { join } from 'node:path';
import { dataFolder } from '../datasets/folders.ts';
import { pipeline } from '../src/index.ts';

const data = dataFolder({});

/**
 * English open-domain retrieval: the paragraphs of new_wiki (SQuADShifts) among those of SQuAD 2.0's development set,
 * 2,797 in all, and the 7,938 questions that were written for the former. `pipelines/new-wiki-tuned.ts` does it better.
 */
export default pipeline({
  name: 'new-wiki',
  description: 'Indexes 2,797 English Wikipedia paragraphs and measures the retrieval of 7,938 questions.',
  memory: '512 MiB',
  steps: [
    {
      id: 'paragraphs',
      op: 'read.squad',
      with: {
        path: [
          join(data, 'squadshifts/new_wiki_v1.0.json'),
          join(data, 'squad2-dev/dev-half.dev-v2.0.json'),
          join(data, 'squad2-dev/other-half-no-answers.test-v2.0.json'),
        ],
        take: 'contexts',
      },
    },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/new-wiki', analyzer: 'english' } },

    {
      id: 'questions',
      after: 'index',
      op: 'read.dataset',
      with: { name: 'new-wiki', take: 'questions', folder: data },
    },
    { id: 'qrels', op: 'write.trec', with: { path: 'out/new-wiki/qrels.txt', take: 'qrels' } },
    {
      id: 'hits',
      from: 'questions',
      op: 'search.sparse',
      with: { index: 'indexes/new-wiki', k: 20 },
    },
    { id: 'run', op: 'write.trec', with: { path: 'out/new-wiki/defaults.trec', tag: 'defaults' } },
    {
      id: 'retrieval',
      from: 'hits',
      op: 'evaluate.retrieval',
      with: { k: [1, 5, 20], path: 'out/new-wiki/retrieval.json' },
    },
  ],
});
