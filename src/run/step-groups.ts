/** Which steps of a flow run as one stage. */
import type { Flow, PlannedStep } from '../plan/types.ts';
import { isCostly } from './cost.ts';

/** Steps that run as one: a step alone, or a source's decoding and maps that share worker threads. */
export type Group = readonly PlannedStep[];

/**
 * Puts neighbouring worker steps together, so that rows cross between threads once and not once a step.
 * @param sourcesApart rows of sources come back first, to be held against the ledger
 * @param costlyApart rows come back before costly steps, to be counted
 */
export function groupSteps(flow: Flow, sourcesApart: boolean, costlyApart = false): Group[] {
  const alone = (step: PlannedStep): boolean => isCached(step) || (costlyApart && isCostly(step));
  const byId = new Map(flow.steps.map(s => [s.id, s]));
  const grouped = new Set<string>();
  const groups: Group[] = [];
  for (const step of flow.steps) {
    if (grouped.has(step.id)) continue;
    const group = [step];
    grouped.add(step.id);
    const workable =
      step.where === 'worker' &&
      !alone(step) &&
      (step.op.shape === 'map' || (step.op.shape === 'source' && !sourcesApart));
    for (let last = step; workable && last.to.length === 1; ) {
      const next = byId.get(last.to[0]);
      const joins =
        next?.where === 'worker' &&
        next.op.shape === 'map' &&
        next.parallel === step.parallel &&
        next.order === step.order &&
        next.batch === undefined &&
        !alone(next);
      if (!next || !joins) break;
      group.push(next);
      grouped.add(next.id);
      last = next;
    }
    groups.push(group);
  }
  return groups;
}

/** Whether a step's results are kept. */
export function isCached({ op, params }: PlannedStep): boolean {
  if (op.shape !== 'map') return false;
  return typeof op.cache === 'function' ? op.cache(params) : op.cache === true;
}
