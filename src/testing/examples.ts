/** Runs the examples of an operator and says where they do not come out. */
import type { AnyOperator, Example } from '../define/index.ts';
import { TestFolder } from './context.ts';
import { inspectOperator, type OperatorOutcome, type RunOperatorOptions } from './operator.ts';
import type { Row } from './rows.ts';

/** A step that is run before an example, such as one that builds the index it searches. */
export interface ExampleStep {
  readonly op: string;
  readonly with: Readonly<Record<string, unknown>>;
  readonly in: readonly Row[];
  /** Column types where guessing from the values is wrong. */
  readonly columns?: Example['columns'];
}

/** The steps an example needs to be run before it. */
export const stepsBefore = (example: Example): readonly ExampleStep[] =>
  (example as Example & { readonly before?: readonly ExampleStep[] }).before ?? [];

/** Runs an example in a folder of its own, its steps before included. */
export async function runExample(
  op: AnyOperator,
  example: Example,
  operators: readonly AnyOperator[] = [],
  change: Omit<RunOperatorOptions, 'with' | 'files' | 'root'> & { readonly root?: string } = {},
): Promise<OperatorOutcome> {
  const folder = change.root === undefined ? await TestFolder.make() : undefined;
  const root = change.root ?? (folder as TestFolder).root;
  try {
    await prepareExample(example, operators, root);
    return await inspectOperator(op, {
      with: example.with,
      in: example.in,
      inputs: example.inputs,
      columns: example.columns,
      files: example.files,
      written: Object.keys(example.written ?? {}),
      ...change,
      root,
    });
  } finally {
    await folder?.remove();
  }
}

/** Writes the files and runs the steps that an example needs. @throws Error where one names no operator. */
export async function prepareExample(
  example: Example,
  operators: readonly AnyOperator[],
  root: string,
): Promise<void> {
  await TestFolder.make(root, example.files);
  for (const step of stepsBefore(example)) {
    const before = operators.find(o => o.name === step.op);
    if (!before) throw new Error(`example "${example.title}": no operator is named ${step.op}`);
    await inspectOperator(before, { with: step.with, in: step.in, columns: step.columns, root });
  }
}

/** How an outcome differs from what its example says; empty where it does not. */
export function differences(example: Example, outcome: OperatorOutcome): string[] {
  const out: string[] = [];
  const { rows, written } = outcome;
  if (example.out) {
    if (rows.length !== example.out.length)
      out.push(`gives ${rows.length} rows, wanted ${example.out.length}: ${short(rows)}`);
    else
      example.out.forEach((wanted, i) => {
        for (const [name, value] of Object.entries(wanted)) {
          if (!Object.hasOwn(rows[i], name)) out.push(`row ${i} has no column "${name}"`);
          else if (!same(rows[i][name], value))
            out.push(`row ${i}: "${name}" is ${short(rows[i][name])}, wanted ${short(value)}`);
        }
      });
  }
  for (const [path, text] of Object.entries(example.written ?? {})) {
    if (written[path] === undefined) out.push(`does not write ${path}`);
    else if (written[path] !== text)
      out.push(`writes ${short(written[path])} to ${path}, wanted ${short(text)}`);
  }
  return out;
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/** Equal values; fractions to nine digits, as an example writes them down. */
function same(got: unknown, wanted: unknown): boolean {
  if (typeof got === 'bigint' && typeof wanted === 'number') return Number(got) === wanted;
  if (typeof got === 'number' && typeof wanted === 'number')
    return got === wanted || Math.abs(got - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted));
  if (Array.isArray(got) && Array.isArray(wanted))
    return got.length === wanted.length && got.every((v, i) => same(v, wanted[i]));
  return got === wanted || (got === null && wanted === undefined);
}
