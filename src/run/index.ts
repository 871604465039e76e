export { AbortError, StepError } from './errors.ts';
export { failureOf, type RunHandle, type RunOptions, startRun } from './run.ts';
