/** Right pipelines, which the tests make wrong. */
import type { AnyStep, Pipeline } from '../../src/define/index.ts';

export const indexWiki = (): Pipeline => ({
  name: 'index-wiki',
  memory: '2 GiB',
  steps: [
    { id: 'docs', op: 'read.jsonl', with: { path: 'data/wiki/*.jsonl.gz' } },
    { id: 'split', op: 'split.passages', with: { words: 100 }, parallel: 2, where: 'worker' },
    { id: 'sparse', op: 'index.sparse', with: { path: 'indexes/wiki/sparse', analyzer: 'korean' } },
    {
      id: 'encode',
      op: 'encode.dense',
      from: 'split',
      with: { model: 'default' },
      batch: { tokens: 8192, linger: '20ms' },
      onError: 'dead-letter',
    },
    { id: 'dense', op: 'index.dense', with: { path: 'indexes/wiki/dense' } },
  ],
});

export const answer = (): Pipeline => ({
  name: 'answer',
  steps: [
    { id: 'questions', op: 'read.squad', with: { path: 'data/dev.json', take: 'questions' } },
    {
      id: 'sparse',
      op: 'search.sparse',
      with: { index: 'indexes/wiki/sparse', k: 100, similarity: { name: 'lucene', k1: 0.9, b: 0.4 } },
    },
    { id: 'vectors', op: 'encode.dense', from: 'questions', with: { model: 'default', column: 'question' } },
    { id: 'dense', op: 'search.dense', with: { index: 'indexes/wiki/dense', k: 100 } },
    { id: 'hits', op: 'merge.hits', from: ['sparse', 'dense'], with: { method: 'minmax', k: 20 } },
    { id: 'retrieval', op: 'evaluate.retrieval', with: { k: [1, 5, 20] } },
    { id: 'out', op: 'write.jsonl', from: 'hits', with: { path: 'out/hits.jsonl' } },
  ],
});

/** Builds an index and searches it: two flows. */
export const both = (): Pipeline => ({
  name: 'both',
  memory: 512 * 2 ** 20,
  steps: [
    { id: 'contexts', op: 'read.squad', with: { path: 'data/dev.json', take: 'contexts' } },
    { id: 'clean', op: 'select', with: { drop: ['title'] } },
    { id: 'dedupe', op: 'dedupe.exact', with: { column: 'text', wait: true } },
    { id: 'split', op: 'split.passages' },
    { id: 'index', op: 'index.sparse', with: { path: 'indexes/dev' } },
    { id: 'questions', op: 'read.squad', after: 'index', with: { path: 'data/dev.json' } },
    { id: 'buffer', op: 'rx.buffer', with: { batches: 2 } },
    { id: 'search', op: 'search.sparse', with: { index: 'indexes/dev', k: 10 } },
    { id: 'report', op: 'evaluate.retrieval' },
  ],
});

export const pipelines = { indexWiki, answer, both };

/** A pipeline with one step changed. */
export const withStep = (pipeline: Pipeline, id: string, change: Partial<AnyStep>): Pipeline => ({
  ...pipeline,
  steps: pipeline.steps.map(s => (s.id === id ? { ...s, ...change } : s)),
});

/** A step on its own. */
export const step = (pipeline: Pipeline, id: string): AnyStep => {
  const found = pipeline.steps.find(s => s.id === id);
  if (!found) throw new Error(`no step ${id}`);
  return found;
};
