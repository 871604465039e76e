/** Whether rows at a step name the row they come from: then no two source rows can give the same key there. */
import type { Flow, PlannedStep } from '../../plan/types.ts';

/**
 * Follows the key of the root through the maps between: each of its columns must go through untouched, and be part of
 * the step's key.
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
  let names: readonly (string | undefined)[] = flow.steps.find(s => s.id === root)?.key ?? [undefined];
  for (const { passes } of between) names = names.map(name => (name === undefined ? name : passes[name]));
  return names.every(name => name !== undefined && key.includes(name));
}
