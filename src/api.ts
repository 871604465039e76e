/** The engine over the built-in operators: what programs call, and what the command line is made of. */
import { operators } from '../operators/index.ts';
import { definer, type Pipeline, UserError } from './define/index.ts';
import { type CheckOptions, type CheckResult, check as checkDefinition } from './plan/check.ts';
import { formatProblems } from './plan/problems.ts';
import type { Problem } from './plan/types.ts';
import { type RunHandle, type RunOptions, startRun } from './run/index.ts';

export { operators };

/** The module that worker threads load operators from: the registry, from the sources or compiled as this file is. */
export const registryUrl: string = new URL(
  `../operators/index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
).href;

/**
 * Declares a pipeline: plain data, typed by the operators there are. A wrong operator name or parameter does not
 * compile; everything else is found by {@link check}. Nothing runs.
 *
 * @example
 * export default pipeline({
 *   name: 'index',
 *   steps: [
 *     { id: 'docs', op: 'read.jsonl', with: { path: 'data/*.jsonl' } },
 *     { id: 'sparse', op: 'index.sparse', with: { path: 'indexes/docs' } },
 *   ],
 * });
 */
export const pipeline = definer<(typeof operators)[number]>();

/** A pipeline that cannot run, with everything that is wrong with it. */
export class PipelineError extends UserError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(formatProblems(problems.filter(p => p.severity === 'error')));
    this.name = 'PipelineError';
    this.problems = problems;
  }
}

/** Options of {@link check} and {@link run}. */
export interface PipelineOptions extends Partial<Pick<CheckOptions, 'mode' | 'positions' | 'limit'>> {
  /** The folder that relative paths start from. Default: the working directory. */
  readonly root?: string;
}

/** All problems of a pipeline, and its plan where none is an error. No data is touched. */
export const check = (definition: Pipeline, options: PipelineOptions = {}): Promise<CheckResult> =>
  checkDefinition(definition, { ...options, operators, root: options.root ?? process.cwd() });

/**
 * Checks a pipeline and starts it.
 *
 * With `limit`, sinks write the sample where the pipeline says: give other paths than those of whole runs, which the
 * command line does by itself.
 * @returns the run: `result` is what came of it (it resolves for failed and aborted runs too), `events` and
 * `tap(step)` are Observables, `abort()` stops it
 * @throws PipelineError where the pipeline has problems
 * @example const { status, reports } = await (await run(definition)).result;
 */
export async function run(
  definition: Pipeline,
  options: PipelineOptions & Omit<RunOptions, 'registryUrl'> = {},
): Promise<RunHandle> {
  const { root, positions, limit, mode: _, ...runOptions } = options;
  const { plan, problems } = await check(definition, { root, positions, limit, mode: 'run' });
  if (!plan) throw new PipelineError(problems);
  // a sample must not be taken for all there is by the next run
  const incremental = runOptions.incremental ?? limit === undefined;
  return startRun(plan, { ...runOptions, incremental, registryUrl });
}
