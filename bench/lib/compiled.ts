/** The engine as users of the package have it: compiled, since a checkout's loader costs a run some of its time. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyStep, PipelineDefinition } from '../../src/define/index.ts';
import type { RunResult } from '../../src/events/index.ts';
import type { RunOptions } from '../../src/run/index.ts';
import { dataFolder } from './folders.ts';

/** Compiles it. @returns the folder */
export function compile(): string {
  const out = join(dataFolder(), 'compiled');
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--no-check', '--out', out]);
  if (status !== 0) throw new Error(`the package does not compile: ${stdout}${stderr}`);
  return out;
}

export interface Timed {
  readonly result: RunResult;
  /** From its start to its end; planning comes before. */
  readonly seconds: number;
}
/** Plans and runs a definition. @throws Error where it does not end well */
export type RunCompiled = (
  definition: PipelineDefinition<AnyStep>,
  root: string,
  options?: Partial<RunOptions>,
) => Promise<Timed>;

/** @param folder as {@link compile} gave it */
export async function compiled(folder: string): Promise<{
  run: RunCompiled;
  state: typeof import('../../src/state/index.ts');
}> {
  const load = <T>(name: string): Promise<T> => import(pathToFileURL(join(folder, name)).href) as Promise<T>;
  const { check } = await load<typeof import('../../src/plan/index.ts')>('src/plan/index.js');
  const { startRun } = await load<typeof import('../../src/run/index.ts')>('src/run/index.js');
  const { operators } = await load<typeof import('../../operators/index.ts')>('operators/index.js');
  const registryUrl = pathToFileURL(join(folder, 'operators/index.js')).href;
  const run: RunCompiled = async (definition, root, options) => {
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
