/** Puts special tokens around tokenized texts and cuts rows to a length, as the model's own template says. */
import type { Tokenizer as NativeTokenizer } from 'tokenizers';
import { IntBuffer } from './int-buffer.ts';
import type { PairRows, TokenRows } from './token-rows.ts';

/** Texts as tokens without special ones; ragged. */
export interface RawRows {
  readonly rows: number;
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
  readonly starts?: Int32Array;
  readonly ends?: Int32Array;
}

export interface SingleTemplate {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface PairTemplate {
  readonly before: readonly number[];
  readonly middle: readonly number[];
  readonly after: readonly number[];
  /** Type ids of: before, first, middle, second, after. */
  readonly typeIds: readonly [number, number, number, number, number];
}

export interface Template {
  readonly single: SingleTemplate;
  readonly pair: PairTemplate;
}

/** What a tokenizer puts around texts, read off what it gives for a short one and for a pair. */
export async function templateOf(native: NativeTokenizer): Promise<Template> {
  const single = await native.encode('a');
  const pair = await native.encode('a', 'a');
  const groups = (ids: number[], sequence: (number | null | undefined)[]): number[][] => {
    const found: number[][] = [[]];
    let inside: number | null | undefined = null;
    ids.forEach((id, i) => {
      const of = sequence[i] ?? null;
      if (of !== null && of !== inside) found.push([]);
      if (of === null) found[found.length - 1].push(id);
      inside = of;
    });
    return found;
  };
  const [before = [], after = []] = groups(single.getIds(), single.getSequenceIds());
  const [first = [], middle = [], last = []] = groups(pair.getIds(), pair.getSequenceIds());
  const types = pair.getTypeIds();
  const sequence = pair.getSequenceIds();
  const typeOf = (of: number): number => types[sequence.indexOf(of)] ?? 0;
  return {
    single: { before, after },
    pair: {
      before: first,
      middle,
      after: last,
      typeIds: [types[0] ?? 0, typeOf(0), typeOf(0), typeOf(1), types[types.length - 1] ?? 0],
    },
  };
}

/** Rows with special tokens; each keeps at most `room` tokens of its text. */
export function assembleRows(raw: RawRows, around: SingleTemplate, room: number): TokenRows {
  const { rows, offsets: from } = raw;
  const { before, after } = around;
  const offsets = new Int32Array(rows + 1);
  const cut = new Uint8Array(rows);
  let cutRows = 0;
  for (let r = 0; r < rows; r++) {
    const length = from[r + 1] - from[r];
    if (length > room) {
      cut[r] = 1;
      cutRows++;
    }
    offsets[r + 1] = offsets[r] + before.length + Math.min(length, room) + after.length;
  }
  const size = offsets[rows];
  const ids = new Int32Array(size);
  const special = new Uint8Array(size);
  const starts = raw.starts && new Int32Array(size);
  const ends = raw.ends && new Int32Array(size);
  for (let r = 0; r < rows; r++) {
    let at = offsets[r];
    for (const id of before) {
      special[at] = 1;
      ids[at++] = id;
    }
    const end = from[r] + Math.min(from[r + 1] - from[r], room);
    ids.set(raw.ids.subarray(from[r], end), at);
    if (raw.starts) starts?.set(raw.starts.subarray(from[r], end), at);
    if (raw.ends) ends?.set(raw.ends.subarray(from[r], end), at);
    at += end - from[r];
    for (const id of after) {
      special[at] = 1;
      ids[at++] = id;
    }
  }
  return { rows, offsets, ids, starts, ends, special, cut, cutRows };
}

interface Window {
  readonly firstLength: number;
  readonly start: number;
  readonly end: number;
  readonly cut: boolean;
}

export interface Overflow {
  readonly maxTokens: number;
  readonly overflow: 'windows' | 'second' | 'longest';
  readonly stride: number;
}

/** Which tokens of both texts each row of a pair holds. The first text of a window may take half the room. */
function windowsOf(a: number, b: number, room: number, { overflow, stride }: Overflow): Window[] {
  if (a + b <= room) return [{ firstLength: a, start: 0, end: b, cut: false }];
  if (overflow === 'longest') {
    const half = Math.floor(room / 2);
    const first = b <= half ? room - b : a <= half ? a : room - half;
    return [
      { firstLength: Math.min(a, first), start: 0, end: Math.min(b, room - Math.min(a, first)), cut: true },
    ];
  }
  const firstLength = Math.min(a, Math.floor(room / 2));
  const width = room - firstLength;
  if (overflow === 'second' || b <= width)
    return [{ firstLength, start: 0, end: Math.min(b, width), cut: true }];
  if (stride >= width) {
    throw new RangeError(`stride: ${stride} tokens, but a window has only ${width} for the second text`);
  }
  const windows: Window[] = [];
  for (let start = 0; ; start += width - stride) {
    const end = Math.min(b, start + width);
    windows.push({ firstLength, start, end, cut: firstLength < a });
    if (end === b) return windows;
  }
}

/** Rows of pairs. `firstRows[p]` names the row of `a` that is the first text of pair p; row p of `b` is the second. */
export function assemblePairs(
  a: RawRows,
  firstRows: Int32Array,
  b: RawRows,
  template: PairTemplate,
  options: Overflow,
): PairRows {
  const { before, middle, after, typeIds: types } = template;
  const room = options.maxTokens - before.length - middle.length - after.length;
  if (!(room >= 2)) throw new RangeError(`maxTokens: ${options.maxTokens} leaves no room for two texts`);
  const bounds = new IntBuffer();
  const [ids, typeIds, starts, ends, pair] = [
    new IntBuffer(),
    new IntBuffer(),
    new IntBuffer(),
    new IntBuffer(),
    new IntBuffer(),
  ];
  const segment = new IntBuffer();
  const cut: number[] = [];
  bounds.push(0);
  const put = (raw: RawRows, from: number, to: number, type: number, of: number): void => {
    ids.pushAll(raw.ids.subarray(from, to));
    if (raw.starts && raw.ends) {
      starts.pushAll(raw.starts.subarray(from, to));
      ends.pushAll(raw.ends.subarray(from, to));
    }
    for (let t = from; t < to; t++) {
      typeIds.push(type);
      segment.push(of);
    }
  };
  const specials = (list: readonly number[], type: number): void => {
    ids.pushAll(list);
    for (let t = 0; t < list.length; t++) {
      typeIds.push(type);
      segment.push(-1);
      starts.push(0);
      ends.push(0);
    }
  };
  for (let p = 0; p < b.rows; p++) {
    const aFrom = a.offsets[firstRows[p]];
    const bFrom = b.offsets[p];
    const aLength = a.offsets[firstRows[p] + 1] - aFrom;
    for (const w of windowsOf(aLength, b.offsets[p + 1] - bFrom, room, options)) {
      specials(before, types[0]);
      put(a, aFrom, aFrom + w.firstLength, types[1], 0);
      specials(middle, types[2]);
      put(b, bFrom + w.start, bFrom + w.end, types[3], 1);
      specials(after, types[4]);
      bounds.push(ids.length);
      pair.push(p);
      cut.push(w.cut ? 1 : 0);
    }
  }
  const segments = Int8Array.from(segment.take());
  const withOffsets = a.starts !== undefined;
  return {
    rows: pair.length,
    offsets: bounds.take(),
    ids: ids.take(),
    starts: withOffsets ? starts.take() : undefined,
    ends: withOffsets ? ends.take() : undefined,
    special: Uint8Array.from(segments, s => (s < 0 ? 1 : 0)),
    cut: Uint8Array.from(cut),
    cutRows: cut.reduce((sum, c) => sum + c, 0),
    pair: pair.take(),
    typeIds: typeIds.take(),
    segment: segments,
  };
}
