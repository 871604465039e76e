/**
 * The two sides of a `stream` that takes changes. Before it: which rows are new, changed or gone, by key. Behind it:
 * its rows get ids as a source's do, so that steps further on know what to take out when one is deleted.
 */
import type { RecordBatch } from 'apache-arrow';
import { Fingerprints, HASH_BYTES } from '../../arrow/index.ts';
import type { Change } from '../../define/index.ts';
import { idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { BitSet } from './bit-set.ts';
import { HashMap64 } from './hash-map.ts';
import type { Overlay } from './overlay.ts';
import { describer, type Layout } from './row-entry.ts';
import { givenId, idBatch, idsIn, withRowIds } from './row-id.ts';
import type { SinkDiff } from './sink-diff.ts';

export interface StreamIdsOptions {
  readonly ledger: Ledger;
  readonly journal: JournalWriter;
  readonly slot: number;
  /** The columns that name a row the step gives. */
  readonly key: readonly string[];
  readonly fresh: boolean;
  /** Whether the step gives all its rows in this run, so that those it does not give are gone. */
  readonly complete: boolean;
  readonly nextId: number;
}

/** Ids of the rows that a stream gives: a key has the same as long as the ledger knows it. */
export class StreamIds {
  readonly #o: StreamIdsOptions;
  // twice the id, one more where the row is gone
  readonly #now = new HashMap64();
  readonly #touched = new BitSet();
  #noted = false;
  nextId: number;

  constructor(options: StreamIdsOptions) {
    this.#o = options;
    this.nextId = options.nextId;
  }
  #idOf(hashes: Uint8Array, at: number): { id: number; gone: boolean } | undefined {
    const now = this.#now.get(hashes, at);
    if (now !== undefined) return { id: now >>> 1, gone: (now & 1) === 1 };
    if (this.#o.fresh) return undefined;
    const before = this.#o.ledger.peek(
      tableKey(TABLE.rows, this.#o.slot, hashes.subarray(at, at + HASH_BYTES)),
    );
    return before && { id: before.readUInt32LE(0), gone: false };
  }

  give(change: Change): Change {
    const deletes = change.deletes?.numRows ? this.#deletes(change.deletes) : undefined;
    if (!change.upserts?.numRows) return { deletes };
    const { upserts, again } = this.#upserts(change.upserts);
    // a row that is given once more takes the place of what it gave first
    if (!again.length) return { deletes, upserts };
    const ids = [...idsIn(deletes), ...again];
    return { deletes: idBatch(Int32Array.from(ids)), upserts };
  }
  #upserts(batch: RecordBatch): { upserts: RecordBatch; again: number[] } {
    const { journal, slot, key } = this.#o;
    const prints = new Fingerprints(batch);
    const hashes = prints.rows(key);
    const ids = new Int32Array(batch.numRows);
    const again: number[] = [];
    const layout: Layout = { columns: key, key };
    if (!this.#noted) journal.put(tableKey(TABLE.layouts, slot, LAYOUT), Buffer.from(JSON.stringify(layout)));
    this.#noted = true;
    let describe: ReturnType<typeof describer> | undefined;
    for (let row = 0; row < ids.length; row++) {
      const at = row * HASH_BYTES;
      const known = this.#idOf(hashes, at);
      const id = known?.id ?? givenId(this.nextId++);
      ids[row] = id;
      if (known && !known.gone && this.#touched.has(id)) again.push(id);
      if (!known || known.gone) {
        const name = hashes.subarray(at, at + HASH_BYTES);
        const entry = Buffer.alloc(4);
        entry.writeUInt32LE(id, 0);
        journal.put(tableKey(TABLE.rows, slot, name), entry);
        describe ??= describer(batch, 0, layout, prints);
        describe(journal.beginId(TABLE.keys, slot, id), hashes, at, row);
        journal.end();
      }
      this.#now.set(hashes, at, id << 1);
      this.#touched.add(id);
    }
    return { upserts: withRowIds(batch, ids), again };
  }
  // rows the step has not given are not deleted anywhere
  #deletes(batch: RecordBatch): RecordBatch | undefined {
    const hashes = new Fingerprints(batch).rows(this.#o.key);
    const ids = Int32Array.from({ length: batch.numRows }, (_, row) => {
      const at = row * HASH_BYTES;
      const known = this.#idOf(hashes, at);
      if (!known || known.gone) throw new Error('a step deletes a row that it has not given');
      this.#forget(hashes.subarray(at, at + HASH_BYTES), known.id);
      this.#now.set(hashes, at, (known.id << 1) | 1);
      this.#touched.add(known.id);
      return known.id;
    });
    return withRowIds(batch, ids);
  }
  #forget(name: Uint8Array, id: number): void {
    this.#o.journal.delete(tableKey(TABLE.rows, this.#o.slot, name));
    this.#o.journal.delete(tableKey(TABLE.keys, this.#o.slot, idBytes(id)));
  }
  /** After the last row: ids of rows that are not given any more. */
  end(): Int32Array {
    const { fresh, complete, ledger, slot } = this.#o;
    if (fresh || !complete) return new Int32Array(0);
    const gone: number[] = [];
    for (const { key, value } of ledger.entries(TABLE.rows, slot)) {
      const id = value.readUInt32LE(0);
      if (this.#touched.has(id)) continue;
      this.#forget(key, id);
      gone.push(id);
    }
    return Int32Array.from(gone);
  }
  /** Whether a row was given or deleted in this run. */
  settled(id: number): boolean {
    return this.#touched.has(id);
  }
}

// of the key alone, which is always the same
const LAYOUT = Uint8Array.of(0);

/** What the stage of a stream that takes changes needs. */
export interface StreamDiff {
  readonly input: SinkDiff;
  readonly ids: StreamIds;
  readonly state: Overlay;
}
