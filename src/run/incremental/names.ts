/** What flows and parameters are called in the ledger. */
import type { Json } from '../../define/index.ts';
import { openParams } from '../../plan/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';

/** A flow's name: the id of its first source. */
export const flowName = (flow: Flow): string =>
  (flow.steps.find(s => s.op.shape === 'source') ?? flow.steps[0]).id;

/** Parameters as the ledger may hold them: no secrets. */
export const plainParams = (step: PlannedStep): Json =>
  JSON.parse(JSON.stringify(openParams(step.op, step.params))) as Json;
