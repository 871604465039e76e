/** The shape of a definition: its keys and the values that say how steps run, before anything is looked up. */
import { type EngineOperator, nearest, parseBytes, parseTime } from '../define/index.ts';
import { found, oneOf, some } from './describe.ts';
import { didYouMean, type Findings, isRecord } from './findings.ts';
import type { DefinitionPath, PlannedBatch } from './types.ts';

const PIPELINE_KEYS = ['name', 'description', 'memory', 'operators', 'next', 'steps'];
export const STEP_KEYS = [
  'id',
  'op',
  'with',
  'from',
  'after',
  'parallel',
  'where',
  'batch',
  'order',
  'onError',
  'memory',
] as const;
const BATCH_KEYS = ['rows', 'bytes', 'tokens', 'linger'];
/** Letters, digits, `-` and `_`; what follows an `@` names a variant of a sweep. */
const ID = /^[\p{L}_][\p{L}\p{N}_-]*(@[^\s"/\\]+)?$/u;
const MOST_PARALLEL = 256;
const DEFAULT_MEMORY = 2 ** 30;
const DEFAULT_LINGER_MS = 50;

/** How a step runs, with what it did not say filled in. */
export interface RunOptions {
  readonly parallel: number;
  readonly where: 'main' | 'worker';
  readonly order: 'keep' | 'free';
  readonly onError: 'fail' | 'dead-letter' | 'skip';
  readonly batch?: PlannedBatch;
  readonly memory?: number;
}

/** A step on its way into the plan. */
export interface Draft {
  readonly index: number;
  readonly raw: Readonly<Record<string, unknown>>;
  /** Undefined where it has none that can be used. */
  readonly id?: string;
  readonly run: RunOptions;
  /** As written; undefined: the step above. */
  readonly from?: readonly string[];
  readonly after: readonly string[];
  /** Keys that are missing because they are misspelled, which is reported already. */
  readonly meant: ReadonlySet<string>;
  op?: EngineOperator;
  /** Parsed parameters; undefined where they are wrong. */
  params?: Readonly<Record<string, unknown>>;
}

/** The pipeline as far as its shape is right. */
export interface Shape {
  readonly name: string;
  readonly memory: number;
  readonly next?: readonly string[];
  readonly drafts: readonly Draft[];
}

/**
 * Reads a definition of any kind; what is wrong goes to `findings`. `parametersOf` gives the parameters of the operator
 * that a step names, for those that stand outside of `with`.
 */
export function readShape(
  definition: unknown,
  findings: Findings,
  parametersOf: (op: unknown) => readonly string[],
): Shape | undefined {
  if (!isRecord(definition)) {
    findings.add({
      path: [],
      code: 'not-a-pipeline',
      message: `a pipeline is an object with "name" and "steps", got ${found(definition)}`,
    });
    return undefined;
  }
  const meant = unknownKeys(definition, PIPELINE_KEYS, [], 'a pipeline', findings);
  const name = definition.name;
  if (name === undefined && meant.has('name')) {
    // Reported as a misspelled key.
  } else if (typeof name !== 'string' || name.trim() === '') {
    const message = `name: wanted text that names the pipeline, got ${found(name)}`;
    findings.add({ path: ['name'], code: name === undefined ? 'missing-name' : 'bad-name', message });
  } else if (/[\\/\p{Cc}]/u.test(name) || name.startsWith('.') || name.length > 100) {
    const message = `name: wanted at most 100 characters without slashes or a leading dot, got ${found(name)}`;
    findings.add({ path: ['name'], code: 'bad-name', message });
  }
  if (definition.description !== undefined && typeof definition.description !== 'string') {
    const message = `description: wanted text, got ${found(definition.description)}`;
    findings.add({ path: ['description'], code: 'bad-value', message });
  }
  const { next } = definition;
  if (next !== undefined && !(Array.isArray(next) && next.every(n => typeof n === 'string'))) {
    const message = `next: wanted a list of texts, commands to try after a run, got ${found(next)}`;
    findings.add({ path: ['next'], code: 'bad-value', message });
  }
  const memory = readSize(definition.memory, ['memory'], findings) ?? DEFAULT_MEMORY;
  const { steps } = definition;
  if (steps === undefined && meant.has('steps')) return undefined;
  if (!Array.isArray(steps) || steps.length === 0) {
    findings.add({
      path: ['steps'],
      code: 'no-steps',
      message: `steps: wanted a list of at least one step, got ${found(steps)}`,
      help: 'a step is { id, op, with }; the first one reads something',
    });
    return undefined;
  }
  const drafts = steps.map((raw, index) => readStep(raw, index, findings, parametersOf));
  return { name: typeof name === 'string' ? name : '', memory, next: next as string[] | undefined, drafts };
}

function readStep(
  raw: unknown,
  index: number,
  findings: Findings,
  parametersOf: (op: unknown) => readonly string[],
): Draft {
  const at = ['steps', index];
  if (!isRecord(raw)) {
    const message = `a step is an object with "id" and "op", got ${found(raw)}`;
    findings.add({ path: at, code: 'not-a-step', message });
    return { index, raw: {}, run: DEFAULT_RUN, after: [], meant: new Set(STEP_KEYS) };
  }
  const meant = unknownKeys(raw, STEP_KEYS, at, 'a step', findings, parametersOf(raw.op));
  return {
    index,
    raw,
    meant,
    id: raw.id === undefined && meant.has('id') ? undefined : readId(raw.id, at, findings),
    run: readRun(raw, at, findings),
    from: raw.from === undefined ? undefined : readNames(raw.from, [...at, 'from'], findings),
    after: raw.after === undefined ? [] : readNames(raw.after, [...at, 'after'], findings),
  };
}

function readId(id: unknown, at: DefinitionPath, findings: Findings): string | undefined {
  if (id === undefined) {
    findings.add({ path: [...at, 'id'], code: 'missing-id', message: 'id: a step needs a name of its own' });
    return undefined;
  }
  if (typeof id !== 'string' || !ID.test(id) || id.length > 100) {
    findings.add({
      path: [...at, 'id'],
      code: 'bad-id',
      message: `id: wanted letters, digits, "-" and "_", a letter first, got ${found(id)}`,
    });
    return typeof id === 'string' && id !== '' ? id : undefined;
  }
  return id;
}

/** A name or a list of names. */
function readNames(value: unknown, at: DefinitionPath, findings: Findings): readonly string[] {
  const names = Array.isArray(value) ? value : [value];
  const good: string[] = [];
  names.forEach((name, i) => {
    if (typeof name === 'string') good.push(name);
    else {
      const message = `${at.at(-1)}: wanted the id of a step, or a list of them, got ${found(name)}`;
      findings.add({ path: Array.isArray(value) ? [...at, i] : at, code: 'bad-reference', message });
    }
  });
  return good;
}

const DEFAULT_RUN: RunOptions = { parallel: 1, where: 'main', order: 'keep', onError: 'fail' };

function readRun(raw: Record<string, unknown>, at: DefinitionPath, findings: Findings): RunOptions {
  const choice = <T extends string>(key: string, values: readonly T[]): T => {
    const value = raw[key];
    if (value === undefined || values.includes(value as T)) return (value as T) ?? values[0];
    findings.add({
      path: [...at, key],
      code: 'bad-value',
      message: `${key}: wanted ${oneOf(values)}, got ${found(value)}`,
      help: typeof value === 'string' ? didYouMean(nearest(value, values)) : undefined,
    });
    return values[0];
  };
  return {
    parallel: readCount(raw.parallel, [...at, 'parallel'], findings, MOST_PARALLEL) ?? 1,
    where: choice('where', ['main', 'worker']),
    order: choice('order', ['keep', 'free']),
    onError: choice('onError', ['fail', 'dead-letter', 'skip']),
    batch: readBatch(raw.batch, [...at, 'batch'], findings),
    memory: readSize(raw.memory, [...at, 'memory'], findings),
  };
}

function readBatch(value: unknown, at: DefinitionPath, findings: Findings): PlannedBatch | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value)) {
    const message = `batch: wanted an object of ${oneOf(BATCH_KEYS, 'and')}, got ${found(value)}`;
    findings.add({ path: at, code: 'bad-value', message });
    return undefined;
  }
  unknownKeys(value, BATCH_KEYS, at, '"batch"', findings);
  const rows = readCount(value.rows, [...at, 'rows'], findings);
  const bytes = readSize(value.bytes, [...at, 'bytes'], findings);
  const tokens = readCount(value.tokens, [...at, 'tokens'], findings);
  let lingerMs = DEFAULT_LINGER_MS;
  if (value.linger !== undefined) {
    const time = isAmount(value.linger) ? parseTime(value.linger) : undefined;
    if (time === undefined) {
      const message = `batch.linger: wanted a time such as "20ms" or "1 s", got ${found(value.linger)}`;
      findings.add({ path: [...at, 'linger'], code: 'bad-time', message });
    } else lingerMs = time;
  }
  return {
    ...(rows !== undefined && { rows }),
    ...(bytes !== undefined && { bytes }),
    ...(tokens !== undefined && { tokens }),
    lingerMs,
  };
}

