/** What the planner works out about one step, for an operator that is run alone. */
import { DataType, type Schema } from 'apache-arrow';
import { type Column, type Columns, sameType, schemaOf, typeName } from '../arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  nearest,
  type Params,
  type PlanContext,
  UserError,
} from '../define/index.ts';

/** An operator with parsed parameters over known inputs. */
export interface TestedStep {
  readonly op: EngineOperator;
  readonly params: Params;
  readonly inputs: readonly Columns[];
  readonly inputKeys: readonly (readonly string[])[];
  /** None for a sink. */
  readonly output: Columns;
  readonly outputSchema: Schema;
  readonly passes: Readonly<Record<string, string>>;
  readonly key: readonly string[];
}

/** Parses a step's `with`. @throws UserError naming every parameter that is wrong or unknown. */
export function parseParams(op: AnyOperator, given: Readonly<Record<string, unknown>> = {}): Params {
  const parsed = op.params.safeParse(given);
  if (!parsed.success) {
    const known = Object.keys(op.params.shape);
    const problems = parsed.error.issues.flatMap(issue => {
      const at = ['with', ...issue.path].join('.');
      if (issue.code !== 'unrecognized_keys') return [`${at}: ${issue.message}`];
      return issue.keys.map(key => {
        const near = nearest(key, known);
        return `${at}.${key}: ${op.name} has no such parameter${near ? ` (did you mean ${near}?)` : ''}`;
      });
    });
    throw new UserError(problems.join('; '));
  }
  const params = parsed.data as Params;
  const problems = asEngine(op).check?.(params) ?? [];
  if (problems.length > 0) throw new UserError(problems.join('; '));
  return params;
}

/** The columns that name a row, by the names that DESIGN's streams use; else the first column. */
export function guessKey(columns: Columns): readonly string[] {
  const has = (name: string): boolean => Object.hasOwn(columns, name);
  if (has('question_id')) return has('rank') ? ['question_id', 'rank'] : ['question_id'];
  for (const name of ['unit_id', 'doc_id']) if (has(name)) return [name];
  return Object.keys(columns).slice(0, 1);
}

/**
 * Checks the columns an operator reads and works out those it gives: in the planner's order: a column
 * that is written anew stays where it was, new ones come last.
 * @throws UserError where an input lacks a column or has it as another type.
 */
export async function planStep(
  op: AnyOperator,
  params: Params,
  inputs: readonly Columns[],
  ctx: PlanContext,
  keys?: readonly (readonly string[])[],
): Promise<TestedStep> {
  const engineOp = asEngine(op);
  const inputKeys = inputs.map((columns, i) => keys?.[i] ?? guessKey(columns));
  if (engineOp.shape !== 'source')
    inputs.forEach((columns, i) => {
      wantColumns(op.name, engineOp.reads(params, i), columns);
    });
  const { output, passes, key } = await outputOf(engineOp, params, inputs, inputKeys, ctx);
  return { op: engineOp, params, inputs, inputKeys, output, outputSchema: schemaOf(output), passes, key };
}

type Output = Pick<TestedStep, 'output' | 'passes' | 'key'>;

async function outputOf(
  op: EngineOperator,
  params: Params,
  inputs: readonly Columns[],
  inputKeys: readonly (readonly string[])[],
  ctx: PlanContext,
): Promise<Output> {
  switch (op.shape) {
    case 'source':
      return { output: await op.columns(params, ctx), passes: {}, key: op.key(params) };
    case 'sink':
      return { output: {}, passes: {}, key: [] };
    case 'join':
      return { output: op.writes(params, inputs, ctx), passes: {}, key: op.key(params, inputKeys[0] ?? []) };
    default: {
      const input = inputs[0] ?? {};
      const written = op.writes(params, input, ctx);
      const all = op.passes?.(params, input) ?? Object.fromEntries(Object.keys(input).map(n => [n, n]));
      const passes = Object.fromEntries(Object.entries(all).filter(([, to]) => !Object.hasOwn(written, to)));
      // a column that is written anew stays where it was
      const through = Object.entries(all).map(([from, to]): [string, Column] => [to, input[from]]);
      const output = { ...Object.fromEntries(through), ...written };
      const inputKey = inputKeys[0] ?? [];
      return { output, passes, key: op.key?.(params, inputKey) ?? inputKey.map(k => passes[k] ?? k) };
    }
  }
}

/** Whether a column of type `got` will do where `wanted` is read: Null stands for any type, a list of size 0 for any size. */
function accepts(wanted: DataType, got: DataType): boolean {
  if (DataType.isNull(wanted)) return true;
  if (DataType.isFixedSizeList(wanted) && wanted.listSize === 0)
    return DataType.isFixedSizeList(got) && accepts(wanted.children[0].type, got.children[0].type);
  if (DataType.isList(wanted) && DataType.isList(got))
    return accepts(wanted.children[0].type, got.children[0].type);
  return sameType(wanted, got);
}

function wantColumns(op: string, reads: Columns, columns: Columns): void {
  for (const [name, wanted] of Object.entries(reads)) {
    const found = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (!found) {
      const near = nearest(name, Object.keys(columns));
      throw new UserError(
        `${op} reads column "${name}"${DataType.isNull(wanted.type) ? '' : ` (${typeName(wanted.type)})`}; the input has ${Object.keys(columns).join(', ') || 'no columns'}`,
        near ? { help: `did you mean "${near}"?` } : {},
      );
    }
    if (!accepts(wanted.type, found.type))
      throw new UserError(
        `${op} reads column "${name}" (${typeName(wanted.type)}), but the input gives it as ${typeName(found.type)}`,
      );
  }
}
