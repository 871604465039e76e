/**
 * The code of users' own operators, so that one that was changed under its old version is told: what was done with the
 * old code stays, and nobody would know. Operators of the registry change with their versions.
 */
import { createHash } from 'node:crypto';
import type { EngineOperator } from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { FlowState } from './flow-memory.ts';

/** A hash of the functions that an operator is made of; what they call in other files does not count. */
function sourceOf(op: EngineOperator): string {
  const parts = Object.entries(op)
    .filter(([, part]) => typeof part === 'function')
    .map(([name, part]) => `${name} ${String(part)}`);
  return createHash('sha256').update(parts.sort().join('\n')).digest('hex').slice(0, 16);
}

/** Of the steps whose operator is not the registry's, by id. */
export const ownSources = (
  steps: readonly PlannedStep[],
  registry: ReadonlySet<EngineOperator>,
): ReadonlyMap<string, string> =>
  new Map(steps.filter(s => !registry.has(s.op)).map(s => [s.id, sourceOf(s.op)]));

/** Steps whose code is not what it was, though the version is. */
export const changedSources = (
  steps: readonly PlannedStep[],
  before: FlowState | undefined,
  now: ReadonlyMap<string, string>,
): PlannedStep[] =>
  steps.filter(s => {
    const old = before?.steps[s.id];
    return (
      old?.source !== undefined &&
      now.has(s.id) &&
      old.source !== now.get(s.id) &&
      old.op === s.op.name &&
      old.version === s.op.version
    );
  });
