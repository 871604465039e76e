/**
 * What changed in a source since the last commit: rows by key and content, parts by signature. Gives every row its
 * id, passes on the rows that count, and says at the end which are gone.
 */
import type { RecordBatch } from 'apache-arrow';
import { type Columns, Fingerprints, HASH_BYTES, sliceRows, takeRows } from '../../arrow/index.ts';
import type { SourceInstance, SourcePart } from '../../define/index.ts';
import { type Entries, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import type { RowError } from '../chain.ts';
import { BitSet } from './bit-set.ts';
import { IdRanges } from './id-ranges.ts';
import { shownKeyOf } from './key-text.ts';
import { encodePart, type KnownPart, partKey, partsOf, recordsOf } from './part-entry.ts';
import { PartScan } from './part-scan.ts';
import { hashRecords, KnownRecords, type Records, recordSeed } from './records.ts';
import { VALUE_BYTES } from './row-entry.ts';
import { givenId, withRowIds } from './row-id.ts';
import { RowNotes, type RowsOf } from './row-notes.ts';
import { RowPlaces } from './row-places.ts';
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
  /** Ids of rows to work on again though they are as they were, and places whose parts are to be read again. */
  readonly redo?: ReadonlySet<number | string>;
}

export class SourceDiff {
  readonly #o: SourceDiffOptions;
  readonly #notes: RowNotes;
  readonly #seed: Uint8Array;
  /** Parts as the ledger has them. */
  readonly #old = new Map<string, KnownPart>();
  /** As listed before the scan, by name and in order. */
  #signatures: ReadonlyMap<string, string> = new Map();
  /** Parts that are not read this time, and the ids of their rows. */
  readonly #unread: KnownPart[] = [];
  readonly #elsewhere = new BitSet();
  #unreadRows: RowPlaces | undefined;
  /** Parts that are read, the one that is read now, and ids of rows it had by the hashes of their records. */
  readonly #scans = new Map<string, PartScan>();
  #scan: PartScan | undefined;
  #known: { part: string; records: KnownRecords | undefined } | undefined;
  /** Ids of rows that came, and of those that went on. */
  readonly #seen = new BitSet();
  readonly #passed = new BitSet();
  /** Records that were found to be as they were ahead of their turn: pieces are sifted before those in work are taken. */
  readonly #ahead = new BitSet();
  /** Keys that the ledger does not know. */
  readonly #new = new SeenHashes();
  /** Ids of rows that went through before the run over all rows was cut short. */
  readonly #done: BitSet | undefined;
  /** Whether a commit in the middle has noted which rows went through. */
  #kept = false;
  #needsAllRows = false;
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };
  nextId: number;

  constructor(options: SourceDiffOptions) {
    this.#o = options;
    this.nextId = options.nextId;
    this.#notes = new RowNotes(options);
    const columns = Object.entries(options.columns).map(([name, { type }]) => `${name} ${type}`);
    this.#seed = recordSeed(columns.sort().join('\n'));
    if (options.fresh) return;
    for (const part of partsOf(options.ledger, options.slot)) this.#old.set(part.name, part);
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
    return [...this.#scans.keys()].some(part => part === '' || isIn(part, where));
  }

  /** The parts to read; undefined for all. Parts whose signature is as it was stay, unless all rows go on. */
  toRead(parts: readonly SourcePart[] | undefined): ReadonlySet<string> | undefined {
    this.#signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    if (!parts || this.#o.all || this.#o.fresh || this.#o.recheck) return undefined;
    const read = new Set<string>();
    const differs = this.differs(parts);
    const { redo } = this.#o;
    const places = [...(redo ?? [])].filter(where => typeof where === 'string');
    for (const { name, signature } of parts) {
      const old = this.#old.get(name);
      const again =
        // a key may have become free for a row that was left out
        (differs && old?.leftOut) ||
        places.some(where => isIn(name, where)) ||
        ((redo || this.#done) && old?.ids.some(id => redo?.has(id) || this.#done?.has(id) === false));
      if (old?.signature === signature && !again) {
        this.#unread.push(old);
        old.ids.addTo(this.#elsewhere);
        this.counts.kept += old.ids.length;
      } else read.add(name);
    }
    return read;
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
    const { bounds, hashes } = hashRecords(split, raw, this.#seed);
    const ids = new Int32Array(bounds.length / 2).fill(-1);
    const records = { hashes, ids };
    const known = this.#o.all ? undefined : this.#knownOf(part);
    if (!known) return { raw, records };
    let left = ids.length;
    for (let i = 0; i < ids.length; i++) {
      const id = known.idOf(hashes, i);
      if (id < 0 || this.#seen.has(id) || this.#elsewhere.has(id)) continue;
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
  #knownOf(part: string): KnownRecords | undefined {
    if (this.#known?.part !== part) {
      const old = this.#old.get(part);
      // where rows were left out, each is looked at in its turn, since another may be the first now
      const entry = old && !old.leftOut && this.#o.ledger.get(partKey(this.#o.slot, part));
      this.#known = { part, records: entry ? KnownRecords.of(recordsOf(entry), old.ids) : undefined };
    }
    return this.#known.records;
  }

  #scanOf(part: string): PartScan {
    const known = this.#scans.get(part);
    if (known) return known;
    const scan = new PartScan(part);
    this.#scans.set(part, scan);
    return scan;
  }
  #add(part: string, came: readonly number[], records: Records | undefined): void {
    const scan = this.#scanOf(part);
    if (this.#scan && this.#scan !== scan) this.#close(this.#scan);
    this.#scan = scan;
    scan.add(came, records);
  }
  #close(scan: PartScan): void {
    const signature = this.#signatures.get(scan.name);
    if (signature !== undefined) scan.close(this.#o.journal, this.#o.slot, signature);
  }

  /** Takes rows of a part. Gives those that go on, with their ids, and errors for keys that were given before. */
  take(
    batch: RecordBatch | undefined,
    part: string,
    records?: Records,
  ): { batch: RecordBatch | undefined; errors: RowError[] } {
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
    const errors: RowError[] = [];
    // a row whose key another has: the first of them counts
    const leaveOut = (row: number, first: number | undefined): void => {
      if (first !== undefined && this.#isBehind(first, part, row, batch.numRows, records))
        this.#needsAllRows = true;
      this.#scanOf(part).leftOut = true;
      const where = shownKeyOf(batch, row, key);
      const other = first === undefined || this.#seen.has(first) ? '' : this.#partOf(first);
      errors.push({
        where: part ? `${part}: ${where}` : where,
        message: `another row${other ? ` (in ${other})` : ''} has this key too; keys must be unique`,
        row: sliceRows(batch, row, row + 1),
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
            this.#notes.again(id);
          }
        } else {
          this.counts.changed++;
          goesOn = true;
          this.#notes.changed(id, these, row);
        }
      } else {
        if (this.#new.seen(names, at)) {
          leaveOut(row, undefined);
          continue;
        }
        id = givenId(this.nextId++);
        this.counts.added++;
        goesOn = true;
        // where all rows go through there is nothing to ask: each was read first then
        this.#notes.added(id, these, row, !all && !fresh);
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

  // records that were sifted have their turn
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
    const places = this.#places();
    return places.orderOf(this.#partOf(id)) > places.orderOf(part);
  }
  // the part that is not read in which a row stands
  #partOf(id: number): string {
    return this.#places().partOf(id);
  }
  #places(): RowPlaces {
    this.#unreadRows ??= new RowPlaces(this.#unread, [...this.#signatures.keys()]);
    return this.#unreadRows;
  }

  /**
   * Before a commit in the middle of a scan: parts that were read through are known with their signatures, the one
   * that is being read is not, so that it is read again where the run is cut short.
   */
  checkpoint(parts: readonly SourcePart[] | undefined): void {
    const { journal, slot, all, resumes } = this.#o;
    const signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    for (const scan of this.#scans.values()) {
      if (scan.state === 'noted') continue;
      const { name, ids, leftOut } = scan;
      // rows it had before and has not shown yet may be gone, or further down, or in another part: to be seen then
      const known = new IdRanges();
      for (const id of ids) known.add(id);
      for (const id of this.#old.get(name)?.ids ?? [])
        if (!this.#seen.has(id) && !this.#elsewhere.has(id)) known.add(id);
      const whole = scan !== this.#scan && known.length === ids.length;
      if (!whole || scan.state !== 'closed') {
        const signature = whole ? (signatures.get(name) ?? '') : '';
        journal.put(partKey(slot, name), encodePart({ name, signature, ids: known, leftOut }));
      }
      scan.state = whole ? 'noted' : 'reading';
    }
    if (!all && !resumes && !this.#o.fresh) return;
    const done = BitSet.from(this.#passed.bytes());
    if (this.#done) done.addAll(this.#done);
    journal.put(tableKey(TABLE.done, slot, NONE), done.bytes());
    this.#kept = true;
  }
  /**
   * After a scan that read everything it should: stores the parts and gives the ids of the rows that are gone.
   * @param parts as listed before the scan; undefined where the source cannot tell
   */
  finish(parts: readonly SourcePart[] | undefined): Int32Array {
    const { journal, slot } = this.#o;
    const signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    const gone: number[] = [];
    for (const [name, old] of this.#old) {
      const listed = parts ? signatures.has(name) : this.#scans.has(name);
      const read = this.#scans.has(name) || (parts !== undefined && signatures.get(name) !== old.signature);
      if (listed && !read && !this.#o.all) continue;
      for (const id of old.ids) {
        if (this.#seen.has(id) || this.#elsewhere.has(id)) continue;
        gone.push(id);
        this.#notes.gone(id);
      }
      if (!listed) journal.delete(partKey(slot, name));
      else if (!this.#scans.has(name))
        journal.put(partKey(slot, name), encodePart({ name, signature: signatures.get(name) ?? '' }));
    }
    for (const scan of this.#scans.values())
      if (scan.state === 'reading') scan.write(journal, slot, signatures.get(scan.name) ?? '');
    // parts without rows are known all the same, so that they are not read again
    for (const [name, signature] of signatures) {
      if (!this.#scans.has(name) && !this.#old.has(name))
        journal.put(partKey(slot, name), encodePart({ name, signature }));
    }
    if (this.#done || this.#kept) journal.delete(tableKey(TABLE.done, slot, NONE));
    this.counts.deleted = gone.length;
    return Int32Array.from(gone);
  }
}

const NONE = new Uint8Array(0);
const NO_IDS = new Int32Array(0);
const isIn = (part: string, where: string): boolean => where === part || where.startsWith(`${part}:`);
