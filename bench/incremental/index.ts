import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'incremental',
  summary: 'The second run over 100,000 documents: nothing, one document or 1 % changed, against the first.',
  run: async options => (await import('./run.ts')).run(options),
};
