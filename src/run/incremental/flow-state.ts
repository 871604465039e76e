/**
 * How much of a flow a run has to do: compares what its steps are now with what they were at the last commit, and
 * says which rows go on and which sinks begin from nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Json, PlanContext } from '../../define/index.ts';
import { openParams } from '../../plan/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';
import type { CommitRecord, Ledger } from '../../state/index.ts';
import { liveFingerprint, outputSignatures } from './places.ts';

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
}

/** What the ledger remembers of a flow. */
export interface FlowState {
  readonly commit: string;
  /** The run that committed it last: when, how much it did, and why. */
  readonly last: { readonly time: string; readonly mode: FlowMode; readonly reasons: readonly Reason[] };
  /** What steps did in the last run over all rows, for estimates. */
  readonly work: Readonly<Record<string, StepWork>>;
  readonly steps: Readonly<Record<string, StepState>>;
  /** The first id that was never given, by source. */
  readonly nextId: Readonly<Record<string, number>>;
  /** What evaluations measured, so that a run that changes nothing can say it again. */
  readonly reports: Readonly<Record<string, StoredReport>>;
}

/** Rows and time of a step in one run. */
export interface StepWork {
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly busySeconds: number;
}

/** A report without its plots, which stand in files. */
export type StoredReport = { readonly data: Readonly<Record<string, Json>>; readonly text?: string };

/**
 * - `full`: nothing of before counts.
 * - `replay`: every row goes through again, since a step changed or keeps no state; sinks write what differs.
 * - `changes`: only rows that changed go through.
 */
export type FlowMode = 'full' | 'replay' | 'changes';

/** Why a flow does not just take changes. */
export interface Reason {
  readonly step?: string;
  readonly text: string;
}

