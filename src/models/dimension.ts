/** How long an encoder's vectors are, from its files alone: what a plan must know before anything is loaded. */
import { join } from 'node:path';
import { type JsonObject, jsonOf, numberOf } from './folder.ts';
import { onnxOutputs } from './onnx-read.ts';
import { findOnnx, modulesIn, sidesOf } from './parts.ts';

/** The width of the outputs of an ONNX file: of a vector a text where it has one, else of token vectors. */
function widthOf(path: string, output?: string): number | undefined {
  const outputs = onnxOutputs(path) ?? [];
  const chosen =
    output === undefined
      ? (outputs.find(o => o.name === 'sentence_embedding') ??
        outputs.find(o => o.shape.length === 3) ??
        outputs.find(o => o.shape.length === 2))
      : outputs.find(o => o.name === output);
  return chosen?.shape.at(-1);
}

/**
 * Numbers in a vector of the encoder in a folder; undefined where its files do not say it.
 * @param settings the ONNX file inside the folder, and the output, where a caller names them
 */
export function dimensionOf(
  folder: string,
  settings: { readonly file?: string; readonly output?: string } = {},
): number | undefined {
  const root = sidesOf(folder).passage;
  const modules = modulesIn(root) ?? [];
  const of = (kind: string): JsonObject | undefined => {
    const module = modules.filter(m => m.kind === kind).at(-1);
    return module && jsonOf(root, module.path, 'config.json');
  };
  const projected = numberOf(of('Dense')?.out_features);
  if (projected !== undefined) return projected;
  const onnx = findOnnx(root, settings.file);
  const width = onnx === undefined ? undefined : widthOf(join(root, onnx), settings.output);
  if (width !== undefined) return width;
  const config = jsonOf(root, 'config.json') ?? {};
  return (
    numberOf(jsonOf(root, 'artifact.metadata')?.dim) ??
    numberOf(of('Pooling')?.word_embedding_dimension) ??
    numberOf(config.hidden_size) ??
    numberOf(config.hidden_dim) ??
    numberOf(config.d_model) ??
    numberOf(config.dim)
  );
}
