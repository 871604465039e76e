export { type Cost, checkEstimate, type MaxCost } from './cost.ts';
export { AbortError, StepError } from './errors.ts';
export { findInState, flowsWithoutRows, type Lineage } from './incremental/find.ts';
export type { FlowMode, Reason } from './incremental/flow-memory.ts';
export { type FlowPreview, previewRun, type StepPreview } from './incremental/preview.ts';
export { failureOf } from './result.ts';
export { type PartOf, type RunHandle, type RunOptions, startRun } from './run.ts';