export interface FlowDecision {
  readonly mode: FlowMode;
  readonly reasons: readonly Reason[];
  /** Sinks and sources that begin from nothing. */
  readonly fresh: ReadonlySet<string>;
  /** True where a flow that changes nothing may be left out though it cannot take changes. */
  readonly skippable: boolean;
  readonly state: FlowState | undefined;
  readonly slots: Readonly<Record<string, number>>;
  /** Row fingerprints with the content of what steps read besides their rows. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

/** A flow's name: the id of its first source. */
export const flowName = (flow: Flow): string =>
  (flow.steps.find(s => s.op.shape === 'source') ?? flow.steps[0]).id;

/** The source whose rows a step's rows come from one by one, or undefined where a step on the way keeps state. */
export function rootOf(flow: Flow): ReadonlyMap<string, string | undefined> {
  const roots = new Map<string, string | undefined>();
  for (const step of flow.steps) {
    const inputs = step.from.map(id => roots.get(id));
    if (step.op.shape === 'source') roots.set(step.id, step.id);
    else if (step.op.shape === 'map' || step.op.shape === 'sink') roots.set(step.id, inputs[0]);
    else roots.set(step.id, undefined);
  }
  return roots;
}

const changesOnly = (step: PlannedStep): boolean => step.op.shape === 'sink' && step.op.changes === true;

export async function decide(
  flow: Flow,
  ledger: Ledger,
  commit: CommitRecord | undefined,
  full: boolean,
  ctx: PlanContext,
): Promise<FlowDecision> {
  const name = flowName(flow);
  const state = ledger.meta<FlowState>(`flow:${name}`);
  const slots = slotsOf(flow, ledger);
  const fingerprints = new Map<string, string>();
  for (const step of flow.steps) fingerprints.set(step.id, await liveFingerprint(step, ctx));
  const everything = new Set(
    flow.steps.filter(s => s.op.shape === 'source' || s.op.shape === 'sink').map(s => s.id),
  );
  const anew = (text: string): FlowDecision => ({
    mode: 'full',
    reasons: [{ text }],
    fresh: everything,
    skippable: false,
    state: undefined,
    slots,
    fingerprints,
  });
  if (full) return anew('--full was asked for');
  if (!state || !commit) return anew('it has not run before');
  if (state.commit !== commit.id) return anew('the last run kept no ledger');

  const reasons: Reason[] = [];
  const fresh = new Set<string>();
  for (const step of flow.steps) {
    const before = state.steps[step.id];
    if (!before) {
      reasons.push({ step: step.id, text: 'it is new' });
      if (everything.has(step.id)) fresh.add(step.id);
      continue;
    }
    const why = difference(before, step, fingerprints.get(step.id) as string);
    if (why) {
      reasons.push({ step: step.id, text: why });
      if (step.op.shape === 'sink') fresh.add(step.id);
      if (step.op.shape === 'source' && !isDeepStrictEqual(before.key, step.key))
        return anew(`the key of "${step.id}" is another`);
    }
    const { op } = step;
    if (op.shape === 'sink' && op.changes && !fresh.has(step.id)) {
      const token = commit.sinks.find(s => s.step === step.id)?.token;
      const now = await op.current?.(step.params, ctx);
      if (token === undefined || !isDeepStrictEqual(now, token)) {
        reasons.push({ step: step.id, text: 'what it wrote was changed or removed since by something else' });
        fresh.add(step.id);
      }
    }
  }
  for (const id of Object.keys(state.steps)) {
    if (!flow.steps.some(s => s.id === id)) reasons.push({ step: id, text: 'it is gone' });
  }
  const roots = rootOf(flow);
  const stateful = flow.steps.filter(s => !['source', 'map', 'sink'].includes(s.op.shape));
  const whole = flow.steps.filter(s => s.op.shape === 'sink' && !changesOnly(s));
  const decided = { fresh, state, slots, fingerprints };
  if (reasons.length > 0) return { mode: 'replay', reasons, skippable: false, ...decided };
  if (stateful.length === 0 && whole.length === 0 && [...roots.values()].every(r => r !== undefined)) {
    return { mode: 'changes', reasons, skippable: true, ...decided };
  }
  const [step] = [...stateful, ...whole];
  const text = stateful.length > 0 ? 'it works over all rows' : 'it writes its result whole';
  const outputs = ledger.meta<Record<string, string>>(`outputs:${name}`);
  const skippable = outputs !== undefined && isDeepStrictEqual(outputs, await outputSignatures(flow, ctx));
  return { mode: 'replay', reasons: [{ step: step.id, text }], skippable, ...decided };
}

function difference(before: StepState, step: PlannedStep, fingerprint: string): string | undefined {
  if (before.op !== step.op.name) return `its operator was ${before.op}, now ${step.op.name}`;
  if (!isDeepStrictEqual(before.from, step.from))
    return `it took its rows from ${before.from.join(', ')}, now ${step.from.join(', ')}`;
  if (before.rowFingerprint === fingerprint) return undefined;
  if (before.version !== step.op.version) return `version ${before.version} → ${step.op.version}`;
  const now = plainParams(step) as Record<string, Json>;
  const old = before.params as Record<string, Json>;
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (!isDeepStrictEqual(old[name], now[name])) {
      return `with.${name}: ${JSON.stringify(old[name])} → ${JSON.stringify(now[name])}`;
    }
  }
  return 'a file or index it reads has changed';
}

/** Parameters as the ledger may hold them: no secrets. */
export const plainParams = (step: PlannedStep): Json =>
  JSON.parse(JSON.stringify(openParams(step.op, step.params))) as Json;

// a slot once given to a step stays its own
function slotsOf(flow: Flow, ledger: Ledger): Record<string, number> {
  const slots = { ...(ledger.meta<Record<string, number>>('slots') ?? {}) };
  for (const step of flow.steps) slots[step.id] ??= Math.max(0, ...Object.values(slots)) + 1;
  return slots;
}

/** What the ledger is to remember of the flow. */
export function flowState(
  flow: Flow,
  commit: string,
  decision: FlowDecision,
  nextId: Readonly<Record<string, number>>,
  reports: FlowState['reports'],
  work: FlowState['work'],
): FlowState {
  const { slots, fingerprints, mode, reasons } = decision;
  const steps = flow.steps.map((s): [string, StepState] => [
    s.id,
    {
      op: s.op.name,
      shape: s.op.shape,
      version: s.op.version,
      rowFingerprint: fingerprints.get(s.id) ?? s.rowFingerprint,
      params: plainParams(s),
      from: s.from,
      key: s.key,
      slot: slots[s.id],
    },
  ]);
  const last = { time: new Date().toISOString(), mode, reasons };
  // a run over few rows says little of how long all take
  const known = mode === 'changes' ? (decision.state?.work ?? {}) : work;
  return { commit, last, work: known, steps: Object.fromEntries(steps), nextId, reports };
}
