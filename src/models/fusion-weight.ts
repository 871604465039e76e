/** What an encoder's list of hits counts for beside one of words, from its files alone. */
import { join } from 'node:path';
import { type JsonObject, jsonOf, numberOf } from './folder.ts';

/** Static encoders that say nothing of it: as the default one. */
const STATIC = 0.6;

/**
 * The factor that lists by this encoder have where `merge.hits` is told none: `fusionWeight` of encoder.json, a number
 * above 0; else .6 for static encoders (a mean of token vectors), 1 for all others. How well an encoder ranks is a fact
 * about it, which the scores of one question do not show.
 */
export function fusionWeightOf(folder: string): number {
  const own = numberOf(jsonOf(join(folder, 'encoder.json'))?.fusionWeight);
  if (own !== undefined && own > 0) return own;
  const modules = jsonOf(join(folder, 'modules.json')) as JsonObject[] | undefined;
  const isStatic =
    (Array.isArray(modules) && modules.some(m => String(m.type).endsWith('.StaticEmbedding'))) ||
    jsonOf(join(folder, 'config.json'))?.model_type === 'model2vec';
  return isStatic ? STATIC : 1;
}
