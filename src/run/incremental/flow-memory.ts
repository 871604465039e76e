/** What the ledger remembers of a flow and its steps. */
import type { Json } from '../../define/index.ts';
import { openParams } from '../../plan/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';

/** A step as the ledger remembers it. */
export interface StepState {
  readonly op: string;
  readonly shape: string;
  readonly version: number;
  readonly rowFingerprint: string;
  readonly params: Json;
  readonly from: readonly string[];
  readonly key: readonly string[];
  readonly slot: number;
  /** Types by name of the columns it gives, or, a sink, gets; absent in ledgers of before. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Hashes of the files and indexes it reads besides its rows, by path. */
  readonly reads?: Readonly<Record<string, string>>;
  /** Of a user's own operator: a hash of its code. */
  readonly source?: string;
  /** Where rows of it were skipped or put aside: what `onError` said then. */
  readonly badRows?: string;
  /** The source or stream its rows come from one by one. */
  readonly root?: string;
  /** Ids it had before. */
  readonly was?: readonly string[];
}

/** What the ledger remembers of a flow. */
export interface FlowState {
  readonly commit: string;
  /** The run that committed it last: when, how much it did, and why. */
  readonly last: Pass;
  /** The last runs over all rows, the latest first. */
  readonly passes?: readonly Pass[];
  /** What steps did in the last run over all rows, for estimates. */
  readonly work: Readonly<Record<string, StepWork>>;
  readonly steps: Readonly<Record<string, StepState>>;
  /** The first id that was never given, by source. */
  readonly nextId: Readonly<Record<string, number>>;
  /** True where a run over all rows was cut short after a commit: the ledger knows which rows went through. */
  readonly pending?: boolean;
  /** False where no row is remembered, only the parts of its sources. */
  readonly rows?: false;
  /** Steps at which two rows gave one key, of which one was left out. */
  readonly clashed?: readonly string[];
  /** What evaluations measured, so that a run that changes nothing can say it again. */
  readonly reports: Readonly<Record<string, StoredReport>>;
}

/** A run that committed a flow. */
export interface Pass {
  /** The run's id, as rows have it; absent in ledgers of before. */
  readonly run?: string;
  readonly time: string;
  readonly mode: FlowMode;
  readonly reasons: readonly Reason[];
}

/** Rows and time of a step in one run. */
export interface StepWork {
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly busySeconds: number;
  /** Of a costly step: tokens of the rows that came, where they can be counted. */
  readonly tokens?: number;
  /** Rows that were skipped or put aside. */
  readonly bad?: number;
}

/** A report without its plots, which stand in files. */
export type StoredReport = { readonly data: Readonly<Record<string, Json>>; readonly text?: string };

/**
 * - `full`: nothing of before counts.
 * - `replay`: every row goes through again, since a step changed or keeps no state; sinks write what differs.
 * - `resume`: a run over all rows was cut short; the rows it had not come to go through, and those that changed.
 * - `changes`: only rows that changed go through.
 */
export type FlowMode = 'full' | 'replay' | 'resume' | 'changes';

/** Why a flow does not just take changes. */
export interface Reason {
  readonly step?: string;
  readonly text: string;
  /** Where a step is another than it was: what of it, as it was and as it is. */
  readonly what?: string;
  readonly old?: Json;
  readonly now?: Json;
}

/** A flow's name: the id of its first source. */
export const flowName = (flow: Flow): string =>
  (flow.steps.find(s => s.op.shape === 'source') ?? flow.steps[0]).id;

/** Parameters as the ledger may hold them: no secrets. */
export const plainParams = (step: PlannedStep): Json =>
  JSON.parse(JSON.stringify(openParams(step.op, step.params))) as Json;
