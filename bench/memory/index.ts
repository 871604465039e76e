import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'memory',
  summary: 'Peak memory of read.jsonl → split.passages → write.jsonl over 0.4 and 4 GB of text.',
  run: async options => (await import('./run.ts')).run(options),
};
