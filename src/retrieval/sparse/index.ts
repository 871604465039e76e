export type {
  DocumentBatch,
  StoredColumn,
  StoredField,
  StoredType,
  TextColumn,
  WeightsColumn,
} from './columns.ts';
export { type Compacted, compact } from './compact.ts';
export { IndexError, type IndexErrorCode } from './errors.ts';
export type { FieldSpec, TextFieldSpec, WeightsFieldSpec } from './fields.ts';
export { publish, rollback } from './generations.ts';
export { sparseGenerations } from './manifest.ts';
export { type PoolOptions, SearchPool } from './pool/pool.ts';
export { checkFilter } from './query/filter.ts';
export type {
  ExplanationNode,
  Feedback,
  Filter,
  FilterValue,
  Query,
  QueryOptions,
  StructuredQuery,
  TermExplanation,
  Weights,
} from './query/types.ts';
export {
  type Parameter,
  resolveSimilarity,
  type SimilarityDefinition,
  type SimilarityName,
  type SimilaritySpec,
  similarities,
} from './similarity/index.ts';
export {
  type Bm25fSpec,
  type EnsembleSpec,
  type ImpactSpec,
  type MemberSpec,
  resolveScoring,
  type ScoringSpec,
  scoringNames,
} from './similarity/scoring-spec.ts';
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
