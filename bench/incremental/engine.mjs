// Runs of the compiled package in a process of their own, without a loader: engine.mjs COMPILED; answers messages.
import { compiledEngine } from '../lib/compiled-engine.mjs';

const { run } = await compiledEngine(process.argv[2]);
process.on('message', ({ definition, root, options }) =>
  run(definition, root, options).then(
    ({ result, seconds }) =>
      process.send({ seconds, redone: result.steps.find(s => s.id === 'split')?.rowsIn ?? 0 }),
    error => process.send({ error: error.message }),
  ),
);
