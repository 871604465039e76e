/**
 * How much of a flow a run has to do: compares what its steps are now with what they were at the last commit, and
 * says which rows go on and which sinks begin from nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Json, PlanContext } from '../../define/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';
import type { CommitRecord, Ledger } from '../../state/index.ts';
import { changedColumnTypes, changedParams, columnsOf, differences, reasonsOf } from './differences.ts';
import {
  type FlowMode,
  type FlowState,
  flowName,
  type Pass,
  plainParams,
  type Reason,
  type StepState,
} from './flow-memory.ts';
import { type FlowWarning, retypedGuesses } from './guesses.ts';
import { type Live, liveStep, outputSignatures } from './places.ts';
import { remembered, type Slots, type Surroundings } from './remembered.ts';

export interface FlowDecision {
  readonly mode: FlowMode;
  readonly reasons: readonly Reason[];
  readonly warnings: readonly FlowWarning[];
  /** Sinks and sources that begin from nothing. */
  readonly fresh: ReadonlySet<string>;
  /** True where a flow that changes nothing may be left out though it cannot take changes. */
  readonly skippable: boolean;
  readonly state: FlowState | undefined;
  /** What steps that are of the same operator did in the last run over all rows, also where it is not gone on from. */
  readonly work: FlowState['work'];
  /** Tokens that sinks build on though they were never published, by step. */
  readonly from: ReadonlyMap<string, Json>;
  readonly slots: Slots;
  /** Slots of steps that are gone: emptied by the commit. */
  readonly left: readonly number[];
  /** The name the ledger has for the flow, where it is another. */
  readonly formerName?: string;
  /** What steps are now. */
  readonly live: ReadonlyMap<string, Live>;
  /** Hashes of the code of own operators, by step. */
  readonly sources?: ReadonlyMap<string, string>;
}

/** Whether a step is a stream that works from changes. */
export const takesChanges = (step: PlannedStep): boolean =>
  step.op.shape === 'stream' &&
  step.from.length === 1 &&
  (typeof step.op.changes === 'function' ? step.op.changes(step.params) : step.op.changes === true);

/**
 * The step whose rows a step's rows come from one by one: a source, or a stream that takes changes; undefined where a
 * step on the way keeps state by itself.
 */
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
    else if (takesChanges(step)) roots.set(step.id, inputs[0] === undefined ? undefined : step.id);
    else if (op.shape === 'map' || op.shape === 'sink') roots.set(step.id, inputs[0]);
    else roots.set(step.id, undefined);
  }
  return roots;
}

/**
 * Whether a flow's rows are remembered one by one. Where every sink writes its result whole, a run does all rows or
 * none, and nothing would ask for them.
 */
