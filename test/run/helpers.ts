/** Plans and runs a definition over the test operators; what the sinks saw is in `seen`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { AnyStep, PipelineDefinition } from '../../src/define/index.ts';
import type { RunResult } from '../../src/events/index.ts';
import { check } from '../../src/plan/index.ts';
import type { Plan } from '../../src/plan/types.ts';
import { type RunHandle, type RunOptions, startRun } from '../../src/run/index.ts';
import { log, operators, seen } from './fixtures/operators.ts';

const folders: string[] = [];
afterEach(async () => {
  seen.clear();
  log.length = 0;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export async function tempRoot(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  folders.push(folder);
  return folder;
}

export const registryUrl = new URL('./fixtures/operators.ts', import.meta.url).href;

/** A checked plan of these steps. */
export async function planOf(
  steps: AnyStep[],
  more: Partial<PipelineDefinition> = {},
  root?: string,
): Promise<Plan> {
  const definition = { name: 'test', memory: '64 MiB', ...more, steps };
  const { plan, problems } = await check(definition, {
    operators,
    root: root ?? (await tempRoot()),
    mode: 'run',
  });
  if (!plan) throw new Error(problems.map(p => `${p.where}: ${p.message}`).join('\n'));
  return plan;
}

export async function start(
  steps: AnyStep[],
  more: Partial<PipelineDefinition> = {},
  options: Partial<RunOptions> = {},
): Promise<RunHandle> {
  return startRun(await planOf(steps, more), { registryUrl, ...options });
}

export async function runSteps(steps: AnyStep[], more: Partial<PipelineDefinition> = {}): Promise<RunResult> {
  return (await start(steps, more)).result;
}

/** Fails the test instead of hanging it. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`nothing happened within ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
