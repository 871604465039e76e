/**
 * Where a chain is worked through: on this thread, or in worker threads. A stage knows only this: give a piece, get
 * its result.
 */
import type { Closable } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { Chain, type ChainInput, type ChainResult } from './chain.ts';
import { openContext, type RunContext } from './context.ts';

export interface Executor {
  /** How many pieces are in work at once, at most. */
  readonly width: number;
  run(input: ChainInput): Promise<ChainResult>;
  close(): Promise<void>;
}

/** Opens a map step's instances on this thread, one for each parallel part, and works through them. */
export async function mainExecutor(step: PlannedStep, run: RunContext): Promise<Executor> {
  if (step.op.shape !== 'map') throw new Error(`${step.id} is not a map`);
  const { op } = step;
  const opened: Closable[] = [];
  const chains: Chain[] = [];
  const close = async (): Promise<void> => {
    for (const instance of opened.splice(0)) await instance.close?.();
  };
  try {
    for (let i = 0; i < step.parallel; i++) {
      const instance = await op.open(step.params, openContext(step, run));
      opened.push(instance);
      chains.push(new Chain(undefined, [{ step, instance }]));
    }
  } catch (error) {
    await close();
    throw error;
  }
  if (chains.length === 1) return { width: 1, run: input => chains[0].run(input), close };
  const free = [...chains];
  return {
    width: chains.length,
    run: async input => {
      const chain = free.pop();
      if (!chain) throw new Error('more pieces in work than parallel parts');
      try {
        return await chain.run(input);
      } finally {
        free.push(chain);
      }
    },
    close,
  };
}
