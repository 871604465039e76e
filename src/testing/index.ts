/** For tests of operators: small batches from rows, one operator run alone, and the contract it has to keep. */
export { checkOperator, contractRules } from './contract.ts';
export { differences, type ExampleStep, runExample } from './examples.ts';
export {
  inspectOperator,
  type OperatorOutcome,
  type RunOperatorOptions,
  runOperator,
  type TestChange,
  type TestInput,
} from './operator.ts';
export { type ColumnNames, columnsOfRows, type Row, rows } from './rows.ts';
export type { Rule, Tested } from './rule.ts';
export { parseParams } from './step.ts';
