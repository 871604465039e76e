/** Whether rows at a step name the row they come from: then no two source rows can give the same key there. */
import type { Flow, PlannedStep } from '../../plan/types.ts';

/**
 * Follows the key of the root through the maps between: each of its columns must be told by one of the step's key, as it
 * went through untouched, or as part of a column that tells it.
 * @param root the step that rows come from one by one
 * @param key the columns that name a row at the step
 */
export function ownKeys(flow: Flow, step: PlannedStep, root: string, key: readonly string[]): boolean {
  const between: PlannedStep[] = [];
  for (let id = step.from[0]; id !== root; ) {
    const before = flow.steps.find(s => s.id === id);
    if (!before) return false;
    between.unshift(before);
    id = before.from[0];
  }
  // of each column of the root's key, the columns that tell it
  let tellers = (flow.steps.find(s => s.id === root)?.key ?? []).map(name => new Set([name]));
  if (tellers.length === 0) return false;
  for (const { op, params, passes } of between) {
    const told = Object.entries((op.shape === 'map' && op.tells?.(params)) || {});
    tellers = tellers.map(
      names =>
        new Set([
          ...[...names].flatMap(name => passes[name] ?? []),
          ...told.flatMap(([written, read]) => (names.has(read) ? [written] : [])),
        ]),
    );
  }
  return tellers.every(names => key.some(name => names.has(name)));
}
