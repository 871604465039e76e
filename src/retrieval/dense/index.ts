export type { VectorModel } from '../store/vector-model.ts';
export { type Metric, type Precision, vectorBytes } from './codec.ts';
export {
  DenseIndex,
  type DenseInfo,
  type DenseOpenOptions,
  type DenseResult,
  type DenseSearchOptions,
  publishDense,
  rollbackDense,
  verifyDense,
} from './dense-index.ts';
export {
  type ApproximateOptions,
  compactDense,
  DenseIndexWriter,
  type DenseSettings,
  type DenseWriterOptions,
  denseGenerations,
  GRAPH_ROWS,
  type VectorRows,
} from './dense-writer.ts';
export { type Multiply, plainMultiply } from './exact.ts';
export type { GraphOptions } from './graph.ts';
