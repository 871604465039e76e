import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'engine',
  summary: 'The cost of the engine itself: the same operators with and without it, on one thread and on two.',
  run: async options => (await import('./run.ts')).run(options),
};
