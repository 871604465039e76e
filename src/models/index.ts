export * from './catalogue.ts';
export { conventionOf, type Pooling, type Prefixes } from './conventions.ts';
export { CrossEncoder, type CrossOptions } from './cross.ts';
export { dimensionOf } from './dimension.ts';
export { embeddedFolder, embeddedNames } from './embedded.ts';
export {
  type Encoded,
  type EncodeOptions,
  Encoder,
  type EncoderInfo,
  type EncoderOptions,
  openEncoder,
  type Side,
} from './encoder.ts';
export { readEncoderSpec } from './encoder-config.ts';
export type { EncoderOverrides, EncoderSpec, LateSpec } from './encoder-spec.ts';
export { ModelError } from './errors.ts';
export type { Progress } from './fetch.ts';
export { fusionWeightOf } from './fusion-weight.ts';
export {
  type Activation,
  exactSearchGraph,
  type LinearLayer,
  linearGraph,
  matMulGraph,
  type StaticTable,
  staticEncoderGraph,
} from './graphs.ts';
export type { TokenVectors } from './late.ts';
export {
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  type TensorData,
  writeOnnx,
} from './onnx-write.ts';
export { modelPrint } from './print.ts';
export {
  type Device,
  installedProviders,
  type Provider,
  type ProviderList,
  providersFor,
} from './providers.ts';
export { type ModelReference, parseReference } from './reference.ts';
export { readSafetensors } from './safetensors.ts';
export { type Feed, type Output, type PortInfo, Session, type SessionOptions } from './session.ts';
export {
  type PaddedIds,
  type PairRows,
  padRows,
  planBatches,
  type TokenRows,
  tokenRowsOf,
} from './token-rows.ts';
export { type EncodeOptions as TokenizeOptions, type PairOptions, Tokenizer } from './tokenizer.ts';
