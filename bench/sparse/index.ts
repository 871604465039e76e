import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'sparse',
  summary:
    'Sparse retrieval against its peers: queries and passages a second, size, memory, opening, quality.',
  run: async options => (await import('./run.ts')).run(options),
};
