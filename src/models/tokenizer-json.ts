/** Reads tokenizer.json: what it says about its model, and what has to be mended before it is used. */

export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly normalized?: boolean;
}

export interface NormalizerJson {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface TokenizerJson {
  truncation?: unknown;
  padding?: { pad_id?: number } | null;
  readonly added_tokens?: readonly AddedTokenJson[];
  normalizer?: NormalizerJson | null;
  readonly pre_tokenizer?: { readonly type: string } | null;
  readonly model: {
    readonly type?: string;
    readonly vocab: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
    readonly unk_token?: string | null;
    readonly unk_id?: number | null;
    readonly continuing_subword_prefix?: string;
    readonly max_input_chars_per_word?: number;
  };
}

const SYLLABLE = /[\uac00-\ud7a3]/;
const JAMO = /[\u1100-\u11ff]/;

function hangulOf(json: TokenizerJson): { syllables: number; jamo: number } {
  const { vocab } = json.model;
  let syllables = 0;
  let jamo = 0;
  const count = (token: string): void => {
    if (SYLLABLE.test(token)) syllables++;
    if (JAMO.test(token)) jamo++;
  };
  if (Array.isArray(vocab)) for (const entry of vocab) count(entry[0] as string);
  else for (const token of Object.keys(vocab)) count(token);
  return { syllables, jamo };
}

const mentions = (normalizer: NormalizerJson | null | undefined, types: readonly string[]): boolean => {
  if (!normalizer) return false;
  if (types.includes(normalizer.type)) return true;
  const parts = normalizer.normalizers;
  return Array.isArray(parts) && parts.some(part => mentions(part as NormalizerJson, types));
};

/** What was done to a tokenizer for Hangul: nothing, composed before, or composed after accents are stripped. */
export type HangulRule = 'as configured' | 'composed before' | 'recomposed after';

/** Whether the tokenizer composes texts itself; the `tokenizers` package then loses places: see `composed`. */
export const composes = (json: TokenizerJson): boolean => mentions(json.normalizer, ['NFC', 'NFKC']);

/**
 * The normalizer under which a vocabulary of whole Hangul syllables is reached.
 *
 * A BertNormalizer with `lowercase` and `strip_accents: null` strips accents by NFD, which takes syllables apart into
 * jamo: a vocabulary of syllables then knows none of them. Here they are put together again (NFC) after the accents are
 * gone. Without such stripping, text that comes in NFD (file names of macOS, some exports) is composed first. A
 * vocabulary of jamo, or without Hangul, is left as its authors configured it.
 */
export function hangulRule(json: TokenizerJson): HangulRule {
  const { syllables, jamo } = hangulOf(json);
  if (syllables === 0 || jamo > syllables) return 'as configured';
  const bert = json.normalizer?.type === 'BertNormalizer' ? json.normalizer : undefined;
  if (bert) {
    const strips = bert.strip_accents === true || (bert.strip_accents == null && bert.lowercase !== false);
    return strips ? 'recomposed after' : 'composed before';
  }
  if (composes(json)) return 'as configured';
  if (mentions(json.normalizer, ['NFD', 'NFKD', 'StripAccents'])) return 'recomposed after';
  // byte-level vocabularies spell every text out, whatever its form, so composing changes NFD text alone. The table of
  // SentencePiece (Precompiled) joins Latin letters with their accents, but no jamo: the package looks clusters up in it
  // only where they are shorter than six bytes, and SentencePiece itself, which such models were trained with, any
  return 'composed before';
}

/** The JSON as it is given to the tokenizer: no truncation, no padding (both are done here), Hangul mended. */
export function preparedJson(json: TokenizerJson): { json: TokenizerJson; hangul: HangulRule } {
  const hangul = hangulRule(json);
  const nfc: NormalizerJson = { type: 'NFC' };
  const own = json.normalizer ? [json.normalizer] : [];
  const normalizer: NormalizerJson | null | undefined =
    hangul === 'as configured'
      ? json.normalizer
      : { type: 'Sequence', normalizers: hangul === 'composed before' ? [nfc, ...own] : [...own, nfc] };
  return { json: { ...json, truncation: null, padding: null, normalizer }, hangul };
}

const PAD_NAMES = ['[PAD]', '<pad>', '<|pad|>', '<|endoftext|>', '</s>'];

/** The id that fills up short rows: as configured, else that of a token with a known name, else 0. */
export function padIdOf(json: TokenizerJson): number {
  if (typeof json.padding?.pad_id === 'number') return json.padding.pad_id;
  for (const name of PAD_NAMES) {
    const found = json.added_tokens?.find(token => token.content === name);
    if (found) return found.id;
  }
  return 0;
}
