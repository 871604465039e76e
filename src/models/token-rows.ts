/** Token ids of many texts in flat arrays, and how they are laid out for a model. */

import { FREE, type Shapes } from './shapes.ts';

/** Ragged rows: the tokens of row r are those from `offsets[r]` to `offsets[r + 1]`. No padding. */
export interface TokenRows {
  readonly rows: number;
  /** rows + 1 positions in `ids`. */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
  /** UTF-16 code units of the text the row came from; for special tokens both are 0. Given where asked for. */
  readonly starts?: Int32Array;
  readonly ends?: Int32Array;
  /** One byte a token, 1 where the token was added around the text ([CLS], [SEP], <s>). */
  readonly special: Uint8Array;
  /** One byte a row, 1 where the text had more tokens than were asked for. */
  readonly cut: Uint8Array;
  /** Rows that were cut. */
  readonly cutRows: number;
}

/** Rows made of two texts, a row a window over the second one. */
export interface PairRows extends TokenRows {
  /** One value a row: which pair it is a window of. */
  readonly pair: Int32Array;
  /** Token type ids of the model, one a token. */
  readonly typeIds: Int32Array;
  /** One value a token: 0 the first text, 1 the second, -1 special. */
  readonly segment: Int8Array;
}

/** Ids given by a caller as ragged rows, with nothing cut and no special tokens marked. */
export function tokenRowsOf(lists: readonly ArrayLike<number>[]): TokenRows {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, r) => {
    offsets[r + 1] = offsets[r] + list.length;
  });
  const ids = new Int32Array(offsets[lists.length]);
  lists.forEach((list, r) => {
    ids.set(list, offsets[r]);
  });
  return {
    rows: lists.length,
    offsets,
    ids,
    special: new Uint8Array(ids.length),
    cut: new Uint8Array(lists.length),
    cutRows: 0,
  };
}

/** The same rows without the tokens that `keep` refuses. */
export function filterTokens(tokens: TokenRows, keep: (id: number) => boolean): TokenRows {
  const { rows, offsets: from } = tokens;
  const kept = new Int32Array(tokens.ids.length);
  const offsets = new Int32Array(rows + 1);
  let n = 0;
  for (let r = 0; r < rows; r++) {
    for (let t = from[r]; t < from[r + 1]; t++) if (keep(tokens.ids[t])) kept[n++] = t;
    offsets[r + 1] = n;
  }
  const at = kept.subarray(0, n);
  const pick = (values?: Int32Array): Int32Array | undefined => values && Int32Array.from(at, t => values[t]);
  return {
    ...tokens,
    offsets,
    ids: Int32Array.from(at, t => tokens.ids[t]),
    starts: pick(tokens.starts),
    ends: pick(tokens.ends),
    special: Uint8Array.from(at, t => tokens.special[t]),
  };
}

/** Some rows as a rectangle: `ids` and `mask` hold rows.length × width values in the low halves of 64-bit integers. */
export interface PaddedIds {
  readonly rows: number;
  readonly width: number;
  readonly ids: BigInt64Array;
  readonly mask: BigInt64Array;
}

/**
 * Lays out the rows named, filled up on the right with `padId`, whose mask is 0. Width: the longest row, at least 1, or
 * what `shapes` makes of it; rows that `shapes` adds attend to one token of padding.
 * @param attended tokens of each row of `tokens` whose mask is 1, where that is fewer than all
 */
export function padRows(
  tokens: Pick<TokenRows, 'offsets' | 'ids'>,
  rows: Int32Array,
  padId: number,
  options: { readonly attended?: Int32Array; readonly shapes?: Shapes } = {},
): PaddedIds {
  const { offsets, ids: flat } = tokens;
  const { attended, shapes = FREE } = options;
  let longest = 1;
  for (const r of rows) longest = Math.max(longest, offsets[r + 1] - offsets[r]);
  const width = shapes.width(longest);
  const height = shapes.rows(rows.length);
  const size = height * width;
  const ids = new BigInt64Array(size);
  const mask = new BigInt64Array(size);
  // ids are below 2³¹, so the low half of each little-endian pair is the whole number; BigInt values would cost an object each
  const lowIds = new Int32Array(ids.buffer);
  const lowMask = new Int32Array(mask.buffer);
  if (padId !== 0) for (let t = 0; t < size; t++) lowIds[t * 2] = padId;
  for (let i = 0; i < rows.length; i++) {
    const start = offsets[rows[i]];
    const length = offsets[rows[i] + 1] - start;
    const base = i * width;
    const seen = attended ? attended[rows[i]] : length;
    for (let t = 0; t < length; t++) {
      lowIds[(base + t) * 2] = flat[start + t];
      lowMask[(base + t) * 2] = t < seen ? 1 : 0;
    }
  }
  // a row that attends to nothing would divide by zero
  for (let i = rows.length; i < height; i++) lowMask[i * width * 2] = 1;
  return { rows: height, width, ids, mask };
}

/**
 * Cuts rows into batches for a model: sorted by length, the longest first, each rectangle at most `budget` padded tokens
 * (a row longer than the budget travels alone), and so that all of them together cost least: their padded tokens, and
 * `shapes.run` for each. So a batch ends where the next row would add more padding than a run costs.
 * @param options.exact only rows of one length go together, so that what a row gives cannot depend on the others
 * @returns row numbers of each batch; together each row once
 */
export function planBatches(
  offsets: Int32Array,
  budget: number,
  options: { readonly shapes?: Shapes; readonly exact?: boolean } = {},
): Int32Array[] {
  const { shapes = FREE, exact = false } = options;
  const rows = offsets.length - 1;
  const order = new Int32Array(rows);
  for (let r = 0; r < rows; r++) order[r] = r;
  const length = (r: number): number => offsets[r + 1] - offsets[r];
  order.sort((a, b) => length(b) - length(a) || a - b);
  const runs: number[] = [];
  for (let r = 1; r <= rows; r++) if (r === rows || length(order[r]) !== length(order[r - 1])) runs.push(r);
  // the least cost of the first i rows, and where their last batch begins
  const cost = new Float64Array(rows + 1).fill(Number.POSITIVE_INFINITY);
  const begin = new Int32Array(rows + 1);
  cost[0] = 0;
  for (let at = 0, run = 0; at < rows; at++) {
    if (runs[run] <= at) run++;
    if (cost[at] === Number.POSITIVE_INFINITY) continue;
    const width = shapes.width(Math.max(1, length(order[at])));
    const most = Math.max(1, shapes.most(Math.floor(budget / width)));
    const last = Math.min(at + most, exact ? runs[run] : rows);
    const take = (end: number): void => {
      const total = cost[at] + shapes.rows(end - at) * width + shapes.run;
      // of equal plans the one whose first batches are full
      if (total > cost[end]) return;
      cost[end] = total;
      begin[end] = at;
    };
    // a batch ends where it is full, where lengths change, or where its rows need no filling up
    take(last);
    for (let r = run; runs[r] < last; r++) take(runs[r]);
    for (let count = 1; at + count < last; count *= 2) take(at + count);
  }
  const batches: Int32Array[] = [];
  for (let end = rows; end > 0; end = begin[end]) batches.push(order.subarray(begin[end], end));
  return batches.reverse();
}
