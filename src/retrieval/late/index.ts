export type { Codebook } from './codebook.ts';
export {
  LateIndex,
  type LateInfo,
  type LateOpenOptions,
  type LateResult,
  type LateSearchOptions,
  publishLate,
  rollbackLate,
  verifyLate,
} from './late-index.ts';
export {
  compactLate,
  LateIndexWriter,
  type LateSettings,
  type LateWriterOptions,
  lateGenerations,
  type TokenRowsToIndex,
} from './late-writer.ts';
export { poolTokenRows, type TokenRowsOfVectors } from './pool.ts';
export type { StageOptions } from './question.ts';
