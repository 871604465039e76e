/**
 * What the ledger has of a source row, packed: in `rows`, by the hash of its key, its id and the hash of its values; in
 * `keys`, by its id, how the hash of its key begins, its short values, and of long ones how they begin and a check.
 */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import {
  type ByteWriter,
  type Fingerprints,
  isNull,
  MURMUR_BYTES,
  readVarint,
  valueAt,
} from '../../arrow/index.ts';
import type { Json } from '../../define/index.ts';
import { shownKey } from './key-text.ts';

/** Bytes of the hash of a row's values: held against one other alone, it misses one change of 10¹⁴. */
export const VALUE_BYTES = 6;

/** Writes an id and the hash of the values that stands in `values` at `at`. */
export function writeRowEntry(out: ByteWriter, id: number, values: Uint8Array, at: number): void {
  out.word(id);
  out.range(values, at, at + VALUE_BYTES);
}

/** The columns of an entry of `keys`: which, and which of them are the key. They have a number, a byte, in a step. */
export interface Layout {
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** Texts up to so many bytes are kept whole, of others the first few. */
const WHOLE = 32;
const GLANCE = 12;
const CHECK_BYTES = 2;
/** Bytes of a key's hash that an entry of `keys` has: with the id they name one of few entries of `rows`. */
const NAME_BYTES = 4;

// a value: 0 null; 1 JSON; 2 the beginning of JSON, behind a check; else a text: 3 + twice its bytes, and one more
// where it goes on, behind a check
const NULL = 0;
const WHOLE_JSON = 1;
const CUT_JSON = 2;
const TEXT = 3;

/** Writes a value; the check of row i is the first bytes of `[16 i, 16 (i + 1))` of `hashes`. */
function encodeValue(data: Data, row: number, whole: boolean, hashes: Uint8Array, out: ByteWriter): void {
  if (isNull(data, row)) {
    out.byte(NULL);
    return;
  }
  const check = row * MURMUR_BYTES;
  if (DataType.isUtf8(data.type)) {
    const [start, end] = [data.valueOffsets[row], data.valueOffsets[row + 1]];
    const cut = !whole && end - start > WHOLE;
    let stop = cut ? start + GLANCE : end;
    // not within a character
    while (cut && (data.values[stop] & 0xc0) === 0x80) stop--;
    out.varint(TEXT + 2 * (stop - start) + (cut ? 1 : 0));
    if (cut) out.range(hashes, check, check + CHECK_BYTES);
    out.range(data.values as Uint8Array, start, stop);
    return;
  }
  const value = plain(valueAt(data, row));
  const shown = whole ? value : short(value);
  const text = JSON.stringify(shown);
  const cut = shown !== value && JSON.stringify(value) !== text;
  out.byte(cut ? CUT_JSON : WHOLE_JSON);
  if (cut) out.range(hashes, check, check + CHECK_BYTES);
  out.text(text);
}

function plain(value: unknown): Json {
  if (typeof value === 'bigint') return String(value);
  return Array.isArray(value) ? value.map(plain) : (value as Json);
}
function short(value: Json): Json {
  if (typeof value === 'string') return value.length > WHOLE ? `${value.slice(0, GLANCE)}…` : value;
  return Array.isArray(value) ? value.slice(0, 4).map(short) : value;
}

/**
 * Makes entries of `keys` for the rows of a batch: what it gives writes that of a row, whose key's hash stands in
 * `names` at `at`.
 * @param number of the layout
 */
export function describer(
  batch: RecordBatch,
  number: number,
  layout: Layout,
  hashes: Fingerprints,
): (out: ByteWriter, names: Uint8Array, at: number, row: number) => void {
  const columns = layout.columns.map(name => {
    const at = batch.schema.fields.findIndex(f => f.name === name);
    return { data: batch.data.children[at], whole: layout.key.includes(name), hashes: hashes.values(name) };
  });
  return (out, names, at, row) => {
    out.range(names, at, at + NAME_BYTES);
    out.byte(number);
    for (const { data, whole, hashes } of columns) encodeValue(data, row, whole, hashes, out);
  };
}

/** The key of a row, for people: `doc_id "a"`. */
export function shownEntry(entry: Buffer, layouts: readonly Layout[]): string {
  const values = valuesOf(entry, layouts);
  const { key } = layouts[entry[NAME_BYTES]];
  return shownKey(
    key,
    key.map(name => values.get(name) ?? null),
  );
}

/** How the hash of the key begins that an entry of `keys` has. */
export const nameOf = (entry: Buffer): Buffer => entry.subarray(0, NAME_BYTES);

/** Where the value that begins at `at` ends. */
function endOf(entry: Buffer, at: number): number {
  const place = { at };
  const head = readVarint(entry, place);
  if (head === NULL) return place.at;
  if (head < TEXT) {
    if (head === CUT_JSON) place.at += CHECK_BYTES;
    const length = readVarint(entry, place);
    return place.at + length;
  }
  return place.at + ((head - TEXT) % 2) * CHECK_BYTES + ((head - TEXT) >> 1);
}

/** The value that begins at `at`, as far as the entry has it. */
function shownAt(entry: Buffer, at: number): Json {
  const place = { at };
  const head = readVarint(entry, place);
  if (head === NULL) return null;
  const cut = head < TEXT ? head === CUT_JSON : (head - TEXT) % 2 === 1;
  if (cut) place.at += CHECK_BYTES;
  const length = head < TEXT ? readVarint(entry, place) : (head - TEXT) >> 1;
  const text = entry.toString('utf8', place.at, place.at + length);
  if (head < TEXT) return JSON.parse(text) as Json;
  return cut ? `${text}…` : text;
}

/** Where the values of an entry begin, and the last of them ends, in the order of its columns. */
function startsOf(entry: Buffer, columns: readonly string[]): number[] {
  const starts = [NAME_BYTES + 1];
  for (let c = 0; c < columns.length; c++) starts.push(endOf(entry, starts[c]));
  return starts;
}

const columnsOf = (entry: Buffer, layouts: readonly Layout[]): readonly string[] =>
  layouts[entry[NAME_BYTES]].columns;

function valuesOf(entry: Buffer, layouts: readonly Layout[]): Map<string, Json> {
  const columns = columnsOf(entry, layouts);
  const starts = startsOf(entry, columns);
  return new Map(columns.map((column, c) => [column, shownAt(entry, starts[c])]));
}

/** The columns whose values are others in two entries, with how they began and begin. */
export function changedColumns(
  before: Buffer,
  after: Buffer,
  layouts: readonly Layout[],
): Record<string, { old: Json; now: Json }> {
  const changed: [string, { old: Json; now: Json }][] = [];
  const [had, has] = [columnsOf(before, layouts), columnsOf(after, layouts)];
  const [old, now] = [startsOf(before, had), startsOf(after, has)];
  for (let c = 0; c < has.length; c++) {
    const h = had === has ? c : had.indexOf(has[c]);
    // equal values have equal bytes
    if (h >= 0 && before.compare(after, now[c], now[c + 1], old[h], old[h + 1]) === 0) continue;
    changed.push([has[c], { old: h < 0 ? null : shownAt(before, old[h]), now: shownAt(after, now[c]) }]);
  }
  return Object.fromEntries(changed);
}

/** The key of a row and how its values begin. */
export function described(
  entry: Buffer,
  layouts: readonly Layout[],
): { readonly key: readonly Json[]; readonly values: Readonly<Record<string, Json>> } {
  const values = valuesOf(entry, layouts);
  const { key } = layouts[entry[NAME_BYTES]];
  return {
    key: key.map(k => values.get(k) ?? null),
    values: Object.fromEntries(values),
  };
}
