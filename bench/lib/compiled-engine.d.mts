import type { AnyStep, PipelineDefinition } from '../../src/define/index.ts';
import type { RunResult } from '../../src/events/index.ts';
import type { RunOptions } from '../../src/run/index.ts';

/** @param folder as `compile` gave it */
export function compiledEngine(folder: string): Promise<{
  /** Plans and runs a definition; the seconds are those of the run alone. @throws Error where it does not end well */
  run(
    definition: PipelineDefinition<AnyStep>,
    root: string,
    options?: Partial<RunOptions>,
  ): Promise<{ readonly result: RunResult; readonly seconds: number }>;
  state: typeof import('../../src/state/index.ts');
}>;
