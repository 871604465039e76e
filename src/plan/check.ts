/** From a definition to a plan, or to everything that is wrong with it, before any data is touched. */
import { resolve } from 'node:path';
import type { AnyOperator, PipelineDefinition } from '../define/index.ts';
import { Findings, isRecord } from './findings.ts';
import { cutFlows } from './flows.ts';
import { checkPaths, locations } from './paths.ts';
import { Planner } from './planner.ts';
import { buildRegistry, resolveOperators } from './registry.ts';
import { schemasAt } from './schema.ts';
import { type Draft, readShape } from './shape.ts';
import type { Plan, Problem, SourceMap } from './types.ts';
import { findUnread, wire } from './wiring.ts';

export interface CheckOptions {
  /** The built-in operators; a pipeline's own come beside them. */
  readonly operators: readonly AnyOperator[];
  /** The folder that relative paths start from. */
  readonly root: string;
  /** Where the definition's parts stand in its file. */
  readonly positions?: SourceMap;
  /** `run`: files and models must be there. `check` (default): what is missing is a warning. */
  readonly mode?: 'check' | 'run';
  /** Rows that each source gives at most. */
  readonly limit?: number;
  /** Steps whose rows nobody takes on purpose. */
  readonly open?: readonly string[];
  /** Index of each step in the file, where steps were dropped or cloned since. */
  readonly origin?: readonly number[];
}

export interface CheckResult {
  /** There only where no problem is an error. */
  readonly plan?: Plan;
  /** Errors and warnings, in the order of the steps. */
  readonly problems: Problem[];
}

/** Checks a definition of any origin. Never throws for what a definition says: all that is wrong is in `problems`. */
export async function check(
  definition: PipelineDefinition | unknown,
  options: CheckOptions,
): Promise<CheckResult> {
  const named = isRecord(definition) && typeof definition.name === 'string' && definition.name !== '';
  const pipeline = named ? (definition.name as string) : 'pipeline';
  const { positions, origin } = options;
  const findings = new Findings(definition, { pipeline, positions, origin });
  const registry = buildRegistry(options.operators, definition, findings);
  const parametersOf = (op: unknown): string[] => {
    const known = typeof op === 'string' ? registry.get(op) : undefined;
    return known
      ? schemasAt(known.params, []).flatMap(s => ('shape' in s ? Object.keys(s.shape as object) : []))
      : [];
  };
  const shape = readShape(definition, findings, parametersOf);
  if (!shape) return { problems: findings.problems };
  resolveOperators(shape.drafts, registry, findings);
  const wiring = wire(shape.drafts, findings);
  const flows = cutFlows(wiring.nodes, findings);
  checkThreads(shape.drafts, findings);
  const root = resolve(options.root);
  const files = locations(flows, root);
  checkPaths(files, findings);

  const planner = new Planner(flows, files, { ...options, root }, findings);
  const meant = await planner.carry();
  findUnread(wiring, new Set(options.open), meant, findings);
  for (const flow of flows) await planner.share(flow, shape.memory);
  if (findings.failed) return { problems: findings.problems };
  const planned = await planner.plan(flows);
  if (!planned || findings.failed) return { problems: findings.problems };
  const { problems } = findings;
  return {
    plan: {
      name: shape.name,
      root,
      memory: shape.memory,
      flows: planned,
      next: shape.next,
      warnings: problems,
    },
    problems,
  };
}

/** Operators with state have one owner thread; joins and rx operators work where rows meet, on the main thread. */
function checkThreads(drafts: readonly Draft[], findings: Findings): void {
  for (const { op, run, index } of drafts) {
    if (!op) continue;
    const main = op.shape === 'join' || op.shape === 'rx';
    if (main && run.where === 'worker') {
      findings.add({
        path: ['steps', index, 'where'],
        code: 'main-thread',
        message: `where: ${op.name} (a ${op.shape}) works on the main thread, got worker`,
        help: 'leave it out',
      });
      continue;
    }
    if (run.parallel < 2 || op.shape === 'map') continue;
    if (run.where !== 'worker') {
      findings.add({
        path: ['steps', index, 'parallel'],
        code: 'parallel-main',
        message: `parallel: ${op.name} (a ${op.shape}) works on one batch at a time on the main thread, got ${run.parallel}`,
        help: op.shape === 'source' ? 'say where: worker too, or leave it out' : 'leave it out',
      });
      continue;
    }
    if (op.shape !== 'sink' && op.shape !== 'stream') continue;
    findings.add({
      path: ['steps', index, 'parallel'],
      code: 'parallel-state',
      message: `parallel: ${op.name} keeps state (a ${op.shape}), which one worker owns, got ${run.parallel}`,
      help: 'say parallel: 1',
    });
  }
}
