/**
 * What the ledger has of a source row, packed: in `rows`, by the hash of its key, its id and the hash of its values; in
 * `keys`, by its id, how the hash of its key begins, its short values, and of long ones how they begin and a check.
 */
import { isDeepStrictEqual } from 'node:util';
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
    key.map(name => values.get(name)?.shown ?? null),
  );
}

/** How the hash of the key begins that an entry of `keys` has. */
export const nameOf = (entry: Buffer): Buffer => entry.subarray(0, NAME_BYTES);

/** A value as an entry has it. */
interface Held {
  readonly shown: Json;
  readonly check?: Buffer;
}

function valuesOf(entry: Buffer, layouts: readonly Layout[]): Map<string, Held> {
  const place = { at: NAME_BYTES + 1 };
  const take = (length: number): Buffer => {
    place.at += length;
    return entry.subarray(place.at - length, place.at);
  };
  const json = (): Json => JSON.parse(take(readVarint(entry, place)).toString('utf8')) as Json;
  const value = (): Held => {
    const head = readVarint(entry, place);
    if (head === NULL) return { shown: null };
    if (head === WHOLE_JSON) return { shown: json() };
    if (head === CUT_JSON) {
      const check = take(CHECK_BYTES);
      return { shown: json(), check };
    }
    const cut = (head - TEXT) % 2 === 1;
    const check = cut ? take(CHECK_BYTES) : undefined;
    const text = take((head - TEXT) >> 1).toString('utf8');
    return { shown: cut ? `${text}…` : text, check };
  };
  return new Map(layouts[entry[NAME_BYTES]].columns.map(column => [column, value()]));
}

/** The columns whose values are others in two entries, with how they began and begin. */
export function changedColumns(
  before: Buffer,
  after: Buffer,
  layouts: readonly Layout[],
): Record<string, { old: Json; now: Json }> {
  const old = valuesOf(before, layouts);
  const now = valuesOf(after, layouts);
  return Object.fromEntries(
    [...now].flatMap(([column, value]) => {
      const was = old.get(column);
      if (isDeepStrictEqual(was, value)) return [];
      return [[column, { old: was?.shown ?? null, now: value.shown }]];
    }),
  );
}

/** The key of a row and how its values begin. */
export function described(
  entry: Buffer,
  layouts: readonly Layout[],
): { readonly key: readonly Json[]; readonly values: Readonly<Record<string, Json>> } {
  const values = valuesOf(entry, layouts);
  const { key } = layouts[entry[NAME_BYTES]];
  return {
    key: key.map(k => values.get(k)?.shown ?? null),
    values: Object.fromEntries([...values].map(([column, { shown }]) => [column, shown])),
  };
}
