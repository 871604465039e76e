import { join } from 'node:path';
import { dataFolder } from '../datasets/folders.ts';
import { pipeline } from '../src/index.ts';

const data = dataFolder({});
const squad2 = [
  join(data, 'squad2-dev/dev-half.dev-v2.0.json'),
  join(data, 'squad2-dev/other-half-no-answers.test-v2.0.json'),
];

/**
 * The paragraphs and questions of new-wiki with what the 11,993 questions of SQuAD 2.0 chose: titles before texts, no
 * stop words, bm25l with k1 1.6 and b .85. `pipelines/new-wiki.ts` has defaults. How it was chosen:
 * `millrace tune indexes/new-wiki-tuned out/new-wiki/squad2.jsonl --similarity bm25l --grid k1=1:2:0.2 --grid b=0.65:0.95:0.1`;
 * whether it is better: `millrace compare out/new-wiki/defaults.trec out/new-wiki/tuned.trec --qrels
 * out/new-wiki/qrels.txt --metric success@1`.
 */
export default pipeline({
  name: 'new-wiki-tuned',
  description: 'new-wiki with an analyzer and a similarity that other questions chose.',
  memory: '512 MiB',
  steps: [
    {
      id: 'paragraphs',
      op: 'read.squad',
      with: { path: [join(data, 'squadshifts/new_wiki_v1.0.json'), ...squad2], take: 'contexts' },
    },
    { id: 'titles', op: 'clean.text', with: { column: 'title', rules: ['underscores'] } },
    { id: 'titled', op: 'concat.title' },
    {
      id: 'index',
      op: 'index.sparse',
      with: { path: 'indexes/new-wiki-tuned', analyzer: { name: 'english', stopwords: 'none' } },
    },

    { id: 'others', op: 'read.squad', with: { path: squad2, take: 'questions' } },
    { id: 'for-tuning', op: 'write.jsonl', with: { path: 'out/new-wiki/squad2.jsonl' } },

    {
      id: 'questions',
      after: 'index',
      op: 'read.dataset',
      with: { name: 'new-wiki', take: 'questions', folder: data },
    },
    {
      id: 'hits',
      op: 'search.sparse',
      with: { index: 'indexes/new-wiki-tuned', k: 20, similarity: { name: 'bm25l', k1: 1.6, b: 0.85 } },
    },
    { id: 'run', op: 'write.trec', with: { path: 'out/new-wiki/tuned.trec', tag: 'tuned' } },
    {
      id: 'retrieval',
      from: 'hits',
      op: 'evaluate.retrieval',
      with: { k: [1, 5, 20], path: 'out/new-wiki/tuned.json' },
    },
  ],
});
