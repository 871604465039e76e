/** In what a step differs from what the ledger remembers of it: one shape for `why`, `plan` and events. */
import { isDeepStrictEqual } from 'node:util';
import type { Columns } from '../../arrow/index.ts';
import type { Json } from '../../define/index.ts';
import { markedValues } from '../../plan/schema.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { plainParams, type Reason, type StepState } from './flow-memory.ts';
import type { Live } from './places.ts';

/** One thing that is another: what, as it was and as it is; absent where it was or is not there. */
export interface Difference {
  /** `operator`, `from`, `onError`, `version`, `with.NAME`, `reads PATH`, `columns`. */
  readonly what: string;
  readonly old?: Json;
  readonly now?: Json;
  /** For people. */
  readonly text: string;
}

export const reasonsOf = (step: string, differences: readonly Difference[]): Reason[] =>
  differences.map(d => ({ step, ...d }));

const shown = (value: Json | undefined): string => (value === undefined ? 'none' : JSON.stringify(value));

/**
 * What makes a step's rows go through again; nothing where it is as it was.
 * @param live what it is now
 */
export function differences(before: StepState, step: PlannedStep, live: Live): Difference[] {
  const of = (what: string, old: Json | undefined, now: Json | undefined, text: string): Difference => ({
    what,
    ...(old !== undefined && { old }),
    ...(now !== undefined && { now }),
    text,
  });
  const { op, from, onError } = step;
  // its parameters mean something else then
  if (before.op !== op.name)
    return [of('operator', before.op, op.name, `its operator was ${before.op}, now ${op.name}`)];
  const found: Difference[] = [];
  if (!isDeepStrictEqual(before.from, from)) {
    const text = `it took its rows from ${before.from.join(', ')}, now ${from.join(', ')}`;
    found.push(of('from', [...before.from], [...from], text));
  }
  if (before.badRows !== undefined && before.badRows !== onError)
    found.push(
      of('onError', before.badRows, onError, `onError: ${before.badRows} → ${onError}, and it had bad rows`),
    );
  if (before.rowFingerprint === live.fingerprint) return found;
  const counted = found.length;
  if (before.version !== op.version)
    found.push(of('version', before.version, op.version, `version ${before.version} → ${op.version}`));
  found.push(...changedParams(before, step));
  for (const path of new Set([...Object.keys(before.reads ?? {}), ...Object.keys(live.reads)]))
    if (before.reads && before.reads[path] !== live.reads[path])
      found.push(of(`reads ${path}`, undefined, undefined, `what it reads has changed: ${path}`));
  if (found.length === counted)
    found.push(of('reads', undefined, undefined, 'a file or index it reads has changed'));
  return found;
}

/** The parameters that are others, but for hints, on which no result depends. */
export function changedParams(before: StepState, step: PlannedStep): Difference[] {
  const now = plainParams(step) as Record<string, Json>;
  const old = before.params as Record<string, Json>;
  const hints = new Set(
    markedValues(step.op.params, step.params).flatMap(({ path, mark }) =>
      mark.hint && path.length === 1 ? [path[0]] : [],
    ),
  );
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap(name => {
    const [was, is] = [old[name], now[name]];
    if (hints.has(name) || isDeepStrictEqual(was, is)) return [];
    const what = `with.${name}`;
    return [
      {
        what,
        ...(was !== undefined && { old: was }),
        ...(is !== undefined && { now: is }),
        text: `${what}: ${shown(was)} → ${shown(is)}`,
      },
    ];
  });
}

/** Types of columns by name, as the ledger keeps them: `utf8?` may be null. */
export type ColumnTypes = Readonly<Record<string, string>>;

export const columnTypes = (columns: Columns): ColumnTypes =>
  Object.fromEntries(
    Object.entries(columns).map(([name, { type, nullable }]) => [
      name,
      `${String(type).toLowerCase()}${nullable ? '?' : ''}`,
    ]),
  );

/** The columns a step gives, or a sink gets. */
export const columnsOf = (step: PlannedStep): ColumnTypes =>
  columnTypes(step.op.shape === 'sink' ? step.inputs[0] : step.output);

/** Columns that came, went, or have another type: those of guessed columns depend on the data. */
export function changedColumnTypes(
  before: ColumnTypes | undefined,
  now: ColumnTypes,
): Difference | undefined {
  if (!before) return undefined;
  const told = [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap(name => {
    const [was, is] = [before[name], now[name]];
    if (was === is) return [];
    if (was === undefined) return [`+ ${name} ${is}`];
    return [is === undefined ? `− ${name}` : `${name} ${was} → ${is}`];
  });
  if (told.length === 0) return undefined;
  return { what: 'columns', old: { ...before }, now: { ...now }, text: `its columns: ${told.join(', ')}` };
}
