/**
 * What changed in a source since the last commit: rows by key and content, parts by signature. Gives every row its
 * id, passes on the rows that count, and says at the end which are gone.
 */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import {
  columnData,
  HASH_BYTES,
  hashColumns,
  hashRows,
  isNull,
  takeRows,
  valueAt,
} from '../../arrow/index.ts';
import type { Json, RecordError, SourcePart } from '../../define/index.ts';
import { idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { BitSet, HashMap64 } from './hash-set.ts';
import { withRowIds } from './row-id.ts';

/** Numbers of a source's diff. */
export interface DiffCounts {
  added: number;
  changed: number;
  deleted: number;
  kept: number;
}

export interface SourceDiffOptions {
  readonly ledger: Ledger;
  readonly journal: JournalWriter;
  readonly slot: number;
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** Nothing of before counts. */
  readonly fresh: boolean;
  /** Whether rows that are as they were go on too. */
  readonly all: boolean;
  /** The first id that was never given. */
  readonly nextId: number;
  /** The run's id, for `why`. */
  readonly run: string;
  /** True where a run over all rows was cut short: those that went through in it do not go on. */
  readonly resumes?: boolean;
  /** Rows to work on again though they are as they were: dead letters that are tried anew. */
  readonly redo?: ReadonlySet<number>;
}

/** Why a row went through. */
export interface RowWhy {
  readonly run: string;
  readonly kind: 'added' | 'changed' | 'again';
  /** The columns that changed, with how their values began and begin. */
  readonly columns?: Readonly<Record<string, { readonly old: Json; readonly now: Json }>>;
}

/** How the values of a row begin, by column. */
type Glance = Readonly<Record<string, Json>>;
const GLANCE = 60;
const glance = (value: unknown): Json => {
  if (typeof value === 'string') return value.length > GLANCE ? `${value.slice(0, GLANCE)}…` : value;
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.slice(0, 4).map(glance);
  return value as Json;
};

interface OldPart {
  readonly signature: string;
  readonly ids: Int32Array;
}

// a part's entry: two bytes of the signature's length, the signature, the ids
function encodePart(signature: string, ids: readonly number[]): Buffer {
  const text = Buffer.from(signature);
  const out = Buffer.allocUnsafe(2 + text.length + ids.length * 4);
  out.writeUInt16LE(text.length, 0);
  out.set(text, 2);
  let at = 2 + text.length;
  for (const id of ids) at = out.writeInt32LE(id, at);
  return out;
}
function decodePart(bytes: Buffer): OldPart {
  const length = bytes.readUInt16LE(0);
  const ids = new Int32Array((bytes.length - 2 - length) >> 2);
  for (let i = 0, at = 2 + length; i < ids.length; i++, at += 4) ids[i] = bytes.readInt32LE(at);
  return { signature: bytes.toString('utf8', 2, 2 + length), ids };
}

// only the beginning of a text is decoded
function glanceAt(data: Data, row: number): Json {
  if (!DataType.isUtf8(data.type) || isNull(data, row)) return glance(valueAt(data, row));
  const [start, end] = [data.valueOffsets[row], data.valueOffsets[row + 1]];
  return glance(
    Buffer.from(data.values.subarray(start, Math.min(end, start + 4 * GLANCE + 4))).toString('utf8'),
  );
}
const glanceless = (value: unknown): Json => (typeof value === 'bigint' ? String(value) : (value as Json));

const keyOf = (batch: RecordBatch, row: number, key: readonly string[]): string =>
  key.map(name => `${name} ${JSON.stringify(valueAt(columnData(batch, name), row))}`).join(', ');

export class SourceDiff {
  readonly #o: SourceDiffOptions;
  readonly #old = new Map<string, OldPart>();
  readonly #found = new Map<string, number[]>();
  /** Ids of rows in parts that are not read this time. */
  readonly #elsewhere = new BitSet();
  readonly #seen = new BitSet();
  readonly #passed = new BitSet();
  /** Ids of rows that went through before the run over all rows was cut short. */
  readonly #done: BitSet | undefined;
  #last: string | undefined;
  #kept = false;
  readonly #new = new HashMap64();
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };
  nextId: number;

  constructor(options: SourceDiffOptions) {
    this.#o = options;
    this.nextId = options.nextId;
    if (options.fresh) return;
    for (const { key, value } of options.ledger.entries(TABLE.pieces, options.slot)) {
      this.#old.set(key.toString('utf8'), decodePart(value));
    }
    if (options.resumes) {
      const done = options.ledger.get(tableKey(TABLE.done, options.slot, NONE));
      this.#done = done ? BitSet.from(done) : new BitSet();
    }
  }

  /** Rows known from before. */
  get known(): number {
    let rows = 0;
    for (const part of this.#old.values()) rows += part.ids.length;
    return rows;
  }

  /** Whether any part is new, gone or has another signature. */
  differs(parts: readonly SourcePart[]): boolean {
    return (
      parts.length !== this.#old.size || parts.some(p => this.#old.get(p.name)?.signature !== p.signature)
    );
  }

  /** Whether a row went through in this run, or is gone. */
  settled(id: number): boolean {
    return this.#passed.has(id) || !(this.#seen.has(id) || this.#elsewhere.has(id));
  }
  /** Whether a row went through in this run. */
  passed(id: number): boolean {
    return this.#passed.has(id);
  }
  /** Whether the part that a record of a source is of (`file:line`) was read in this run. */
  readPart(where: string): boolean {
    return [...this.#found.keys()].some(
      part => where === part || where.startsWith(`${part}:`) || part === '',
    );
  }

  /** The parts to read; undefined for all. Parts whose signature is as it was stay, unless all rows go on. */
  toRead(parts: readonly SourcePart[] | undefined): ReadonlySet<string> | undefined {
    if (!parts || this.#o.all || this.#o.fresh) return undefined;
    const read = new Set<string>();
    for (const { name, signature } of parts) {
      const old = this.#old.get(name);
      const again = old?.ids.some(id => this.#o.redo?.has(id) || this.#done?.has(id) === false);
      if (old?.signature === signature && !again) {
        for (const id of old.ids) this.#elsewhere.add(id);
        this.counts.kept += old.ids.length;
      } else read.add(name);
    }
    return read;
  }

  // the row's key and how its values begin, for people
  #describe(id: number, batch: RecordBatch, row: number, name: Uint8Array): Glance {
    const { journal, slot, key } = this.#o;
    const values = Object.fromEntries(
      batch.schema.fields.map((f, i) => [f.name, glanceAt(batch.data.children[i], row)]),
    );
    const text = JSON.stringify({
      key: key.map(k => glanceless(valueAt(columnData(batch, k), row))),
      values,
    });
    journal.put(tableKey(TABLE.keys, slot, idBytes(id)), Buffer.concat([name, Buffer.from(text)]));
    return values;
  }
  #changed(id: number, batch: RecordBatch, row: number, name: Uint8Array, changed: readonly string[]): void {
    const entry = this.#o.ledger.get(tableKey(TABLE.keys, this.#o.slot, idBytes(id)));
    const old = entry ? (JSON.parse(entry.toString('utf8', HASH_BYTES)) as { values: Glance }).values : {};
    const now = this.#describe(id, batch, row, name);
    const columns = Object.fromEntries(changed.map(c => [c, { old: old[c] ?? null, now: now[c] ?? null }]));
    this.#note(id, { run: this.#o.run, kind: 'changed', columns });
  }
  #note(id: number, why: RowWhy): void {
    this.#o.journal.put(tableKey(TABLE.why, this.#o.slot, idBytes(id)), Buffer.from(JSON.stringify(why)));
  }

  /** Takes rows of a part. Gives those that go on, with their ids, and errors for keys that were given before. */
  take(batch: RecordBatch, part: string): { batch: RecordBatch | undefined; errors: RecordError[] } {
    const { ledger, journal, slot, key, fresh, all } = this.#o;
    const names = hashRows(batch, key);
    const columns = batch.schema.fields.map(f => f.name).sort();
    const { columns: perColumn, rows: values } = hashColumns(batch, columns);
    const columnHashes = (row: number): Buffer =>
      Buffer.concat(perColumn.map(h => h.subarray(row * HASH_BYTES, row * HASH_BYTES + 4)));
    const found = this.#found.get(part) ?? [];
    this.#found.set(part, found);
    this.#last = part;
    this.#noted.delete(part);
    const rows: number[] = [];
    const ids: number[] = [];
    const errors: RecordError[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const at = row * HASH_BYTES;
      const name = names.subarray(at, at + HASH_BYTES);
      const value = values.subarray(at, at + HASH_BYTES);
      const before = fresh ? undefined : ledger.peek(tableKey(TABLE.rows, slot, name));
      let id: number;
      let goesOn = all;
      if (before) {
        id = before.readUInt32LE(0);
        if (this.#seen.has(id) || this.#elsewhere.has(id)) {
          errors.push({
            where: keyOf(batch, row, key),
            message: 'another row has this key too; keys must be unique',
          });
          continue;
        }
        if (before.subarray(4, 4 + HASH_BYTES).equals(value)) {
          this.counts.kept++;
          if (this.#done?.has(id) === false) goesOn = true;
          if (this.#o.redo?.has(id)) {
            goesOn = true;
            this.#note(id, { run: this.#o.run, kind: 'again' });
          }
        } else {
          this.counts.changed++;
          goesOn = true;
          const old = before.subarray(4 + HASH_BYTES);
          const now = columnHashes(row);
          const changed = columns.filter(
            (_, i) => !old.subarray(i * 4, i * 4 + 4).equals(now.subarray(i * 4, i * 4 + 4)),
          );
          this.#changed(id, batch, row, name, changed);
          journal.put(tableKey(TABLE.rows, slot, name), rowEntry(id, value, now));
        }
      } else {
        const twin = this.#new.getOrSet(names, at, this.nextId);
        if (twin !== undefined) {
          errors.push({
            where: keyOf(batch, row, key),
            message: 'another row has this key too; keys must be unique',
          });
          continue;
        }
        id = this.nextId++;
        this.counts.added++;
        goesOn = true;
        journal.put(tableKey(TABLE.rows, slot, name), rowEntry(id, value, columnHashes(row)));
        this.#describe(id, batch, row, name);
      }
      this.#seen.add(id);
      found.push(id);
      if (goesOn) {
        rows.push(row);
        ids.push(id);
        this.#passed.add(id);
      }
    }
    if (rows.length === 0) return { batch: undefined, errors };
    const kept = rows.length === batch.numRows ? batch : takeRows(batch, Int32Array.from(rows));
    return { batch: withRowIds(kept, Int32Array.from(ids)), errors };
  }

  /**
   * Before a commit in the middle of a scan: parts that were read through are known with their signatures, the one
   * that is being read is not, so that it is read again where the run is cut short.
   */
  checkpoint(parts: readonly SourcePart[] | undefined): void {
    const { journal, slot, all, resumes } = this.#o;
    const signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    for (const [name, ids] of this.#found) {
      if (this.#noted.has(name)) continue;
      // rows it had before and has not shown yet may be gone, or further down, or in another part: to be seen then
      const left = [...(this.#old.get(name)?.ids ?? [])].filter(
        id => !this.#seen.has(id) && !this.#elsewhere.has(id),
      );
      const whole = name !== this.#last && left.length === 0;
      const signature = whole ? (signatures.get(name) ?? '') : '';
      journal.put(tableKey(TABLE.pieces, slot, Buffer.from(name)), encodePart(signature, [...ids, ...left]));
      if (whole) this.#noted.add(name);
    }
    if (!all && !resumes && !this.#o.fresh) return;
    const done = BitSet.from(this.#passed.bytes());
    if (this.#done) done.addAll(this.#done);
    journal.put(tableKey(TABLE.done, slot, NONE), done.bytes());
    this.#kept = true;
  }
  // parts whose entry stands in the journal as it will be
  readonly #noted = new Set<string>();

  /**
   * After a scan that read everything it should: stores the parts and gives the ids of the rows that are gone.
   * @param parts as listed before the scan; undefined where the source cannot tell
   */
  finish(parts: readonly SourcePart[] | undefined): Int32Array {
    const { ledger, journal, slot } = this.#o;
    const signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    const gone: number[] = [];
    const partKey = (name: string): Buffer => tableKey(TABLE.pieces, slot, Buffer.from(name));
    for (const [name, old] of this.#old) {
      const listed = parts ? signatures.has(name) : this.#found.has(name);
      const read = this.#found.has(name) || (parts !== undefined && signatures.get(name) !== old.signature);
      if (listed && !read && !this.#o.all) continue;
      for (const id of old.ids) {
        if (this.#seen.has(id) || this.#elsewhere.has(id)) continue;
        gone.push(id);
        const entry = ledger.get(tableKey(TABLE.keys, slot, idBytes(id)));
        if (entry) journal.delete(tableKey(TABLE.rows, slot, entry.subarray(0, HASH_BYTES)));
        journal.delete(tableKey(TABLE.keys, slot, idBytes(id)));
        journal.delete(tableKey(TABLE.why, slot, idBytes(id)));
      }
      if (!listed) journal.delete(partKey(name));
      else if (!this.#found.has(name)) journal.put(partKey(name), encodePart(signatures.get(name) ?? '', []));
    }
    for (const [name, ids] of this.#found)
      journal.put(partKey(name), encodePart(signatures.get(name) ?? '', ids));
    // parts without rows are known all the same, so that they are not read again
    for (const [name, signature] of signatures) {
      if (!this.#found.has(name) && !this.#old.has(name))
        journal.put(partKey(name), encodePart(signature, []));
    }
    if (this.#done || this.#kept) journal.delete(tableKey(TABLE.done, slot, NONE));
    this.counts.deleted = gone.length;
    return Int32Array.from(gone);
  }
}

const NONE = new Uint8Array(0);

// id, hash of the values, and 4 bytes of each column's own hash, in the order of their names
function rowEntry(id: number, value: Uint8Array, columns: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(4 + HASH_BYTES + columns.length);
  entry.writeUInt32LE(id, 0);
  entry.set(value, 4);
  entry.set(columns, 4 + HASH_BYTES);
  return entry;
}
