/** Part of a pipeline: from a step on, up to a step, the first rows only. */
import { type AnyOperator, type AnyStep, type Pipeline, UserError } from '../define/index.ts';
import { isRecord } from './findings.ts';
import { isOperator } from './registry.ts';
import { stepIndex } from './settings.ts';

export interface LimitOptions {
  /** Keep this step, what follows from it, and what feeds those; flows before it are taken as done. */
  readonly from?: string;
  /** Keep this step and what it needs; nobody needs to take its rows. */
  readonly stopAfter?: string;
  /** Rows that each source gives at most. */
  readonly limit?: number;
  /** The built-in operators, to know sources by; without them, those are sources whose names begin with `read.`. */
  readonly operators?: readonly AnyOperator[];
}

/** Spread it into the options of `check`: `const { definition, ...rest } = limitTo(…)`. */
export interface Limited {
  readonly definition: Pipeline;
  readonly limit?: number;
  /** Steps whose rows nobody takes on purpose. */
  readonly open: readonly string[];
  /** Index of each step in the definition that was given. */
  readonly origin: readonly number[];
  /** Steps whose flows lack steps that they have in the definition that was given. */
  readonly cut: readonly string[];
}

/** Whether a definition can be cut and cloned; where not, `check` says what is wrong. */
export const hasSteps = (definition: unknown): boolean =>
  isRecord(definition) && Array.isArray(definition.steps) && definition.steps.every(isRecord);

/** The built-in operators and those that a definition brings. */
export const operatorsOf = (definition: Pipeline, builtin: readonly AnyOperator[]): AnyOperator[] => [
  ...builtin,
  ...(Array.isArray(definition.operators) ? definition.operators.filter(isOperator) : []),
];

/** Which steps each step takes rows from and waits for, by index; what cannot be resolved is left out. */
export interface Links {
  readonly from: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
}

/**
 * Reads the links of a definition that may be wrong elsewhere.
 * @param standsAlone whether a step without `from` takes no rows from the step above: a source
 */
export function linksOf(steps: readonly AnyStep[], standsAlone: (step: AnyStep) => boolean): Links {
  const index = new Map(steps.map((s, i) => [s?.id, i]));
  const list = (value: unknown): number[] =>
    (Array.isArray(value) ? value : [value]).flatMap(id => {
      const at = index.get(id as string);
      return at === undefined ? [] : [at];
    });
  return {
    from: steps.map((s, i) =>
      s?.from !== undefined ? list(s.from) : i > 0 && !standsAlone(s) ? [i - 1] : [],
    ),
    after: steps.map(s => (s?.after === undefined ? [] : list(s.after))),
  };
}

/** Everything reached from some steps. */
export function reach(start: readonly number[], next: (step: number) => readonly number[]): Set<number> {
  const all = new Set(start);
  for (const step of all) for (const n of next(step)) all.add(n);
  return all;
}

/** The other way round. */
export function reversed(links: readonly (readonly number[])[]): number[][] {
  const out: number[][] = links.map(() => []);
  links.forEach((sources, i) => {
    for (const s of sources) out[s].push(i);
  });
  return out;
}

/**
 * Cuts a definition down to what is asked for.
 * @throws UserError for a step that is not there, or a `stopAfter` that does not follow from `from`
 */
export function limitTo(definition: Pipeline, options: LimitOptions): Limited {
  const limit = options.limit === undefined ? {} : { limit: options.limit };
  if (!hasSteps(definition)) return { definition, ...limit, open: [], origin: [], cut: [] };
  const { steps } = definition;
  const all = operatorsOf(definition, options.operators ?? []);
  const shapes = new Map(all.map(op => [op.name, op.shape]));
  const links = linksOf(
    steps,
    ({ op }) => (shapes.get(op) ?? (String(op).startsWith('read.') && 'source')) === 'source',
  );
  const keep = new Set(steps.keys());
  const restrict = (to: ReadonlySet<number>): void => {
    for (const i of keep) if (!to.has(i)) keep.delete(i);
  };
  if (options.from !== undefined) {
    const start = stepIndex(definition, options.from, '--from');
    const readers = reversed(links.from);
    const waiters = reversed(links.after);
    const following = reach([start], i => [...readers[i], ...waiters[i]]);
    restrict(reach([...following], i => links.from[i]));
  }
  let stop: number | undefined;
  if (options.stopAfter !== undefined) {
    stop = stepIndex(definition, options.stopAfter, '--stop-after');
    if (!keep.has(stop)) {
      throw new UserError(`--stop-after: "${options.stopAfter}" does not come after "${options.from}"`);
    }
    restrict(reach([stop], i => [...links.from[i], ...links.after[i]]));
  }
  const origin = [...keep].sort((a, b) => a - b);
  const names = (list: readonly number[]): string[] => list.filter(i => keep.has(i)).map(i => steps[i].id);
  const kept = origin.map((i): AnyStep => {
    const step = steps[i];
    if (origin.length === steps.length) return step;
    const { after: _, ...rest } = step;
    const after = names(links.after[i]);
    const from = links.from[i].map(source => steps[source].id);
    return {
      ...rest,
      // "The step above" may be another one now.
      ...(step.from === undefined && from.length > 0 && { from: from[0] }),
      ...(after.length > 0 && { after }),
    };
  });
  const readers = reversed(links.from);
  const gone = [...steps.keys()].filter(i => !keep.has(i));
  const touched = reach(gone, i => [...links.from[i], ...readers[i]]);
  const readByKept = new Set(origin.flatMap(i => links.from[i]));
  return {
    definition: origin.length === steps.length ? definition : { ...definition, steps: kept },
    ...limit,
    open: stop !== undefined && !readByKept.has(stop) ? [steps[stop].id] : [],
    origin,
    cut: names([...touched]),
  };
}
