import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'dense',
  summary: 'Exact and approximate search of vectors, against FAISS, plain TypeScript and usearch.',
  run: async options => (await import('./run.ts')).run(options),
};
