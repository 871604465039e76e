import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'hybrid',
  summary: 'Words and vectors merged: method and weights chosen on dev questions, measured on others.',
  run: async options => (await import('./run.ts')).run(options),
};
