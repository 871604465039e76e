/** The tokens that a ColBERT model puts around texts, fills questions up with, and leaves out of passages. */
import type { LateSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface LateTokens {
  readonly queryMarker?: number;
  readonly passageMarker?: number;
  /** Fills up questions, where they are. */
  readonly mask?: number;
  readonly skipped: ReadonlySet<number>;
}

/** @throws ModelError where the tokenizer has not what the settings name */
export async function lateTokensOf(name: string, late: LateSpec, tokenizer: Tokenizer): Promise<LateTokens> {
  const idOf = (token: string | undefined, setting: string): number | undefined => {
    if (token === undefined || token === '') return undefined;
    const id = tokenizer.idOf(token) ?? tokenizer.idOf(token.trim());
    if (id !== undefined) return id;
    throw new ModelError(`${name}: its tokenizer has no token "${token}"`, {
      help: `name the token that it was trained with: ${setting}`,
    });
  };
  const skipped = new Set<number>();
  if (late.skip.length > 0) {
    const rows = await tokenizer.encode(late.skip, { specials: false });
    for (let r = 0; r < rows.rows; r++)
      if (rows.offsets[r] < rows.offsets[r + 1]) skipped.add(rows.ids[rows.offsets[r]]);
  }
  return {
    queryMarker: idOf(late.queryMarker, 'query_token_id of artifact.metadata, query_prefix of PyLate'),
    passageMarker: idOf(late.passageMarker, 'doc_token_id of artifact.metadata, document_prefix of PyLate'),
    mask: late.expandQuery ? idOf(late.mask, 'mask_token of tokenizer_config.json') : undefined,
    skipped,
  };
}
