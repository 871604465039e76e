/** Token tables of static encoders as model2vec and sentence-transformers save them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from './errors.ts';
import type { StaticTable } from './graphs.ts';
import { readSafetensors } from './safetensors.ts';

const NAMES = ['embeddings', 'embedding.weight', 'embedding'];

/**
 * The table in a folder's model.safetensors: vectors, with model2vec's optional `weights` (one a token) and `mapping`
 * (which vector a token has).
 */
export async function staticTableOf(folder: string): Promise<StaticTable> {
  const file = join(folder, 'model.safetensors');
  if (!existsSync(file)) throw new ModelError(`${folder}: a static model without model.safetensors`);
  const tensors = await readSafetensors(file);
  const vectors = NAMES.map(name => tensors.get(name)).find(tensor => tensor !== undefined);
  if (vectors?.shape.length !== 2) {
    throw new ModelError(
      `${file}: has no matrix named ${NAMES.join(' or ')}; it holds ${[...tensors.keys()].join(', ')}`,
    );
  }
  const [rows, dimension] = vectors.shape;
  const mapping = tensors.get('mapping')?.data;
  const tokens = mapping?.length ?? rows;
  const weights = tensors.get('weights')?.data;
  let codes = vectors.data;
  if (mapping) {
    codes = new Float32Array(tokens * dimension);
    for (let t = 0; t < tokens; t++)
      codes.set(vectors.data.subarray(mapping[t] * dimension, (mapping[t] + 1) * dimension), t * dimension);
  }
  return { tokens, dimension, codes, scale: weights ?? new Float32Array(tokens).fill(1) };
}
