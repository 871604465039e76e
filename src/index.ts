/** The public API. `millrace/testing`, `millrace/retrieval` and `millrace/metrics` stand beside it. */
export { check, operators, PipelineError, type PipelineOptions, pipeline, run } from './api.ts';
export {
  batchFromRows,
  batchOf,
  bool,
  type Column,
  type Columns,
  columnOf,
  concatBatches,
  dataOf,
  emptyBatch,
  fixedList,
  float32,
  float32Data,
  float64,
  float64Data,
  int8,
  int32,
  int32Data,
  int64,
  isNull,
  list,
  listData,
  listView,
  nullable,
  numbers,
  rowsOf,
  schemaOf,
  takeRows,
  Utf8Builder,
  Utf8View,
  uint8,
  utf8,
  utf8Data,
  utf8View,
} from './arrow/index.ts';
export { hint, operator, RetryableError, readsPath, secret, UserError, writesPath } from './define/index.ts';
export type * from './define/operator.ts';
export type { AnyStep, BatchOptions, Pipeline, PipelineDefinition, StepRun } from './define/pipeline.ts';
export {
  fromObservable,
  type Observable,
  type RunEvent,
  type RunResult,
  type StepMetrics,
  type StepResult,
  toObservable,
} from './events/index.ts';
export type { CheckResult } from './plan/check.ts';
export { loadPipeline } from './plan/load.ts';
export { formatProblems } from './plan/problems.ts';
export type { Plan, Problem } from './plan/types.ts';
export type { PartOf, RunHandle, RunOptions } from './run/index.ts';
