/** The longest text or pair that a model takes. */
import { type JsonObject, numberOf, readConfig, textOf } from './folder.ts';

const DEFAULT_MAX_TOKENS = 512;

/**
 * Tokens, special ones included, and the file that says so.
 * @param folders where its files may lie, the nearest first
 */
export async function lengthOf(folders: readonly string[]): Promise<[number, string]> {
  const read = async (file: string): Promise<JsonObject | undefined> => {
    for (const folder of folders) {
      const found = await readConfig(folder, file);
      if (found) return found;
    }
    return undefined;
  };
  const model = await read('config.json');
  const type = textOf(model?.model_type) ?? '';
  const positions = numberOf(model?.max_position_embeddings);
  // RoBERTa counts positions from the padding id on, so two are never used
  const usable =
    positions === undefined ? undefined : /roberta|camembert/.test(type) ? positions - 2 : positions;
  const limit = usable ?? Number.POSITIVE_INFINITY;
  const own = numberOf((await read('sentence_bert_config.json'))?.max_seq_length);
  if (own !== undefined) return [Math.min(own, limit), 'sentence_bert_config.json'];
  const told = numberOf((await read('tokenizer_config.json'))?.model_max_length);
  if (told !== undefined && told < 1e9) return [Math.min(told, limit), 'tokenizer_config.json'];
  if (usable !== undefined) return [usable, 'config.json'];
  return [DEFAULT_MAX_TOKENS, 'default'];
}
