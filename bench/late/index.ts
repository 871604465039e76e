import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'late',
  summary: 'Token vectors compressed and searched in stages, against exact MaxSim.',
  run: async options => (await import('./run.ts')).run(options),
};
