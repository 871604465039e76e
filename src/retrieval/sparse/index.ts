export type { DocumentBatch, StoredColumn, StoredField, StoredType, TextColumn } from './columns.ts';
export { IndexError, type IndexErrorCode } from './errors.ts';
export { changedSince, isWhole, publish, rollback } from './generations.ts';
export {
  type Parameter,
  resolveSimilarity,
  type SimilarityDefinition,
  type SimilarityName,
  type SimilaritySpec,
  similarities,
} from './similarity/index.ts';
export {
  type Explanation,
  type IndexInfo,
  type OpenOptions,
  type SearchOptions,
  type SearchResult,
  SparseIndex,
} from './sparse-index.ts';
export type { StoredValue } from './stored.ts';
export { type VerifyProblem, type VerifyReport, verify } from './verify.ts';
export { type Prepared, SparseIndexWriter, type WriterOptions } from './writer.ts';
