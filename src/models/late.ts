/** A vector a token: ColBERT (Khattab & Zaharia 2020), and token vectors of any encoder with their offsets. */
import { isStatic, type LateSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { IntBuffer } from './int-buffer.ts';
import type { LateTokens } from './late-tokens.ts';
import { cutColumns, normalizeRows } from './pooling.ts';
import { planBatches, type TokenRows, tokenRowsOf } from './token-rows.ts';
import type { Tower } from './tower.ts';

/** Ragged: the vectors of row r are those from `offsets[r]` to `offsets[r + 1]`. */
export interface TokenVectors {
  readonly rows: number;
  readonly dimension: number;
  readonly offsets: Int32Array;
  /** tokens × dimension. */
  readonly vectors: Float32Array;
  readonly ids: Int32Array;
  /** UTF-16 code units of the text; 0 and 0 for special and mask tokens. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Texts that were cut. */
  readonly cutRows: number;
}

interface LateOptions {
  readonly side: 'query' | 'passage';
  readonly dimension: number;
  readonly batchTokens: number;
  readonly signal?: AbortSignal;
}

interface Input {
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly attended: Int32Array;
  readonly keep: Uint8Array;
  readonly cutRows: number;
}

/** Rows of a ColBERT model: first special token, marker, text, last special token, mask tokens of a query. */
async function markedRows(
  tower: Tower,
  texts: readonly string[],
  side: LateOptions['side'],
  late: LateSpec,
): Promise<Input> {
  const query = side === 'query';
  const added = tower.late as LateTokens;
  const markerId = query ? added.queryMarker : added.passageMarker;
  const limit = query ? late.queryTokens : late.passageTokens;
  const tokens = await tower.tokenizer.encode(texts, {
    maxTokens: limit - (markerId === undefined ? 0 : 1),
    offsets: true,
  });
  const maskId = query ? added.mask : undefined;
  const [ids, starts, ends, offsets, keep] = Array.from({ length: 5 }, () => new IntBuffer());
  const attended = new Int32Array(tokens.rows);
  const put = (id: number, start: number, end: number, kept: boolean): void => {
    ids.push(id);
    starts.push(start);
    ends.push(end);
    keep.push(kept ? 1 : 0);
  };
  offsets.push(0);
  for (let r = 0; r < tokens.rows; r++) {
    const begin = ids.length;
    for (let t = tokens.offsets[r]; t < tokens.offsets[r + 1]; t++) {
      if (t === tokens.offsets[r] + 1 && markerId !== undefined) put(markerId, 0, 0, true);
      const id = tokens.ids[t];
      put(id, tokens.starts?.[t] ?? 0, tokens.ends?.[t] ?? 0, query || !added.skipped.has(id));
    }
    attended[r] = ids.length - begin;
    if (maskId !== undefined) while (ids.length - begin < limit) put(maskId, 0, 0, true);
    if (late.attendExpansion) attended[r] = ids.length - begin;
    offsets.push(ids.length);
  }
  return {
    offsets: offsets.take(),
    ids: ids.take(),
    starts: starts.take(),
    ends: ends.take(),
    attended,
    keep: Uint8Array.from(keep.take()),
    cutRows: tokens.cutRows,
  };
}

/** Rows of any other encoder: its prefix, which is encoded but not given, and every token of the text. */
async function plainRows(tower: Tower, texts: readonly string[], side: LateOptions['side']): Promise<Input> {
  const { spec, tokenizer } = tower;
  const prefix = spec.prefixes[side];
  const tokens: TokenRows = await tokenizer.encode(prefix === '' ? texts : texts.map(text => prefix + text), {
    maxTokens: spec.maxTokens,
    specials: spec.specials,
    offsets: true,
  });
  const shift = prefix.length;
  const starts = tokens.starts as Int32Array;
  const ends = tokens.ends as Int32Array;
  const keep = new Uint8Array(tokens.ids.length);
  for (let t = 0; t < keep.length; t++) keep[t] = tokens.special[t] === 0 && ends[t] > shift ? 1 : 0;
  return {
    offsets: tokens.offsets,
    ids: tokens.ids,
    starts: starts.map((start, t) => (tokens.special[t] ? 0 : Math.max(0, start - shift))),
    ends: ends.map((end, t) => (tokens.special[t] ? 0 : Math.max(0, end - shift))),
    attended: Int32Array.from({ length: tokens.rows }, (_, r) => tokens.offsets[r + 1] - tokens.offsets[r]),
    keep,
    cutRows: tokens.cutRows,
  };
}

/**
 * Token vectors of a static encoder: what it gives for each token alone. Those of passages are brought to unit length;
 * those of queries keep the weight that the encoder gives its tokens, so that rare words count for more.
 */
async function staticTokens(
  tower: Tower,
  texts: readonly string[],
  options: LateOptions,
): Promise<TokenVectors> {
  const input = await plainRows(tower, texts, options.side);
  const distinct = [...new Set(input.ids)];
  const place = new Map(distinct.map((id, i) => [id, i]));
  const d = tower.dimension;
  const table = new Float32Array(distinct.length * d);
  const rows = tokenRowsOf(distinct.map(id => [id]));
  const { shapes } = tower;
  for (const batch of planBatches(rows.offsets, options.batchTokens, { shapes }))
    await tower.encode(rows, batch, table);
  const drop = new Set(tower.spec.drop.map(token => tower.tokenizer.idOf(token)));
  const kept: number[] = [];
  const offsets = new Int32Array(texts.length + 1);
  for (let r = 0; r < texts.length; r++) {
    for (let t = input.offsets[r]; t < input.offsets[r + 1]; t++) {
      const at = (place.get(input.ids[t]) as number) * d;
      // a token without a vector of its own, such as [UNK]
      const silent = drop.has(input.ids[t]) || table.subarray(at, at + d).every(x => x === 0);
      if (input.keep[t] && !silent) kept.push(t);
    }
    offsets[r + 1] = kept.length;
  }
  const raw = new Float32Array(kept.length * d);
  kept.forEach((t, i) => {
    const at = (place.get(input.ids[t]) as number) * d;
    raw.set(table.subarray(at, at + d), i * d);
  });
  const vectors = cutColumns(raw, d, options.dimension);
  if (options.side === 'passage') normalizeRows(vectors, options.dimension);
  const pick = (values: Int32Array): Int32Array => Int32Array.from(kept, t => values[t]);
  return {
    rows: texts.length,
    dimension: options.dimension,
    offsets,
    vectors,
    ids: pick(input.ids),
    starts: pick(input.starts),
    ends: pick(input.ends),
    cutRows: input.cutRows,
  };
}

/** Token vectors of texts. @throws ModelError where the model gives a vector a text only */
export async function encodeTokens(
  tower: Tower,
  texts: readonly string[],
  options: LateOptions,
): Promise<TokenVectors> {
  const { spec } = tower;
  if (!tower.givesTokens) {
    if (isStatic(spec)) return staticTokens(tower, texts, options);
    throw new ModelError(`${spec.name}: gives one vector a text, none a token`, {
      help: 'use a model whose ONNX file has token outputs (last_hidden_state), and name it with output',
    });
  }
  const input = await (spec.late
    ? markedRows(tower, texts, options.side, spec.late)
    : plainRows(tower, texts, options.side));
  const rows = texts.length;
  const offsets = new Int32Array(rows + 1);
  for (let r = 0; r < rows; r++) {
    let n = 0;
    for (let t = input.offsets[r]; t < input.offsets[r + 1]; t++) n += input.keep[t];
    offsets[r + 1] = offsets[r] + n;
  }
  const total = offsets[rows];
  const d = tower.dimension;
  const raw = new Float32Array(total * d);
  const { shapes } = tower;
  for (const batch of planBatches(input.offsets, options.batchTokens, { shapes })) {
    options.signal?.throwIfAborted();
    const { vectors, padded } = await tower.tokens(input, batch, input.attended);
    const from = vectors.shape.at(-1) as number;
    const hidden = await tower.project(vectors.data as Float32Array, from);
    for (let i = 0; i < batch.length; i++) {
      let to = offsets[batch[i]];
      const begin = input.offsets[batch[i]];
      const length = input.offsets[batch[i] + 1] - begin;
      for (let t = 0; t < length; t++) {
        if (!input.keep[begin + t]) continue;
        const at = (i * padded.width + t) * d;
        raw.set(hidden.subarray(at, at + d), to++ * d);
      }
    }
  }
  const vectors = cutColumns(raw, d, options.dimension);
  if (spec.normalize) normalizeRows(vectors, options.dimension);
  const pick = (values: Int32Array): Int32Array => {
    const out = new Int32Array(total);
    let n = 0;
    for (let t = 0; t < values.length; t++) if (input.keep[t]) out[n++] = values[t];
    return out;
  };
  return {
    rows,
    dimension: options.dimension,
    offsets,
    vectors,
    ids: pick(input.ids),
    starts: pick(input.starts),
    ends: pick(input.ends),
    cutRows: input.cutRows,
  };
}
