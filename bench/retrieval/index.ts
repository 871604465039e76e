import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'retrieval',
  summary: 'Quality of BM25 retrieval through whole pipelines, on English, Korean and scientific text.',
  run: async options => (await import('./run.ts')).run(options),
};
