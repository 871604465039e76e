/**
 * The rules that every operator keeps, each checked from its declaration and its examples, with no code of its
 * author's: what `test/contract` runs over the registry, and what the author of an own operator can run over it.
 */
import { type AnyOperator, asEngine } from '../define/index.ts';
import { differences, runExample } from './examples.ts';
import { emptied, exampleInputs, repeated } from './generic.ts';
import { onExamples, type Rule } from './rule.ts';
import { lentBytes } from './rule-borrowed.ts';
import { changesGiveAll } from './rule-changes.ts';
import { closesAlways } from './rule-close.ts';
import { handlesNulls } from './rule-nulls.ts';
import { recordsApart } from './rule-records.ts';
import { sinkTakesChanges } from './rule-sink.ts';
import { tellsApart } from './rule-tells.ts';
import { declaredColumns, describedParams, refusesUnknown, words } from './rules-declaration.ts';

const hasExamples: Rule = {
  name: 'examples exist',
  check: ({ op }) => {
    if (op.examples.length === 0) return ['has no examples'];
    const source = asEngine(op).shape === 'source';
    return op.examples
      .filter(e => (source ? !e.files && !e.out : !(e.in ?? e.inputs)?.length))
      .map(e => `example "${e.title}" has no ${source ? 'files and no rows out' : 'rows in'}`);
  },
};

const examplesHold: Rule = {
  name: 'each example gives what it says',
  check: async ({ op, operators }) => {
    const problems: string[] = [];
    for (const example of op.examples) {
      const say = (text: string): string => `example "${example.title}": ${text}`;
      if (asEngine(op).shape !== 'sink' && !example.out) problems.push(say('does not say what comes out'));
      try {
        problems.push(...differences(example, await runExample(op, example, operators)).map(say));
      } catch (error) {
        problems.push(say((error as Error).message));
      }
    }
    return problems;
  },
};

const emptyIn: Rule = {
  name: 'empty batch in, empty batch out',
  check: tested => {
    if (asEngine(tested.op).shape === 'source') return [];
    return onExamples(tested, async (example, run) => {
      const { rows } = await run(exampleInputs(example).map(emptied));
      return rows.length === 0 ? [] : [`gives ${rows.length} rows for no rows`];
    });
  },
};

const anyCut: Rule = {
  name: 'the result does not depend on how rows were cut into batches',
  check: tested => {
    if (asEngine(tested.op).shape === 'source') return [];
    return onExamples(tested, async (example, run) => {
      const inputs = exampleInputs(example).map(batch => repeated(batch, 3));
      const whole = await run(inputs);
      const problems: string[] = [];
      for (const batchRows of [1, 2, 5]) {
        const { bytes } = await run(inputs, { batchRows });
        if (bytes !== whole.bytes) problems.push(`gives another result in batches of ${batchRows}`);
      }
      return problems;
    });
  },
};

const sameTwice: Rule = {
  name: 'same input twice gives the same bytes',
  check: tested => {
    if (tested.op.deterministic === false) return [];
    return onExamples(tested, async (example, run) => {
      const inputs =
        asEngine(tested.op).shape === 'source' ? undefined : exampleInputs(example).map(b => repeated(b, 2));
      const [first, second] = [await run(inputs), await run(inputs)];
      return first.bytes === second.bytes
        ? []
        : ['gives another result the second time; say deterministic: false if it must'];
    });
  },
};

/** All rules, in the order in which they are worth reading. */
export const contractRules: readonly Rule[] = [
  words,
  describedParams,
  refusesUnknown,
  hasExamples,
  examplesHold,
  declaredColumns,
  emptyIn,
  handlesNulls,
  anyCut,
  sameTwice,
  changesGiveAll,
  sinkTakesChanges,
  recordsApart,
  tellsApart,
  lentBytes,
  closesAlways,
];

/**
 * Checks an operator against the contract; gives what is wrong, each as `rule: problem`.
 * @param operators those that steps before its examples name.
 */
export async function checkOperator(
  op: AnyOperator,
  operators: readonly AnyOperator[] = [],
): Promise<string[]> {
  const problems: string[] = [];
  for (const rule of contractRules)
    for (const problem of await rule.check({ op, operators })) problems.push(`${rule.name}: ${problem}`);
  return problems;
}
