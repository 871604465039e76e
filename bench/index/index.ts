import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'index',
  summary: 'Speed of indexing 100,000 passages with the English analyzer, against bm25s.',
  run: async options => (await import('./run.ts')).run(options),
};
