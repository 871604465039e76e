/** Holds operators to what they declare: their examples, and for a pipeline's own ones the whole contract. */
import type { AnyOperator } from '../../define/index.ts';
import { checkOperator, differences, runExample } from '../../testing/index.ts';

export interface ExampleResult {
  readonly op: string;
  readonly title: string;
  readonly ok: boolean;
  /** What was found and what was wanted. */
  readonly message?: string;
}

const result = (op: string, title: string, problems: readonly string[]): ExampleResult => ({
  op,
  title,
  ok: problems.length === 0,
  ...(problems.length > 0 ? { message: problems.join('; ') } : {}),
});

async function problemsOf(work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work();
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Runs every example of some operators. An example that throws has failed. */
export async function runExamples(
  used: readonly AnyOperator[],
  operators: readonly AnyOperator[],
): Promise<ExampleResult[]> {
  const results: ExampleResult[] = [];
  for (const op of used) {
    for (const example of op.examples) {
      const problems = await problemsOf(async () =>
        differences(example, await runExample(op, example, operators)),
      );
      results.push(result(op.name, example.title, problems));
    }
  }
  return results;
}

/** Runs the contract suite over a pipeline's own operators. */
export async function runContracts(
  own: readonly AnyOperator[],
  operators: readonly AnyOperator[],
): Promise<ExampleResult[]> {
  const results: ExampleResult[] = [];
  for (const op of own) {
    results.push(result(op.name, 'contract', await problemsOf(() => checkOperator(op, operators))));
  }
  return results;
}
