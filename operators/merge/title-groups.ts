/** Joins the documents of one title among some batches that fit in memory. */
import type { Data, RecordBatch, Schema } from 'apache-arrow';
import {
  batchOf,
  columnData,
  concatBatches,
  int32Data,
  listData,
  takeData,
  takeRows,
  Utf8Builder,
  utf8View,
  valueAt,
} from '../../src/arrow/index.ts';
import type { Json } from '../../src/define/index.ts';
import { compareNatural } from './natural-order.ts';

/** The column by which rows remember their place in the stream. */
export const SEQUENCE = '__sequence';

export interface MergeNames {
  readonly title: string;
  readonly text: string;
  readonly id: string;
  readonly separator: string;
  /** The columns that name a document. */
  readonly key: readonly string[];
}

/**
 * One row a title, in the order in which titles first appear; rows with a null or empty title stay alone. Documents
 * join in the order of their keys. Other columns are those of a title's first document.
 * @param dropped rows of the joined batches that have been deleted since.
 * @param told called with the rows of each title, in order
 * @returns the joined rows, with the place in the stream where each title first appeared.
 */
export function mergeTitles(
  batches: readonly RecordBatch[],
  names: MergeNames,
  schema: Schema,
  dropped?: (batch: RecordBatch) => Uint8Array | undefined,
  told?: (batch: RecordBatch) => (rows: Int32Array) => void,
): RecordBatch | undefined {
  const all = alive(concatBatches(batches), dropped);
  if (all.numRows === 0) return undefined;
  const titles = utf8View(all, names.title);
  const groups = new Map<string, number>();
  const groupOf = new Int32Array(all.numRows);
  const first: number[] = [];
  for (let row = 0; row < all.numRows; row++) {
    const title = titles.isNull(row) ? '' : titles.get(row);
    let group = title === '' ? undefined : groups.get(title);
    if (group === undefined) {
      group = first.length;
      first.push(row);
      if (title !== '') groups.set(title, group);
    }
    groupOf[row] = group;
  }
  // rows of each group behind one another, in the order of their keys
  const starts = new Int32Array(first.length + 1);
  for (const group of groupOf) starts[group + 1]++;
  for (let g = 0; g < first.length; g++) starts[g + 1] += starts[g];
  const order = new Int32Array(all.numRows);
  const next = starts.slice();
  groupOf.forEach((group, row) => {
    order[next[group]++] = row;
  });
  const keys = names.key.map(name => columnData(all, name));
  const keyOf = (row: number): Json[] => keys.map(data => valueAt(data, row) as Json);
  const tell = told?.(all);
  for (let g = 0; g < first.length; g++) {
    const members = order.subarray(starts[g], starts[g + 1]);
    if (members.length > 1) {
      const known = new Map(Array.from(members, row => [row, keyOf(row)]));
      members.sort((a, b) => compareNatural(known.get(a) as Json[], known.get(b) as Json[]) || a - b);
    }
    tell?.(members);
  }
  const { text, offsets } = joinTexts(all, order, starts, names);
  const appeared = Int32Array.from(first);
  const firsts = Int32Array.from(first, (_, g) => order[starts[g]]);
  const datas: Data[] = schema.fields.map(({ name }) => {
    if (name === names.text) return text;
    if (name === 'doc_ids') return listData(starts, takeData(columnData(all, names.id), order));
    if (name === 'starts') return listData(starts, int32Data(offsets));
    return takeData(columnData(all, name), name === SEQUENCE ? appeared : firsts);
  });
  return batchOf(schema, first.length, datas);
}

function alive(batch: RecordBatch, dropped?: (batch: RecordBatch) => Uint8Array | undefined): RecordBatch {
  const gone = dropped?.(batch);
  if (!gone) return batch;
  const keep: number[] = [];
  for (let i = 0; i < batch.numRows; i++) if (gone[i] === 0) keep.push(i);
  return takeRows(batch, Int32Array.from(keep));
}

/** Texts of each group with the separator between, and where each document's text starts in it (UTF-16). */
function joinTexts(
  batch: RecordBatch,
  order: Int32Array,
  starts: Int32Array,
  names: MergeNames,
): { text: Data; offsets: Int32Array } {
  const texts = utf8View(batch, names.text);
  const between = Buffer.from(names.separator);
  const groups = starts.length - 1;
  const out = new Utf8Builder(groups, texts.bytes.length + between.length * order.length);
  const offsets = new Int32Array(order.length);
  let joined = new Uint8Array(1 << 16);
  for (let g = 0; g < groups; g++) {
    let used = 0;
    let units = 0;
    for (let i = starts[g]; i < starts[g + 1]; i++) {
      const piece = texts.slice(order[i]);
      const separated = i > starts[g];
      const need = used + piece.length + between.length;
      if (need > joined.length) {
        const wider = new Uint8Array(Math.max(joined.length * 2, need));
        wider.set(joined.subarray(0, used));
        joined = wider;
      }
      if (separated) {
        joined.set(between, used);
        used += between.length;
        units += names.separator.length;
      }
      offsets[i] = units;
      joined.set(piece, used);
      used += piece.length;
      units += utf16Length(piece);
    }
    out.pushBytes(joined, 0, used);
  }
  return { text: out.finish(), offsets };
}

function utf16Length(bytes: Uint8Array): number {
  let units = 0;
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i];
    if ((b & 0xc0) !== 0x80) units += b >= 0xf0 ? 2 : 1;
  }
  return units;
}