export const remembersRows = (flow: Flow): boolean => flow.steps.some(changesOnly);

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
  const warnings = await retypedGuesses(flow, state, ctx);
  const live = new Map<string, Live>();
  for (const step of flow.steps) live.set(step.id, await liveStep(step, ctx));
  const everything = new Set(flow.steps.filter(s => s.op.shape !== 'map').map(s => s.id));
  const work = Object.fromEntries(
    flow.steps.flatMap(s => {
      const did = state?.steps[s.id]?.op === s.op.name ? state.work[s.id] : undefined;
      return did ? [[s.id, did]] : [];
    }),
  );
  const anew = (text: string): FlowDecision => ({
    mode: 'full',
    reasons: [{ text }],
    warnings,
    fresh: everything,
    skippable: false,
    state: undefined,
    work,
    from: new Map(),
    slots,
    left,
    formerName,
    live,
    sources: around.sources,
  });
  if (full) return anew('--full was asked for');
  if (!state || !commit) {
    const { formerFormat, damage } = ledger;
    if (damage !== undefined) return anew('its ledger was damaged');
    if (state) return anew('its commit record is gone');
    if (formerFormat === undefined) return anew('it has not run before');
    return anew(`its ledger was of format ${formerFormat}, which this version does not go on from`);
  }
  if (state.commit !== commit.id) return anew('the last run kept no ledger');
  const rows = remembersRows(flow);
  if (rows && state.rows === false) return anew('its rows were not remembered one by one');

  const roots = rootOf(flow);
  const reasons: Reason[] = [];
  const fresh = new Set<string>();
  const from = new Map<string, Json>();
  // steps that give other columns, for a reason that is told
  const recast = new Set<string>();
  for (const step of flow.steps) {
    const before = state.steps[step.id];
    if (!before) {
      reasons.push({ step: step.id, text: 'it is new' });
      recast.add(step.id);
      if (everything.has(step.id)) fresh.add(step.id);
      continue;
    }
    const found = differences(before, step, live.get(step.id) as Live);
    const columns = changedColumnTypes(before.columns, columnsOf(step));
    if (columns) {
      if (found.length === 0 && !step.from.some(id => recast.has(id))) found.push(columns);
      recast.add(step.id);
      // what it has written has other columns
      if (step.op.shape === 'sink') fresh.add(step.id);
    }
    if (found.length > 0) {
      reasons.push(...reasonsOf(step.id, found));
      if (step.op.shape === 'sink') fresh.add(step.id);
      const gives = step.op.shape === 'source' || takesChanges(step);
      if (gives && !isDeepStrictEqual(before.key, step.key))
        return anew(`the key of "${step.id}" is another`);
      // its rows would have other ids, by which all behind it knows them
      if (gives && before.op !== step.op.name)
        return anew(`"${step.id}" was ${before.op} and is ${step.op.name} now`);
    }
    const root = roots.get(step.op.shape === 'sink' ? step.id : step.from[0]);
    if (step.op.shape === 'sink' && before.root !== root && !fresh.has(step.id)) {
      const [was, is] = [before.root ?? 'no step', root ?? 'no step'];
      reasons.push({ step: step.id, text: `its rows came one by one from ${was}, now from ${is}` });
      fresh.add(step.id);
    }
    const { op } = step;
    if (op.shape === 'sink' && op.changes && !fresh.has(step.id)) {
      const last = commit.sinks.find(s => s.step === step.id);
      const now = await op.current?.(step.params, ctx);
      const stands = commit.interim
        ? isDeepStrictEqual(now ?? null, last?.base) &&
          (await op.resumes?.(step.params, last?.token ?? null, ctx))
        : // what is recorded and not published yet will be, before anything else
          last !== undefined && (!commit.published || isDeepStrictEqual(now, last.token));
      if (!stands) {
        const elsewhere = changedParams(before, step);
        const text = 'what it wrote was changed or removed since by something else';
        reasons.push(...(elsewhere.length > 0 ? reasonsOf(step.id, elsewhere) : [{ step: step.id, text }]));
        fresh.add(step.id);
      } else if (commit.interim && last) from.set(step.id, last.token);
    }
  }
  for (const id of Object.keys(state.steps)) {
    if (!flow.steps.some(s => s.id === id)) reasons.push({ step: id, text: 'it is gone' });
  }
  const stateful = flow.steps.filter(
    s => !['source', 'sink'].includes(s.op.shape) && roots.get(s.id) === undefined,
  );
  const whole = flow.steps.filter(s => s.op.shape === 'sink' && !changesOnly(s));
  const { sources } = around;
  const decided = { warnings, fresh, state, work, from, slots, left, formerName, live, sources };
  if (reasons.length > 0) return { mode: 'replay', reasons, skippable: false, ...decided };
  // the row that stays, and the one to take its place, are known when all have been seen
  for (const step of state.clashed ?? []) reasons.push({ step, text: 'two rows gave it one key' });
  if (stateful.length === 0 && whole.length === 0 && [...roots.values()].every(r => r !== undefined)) {
    if (reasons.length > 0) return { mode: 'replay', reasons, skippable: !commit.interim, ...decided };
    if (!commit.interim) return { mode: 'changes', reasons, skippable: true, ...decided };
    return { mode: state.pending ? 'resume' : 'changes', reasons: [CUT_SHORT], skippable: false, ...decided };
  }
  const [step] = [...stateful, ...whole];
  const why = stateful.length > 0 ? 'it works over all rows' : 'it writes its result whole';
  const text = rows ? why : `${why}, so rows are not remembered one by one`;
  const outputs = ledger.meta<Record<string, string>>(`outputs:${name}`);
  if (commit.interim) return { mode: 'replay', reasons: [CUT_SHORT], skippable: false, ...decided };
  const skippable = outputs !== undefined && isDeepStrictEqual(outputs, await outputSignatures(flow, ctx));
  return { mode: 'replay', reasons: [{ step: step.id, text }], skippable, ...decided };
}

