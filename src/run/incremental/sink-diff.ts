/**
 * What changed at a sink: for each root (the source row that rows come from, or a row itself where steps before it
 * keep state) the rows it has there now against those it had. Rows as they were are not written again; rows that are
 * not there any more are deleted by key.
 */
import type { RecordBatch } from 'apache-arrow';
import {
  batchFromRows,
  type Columns,
  columnData,
  HASH_BYTES,
  hashRows,
  takeRows,
  valueAt,
} from '../../arrow/index.ts';
import type { Change } from '../../define/index.ts';
import { idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { CHILD_HASH_BYTES, type Child, decodeChildren, encodeChildren } from './children.ts';
import { BitSet, HashMap64 } from './hash-set.ts';
import type { Overlay } from './overlay.ts';
import { idsIn, rowIds, withoutRowIds } from './row-id.ts';
import type { DiffCounts } from './source-diff.ts';

export interface SinkDiffOptions {
  readonly ledger: Ledger;
  readonly journal: JournalWriter;
  readonly slot: number;
  /** The columns that name a row at the sink, with their types. */
  readonly key: Columns;
  /** `id`: roots are source rows; `key`: each row is its own root. */
  readonly roots: 'id' | 'key';
  /** Where roots may come more than once in a run: what was written in it is seen. */
  readonly overlay?: Overlay;
  /** Nothing of before counts. */
  readonly fresh: boolean;
  /** Whether every live root comes in this run, so that those that do not are gone. */
  readonly complete: boolean;
}

/** A root whose rows are coming in: they follow one another, over several packets where there are many. */
interface OpenRoot {
  readonly id: number;
  readonly key: Buffer;
  readonly rest: Uint8Array;
  readonly old: Map<string, Child>;
  readonly now: Child[];
  changed: boolean;
  /** The packet that named it last. */
  packet: number;
}

/** Of a root that is a row itself. */
const NO_ID = 0;

export class SinkDiff {
  readonly #o: SinkDiffOptions;
  readonly #names: readonly string[];
  readonly #open = new Map<number, OpenRoot>();
  #packet = 0;
  #deletes: string[] = [];
  /** The root that each of the deletes comes from. */
  #deleters: number[] = [];
  /** Roots that lost a row on the way and of which none has come yet: others of it may still come. */
  #waiting = new Set<number>();
  /** Keys written in this run, and by which root: one may have gone from a root to another, whose row must stay. */
  readonly #written = new HashMap64();
  readonly #seenIds = new BitSet();
  readonly #seenKeys = new HashMap64();
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };

  constructor(options: SinkDiffOptions) {
    this.#o = options;
    this.#names = Object.keys(options.key);
  }

  #root(id: number, rest: Uint8Array): OpenRoot {
    const key = tableKey(TABLE.children, this.#o.slot, rest);
    const before = this.#o.overlay
      ? this.#o.overlay.get(rest)
      : this.#o.fresh
        ? undefined
        : this.#o.ledger.get(key);
    return {
      id,
      key,
      rest,
      old: new Map(before ? decodeChildren(before).map(c => [c.key, c]) : []),
      now: [],
      changed: false,
      packet: this.#packet,
    };
  }
  #keyText(batch: RecordBatch): (row: number) => string {
    const datas = this.#names.map(name => columnData(batch, name));
    if (datas.length === 1) {
      const [data] = datas;
      return row => {
        const value = valueAt(data, row);
        return typeof value === 'string' ? value : JSON.stringify([String(value)]);
      };
    }
    return row => JSON.stringify(datas.map(d => valueAt(d, row)));
  }

  /**
   * Takes what came to the sink; gives what it has to do. Rows of a root come one after the other.
   * @param gone rows that went missing on the way: one of a root's, or all of them; others of the root may have come
   * before, or come after
   */
  push(change: Change, gone: readonly RecordBatch[] = []): Change {
    this.#packet++;
    for (const id of idsIn(change.deletes)) this.#emptied(this.#named(id));
    for (const rows of gone) for (const id of idsIn(rows)) this.#missing(id);
    const upserts = change.upserts?.numRows ? this.#upserts(change.upserts) : undefined;
    for (const [id, root] of this.#open) if (root.packet < this.#packet) this.#close(id, root);
    // deletes of a change apply before its upserts, so only what was written before counts
    const deletes = this.#takeDeletes();
    if (upserts) this.#note(upserts);
    return { upserts: upserts && withoutRowIds(upserts), deletes };
  }
  // a root that has come needs no more: what it has not got is missed when it is closed
  #missing(id: number): void {
    const open = this.#open.get(id);
    if (open) open.packet = this.#packet;
    else if (!this.#o.complete && !this.#seenIds.has(id)) this.#waiting.add(id);
  }
  // remembers who wrote a key: the root, or any where each row is its own
  #note(written: RecordBatch): void {
    if (this.#o.roots === 'key' || (this.#o.fresh && !this.#o.overlay)) return;
    const keys = hashRows(written, this.#names);
    const ids = rowIds(written);
    for (let row = 0; row < ids.length; row++) this.#written.set(keys, row * HASH_BYTES, ids[row]);
  }

  #upserts(batch: RecordBatch): RecordBatch | undefined {
    const plain = withoutRowIds(batch);
    const ids = this.#o.roots === 'id' ? rowIds(batch) : undefined;
    const textOf = this.#keyText(plain);
    const hashes = hashRows(
      plain,
      plain.schema.fields.map(f => f.name),
    );
    const names = ids ? undefined : hashRows(plain, this.#names);
    const write: number[] = [];
    for (let row = 0; row < plain.numRows; row++) {
      const hash = hashes.subarray(row * HASH_BYTES, row * HASH_BYTES + CHILD_HASH_BYTES);
      const child: Child = { key: textOf(row), hash };
      let root: OpenRoot;
      if (ids) {
        root = this.#named(ids[row]);
      } else {
        const at = row * HASH_BYTES;
        this.#seenKeys.getOrSet(names as Uint8Array, at, 0);
        root = this.#root(NO_ID, (names as Uint8Array).subarray(at, at + HASH_BYTES));
      }
      if (this.#child(root, child)) write.push(row);
      if (!ids) this.#finish(root);
    }
    if (write.length === 0) return undefined;
    return write.length === batch.numRows ? batch : takeRows(batch, Int32Array.from(write));
  }

  // whether the row has to be written
  #child(root: OpenRoot, child: Child): boolean {
    const old = root.old.get(child.key);
    root.old.delete(child.key);
    root.now.push(child);
    if (!old) {
      this.counts.added++;
      root.changed = true;
      return true;
    }
    if (Buffer.compare(old.hash, child.hash) === 0) {
      this.counts.kept++;
      return false;
    }
    this.counts.changed++;
    root.changed = true;
    return true;
  }

  #finish(root: OpenRoot): void {
    for (const key of root.old.keys()) this.#delete(key, root.id);
    if (!root.changed && root.old.size === 0) return;
    if (this.#o.overlay) {
      if (root.now.length > 0) this.#o.overlay.put(root.rest, encodeChildren(root.now));
      else this.#o.overlay.delete(root.rest);
    } else if (root.now.length > 0) this.#o.journal.put(root.key, encodeChildren(root.now));
    else this.#o.journal.delete(root.key);
  }
  #named(id: number): OpenRoot {
    let root = this.#open.get(id);
    if (!root) {
      this.#seenIds.add(id);
      root = this.#root(id, idBytes(id));
      this.#open.set(id, root);
    }
    root.packet = this.#packet;
    return root;
  }
  // rows of this run that are not to stay: as those of before, they go unless they come again
  #emptied(root: OpenRoot): void {
    for (const child of root.now.splice(0)) root.old.set(child.key, child);
  }
  #close(id: number, root: OpenRoot): void {
    this.#open.delete(id);
    this.#finish(root);
  }
  #closeAll(): void {
    for (const [id, root] of this.#open) this.#close(id, root);
  }
  #dropWaiting(): void {
    for (const id of this.#waiting) if (!this.#seenIds.has(id)) this.#named(id);
    this.#waiting = new Set();
  }
  #delete(key: string, root: number): void {
    this.counts.deleted++;
    this.#deletes.push(key);
    this.#deleters.push(root);
  }
  /** Before a commit in the middle of a run: what is left to do for the rows so far. */
  checkpoint(): Change {
    this.#dropWaiting();
    this.#closeAll();
    return { deletes: this.#takeDeletes() };
  }

  /** After the last change: what is left to do. */
  end(): Change {
    this.#dropWaiting();
    this.#closeAll();
    if (this.#o.complete && !this.#o.fresh) {
      for (const { key, value } of this.#o.ledger.entries(TABLE.children, this.#o.slot)) {
        const seen =
          this.#o.roots === 'id'
            ? this.#seenIds.has(key.readUInt32BE(0))
            : this.#seenKeys.getOrSet(key, 0, 1) !== undefined;
        if (seen) continue;
        const id = this.#o.roots === 'id' ? key.readUInt32BE(0) : NO_ID;
        for (const child of decodeChildren(value)) this.#delete(child.key, id);
        this.#o.journal.delete(tableKey(TABLE.children, this.#o.slot, key));
      }
    }
    return { deletes: this.#takeDeletes() };
  }

  #takeDeletes(): RecordBatch | undefined {
    if (this.#deletes.length === 0) return undefined;
    const keys = this.#deletes;
    const roots = this.#deleters;
    this.#deletes = [];
    this.#deleters = [];
    const rows = keys.map(text => {
      const [first] = this.#names;
      if (this.#names.length === 1 && String(this.#o.key[first].type) === 'Utf8') return { [first]: text };
      const values = JSON.parse(text) as unknown[];
      return Object.fromEntries(
        this.#names.map((name, i) => [name, typed(values[i], String(this.#o.key[name].type))]),
      );
    });
    return this.#unwritten(batchFromRows(this.#o.key, rows), roots);
  }

  /** The keys that no other root has taken over in this run. */
  #unwritten(deletes: RecordBatch, roots: readonly number[]): RecordBatch | undefined {
    if (this.#written.size === 0) return deletes;
    const keys = hashRows(deletes, this.#names);
    const left: number[] = [];
    for (let row = 0; row < deletes.numRows; row++) {
      const writer = this.#written.get(keys, row * HASH_BYTES);
      if (writer === undefined || writer === roots[row]) left.push(row);
    }
    this.counts.deleted -= deletes.numRows - left.length;
    if (left.length === 0) return undefined;
    return left.length === deletes.numRows ? deletes : takeRows(deletes, Int32Array.from(left));
  }
}

// values of keys went through JSON
function typed(value: unknown, type: string): unknown {
  if (type === 'Int64') return BigInt(value as string);
  if (type !== 'Utf8' && typeof value === 'string') return Number(value);
  return value;
}
