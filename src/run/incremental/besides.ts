/** What a run takes besides its rows: opening before the first, and after the last what no step was busy with. */
import type { Ledger } from '../../state/index.ts';
import type { FlowMode } from './flow-memory.ts';

/** Seconds of one run of a flow. */
export interface Besides {
  /** From the run's begin until all steps are open: state, models, workers. */
  readonly opening: number;
  /** What is left of it: steps that wait for others, the commit. Over many rows it grows with them. */
  readonly rest: number;
}
/** Of the last run over all rows, and of the last over changes. */
interface Known {
  readonly all?: Besides;
  readonly changes?: Besides;
}

/**
 * Seconds, where no run has told: measured as what a run over one changed row of six takes (`read.jsonl`,
 * `encode.dense`, `index.dense`) on two cores.
 */
export const FEW_ROWS: Besides = { opening: 0.13, rest: 0.03 };

const nameOf = (flow: string): string => `besides:${flow}`;
const kindOf = (mode: FlowMode): keyof Known => (mode === 'changes' ? 'changes' : 'all');

/** Notes what a run took besides its rows. */
export const noteBesides = (ledger: Ledger, flow: string, mode: FlowMode, took: Besides): Promise<void> =>
  ledger.setMeta(nameOf(flow), { ...ledger.meta<Known>(nameOf(flow)), [kindOf(mode)]: took });

/** Seconds that a run will take besides its rows, told from the last ones. */
export function besidesRows(ledger: Ledger, flow: string, mode: FlowMode): number {
  const known = ledger.meta<Known>(nameOf(flow)) ?? {};
  const { all = FEW_ROWS } = known;
  const few = known.changes ?? { opening: all.opening, rest: Math.min(all.rest, FEW_ROWS.rest) };
  const { opening, rest } = kindOf(mode) === 'changes' ? few : all;
  return opening + rest;
}
