/** Plans and runs a definition over the built-in operators, for benches. */

import { operators } from '../../operators/index.ts';
import type { AnyOperator, AnyStep, PipelineDefinition } from '../../src/define/index.ts';
import type { RunResult } from '../../src/events/index.ts';
import { check } from '../../src/plan/index.ts';
import type { Plan } from '../../src/plan/types.ts';
import { startRun } from '../../src/run/index.ts';

const registryUrl = new URL('../../operators/index.ts', import.meta.url).href;

/** @throws Error with every problem of the definition */
export async function planOf(
  definition: PipelineDefinition<AnyStep>,
  root: string,
  more: readonly AnyOperator[] = [],
): Promise<Plan> {
  const { plan, problems } = await check(definition, {
    operators: [...operators, ...more],
    root,
    mode: 'run',
  });
  if (!plan) throw new Error(problems.map(p => `${p.where}: ${p.message} ${p.help ?? ''}`).join('\n'));
  return plan;
}

export interface BenchRun {
  readonly result: RunResult;
  /** Milliseconds until all steps were open: models, indexes, worker threads. */
  readonly openMs: number;
}

/**
 * Runs a plan, all of it; its state goes under the plan's root.
 * @param ledger whether the run remembers what it did, as `millrace run` does
 * @throws Error where the run does not end well
 */
export async function runPlan(plan: Plan, ledger = true): Promise<BenchRun> {
  const handle = startRun(plan, { registryUrl, full: true, incremental: ledger });
  let openMs = 0;
  handle.events.subscribe(event => {
    if (event.type === 'open') openMs += event.ms;
  });
  const result = await handle.result;
  if (result.status !== 'ok') {
    const { step, message, help } = result.error ?? { message: result.status };
    throw new Error(`${step ?? plan.name}: ${message} ${help ?? ''}`);
  }
  return { result, openMs };
}
