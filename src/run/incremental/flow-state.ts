/**
 * How much of a flow a run has to do: compares what its steps are now with what they were at the last commit, and
 * says which rows go on and which sinks begin from nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Json, PlanContext } from '../../define/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';
import type { CommitRecord, Ledger } from '../../state/index.ts';
import { flowName, plainParams } from './names.ts';
import { liveFingerprint, outputSignatures } from './places.ts';
import { remembered, type Slots, type Surroundings } from './remembered.ts';

export { flowName } from './names.ts';

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
  /** True where a run over all rows was cut short after a commit: the ledger knows which rows went through. */
  readonly pending?: boolean;
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
 * - `resume`: a run over all rows was cut short; the rows it had not come to go through, and those that changed.
 * - `changes`: only rows that changed go through.
 */
export type FlowMode = 'full' | 'replay' | 'resume' | 'changes';

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
  /** Tokens that sinks build on though they were never published, by step. */
  readonly from: ReadonlyMap<string, Json>;
  readonly slots: Slots;
  /** Slots of steps that are gone: emptied by the commit. */
  readonly left: readonly number[];
  /** The name the ledger has for the flow, where it is another. */
  readonly formerName?: string;
  /** Row fingerprints with the content of what steps read besides their rows. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

/** The source whose rows a step's rows come from one by one, or undefined where a step on the way keeps state. */
export function rootOf(flow: Flow): ReadonlyMap<string, string | undefined> {
  const roots = new Map<string, string | undefined>();
  for (const step of flow.steps) {
    const inputs = step.from.map(id => roots.get(id));
    const { op } = step;
    const source = flow.steps.find(s => s.id === inputs[0]);
    if (op.shape === 'source') roots.set(step.id, step.id);
    // a group of rows of several source rows comes from none of them alone
    else if (op.shape === 'map' && op.rows === 'group' && !source?.key.every(k => step.batchBy.includes(k)))
      roots.set(step.id, undefined);
    else if (op.shape === 'map' || op.shape === 'sink') roots.set(step.id, inputs[0]);
    else roots.set(step.id, undefined);
  }
  return roots;
}

const changesOnly = (step: PlannedStep): boolean => step.op.shape === 'sink' && step.op.changes === true;

const CUT_SHORT: Reason = { text: 'the last run was cut short' };

export async function decide(
  flow: Flow,
  ledger: Ledger,
  commits: Readonly<Record<string, CommitRecord>>,
  full: boolean,
  ctx: PlanContext,
  around: Surroundings,
): Promise<FlowDecision> {
  const name = flowName(flow);
  const { state, commit, slots, left, formerName } = remembered(flow, ledger, commits, around);
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
    from: new Map(),
    slots,
    left,
    formerName,
    fingerprints,
  });
  if (full) return anew('--full was asked for');
  if (!state || !commit) {
    const { formerFormat } = ledger;
    if (formerFormat === undefined) return anew('it has not run before');
    return anew(`its ledger was of format ${formerFormat}, which this version does not go on from`);
  }
  if (state.commit !== commit.id) return anew('the last run kept no ledger');

  const reasons: Reason[] = [];
  const fresh = new Set<string>();
  const from = new Map<string, Json>();
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
      const last = commit.sinks.find(s => s.step === step.id);
      const now = await op.current?.(step.params, ctx);
      const stands = commit.interim
        ? isDeepStrictEqual(now ?? null, last?.base) &&
          (await op.resumes?.(step.params, last?.token ?? null, ctx))
        : last !== undefined && isDeepStrictEqual(now, last.token);
      if (!stands) {
        reasons.push({ step: step.id, text: 'what it wrote was changed or removed since by something else' });
        fresh.add(step.id);
      } else if (commit.interim && last) from.set(step.id, last.token);
    }
  }
  for (const id of Object.keys(state.steps)) {
    if (!flow.steps.some(s => s.id === id)) reasons.push({ step: id, text: 'it is gone' });
  }
  const roots = rootOf(flow);
  const stateful = flow.steps.filter(
    s => !['source', 'sink'].includes(s.op.shape) && roots.get(s.id) === undefined,
  );
  const whole = flow.steps.filter(s => s.op.shape === 'sink' && !changesOnly(s));
  const decided = { fresh, state, from, slots, left, formerName, fingerprints };
  if (reasons.length > 0) return { mode: 'replay', reasons, skippable: false, ...decided };
  if (stateful.length === 0 && whole.length === 0 && [...roots.values()].every(r => r !== undefined)) {
    if (!commit.interim) return { mode: 'changes', reasons, skippable: true, ...decided };
    return { mode: state.pending ? 'resume' : 'changes', reasons: [CUT_SHORT], skippable: false, ...decided };
  }
  const [step] = [...stateful, ...whole];
  const text = stateful.length > 0 ? 'it works over all rows' : 'it writes its result whole';
  const outputs = ledger.meta<Record<string, string>>(`outputs:${name}`);
  if (commit.interim) return { mode: 'replay', reasons: [CUT_SHORT], skippable: false, ...decided };
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

/** What the ledger is to remember of the flow. */
export function flowState(
  flow: Flow,
  commit: string,
  decision: FlowDecision,
  nextId: Readonly<Record<string, number>>,
  reports: FlowState['reports'],
  work: FlowState['work'],
  interim = false,
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
  const before = decision.state?.work ?? {};
  const known = mode === 'changes' ? before : mode === 'resume' ? sumOf(before, work) : work;
  const pending = (interim && mode !== 'changes') || undefined;
  return { commit, last, work: known, steps: Object.fromEntries(steps), nextId, pending, reports };
}

const sumOf = (a: FlowState['work'], b: FlowState['work']): FlowState['work'] =>
  Object.fromEntries(
    Object.entries(b).map(([id, { rowsIn, rowsOut, busySeconds }]) => [
      id,
      {
        rowsIn: rowsIn + (a[id]?.rowsIn ?? 0),
        rowsOut: rowsOut + (a[id]?.rowsOut ?? 0),
        busySeconds: busySeconds + (a[id]?.busySeconds ?? 0),
      },
    ]),
  );
