/** What a costly step would work on, told before it does: of rows that were read, and of those that are as they were. */
import type { Flow, PlannedStep } from '../../plan/types.ts';
import type { Estimate } from '../cost.ts';
import { isCached } from '../step-groups.ts';
import { tokenColumnOf } from '../tokens.ts';
import { type FlowDecision, remembersRows } from './flow-state.ts';

/** Rows that would come to a step; NaN where nothing tells them. */
export interface Coming {
  readonly rows: number;
  /** Those of them whose source rows are as they were, and were not read. */
  readonly unread: number;
  /** Rows of the sources before it that were read. */
  readonly read: number;
  /** Tokens of these, as the step counts them; NaN where they have no column that tells. */
  readonly tokens: number;
}

export function costOf(flow: Flow, step: PlannedStep, decision: FlowDecision, coming: Coming): Estimate {
  const before = stepsBefore(flow, step);
  // where rows that are as they were come by again, their results are in the cache
  const kept =
    decision.mode === 'replay' && isCached(step) && [...before, step].every(s => isAsItWas(s, decision));
  // where rows are not remembered, those that were read are not all new
  if (kept && !remembersRows(flow)) return { rows: 0, tokens: 0 };
  const rows = kept ? coming.rows - coming.unread : coming.rows;
  const did = decision.work[step.id];
  const each = did?.tokens !== undefined && did.rowsIn > 0 ? did.tokens / did.rowsIn : Number.NaN;
  const unread = kept ? 0 : coming.unread;
  const column = tokenColumnOf(step, name => name in step.inputs[0]);
  // a text that is given along with each of several rows, as by a search, counts as often as there are such rows
  const often = before.some(
    s => s.op.shape === 'map' && s.op.rows === 'explode' && s.passes[column] === column,
  );
  const read = often ? { ...coming, tokens: Number.NaN } : coming;
  return { rows: whole(rows), tokens: whole(tokensOf(rows, unread, each, read, before.every(givesEach))) };
}

function tokensOf(
  rows: number,
  unread: number,
  each: number,
  { read, tokens }: Coming,
  same: boolean,
): number {
  if (rows === 0) return 0;
  // a row of a source is one here: those that were read are counted
  if (same && !Number.isNaN(tokens)) return tokens + (unread === 0 ? 0 : unread * each);
  if (!Number.isNaN(rows * each)) return rows * each;
  // a text that is cut into many has as many tokens, one that is left out has none
  return unread === 0
    ? tokens * (Number.isNaN(rows) ? 1 : Math.min(1, rows / Math.max(1, read)))
    : Number.NaN;
}

/** The steps that rows come through on their way to a step. */
export function stepsBefore(flow: Flow, step: PlannedStep): PlannedStep[] {
  const ids = new Set(step.from);
  for (const s of flow.steps.toReversed()) if (ids.has(s.id)) for (const id of s.from) ids.add(id);
  return flow.steps.filter(s => ids.has(s.id));
}

/** Whether a step does with a row what it did before. */
export const isAsItWas = ({ id }: PlannedStep, { state, live }: FlowDecision): boolean =>
  state?.steps[id]?.rowFingerprint === live.get(id)?.fingerprint;

const givesEach = ({ op }: PlannedStep): boolean =>
  op.shape === 'source' || (op.shape === 'map' && op.rows === 'same');

/** Rounded; undefined for NaN. */
export const whole = (n: number): number | undefined => (Number.isNaN(n) ? undefined : Math.round(n));
