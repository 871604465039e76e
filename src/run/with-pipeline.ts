/**
 * The state of a pipeline while a run works on it: its lock, its ledger and the cache, let go of in the one order that is
 * right, whatever came of the work. Once the work is over nothing that fails here takes back what was committed.
 */
import { join } from 'node:path';
import { type CacheLimits, takeLock, withState } from '../state/index.ts';
import type { KeptState } from './kept-state.ts';

export interface PipelineOptions {
  /** The pipeline's state folder. */
  readonly folder: string;
  /** The pipeline, by name. */
  readonly name: string;
  readonly state: KeptState;
  /** What the cache is kept to after work that went well. */
  readonly cacheLimits?: CacheLimits;
  /** Tells what could not be put away. */
  readonly warn: (step: string, message: string) => void;
}

/** Works with the lock of a pipeline. @throws what `work` throws, and UserError where another process has the lock */
export async function withPipeline<T>(o: PipelineOptions, work: () => Promise<T>): Promise<T> {
  const { folder, name, state, cacheLimits, warn } = o;
  const unlock = await withState(folder, () => takeLock(join(folder, 'lock'), `pipeline "${name}"`));
  const after = async (what: string, leave: () => Promise<void>): Promise<void> => {
    try {
      await leave();
    } catch (error) {
      warn('', `${what}: ${(error as Error).message}`);
    }
  };
  let limits: CacheLimits | undefined | false = false;
  try {
    const result = await work();
    limits = cacheLimits;
    return result;
  } finally {
    await after('the cache misses results of this run', () => state.closeCache(limits));
    await after('the ledger has no checksum until the end of the next run', () => state.closeLedger());
    await after('the lock could not be removed', unlock);
  }
}
