/** What a rule of the contract is, and how one is checked over an operator's examples. */
import type { RecordBatch } from 'apache-arrow';
import { rowsOf } from '../arrow/index.ts';
import { type AnyOperator, asEngine, type Example, type SourceInstance } from '../define/index.ts';
import { bytesOf, filesOf } from './bytes.ts';
import { TestFolder } from './context.ts';
import { prepareExample } from './examples.ts';
import { inspectOperator, type OperatorOutcome, type RunOperatorOptions } from './operator.ts';

/** An operator under test, with what its examples may need. */
export interface Tested {
  readonly op: AnyOperator;
  /** Operators that steps before an example name. */
  readonly operators: readonly AnyOperator[];
}

/** One rule: what is wrong with an operator, or nothing. */
export interface Rule {
  readonly name: string;
  check(tested: Tested): Promise<string[]> | string[];
}

/** Runs `work` on each example, in a folder in which the example's steps before have run. */
export async function onExamples(
  { op, operators }: Tested,
  work: (example: Example, run: RunExample) => Promise<string[]>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const example of op.examples) {
    const say = (text: string): string => `example "${example.title}": ${text}`;
    const run: RunExample = async (inputs, more = {}) => {
      const folder = await TestFolder.make(undefined, example.files);
      try {
        await prepareExample(example, operators, folder.root);
        const before = await filesOf(folder.root);
        const outcome = await inspectOperator(op, { with: example.with, inputs, ...more, root: folder.root });
        return { ...outcome, bytes: await bytesOf(outcome, folder.root, before) };
      } finally {
        await folder.remove();
      }
    };
    try {
      problems.push(...(await work(example, run)).map(say));
    } catch (error) {
      problems.push(say((error as Error).message));
    }
  }
  return problems;
}

/**
 * A rule that looks at what a source does while its examples run.
 * @param watch gives the instance with a watch kept on it; what is wrong goes into `problems`
 */
export const sourceRule = (
  name: string,
  watch: (instance: SourceInstance, decode: Decode, problems: string[]) => SourceInstance,
): Rule => ({
  name,
  check: async tested => {
    const source = asEngine(tested.op);
    if (source.shape !== 'source') return [];
    const problems: string[] = [];
    const open: typeof source.open = async (params, ctx) => {
      const instance: SourceInstance = await source.open(params, ctx);
      const decode = instance.decode?.bind(instance);
      return decode ? watch(instance, decode, problems) : instance;
    };
    const op = { ...tested.op, open } as unknown as AnyOperator;
    const failed = await onExamples({ ...tested, op }, async (_, run) => {
      await run([]);
      return [];
    });
    return [...problems, ...failed];
  },
});
/** Each row of a batch as text, to hold it against another. */
export const rowTexts = (batch: RecordBatch): string[] =>
  rowsOf(batch).map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));

type Decode = NonNullable<SourceInstance['decode']>;

/** Runs the example's operator over other inputs; `bytes` are the rows, the report and the files it gave. */
export type RunExample = (
  inputs: RunOperatorOptions['inputs'],
  more?: RunOperatorOptions,
) => Promise<OperatorOutcome & { readonly bytes: string }>;
