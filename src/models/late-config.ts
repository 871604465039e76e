/** Settings of ColBERT models: Stanford's artifact.metadata, or what PyLate keeps in its config. */
import type { LateSpec } from './encoder-spec.ts';
import { type JsonObject, numberOf, readConfig, textOf } from './folder.ts';

/** Python's string.punctuation, which ColBERT masks in passages. */
const PUNCTUATION = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'];

/** Undefined where the folder holds no ColBERT model. */
export async function lateSpecOf(
  folder: string,
  transformers: JsonObject | undefined,
  tokenizer: JsonObject | undefined,
): Promise<LateSpec | undefined> {
  // RoBERTa's is <mask>
  const told = tokenizer?.mask_token as string | JsonObject | undefined;
  const mask = textOf(typeof told === 'object' ? told?.content : told) ?? '[MASK]';
  if (transformers && ('query_prefix' in transformers || 'document_prefix' in transformers)) {
    const skip = Array.isArray(transformers.skiplist_words)
      ? transformers.skiplist_words.map(String)
      : PUNCTUATION;
    return {
      queryMarker: textOf(transformers.query_prefix) ?? '[Q] ',
      passageMarker: textOf(transformers.document_prefix) ?? '[D] ',
      queryTokens: numberOf(transformers.query_length) ?? 32,
      passageTokens: numberOf(transformers.document_length) ?? 180,
      expandQuery: transformers.do_query_expansion !== false,
      mask,
      attendExpansion: transformers.attend_to_expansion_tokens === true,
      skip,
      source: 'config_sentence_transformers.json',
    };
  }
  const artifact = await readConfig(folder, 'artifact.metadata');
  if (!artifact) return undefined;
  return {
    queryMarker: textOf(artifact.query_token_id) ?? '[unused0]',
    passageMarker: textOf(artifact.doc_token_id) ?? '[unused1]',
    queryTokens: numberOf(artifact.query_maxlen) ?? 32,
    passageTokens: numberOf(artifact.doc_maxlen) ?? 180,
    expandQuery: true,
    mask,
    attendExpansion: artifact.attend_to_mask_tokens === true,
    skip: artifact.mask_punctuation === false ? [] : PUNCTUATION,
    source: 'artifact.metadata',
  };
}
