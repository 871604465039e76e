// The engine of a compiled package, for processes with a loader and without.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export async function compiledEngine(folder) {
  const load = name => import(pathToFileURL(join(folder, name)).href);
  const { check } = await load('src/plan/index.js');
  const { startRun } = await load('src/run/index.js');
  const { operators } = await load('operators/index.js');
  const registryUrl = pathToFileURL(join(folder, 'operators/index.js')).href;
  const run = async (definition, root, options) => {
    const { plan, problems } = await check(definition, { operators, root, mode: 'run' });
    if (!plan) throw new Error(problems.map(p => `${p.where}: ${p.message} ${p.help ?? ''}`).join('\n'));
    const started = performance.now();
    const result = await startRun(plan, { registryUrl, ...options }).result;
    const seconds = (performance.now() - started) / 1000;
    if (result.status !== 'ok') throw new Error(result.error?.message);
    return { result, seconds };
  };
  return { run, state: await load('src/state/index.js') };
}
