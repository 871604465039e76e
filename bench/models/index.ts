import type { Bench } from '../lib/report.ts';

export const bench: Bench = {
  name: 'models',
  summary:
    'Encoding text with one thread, against Python onnxruntime, sentence-transformers and transformers.js.',
  run: async options => (await import('./run.ts')).run(options),
};