/** What the ledger is to remember of the flow. */
export function flowState(
  flow: Flow,
  { commit, run }: { readonly commit: string; readonly run: string },
  decision: FlowDecision,
  nextId: Readonly<Record<string, number>>,
  { reports, work, clashed }: Required<Pick<FlowState, 'reports' | 'work' | 'clashed'>>,
  interim = false,
): FlowState {
  const { slots, live, mode, reasons } = decision;
  const roots = rootOf(flow);
  const steps = flow.steps.map((s): [string, StepState] => [
    s.id,
    {
      op: s.op.name,
      shape: s.op.shape,
      version: s.op.version,
      rowFingerprint: live.get(s.id)?.fingerprint ?? s.rowFingerprint,
      reads: live.get(s.id)?.reads,
      columns: columnsOf(s),
      params: plainParams(s),
      from: s.from,
      key: s.key,
      slot: slots[s.id],
      // the code that all rows went through
      source:
        (mode === 'changes' || mode === 'resume' ? decision.state?.steps[s.id]?.source : undefined) ??
        decision.sources?.get(s.id),
      badRows: work[s.id]?.bad
        ? s.onError
        : mode === 'changes' || mode === 'resume'
          ? decision.state?.steps[s.id]?.badRows
          : undefined,
      root: s.op.shape === 'sink' ? roots.get(s.id) : roots.get(s.from[0]),
      was: decision.state?.steps[s.id]?.was,
    },
  ]);
  const last: Pass = { run, time: new Date().toISOString(), mode, reasons };
  // a run over few rows says little of how long all take
  const before = decision.state?.work ?? {};
  const known = mode === 'changes' ? before : mode === 'resume' ? sumOf(before, work) : work;
  const pending = (interim && mode !== 'changes') || undefined;
  const rows = remembersRows(flow) ? undefined : (false as const);
  const over = mode === 'full' || mode === 'replay' ? [] : (decision.state?.clashed ?? []);
  const all = [...new Set([...over, ...clashed])];
  return {
    commit,
    last,
    passes: passesWith(last, decision.state),
    work: known,
    steps: Object.fromEntries(steps),
    nextId,
    pending,
    rows,
    reports,
    clashed: all.length ? all : undefined,
  };
}

/** Runs over all rows that are kept: who asks wants the last one that was for a reason. */
const MOST_PASSES = 8;

// commits in the middle of a run are of one pass
const passesWith = (last: Pass, before: FlowState | undefined): readonly Pass[] => {
  const earlier = (before?.passes ?? []).filter(p => p.run !== last.run);
  return last.mode === 'full' || last.mode === 'replay' ? [last, ...earlier].slice(0, MOST_PASSES) : earlier;
};

const sumOf = (a: FlowState['work'], b: FlowState['work']): FlowState['work'] =>
  Object.fromEntries(
    Object.entries(b).map(([id, { rowsIn, rowsOut, busySeconds, tokens }]) => [
      id,
      {
        rowsIn: rowsIn + (a[id]?.rowsIn ?? 0),
        rowsOut: rowsOut + (a[id]?.rowsOut ?? 0),
        busySeconds: busySeconds + (a[id]?.busySeconds ?? 0),
        tokens:
          tokens === undefined || (a[id] && a[id].tokens === undefined)
            ? undefined
            : tokens + (a[id]?.tokens ?? 0),
      },
    ]),
  );
