/** How long an encoder's vectors are, from its files alone: what a plan must know before anything is loaded. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, numberOf } from './folder.ts';
import { onnxOutputs } from './onnx-read.ts';

const SUB = ['ctx_encoder', 'context_encoder', 'passage_encoder', 'passage', 'document'];

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
  const inner = SUB.map(name => join(folder, name)).find(existsSync);
  const root = inner ?? folder;
  const modules = jsonOf(root, 'modules.json') as unknown as { type?: string; path?: string }[] | undefined;
  if (Array.isArray(modules)) {
    const dense = modules.filter(m => String(m.type).endsWith('.Dense')).at(-1);
    const width = dense && numberOf(jsonOf(root, dense.path ?? '', 'config.json')?.out_features);
    if (width !== undefined) return width;
  }
  const files = [
    settings.file,
    settings.file && join('onnx', settings.file),
    join('onnx', 'model.onnx'),
    'model.onnx',
  ];
  const onnx = files.find(name => name !== undefined && existsSync(join(root, name)));
  const width = onnx === undefined ? undefined : widthOf(join(root, onnx), settings.output);
  if (width !== undefined) return width;
  const pooling = Array.isArray(modules) ? modules.find(m => String(m.type).endsWith('.Pooling')) : undefined;
  const config = jsonOf(root, 'config.json') ?? {};
  return (
    numberOf(jsonOf(root, 'artifact.metadata')?.dim) ??
    numberOf(pooling && jsonOf(root, pooling.path ?? '', 'config.json')?.word_embedding_dimension) ??
    numberOf(config.hidden_size) ??
    numberOf(config.hidden_dim) ??
    numberOf(config.d_model) ??
    numberOf(config.dim)
  );
}
