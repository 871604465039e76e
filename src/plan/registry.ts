/** Operators by name, the built-in ones and a pipeline's own, and the steps' parameters parsed by them. */
import { type AnyOperator, asEngine, type EngineOperator, nearest, UserError } from '../define/index.ts';
import { found, pathText, some } from './describe.ts';
import { didYouMean, type Findings, isRecord } from './findings.ts';
import { issueFindings } from './issues.ts';
import { notJson } from './json.ts';
import type { Draft } from './shape.ts';

export type Registry = ReadonlyMap<string, EngineOperator>;

/** Whether a value is what `operator()` gives. */
export const isOperator = (value: unknown): value is AnyOperator =>
  isRecord(value) &&
  typeof value.name === 'string' &&
  typeof value.shape === 'string' &&
  typeof value.version === 'number' &&
  typeof value.open === 'function' &&
  isRecord(value.params) &&
  typeof value.params.safeParse === 'function';

/** Puts a pipeline's own operators beside the built-in ones. */
export function buildRegistry(
  builtin: readonly AnyOperator[],
  definition: unknown,
  findings: Findings,
): Registry {
  const registry = new Map(builtin.map(op => [op.name as string, asEngine(op)]));
  const own = isRecord(definition) ? definition.operators : undefined;
  if (own === undefined) return registry;
  if (!Array.isArray(own)) {
    const message = `operators: wanted a list of operators, got ${found(own)}`;
    findings.add({ path: ['operators'], code: 'bad-operator', message });
    return registry;
  }
  own.forEach((op: unknown, i) => {
    const path = ['operators', i];
    if (!isOperator(op)) {
      findings.add({
        path,
        code: 'bad-operator',
        message: `operators[${i}]: wanted what operator() gives, got ${found(op)}`,
        help:
          typeof op === 'string'
            ? 'names of files are for YAML and JSON; import it in TypeScript'
            : undefined,
      });
    } else if (registry.has(op.name) && registry.get(op.name) !== asEngine(op)) {
      const what = builtin.some(b => b.name === op.name) ? 'is built in' : 'is there twice';
      const message = `operators[${i}]: ${JSON.stringify(op.name)} ${what}; your own needs another name`;
      findings.add({ path, code: 'operator-clash', message });
    } else registry.set(op.name, asEngine(op));
  });
  return registry;
}

/** Finds each step's operator and parses its parameters. */
export function resolveOperators(drafts: readonly Draft[], registry: Registry, findings: Findings): void {
  for (const draft of drafts) {
    const name = draft.raw.op;
    const path = ['steps', draft.index, 'op'];
    if (typeof name !== 'string') {
      if (draft.meant.has('op')) continue;
      findings.add({
        path,
        code: name === undefined ? 'missing-operator' : 'unknown-operator',
        message: `op: a step needs the name of an operator, got ${found(name)}`,
      });
      continue;
    }
    const op = registry.get(name);
    if (!op) {
      findings.add({
        path,
        code: 'unknown-operator',
        message: `op: there is no operator ${found(name)}`,
        help: didYouMean(nearest(name, registry.keys())) ?? operatorsLike(name, registry),
      });
      continue;
    }
    draft.op = op;
    parseParameters(draft, op, findings);
  }
}

/** Operators of the same family, or where to find all. */
function operatorsLike(name: string, registry: Registry): string {
  const family = name.split('.')[0];
  const kin = [...registry.keys()].filter(other => other.split('.')[0] === family);
  return kin.length > 0 ? `there are ${some(kin)}` : '`millrace operators` lists them';
}

function parseParameters(draft: Draft, op: EngineOperator, findings: Findings): void {
  if (draft.meant.has('with')) return;
  const base = ['steps', draft.index, 'with'];
  const raw = draft.raw.with ?? {};
  if (!isRecord(raw)) {
    const message = `with: wanted an object of parameters, got ${found(raw)}`;
    findings.add({ path: base, code: 'bad-parameters', message });
    return;
  }
  const odd = notJson(raw);
  for (const { path, what } of odd) {
    findings.add({
      path: [...base, ...path],
      code: 'not-json',
      message: `${pathText(['with', ...path])}: wanted plain JSON, got ${what}`,
      help: 'parameters travel to workers and into the fingerprint; only JSON does',
    });
  }
  if (odd.length > 0) return;
  try {
    const parsed = op.params.safeParse(raw);
    if (!parsed.success) {
      const context = { op: op.name, schema: op.params, raw, base };
      for (const finding of issueFindings(parsed.error.issues, context)) findings.add(finding);
      return;
    }
    const params = parsed.data as Record<string, unknown>;
    const wrong = op.check?.(params) ?? [];
    for (const text of wrong) findings.add({ ...placed(text, base), code: 'parameter-check', message: text });
    if (wrong.length === 0) draft.params = params;
  } catch (error) {
    findings.add(operatorFailure(draft, error));
  }
}

/** The path that an operator's own check names at the start of its text: `with.stride: must be less …`. */
function placed(text: string, base: readonly (string | number)[]): { path: (string | number)[] } {
  const match = /^with((?:\.[\w$-]+|\[\d+\])+)\s*:/.exec(text);
  if (!match) return { path: [...base] };
  const parts = match[1].match(/[\w$-]+/g) ?? [];
  return { path: [...base, ...parts.map((p, i) => (i > 0 && /^\d+$/.test(p) ? Number(p) : p))] };
}

/** An operator that throws while it is planned: its own words where they are for users, else as a defect of it. */
export function operatorFailure(draft: Draft, error: unknown) {
  const path = ['steps', draft.index];
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof UserError) {
    const at = /^with[.[]/.test(text) ? placed(text, [...path, 'with']) : { path };
    return { ...at, code: 'operator-refuses', message: text, help: error.help };
  }
  const message = `${draft.op?.name} failed while it was checked: ${text}`;
  return { path, code: 'operator-failed', message, help: 'this is a defect of the operator' };
}