const isAmount = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

/** Where in a step or pipeline a path points, for messages: `batch.rows`. */
const nameOf = (at: DefinitionPath): string => (at[0] === 'steps' ? at.slice(2) : at).join('.');

function readCount(
  value: unknown,
  at: DefinitionPath,
  findings: Findings,
  most?: number,
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= (most ?? value))
    return value;
  const wanted = most === undefined ? 'of 1 or more' : `from 1 to ${most}`;
  const message = `${nameOf(at)}: wanted a whole number ${wanted}, got ${found(value)}`;
  findings.add({ path: at, code: 'bad-value', message });
  return undefined;
}

function readSize(value: unknown, at: DefinitionPath, findings: Findings): number | undefined {
  if (value === undefined) return undefined;
  const bytes = isAmount(value) ? parseBytes(value) : undefined;
  if (bytes !== undefined && bytes >= 1 && Number.isSafeInteger(Math.floor(bytes))) return Math.floor(bytes);
  const message = `${nameOf(at)}: wanted a size such as "512 MiB" or a number of bytes, got ${found(value)}`;
  findings.add({ path: at, code: 'bad-size', message });
  return undefined;
}

/** Reports keys that nobody knows; gives the keys they were most likely meant to be. */
function unknownKeys(
  value: Record<string, unknown>,
  known: readonly string[],
  at: DefinitionPath,
  what: string,
  findings: Findings,
  parameters: readonly string[] = [],
): Set<string> {
  const meant = new Set<string>();
  const free = known.filter(k => value[k] === undefined);
  for (const key of Object.keys(value)) {
    if (known.includes(key) || value[key] === undefined) continue;
    const isParameter = parameters.includes(key);
    const near = isParameter ? undefined : nearest(key, free);
    if (near !== undefined) meant.add(near);
    findings.add({
      path: [...at, key],
      atKey: true,
      code: 'unknown-key',
      message: `${what} has no key ${JSON.stringify(key)}`,
      help: isParameter
        ? `it is a parameter of ${value.op}: put it into "with"`
        : (didYouMean(near) ?? `${what} has ${some(known, 20)}`),
    });
    // A parameter that stands outside of `with` is not missing there as well.
    if (isParameter) meant.add('with');
  }
  return meant;
}
