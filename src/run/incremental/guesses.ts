/** Guessed types that are others than those of the last commit: one new file can make rows bad that were good. */
import type { PlanContext } from '../../define/index.ts';
import type { Flow } from '../../plan/types.ts';
import { columnsOf } from './differences.ts';
import type { FlowState } from './flow-memory.ts';

/** Something worth a warning before a flow runs. */
export interface FlowWarning {
  readonly step: string;
  readonly message: string;
}

export async function retypedGuesses(
  flow: Flow,
  state: FlowState | undefined,
  ctx: PlanContext,
): Promise<FlowWarning[]> {
  const warnings: FlowWarning[] = [];
  for (const step of flow.steps) {
    const before = state?.steps[step.id];
    if (step.op.shape !== 'source' || before?.columns === undefined) continue;
    const old = before.columns;
    const retyped = Object.entries(columnsOf(step)).filter(
      ([name, type]) => old[name] !== undefined && old[name] !== type,
    );
    if (retyped.length === 0) continue;
    const from = await step.op.guessedFrom?.(step.params, ctx);
    if (from === undefined) continue;
    const told = retyped.map(([name, type]) => `column "${name}" was ${old[name]} and is ${type} now`);
    const pinned = retyped.map(([name]) => `${name}: ${old[name]}`).join(', ');
    warnings.push({
      step: step.id,
      message: `${told.join(', ')}, guessed from ${from}, the first file with records: rows of other types are row errors; columns: { …, ${pinned} } in the step's parameters, with all fields to read, pins types`,
    });
  }
  return warnings;
}
