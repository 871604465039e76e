import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'dense',
  summary:
    'Exact and approximate search of vectors, against FAISS, plain TypeScript and usearch; memory of a large index.',
  run: async options => (await import('./run.ts')).run(options),
};
