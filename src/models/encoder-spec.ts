/** What an encoder is made of: files, and how its outputs become vectors. */
import type { Pooling, Prefixes } from './conventions.ts';
import type { LinearLayer, StaticTable } from './graphs.ts';

/** Token-level retrieval in the manner of ColBERT (Khattab & Zaharia 2020). */
export interface LateSpec {
  /** Tokens put behind the first special token, as the vocabulary spells them. */
  readonly queryMarker?: string;
  readonly passageMarker?: string;
  /** Queries are filled up with mask tokens to this length; passages are cut at theirs. Tokens, special ones included. */
  readonly queryTokens: number;
  readonly passageTokens: number;
  readonly expandQuery: boolean;
  /** The token that fills up queries. */
  readonly mask: string;
  /** Whether the tokens that fill up a query are attended to. */
  readonly attendExpansion: boolean;
  /** Words whose tokens a passage does not keep: punctuation. */
  readonly skip: readonly string[];
  /** The file that says so. */
  readonly source: string;
}

export interface EncoderSpec {
  readonly name: string;
  /** An ONNX file, or a table of token vectors of which one is made. */
  readonly onnx: string | StaticTable;
  readonly tokenizer: string;
  /** Files of the query side, where it has a model of its own (DPR). */
  readonly querySide?: EncoderSpec;
  /** `none`: the model's output is a vector a text already. */
  readonly pooling: Pooling;
  /** The model's output to take; without it the fitting one is found. */
  readonly output?: string;
  /** Linear layers behind the pooling; behind each token's vector in late models. */
  readonly layers: readonly LinearLayer[];
  readonly normalize: boolean;
  /** Vectors are cut to so many leading dimensions (Matryoshka, Kusupati et al. 2022), before they are normalised. */
  readonly dimension?: number;
  /** Longest text in tokens, special ones included; of a late model the longest passage. */
  readonly maxTokens: number;
  readonly prefixes: Prefixes;
  /** Whether special tokens are put around texts. */
  readonly specials: boolean;
  /** Tokens that are left out before the model, as the vocabulary spells them. */
  readonly drop: readonly string[];
  readonly late?: LateSpec;
  /** Where each setting was found, for people. */
  readonly sources: Readonly<Record<string, string>>;
}

/** A static encoder: its vector of a text is a mean of vectors that tokens have whatever stands beside them. */
export const isStatic = (spec: EncoderSpec): boolean =>
  typeof spec.onnx !== 'string' || (spec.pooling === 'none' && !spec.specials);

/** What a caller may set over what the files say. */
export interface EncoderOverrides {
  /** The ONNX file inside the folder. */
  readonly file?: string;
  readonly pooling?: Pooling;
  readonly normalize?: boolean;
  readonly dimension?: number;
  readonly maxTokens?: number;
  readonly prefixes?: Partial<Prefixes>;
  readonly output?: string;
  readonly specials?: boolean;
}
