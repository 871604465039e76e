// Runs of the compiled package in a process of their own, without a loader: engine.mjs COMPILED; answers messages.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const load = name => import(pathToFileURL(join(process.argv[2], name)).href);
const { check } = await load('src/plan/index.js');
const { startRun } = await load('src/run/index.js');
const { operators } = await load('operators/index.js');
const registryUrl = pathToFileURL(join(process.argv[2], 'operators/index.js')).href;

async function run({ definition, root, options }) {
  const { plan, problems } = await check(definition, { operators, root, mode: 'run' });
  if (!plan) throw new Error(problems.map(p => `${p.where}: ${p.message}`).join('\n'));
  const started = performance.now();
  const result = await startRun(plan, { registryUrl, ...options }).result;
  const seconds = (performance.now() - started) / 1000;
  if (result.status !== 'ok') throw new Error(result.error?.message);
  return { seconds, redone: result.steps.find(s => s.id === 'split')?.rowsIn ?? 0 };
}
process.on('message', request =>
  run(request).then(
    timed => process.send(timed),
    error => process.send({ error: error.message }),
  ),
);
