/** From the words of a command line to a plan: load, change, cut, check. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { type Pipeline, UserError } from '../define/index.ts';
import type { CheckOptions, CheckResult } from '../plan/check.ts';
import type { SweepVariant } from '../plan/sweep.ts';
import type { SourceMap } from '../plan/types.ts';
import type { PartOf } from '../run/index.ts';
import { withCommandsAsCalled } from './called.ts';
import { type Common, type Io, oneText, wholeNumber } from './command.ts';
import { EXIT, UsageError } from './errors.ts';

/** What a command line says of a pipeline. */
export interface Selection {
  readonly pipeline: string;
  readonly root: string;
  readonly set?: readonly string[];
  readonly from?: string;
  readonly stopAfter?: string;
  readonly limit?: number;
  readonly sweep?: readonly string[];
}

/** A pipeline as it was written, with the command line's settings. */
export interface Loaded {
  readonly definition: Pipeline;
  readonly positions?: SourceMap;
  readonly file: string;
}

/** The argument and options of commands that take a pipeline. */
export const pipelineArguments = (y: Argv<Common>) =>
  y
    .positional('pipeline', {
      type: 'string',
      demandOption: true,
      describe: 'a file (.yaml, .json, .ts, .js), or a name in pipelines/',
    })
    .option('set', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'change a value: steps.ID.with.NAME=VALUE, memory=VALUE',
    });

/** Options that cut a pipeline. */
export const cutArguments = <A extends Common>(y: Argv<A>) =>
  y
    .option('from', {
      type: 'string',
      requiresArg: true,
      coerce: oneText('--from'),
      describe: 'run this step and those behind it only',
    })
    .option('stop-after', {
      type: 'string',
      requiresArg: true,
      coerce: oneText('--stop-after'),
      describe: 'run this step and those before it only',
    })
    .option('limit', {
      type: 'string',
      requiresArg: true,
      coerce: wholeNumber('--limit'),
      describe: 'read at most so many rows of each source; `run` then writes into a folder of its own',
    });

const isThere = async (name: string, root: string): Promise<boolean> => {
  if (existsSync(resolve(root, name)) || existsSync(resolve(name))) return true;
  const { listPipelines } = await import('../plan/load.ts');
  return listPipelines({ root }).some(p => p.name === name);
};

/**
 * Loads a pipeline and applies `--set`.
 * @throws UsageError where the command line names what is not there, UserError where the file cannot be read
 */
export async function load(selection: Selection): Promise<Loaded> {
  const { loadPipeline } = await import('../plan/load.ts');
  let loaded: Loaded;
  try {
    loaded = await loadPipeline(selection.pipeline, { root: selection.root });
  } catch (error) {
    if (error instanceof UserError && !(await isThere(selection.pipeline, selection.root))) {
      throw new UsageError(error.message, { help: error.help });
    }
    throw error;
  }
  if (!selection.set?.length) return loaded;
  const { applySettings } = await import('../plan/settings.ts');
  const definition = asUsage(() => applySettings(loaded.definition, selection.set ?? []));
  return { ...loaded, definition };
}

/** What a command line says that does not fit its pipeline is a wrong command. */
function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UserError ? new UsageError(error.message, { help: error.help }) : error;
  }
}

/** Whether a command line asks for a part or a sample of a pipeline only. */
export const isPartial = ({ from, stopAfter, limit }: Selection): boolean =>
  from !== undefined || stopAfter !== undefined || limit !== undefined;

/** What is left of a definition to check, and how. */
export interface Cut {
  readonly definition: Pipeline;
  readonly options: Pick<CheckOptions, 'limit' | 'open' | 'origin'>;
  /** The variants of a sweep. */
  readonly variants: readonly SweepVariant[];
  /** Where steps are left out: what the engine is to know of the whole. */
  readonly partOf?: PartOf;
}

/** Applies `--from`, `--stop-after`, `--limit` and `--sweep`. */
export async function cut(loaded: Loaded, selection: Selection): Promise<Cut> {
  const { definition } = loaded;
  const { from, stopAfter, limit } = selection;
  const sweeps = selection.sweep ?? [];
  if (from === undefined && stopAfter === undefined && sweeps.length === 0) {
    return { definition, options: { limit }, variants: [] };
  }
  if (!Array.isArray(definition?.steps)) return { definition, options: {}, variants: [] };
  const [{ operators }, { limitTo }, { sweep }] = await Promise.all([
    import('../../operators/index.ts'),
    import('../plan/limit.ts'),
    import('../plan/sweep.ts'),
  ]);
  const limited = asUsage(() => limitTo(definition, { from, stopAfter, limit, operators }));
  const options = { limit: limited.limit, open: limited.open, origin: limited.origin };
  if (sweeps.length === 0) {
    const partOf = { steps: definition.steps.map(s => s.id), cut: limited.cut };
    return { definition: limited.definition, options, variants: [], partOf };
  }
  const swept = asUsage(() => sweep(limited.definition, sweeps, { operators }));
  const before = limited.definition.steps;
  const open = swept.definition.steps
    .filter((_, i) => limited.open.includes(before[swept.origin[i]].id))
    .map(step => step.id);
  const origin = swept.origin.map(i => limited.origin[i]);
  return { definition: swept.definition, options: { limit, open, origin }, variants: swept.variants };
}

/**
 * Checks a loaded pipeline, cut as the command line says.
 * @param writeTo a folder for all that is written
 */
export async function checkLoaded(
  loaded: Loaded,
  selection: Selection,
  mode: 'check' | 'run',
  writeTo?: string,
): Promise<CheckResult & Pick<Cut, 'variants' | 'partOf'>> {
  const [{ operators }, { check }] = await Promise.all([
    import('../../operators/index.ts'),
    import('../plan/check.ts'),
  ]);
  const { definition, options, variants, partOf } = await cut(loaded, selection);
  const { root } = selection;
  const redirect = writeTo === undefined ? undefined : (await import('./redirect.ts')).redirectWrites;
  const here = redirect?.(definition, operators, root, writeTo as string) ?? definition;
  const result = await check(here, { operators, root, positions: loaded.positions, mode, ...options });
  return { ...result, variants, partOf };
}

/** Prints problems to stderr, for people. */
export async function printProblems(problems: CheckResult['problems'], io: Io): Promise<void> {
  if (problems.length === 0) return;
  const { formatProblems } = await import('../plan/problems.ts');
  io.err(withCommandsAsCalled(formatProblems(problems, { color: io.errStyle.color })));
}

/** Says why there is no plan. Gives the exit code. */
export async function noPlan(loaded: Loaded, found: CheckResult, json: boolean, io: Io): Promise<number> {
  const ok = !found.problems.some(p => p.severity === 'error');
  if (json) io.json({ pipeline: loaded.definition?.name, status: 'failed', problems: found.problems });
  const { countProblems } = await import('../plan/problems.ts');
  io.err(ok ? 'no plan can be made before its sources are there' : countProblems(found.problems));
  return EXIT.failed;
}
