/** Changes to a definition from outside: `--set`, `--from`, `--stop-after`, `--limit`. The one given stays as it is. */
import { nearest, type Pipeline, UserError } from '../define/index.ts';
import { found, some } from './describe.ts';
import { didYouMean, isRecord } from './findings.ts';
import { STEP_KEYS } from './shape.ts';

const PIPELINE_KEYS = ['name', 'description', 'memory', 'steps'];

/** JSON where it is JSON, else the text itself. */
export function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** `steps.encode.with["a.b"][0]` in parts. */
export function parsePath(text: string): string[] {
  const parts: string[] = [];
  const token = /\.?(?:([^.[\]]+)|\[(?:"((?:[^"\\]|\\.)*)"|([^\]"]+))\])/y;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (!match) return [];
    parts.push(match[1] ?? match[3] ?? (JSON.parse(`"${match[2]}"`) as string));
  }
  return parts;
}

/** `path=value` in its two halves. @throws UserError without an equals sign or a path */
export function parseSetting(setting: string, option: string): { path: string[]; value: string } {
  const equals = setting.indexOf('=');
  const path = equals > 0 ? parsePath(setting.slice(0, equals).trim()) : [];
  if (path.length === 0) {
    throw new UserError(`${option} ${setting}: wanted path=value`, {
      help: `for example: ${option} steps.encode.with.model=default`,
    });
  }
  return { path, value: setting.slice(equals + 1) };
}

/**
 * Puts values at paths: `steps.encode.with.model=x`, `memory=4 GiB`. Steps go by id or index, values are JSON where
 * they can be, else text. Parameters that do not exist are found by `check`.
 * @throws UserError where a path leads nowhere
 */
export function applySettings(definition: Pipeline, settings: readonly string[]): Pipeline {
  let out = definition;
  // Whatever else it may be, check says that it is no pipeline.
  if (!isRecord(definition)) return definition;
  for (const setting of settings) {
    const { path, value } = parseSetting(setting, '--set');
    out = setAt(
      out,
      resolvePath(out, path, `--set ${setting}`),
      parseValue(value),
      `--set ${setting}`,
    ) as Pipeline;
  }
  return out;
}

/** Turns a step's id into its index, and refuses keys that a pipeline or a step does not have. */
export function resolvePath(
  definition: Pipeline,
  path: readonly string[],
  what: string,
): (string | number)[] {
  const [head, id, key, ...rest] = path;
  if (!PIPELINE_KEYS.includes(head)) {
    throw new UserError(`${what}: a pipeline has no key ${JSON.stringify(head)}`, {
      help:
        suggestStep(definition, path) ??
        didYouMean(nearest(head, PIPELINE_KEYS)) ??
        `it has ${some(PIPELINE_KEYS)}`,
    });
  }
  if (head !== 'steps') return [...path];
  if (id === undefined) throw new UserError(`${what}: say which step: steps.ID.with.NAME`);
  const index = stepIndex(definition, id, what);
  if (key === undefined) throw new UserError(`${what}: say what of the step: steps.${id}.with.NAME`);
  if (!(STEP_KEYS as readonly string[]).includes(key)) {
    const step = definition.steps[index];
    const isParameter = isRecord(step.with) && Object.hasOwn(step.with, key);
    throw new UserError(`${what}: a step has no key ${JSON.stringify(key)}`, {
      help: isParameter
        ? `parameters stand under "with": steps.${id}.with.${[key, ...rest].join('.')}`
        : (didYouMean(nearest(key, STEP_KEYS)) ??
          `parameters stand under "with"; a step has ${some(STEP_KEYS, 20)}`),
    });
  }
  return ['steps', index, key, ...rest];
}

/** For `encode.with.model`, where `steps.` was forgotten. */
function suggestStep(definition: Pipeline, path: readonly string[]): string | undefined {
  const known = Array.isArray(definition.steps) && definition.steps.some(s => s?.id === path[0]);
  return known ? `did you mean "steps.${path.join('.')}"?` : undefined;
}

/** The index of a step by its id, or by its number. @throws UserError where there is none */
export function stepIndex(definition: Pipeline, id: string, what: string): number {
  const steps = Array.isArray(definition.steps) ? definition.steps : [];
  const byId = steps.findIndex(s => s?.id === id);
  if (byId >= 0) return byId;
  if (/^\d+$/.test(id) && Number(id) < steps.length) return Number(id);
  const ids = steps.flatMap(s => (typeof s?.id === 'string' ? [s.id] : []));
  throw new UserError(`${what}: there is no step ${JSON.stringify(id)}`, {
    help: didYouMean(nearest(id, ids)) ?? `the steps are ${some(ids, 20)}`,
  });
}

/** A copy with one value put in; objects that are missing on the way are made. */
export function setAt(
  target: unknown,
  path: readonly (string | number)[],
  value: unknown,
  what: string,
): unknown {
  if (path.length === 0) return value;
  const [first, ...rest] = path;
  if (Array.isArray(target)) {
    const index = Number(first);
    if (!Number.isInteger(index) || index < 0 || index > target.length) {
      throw new UserError(`${what}: ${JSON.stringify(first)} is no place in a list of ${target.length}`);
    }
    const copy = [...(target as unknown[])];
    copy[index] = setAt(copy[index], rest, value, what);
    return copy;
  }
  if (target !== undefined && !isRecord(target)) {
    throw new UserError(
      `${what}: ${JSON.stringify(first)} would lie inside of ${found(target)}, which has no members`,
    );
  }
  return { ...target, [first]: setAt(target?.[first], rest, value, what) };
}
