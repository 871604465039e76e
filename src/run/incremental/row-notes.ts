/** What a source's diff writes of its rows: id and content by key, how they look, and why they went through. */
import type { RecordBatch } from 'apache-arrow';
import { type Fingerprints, HASH_BYTES } from '../../arrow/index.ts';
import { type Json, UserError } from '../../define/index.ts';
import { type Entries, idBytes, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { changedColumns, describer, type Layout, nameOf, writeRowEntry } from './row-entry.ts';

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

/** Rows that are taken, with the hashes of their keys and of their values. */
export interface RowsOf {
  readonly batch: RecordBatch;
  readonly prints: Fingerprints;
  readonly names: Uint8Array;
  readonly values: Uint8Array;
}

export interface RowNotesOptions {
  readonly ledger: Ledger;
  readonly journal: Entries;
  readonly slot: number;
  readonly key: readonly string[];
  readonly fresh: boolean;
  readonly run: string;
}

export class RowNotes {
  readonly #o: RowNotesOptions;
  readonly #layouts: Layout[];
  #described: { batch: RecordBatch; write: ReturnType<typeof describer> } | undefined;

  constructor(options: RowNotesOptions) {
    this.#o = options;
    this.#layouts = options.fresh ? [] : layoutsOf(options.ledger, options.slot);
  }

  /** A row that was not there. @param told whether to note that it is new */
  added(id: number, rows: RowsOf, row: number, told: boolean): void {
    this.#know(id, rows, row);
    this.#describe(id, rows, row);
    if (told) this.#why(id, { run: this.#o.run, kind: 'added' });
  }
  /** A row whose content is another. */
  changed(id: number, rows: RowsOf, row: number): void {
    const entry = this.#o.ledger.get(tableKey(TABLE.keys, this.#o.slot, idBytes(id)));
    const now = this.#describe(id, rows, row);
    const columns = entry ? changedColumns(entry, now, this.#layouts) : {};
    this.#why(id, { run: this.#o.run, kind: 'changed', columns });
    this.#know(id, rows, row);
  }
  /** A row that is done again as it was. */
  again(id: number): void {
    this.#why(id, { run: this.#o.run, kind: 'again' });
  }
  /** A row that is gone. */
  gone(id: number): void {
    const { ledger, journal, slot } = this.#o;
    const entry = ledger.get(tableKey(TABLE.keys, slot, idBytes(id)));
    // of those whose hash of the key begins so, the one of this id
    if (entry)
      for (const { key, value } of ledger.entries(TABLE.rows, slot, nameOf(entry)))
        if (value.readUInt32LE(0) === id) journal.delete(tableKey(TABLE.rows, slot, key));
    journal.delete(tableKey(TABLE.keys, slot, idBytes(id)));
    journal.delete(tableKey(TABLE.why, slot, idBytes(id)));
  }

  // the row's id and content, by the hash of its key
  #know(id: number, { names, values }: RowsOf, row: number): void {
    const { journal, slot } = this.#o;
    const at = row * HASH_BYTES;
    writeRowEntry(journal.begin(TABLE.rows, slot, names, at, at + HASH_BYTES), id, values, at);
    journal.end();
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
  // the number of the layout of these columns; a new one is noted
  #layout(batch: RecordBatch): number {
    const { journal, slot, key } = this.#o;
    const layout: Layout = { columns: batch.schema.fields.map(f => f.name).sort(), key };
    const text = JSON.stringify(layout);
    const known = this.#layouts.findIndex(l => JSON.stringify(l) === text);
    if (known >= 0) return known;
    const number = this.#layouts.push(layout) - 1;
    if (number > 0xff)
      throw new UserError(
        'the columns of this source have changed 256 times, more than its ledger can tell apart',
        { help: 'run with --full: it begins anew' },
      );
    journal.put(tableKey(TABLE.layouts, slot, Uint8Array.of(number)), Buffer.from(text));
    return number;
  }
  #why(id: number, why: RowWhy): void {
    this.#o.journal.put(tableKey(TABLE.why, this.#o.slot, idBytes(id)), Buffer.from(JSON.stringify(why)));
  }
}
