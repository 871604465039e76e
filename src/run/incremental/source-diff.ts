/**
 * What changed in a source since the last commit: rows by key and content, parts by signature. Gives every row its
 * id, passes on the rows that count, and says at the end which are gone.
 */
import type { RecordBatch } from 'apache-arrow';
import { type Columns, columnData, Fingerprints, HASH_BYTES, takeRows, valueAt } from '../../arrow/index.ts';
import type { Json, RecordError, SourceInstance, SourcePart } from '../../define/index.ts';
import { type Entries, idBytes, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { BitSet, type HashMap64 } from './hash-set.ts';
import { IdRanges } from './id-ranges.ts';
import { decodePart, encodePart, type KnownPart, partKey, recordsOf } from './part-entry.ts';
import {
  hashRecords,
  knownRecords,
  RECORD_BYTES,
  RecordHashes,
  type Records,
  recordSeed,
} from './records.ts';
import { changedColumns, describer, type Layout, nameOf, VALUE_BYTES, writeRowEntry } from './row-entry.ts';
import { withRowIds } from './row-id.ts';
import { SeenHashes } from './seen-hashes.ts';

/** Numbers of a source's diff. */
export interface DiffCounts {
  added: number;
  changed: number;
  deleted: number;
  kept: number;
}

export interface SourceDiffOptions {
  readonly ledger: Ledger;
  readonly journal: Entries;
  readonly slot: number;
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** The columns of its rows, with their types. */
  readonly columns: Columns;
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
  /** Reads parts whose signature is as it was, too. */
  readonly recheck?: boolean;
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

/** The layouts of the rows of a step, by number. */
export const layoutsOf = (ledger: Ledger, slot: number): Layout[] =>
  [...ledger.entries(TABLE.layouts, slot)].map(({ value }) => JSON.parse(value.toString('utf8')) as Layout);

const keyOf = (batch: RecordBatch, row: number, key: readonly string[]): string =>
  key.map(name => `${name} ${JSON.stringify(valueAt(columnData(batch, name), row))}`).join(', ');

/** Rows that are taken, with the hashes of their keys and of their values. */
interface RowsOf {
  readonly batch: RecordBatch;
  readonly prints: Fingerprints;
  readonly names: Uint8Array;
  readonly values: Uint8Array;
}

export class SourceDiff {
  readonly #o: SourceDiffOptions;
  readonly #old = new Map<string, KnownPart>();
  readonly #found = new Map<string, IdRanges>();
  /** Ids of rows in parts that are not read this time. */
  readonly #elsewhere = new BitSet();
  readonly #seen = new BitSet();
  readonly #passed = new BitSet();
  /** Ids of rows that went through before the run over all rows was cut short. */
  readonly #done: BitSet | undefined;
  #last: string | undefined;
  readonly #seed: Uint8Array;
  #signatures: ReadonlyMap<string, string> = new Map();
  /** Records of the part that is read now: ids of before by their hashes, and hashes of its rows so far. */
  #known: { part: string; ids: HashMap64 | undefined } | undefined;
  readonly #hashes = new Map<string, RecordHashes>();
  /** Parts whose last entry stands in the journal. */
  readonly #closed = new Set<string>();
  /** Parts that hold rows whose key a row before them has. */
  readonly #leftOut = new Set<string>();
  /** Records that were found to be as they were ahead of their turn: pieces are sifted before those in work are taken. */
  readonly #ahead = new BitSet();
  #needsAllRows = false;
  #layouts: Layout[] = [];
  #described: { batch: RecordBatch; write: ReturnType<typeof describer> } | undefined;
  #kept = false;
  readonly #new = new SeenHashes();
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };
  nextId: number;

  constructor(options: SourceDiffOptions) {
    this.#o = options;
    this.nextId = options.nextId;
    const columns = Object.entries(options.columns).map(([name, { type }]) => `${name} ${type}`);
    this.#seed = recordSeed(columns.sort().join('\n'));
    if (options.fresh) return;
    this.#layouts = layoutsOf(options.ledger, options.slot);
    for (const { key, value } of options.ledger.entries(TABLE.pieces, options.slot)) {
      this.#old.set(key.toString('utf8'), decodePart(value));
    }
    if (options.resumes) {
      const done = options.ledger.get(tableKey(TABLE.done, options.slot, NONE));
      this.#done = done ? BitSet.from(done) : new BitSet();
    }
  }

  /**
   * True where a row would have to take the place of one that stands behind it, as a run over all rows would have it:
   * the first row of a key counts.
   */
  get needsAllRows(): boolean {
    return this.#needsAllRows;
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
    this.#signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    if (!parts || this.#o.all || this.#o.fresh || this.#o.recheck) return undefined;
    const read = new Set<string>();
    const differs = this.differs(parts);
    for (const { name, signature } of parts) {
      const old = this.#old.get(name);
      const again =
        // a key may have become free for a row that was left out
        (differs && old?.leftOut) ||
        old?.ids.some(id => this.#o.redo?.has(id) || this.#done?.has(id) === false);
      if (old?.signature === signature && !again) {
        old.ids.addTo(this.#elsewhere);
        this.counts.kept += old.ids.length;
      } else read.add(name);
    }
    return read;
  }

  // the number of the layout of these columns; a new one is noted
  #layout(batch: RecordBatch): number {
    const columns = batch.schema.fields.map(f => f.name).sort();
    const { journal, slot, key } = this.#o;
    const layout: Layout = { columns, key };
    const text = JSON.stringify(layout);
    const known = this.#layouts.findIndex(l => JSON.stringify(l) === text);
    if (known >= 0) return known;
    const number = this.#layouts.push(layout) - 1;
    if (number > 0xff) throw new Error('the columns of a source have changed too often');
    journal.put(tableKey(TABLE.layouts, slot, Uint8Array.of(number)), Buffer.from(text));
    return number;
  }
  // the row's key and how its values begin, for people
  #describe(id: number, rows: RowsOf, row: number): Buffer {
    const { batch, prints, names } = rows;
    if (this.#described?.batch !== batch) {
      const number = this.#layout(batch);
      this.#described = { batch, write: describer(batch, number, this.#layouts[number], prints) };
    }
    const { journal, slot } = this.#o;
    this.#described.write(journal.beginId(TABLE.keys, slot, id), names, row * HASH_BYTES, row);
    return journal.end();
  }
  #changed(id: number, rows: RowsOf, row: number): void {
    const entry = this.#o.ledger.get(tableKey(TABLE.keys, this.#o.slot, idBytes(id)));
    const now = this.#describe(id, rows, row);
    const columns = entry ? changedColumns(entry, now, this.#layouts) : {};
    this.#note(id, { run: this.#o.run, kind: 'changed', columns });
  }
  // the row's id and content, by the hash of its key
  #know(id: number, { names, values }: RowsOf, row: number): void {
    const { journal, slot } = this.#o;
    const at = row * HASH_BYTES;
    writeRowEntry(journal.begin(TABLE.rows, slot, names, at, at + HASH_BYTES), id, values, at);
    journal.end();
  }
  // takes the row of an id out, of those whose hash of the key begins so
  #forget(start: Uint8Array, id: number): void {
    const { ledger, journal, slot } = this.#o;
    for (const { key, value } of ledger.entries(TABLE.rows, slot, start))
      if (value.readUInt32LE(0) === id) journal.delete(tableKey(TABLE.rows, slot, key));
  }
  #note(id: number, why: RowWhy): void {
    this.#o.journal.put(tableKey(TABLE.why, this.#o.slot, idBytes(id)), Buffer.from(JSON.stringify(why)));
  }

  /**
   * Leaves out of a piece the records that are as they were: rows that need not go on.
   * @returns the piece to decode, undefined where nothing is left of it; `records` goes to {@link take} with its rows
   */
  sift(
    instance: SourceInstance,
    raw: Uint8Array,
    part: string,
  ): { raw: Uint8Array | undefined; records?: Records } {
    const split = instance.records;
    if (!split) return { raw };
    const bounds = split.bounds(raw);
    const hashes = hashRecords(raw, bounds, this.#seed);
    const ids = new Int32Array(bounds.length / 2).fill(-1);
    const records = { hashes, ids };
    const known = this.#o.all ? undefined : this.#knownOf(part);
    if (!known) return { raw, records };
    let left = ids.length;
    for (let i = 0; i < ids.length; i++) {
      const id = known.get(hashes, i * RECORD_BYTES);
      if (id === undefined || this.#seen.has(id) || this.#elsewhere.has(id)) continue;
      if (this.#o.redo?.has(id) || this.#done?.has(id) === false) continue;
      ids[i] = id;
      this.#seen.add(id);
      this.#ahead.add(id);
      this.counts.kept++;
      left--;
    }
    if (left === ids.length) return { raw, records };
    return { raw: left === 0 ? undefined : split.only(raw, bounds, i => ids[i] < 0), records };
  }
  #knownOf(part: string): HashMap64 | undefined {
    if (this.#known?.part !== part) {
      const old = this.#old.get(part);
      // where rows were left out, each is looked at in its turn, since another may be the first now
      const entry = old && !old.leftOut && this.#o.ledger.get(partKey(this.#o.slot, part));
      this.#known = { part, ids: entry ? knownRecords(recordsOf(entry), old.ids) : undefined };
    }
    return this.#known.ids;
  }

  // rows of a part in their order: those left out and those that came, or -1 for one that is none
  #add(part: string, came: readonly number[], records: Records | undefined): void {
    if (this.#last !== undefined && this.#last !== part) this.#close(this.#last);
    this.#last = part;
    this.#noted.delete(part);
    let found = this.#found.get(part);
    if (!found) {
      found = new IdRanges();
      this.#found.set(part, found);
      this.#hashes.set(part, new RecordHashes());
    }
    this.#closed.delete(part);
    const hashes = this.#hashes.get(part);
    const put = (id: number, at: number | undefined): void => {
      if (id < 0) return;
      found.add(id);
      hashes?.add(at === undefined ? undefined : records?.hashes, at);
    };
    const all = records?.ids ?? NO_IDS;
    let empty = 0;
    for (let i = 0; i < all.length; i++) if (all[i] < 0) empty++;
    if (!records || empty !== came.length) {
      // a record that gave no row: which one is whose is not known
      for (let i = 0; i < all.length; i++) put(all[i], i * RECORD_BYTES);
      for (const id of came) put(id, undefined);
      return;
    }
    let next = 0;
    for (let i = 0; i < all.length; i++) put(all[i] < 0 ? came[next++] : all[i], i * RECORD_BYTES);
  }
  // a part is over: its entry goes into the journal, so that the hashes of its records need not stay
  #close(part: string): void {
    const signature = this.#signatures.get(part);
    const ids = this.#found.get(part);
    if (signature === undefined || !ids || this.#closed.has(part) || this.#noted.has(part)) return;
    const entry = encodePart(signature, ids, this.#leftOut.has(part), this.#hashesOf(part, ids));
    this.#o.journal.put(partKey(this.#o.slot, part), entry);
    this.#hashes.delete(part);
    this.#closed.add(part);
  }
  #hashesOf(part: string, ids: IdRanges): Uint8Array {
    const bytes = this.#hashes.get(part)?.bytes();
    return bytes?.length === ids.length * RECORD_BYTES ? bytes : NONE;
  }

  /** Takes rows of a part. Gives those that go on, with their ids, and errors for keys that were given before. */
  take(
    batch: RecordBatch | undefined,
    part: string,
    records?: Records,
  ): { batch: RecordBatch | undefined; errors: RecordError[] } {
    if (!batch?.numRows) {
      if (records) this.#add(part, [], records);
      this.#inTurn(records);
      return { batch: undefined, errors: [] };
    }
    const { ledger, slot, key, fresh, all } = this.#o;
    const prints = new Fingerprints(batch);
    const names = prints.rows(key);
    const values = prints.rows(batch.schema.fields.map(f => f.name));
    const these: RowsOf = { batch, prints, names, values };
    const came: number[] = [];
    const rows: number[] = [];
    const ids: number[] = [];
    const errors: RecordError[] = [];
    // a row whose key another has: the first of them counts
    const leaveOut = (row: number, first: number | undefined): void => {
      if (first !== undefined && this.#isBehind(first, part, row, batch.numRows, records))
        this.#needsAllRows = true;
      this.#leftOut.add(part);
      const where = keyOf(batch, row, key);
      const other = first === undefined || this.#seen.has(first) ? '' : this.#partOf(first);
      errors.push({
        where: part ? `${part}: ${where}` : where,
        message: `another row${other ? ` (in ${other})` : ''} has this key too; keys must be unique`,
      });
      came.push(-1);
    };
    for (let row = 0; row < batch.numRows; row++) {
      const at = row * HASH_BYTES;
      const before = fresh
        ? undefined
        : ledger.peek(tableKey(TABLE.rows, slot, names.subarray(at, at + HASH_BYTES)));
      let id: number;
      let goesOn = all;
      if (before) {
        id = before.readUInt32LE(0);
        if (this.#seen.has(id) || this.#elsewhere.has(id)) {
          leaveOut(row, id);
          continue;
        }
        if (before.compare(values, at, at + VALUE_BYTES, 4) === 0) {
          this.counts.kept++;
          if (this.#done?.has(id) === false) goesOn = true;
          if (this.#o.redo?.has(id)) {
            goesOn = true;
            this.#note(id, { run: this.#o.run, kind: 'again' });
          }
        } else {
          this.counts.changed++;
          goesOn = true;
          this.#changed(id, these, row);
          this.#know(id, these, row);
        }
      } else {
        if (this.#new.seen(names, at)) {
          leaveOut(row, undefined);
          continue;
        }
        id = this.nextId++;
        this.counts.added++;
        goesOn = true;
        this.#know(id, these, row);
        this.#describe(id, these, row);
        // where all rows go through there is nothing to ask: each was read first then
        if (!all && !fresh) this.#note(id, { run: this.#o.run, kind: 'added' });
      }
      this.#seen.add(id);
      came.push(id);
      if (goesOn) {
        rows.push(row);
        ids.push(id);
        this.#passed.add(id);
      }
    }
    this.#add(part, came, records);
    this.#inTurn(records);
    if (rows.length === 0) return { batch: undefined, errors };
    const kept = rows.length === batch.numRows ? batch : takeRows(batch, Int32Array.from(rows));
    return { batch: withRowIds(kept, Int32Array.from(ids)), errors };
  }

  #inTurn(records: Records | undefined): void {
    const ids = records?.ids ?? NO_IDS;
    for (let i = 0; i < ids.length; i++) if (ids[i] >= 0) this.#ahead.remove(ids[i]);
  }
  // whether the row of an id, known already, stands behind a row that is taken now
  #isBehind(id: number, part: string, row: number, rows: number, records: Records | undefined): boolean {
    if (this.#ahead.has(id)) {
      const at = records?.ids.indexOf(id) ?? -1;
      if (!records || at < 0) return true;
      const empty = [...records.ids.keys()].filter(i => records.ids[i] < 0);
      // a record that gave no row: which one is whose is not known
      return empty.length !== rows || at > empty[row];
    }
    if (this.#seen.has(id)) return false;
    const order = [...this.#signatures.keys()];
    return order.indexOf(this.#partOf(id)) > order.indexOf(part);
  }
  // the part that is not read in which a row stands
  #partOf(id: number): string {
    for (const [name, { ids }] of this.#old) if (ids.indexOf(id) >= 0 && !this.#found.has(name)) return name;
    return '';
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
      const known = new IdRanges();
      for (const id of ids) known.add(id);
      for (const id of this.#old.get(name)?.ids ?? [])
        if (!this.#seen.has(id) && !this.#elsewhere.has(id)) known.add(id);
      const whole = name !== this.#last && known.length === ids.length;
      if (whole && this.#closed.has(name)) {
        this.#noted.add(name);
        continue;
      }
      this.#closed.delete(name);
      const signature = whole ? (signatures.get(name) ?? '') : '';
      journal.put(partKey(slot, name), encodePart(signature, known, this.#leftOut.has(name)));
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
    for (const [name, old] of this.#old) {
      const listed = parts ? signatures.has(name) : this.#found.has(name);
      const read = this.#found.has(name) || (parts !== undefined && signatures.get(name) !== old.signature);
      if (listed && !read && !this.#o.all) continue;
      for (const id of old.ids) {
        if (this.#seen.has(id) || this.#elsewhere.has(id)) continue;
        gone.push(id);
        const entry = ledger.get(tableKey(TABLE.keys, slot, idBytes(id)));
        if (entry) this.#forget(nameOf(entry), id);
        journal.delete(tableKey(TABLE.keys, slot, idBytes(id)));
        journal.delete(tableKey(TABLE.why, slot, idBytes(id)));
      }
      if (!listed) journal.delete(partKey(slot, name));
      else if (!this.#found.has(name))
        journal.put(partKey(slot, name), encodePart(signatures.get(name) ?? '', new IdRanges(), false));
    }
    for (const [name, ids] of this.#found)
      if (!this.#closed.has(name) && !this.#noted.has(name))
        journal.put(
          partKey(slot, name),
          encodePart(signatures.get(name) ?? '', ids, this.#leftOut.has(name), this.#hashesOf(name, ids)),
        );
    // parts without rows are known all the same, so that they are not read again
    for (const [name, signature] of signatures) {
      if (!this.#found.has(name) && !this.#old.has(name))
        journal.put(partKey(slot, name), encodePart(signature, new IdRanges(), false));
    }
    if (this.#done || this.#kept) journal.delete(tableKey(TABLE.done, slot, NONE));
    this.counts.deleted = gone.length;
    return Int32Array.from(gone);
  }
}

const NONE = new Uint8Array(0);
const NO_IDS = new Int32Array(0);
