/**
 * What the ledger remembers of a flow, though its steps may have other ids by now: a step that has the operator, the
 * parameters and the inputs of one that is gone is that one under another name.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Flow } from '../../plan/types.ts';
import type { CommitRecord, Ledger } from '../../state/index.ts';
import { type FlowState, flowName, plainParams, type StepState } from './flow-memory.ts';

/** Slots by step, as the ledger keeps them. */
export type Slots = Readonly<Record<string, number>>;

export interface Remembered {
  readonly state: FlowState | undefined;
  readonly commit: CommitRecord | undefined;
  /** Slots of all steps of the pipeline, those of this flow under their ids of now. */
  readonly slots: Slots;
  /** Slots of steps that are in no flow any more. */
  readonly left: readonly number[];
  /** The name under which the flow was remembered, where it is another. */
  readonly formerName?: string;
}

/** What else there is in the plan: names of its flows and ids of its steps. */
export interface Surroundings {
  readonly flows: ReadonlySet<string>;
  readonly steps: ReadonlySet<string>;
  /** Hashes of the code of own operators, by step. */
  readonly sources?: ReadonlyMap<string, string>;
}

/** @param others steps of the pipeline where the flows are a part of it */
export const surroundingsOf = (
  flows: readonly Flow[],
  sources?: ReadonlyMap<string, string>,
  others: readonly string[] = [],
): Surroundings => ({
  sources,
  // a flow is named after one of its steps
  flows: new Set([...flows.map(flowName), ...others]),
  steps: new Set([...flows.flatMap(f => f.steps.map(s => s.id)), ...others]),
});

export function remembered(
  flow: Flow,
  ledger: Ledger,
  commits: Readonly<Record<string, CommitRecord>>,
  around: Surroundings,
): Remembered {
  const slots = { ...(ledger.meta<Record<string, number>>('slots') ?? {}) };
  const name = flowName(flow);
  const own = ledger.meta<FlowState>(`flow:${name}`);
  const former = own ? { name, state: own } : formerState(flow, ledger, around);
  if (!former) return { state: undefined, commit: commits[name], slots: withNew(flow, slots), left: [] };
  const ids = sameSteps(flow, former.state.steps);
  const now = new Map([...ids].map(([step, old]) => [old, step]));
  const nowId = (old: string): string => now.get(old) ?? old;
  const renamed = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).map(([id, value]) => [nowId(id), value]));
  const { state } = former;
  const steps = Object.fromEntries(
    Object.entries(state.steps).map(([old, s]): [string, StepState] => [
      nowId(old),
      {
        ...s,
        from: s.from.map(nowId),
        root: s.root === undefined ? undefined : nowId(s.root),
        was: nowId(old) === old ? s.was : [...(s.was ?? []), old],
      },
    ]),
  );
  const commit = commits[former.name];
  const left: number[] = [];
  for (const old of Object.keys(state.steps)) {
    const slot = slots[old];
    const step = now.get(old);
    if (step === undefined && around.steps.has(old)) continue;
    if (step !== old) delete slots[old];
    if (step !== undefined) slots[step] = slot;
    else if (slot !== undefined) left.push(slot);
  }
  return {
    state: {
      ...state,
      steps,
      nextId: renamed(state.nextId),
      work: renamed(state.work),
      reports: renamed(state.reports),
      clashed: state.clashed?.map(nowId),
    },
    commit: commit && { ...commit, sinks: commit.sinks.map(s => ({ ...s, step: nowId(s.step) })) },
    slots: withNew(flow, slots, new Set(left)),
    left,
    formerName: former.name === name ? undefined : former.name,
  };
}

/** The flow that this one was under another name: one that is gone from the plan and had the same source. */
function formerState(
  flow: Flow,
  ledger: Ledger,
  around: Surroundings,
): { name: string; state: FlowState } | undefined {
  const source = flowName(flow);
  let best: { name: string; state: FlowState; same: number } | undefined;
  for (const meta of ledger.metaNames()) {
    const name = meta.startsWith('flow:') ? meta.slice(5) : undefined;
    if (name === undefined || around.flows.has(name)) continue;
    const state = ledger.meta<FlowState>(meta);
    if (!state) continue;
    const same = sameSteps(flow, state.steps);
    if (same.has(source) && same.size > (best?.same ?? 0)) best = { name, state, same: same.size };
  }
  return best;
}

/** Steps of now → ids they had. */
function sameSteps(flow: Flow, before: Readonly<Record<string, StepState>>): Map<string, string> {
  const own = new Set(flow.steps.map(s => s.id));
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  for (const step of flow.steps) {
    if (before[step.id]) {
      ids.set(step.id, step.id);
      continue;
    }
    const from = step.from.map(id => ids.get(id));
    const params = plainParams(step);
    const like = Object.entries(before).filter(
      ([id, s]) =>
        !own.has(id) &&
        !taken.has(id) &&
        s.op === step.op.name &&
        isDeepStrictEqual(s.from, from) &&
        isDeepStrictEqual(s.params, params),
    );
    if (like.length !== 1) continue;
    ids.set(step.id, like[0][0]);
    taken.add(like[0][0]);
  }
  return ids;
}

// the smallest number that no step has; those that are emptied by this commit are free after it
function withNew(flow: Flow, slots: Slots, leaving: ReadonlySet<number> = new Set()): Slots {
  const all: Record<string, number> = { ...slots };
  const taken = new Set([...Object.values(all), ...leaving]);
  let next = 1;
  for (const step of flow.steps) {
    if (all[step.id] !== undefined) continue;
    while (taken.has(next)) next++;
    all[step.id] = next;
    taken.add(next);
  }
  return all;
}
