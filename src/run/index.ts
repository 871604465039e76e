export { type Cost, checkEstimate, type Estimate, type MaxCost, unforeseen } from './cost.ts';
export { AbortError, StepError } from './errors.ts';
export { type Border, bordersOf } from './incremental/borders.ts';
export { findInState, flowsWithoutRows, type Lineage, sinksBehindAll } from './incremental/find.ts';
export type { FlowMode, Pass, Reason } from './incremental/flow-memory.ts';
export { lineOf } from './incremental/place.ts';
export { type FlowPreview, previewRun, type StepPreview } from './incremental/preview.ts';
export { failureOf } from './result.ts';
export { type PartOf, type RunHandle, type RunOptions, startRun } from './run.ts';
