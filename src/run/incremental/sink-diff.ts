/**
 * What changed at a sink: for each root (the source row that rows come from, or a row itself where steps before it
 * keep state) the rows it has there now against those it had. Rows as they were are not written again; rows that are
 * not there any more are deleted by key.
 */
import type { RecordBatch } from 'apache-arrow';
import {
  batchFromRows,
  type Columns,
  Fingerprints,
  HASH_BYTES,
  selectColumns,
  takeRows,
} from '../../arrow/index.ts';
import type { Change } from '../../define/index.ts';
import { idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { BitSet } from './bit-set.ts';
import { type Child, decodeChildren, encodeChildren, packed, sameHash } from './children.ts';
import { FREE, KeyOwners } from './key-owners.ts';
import { keyTexts, keyValues, shownKey } from './key-text.ts';
import type { Overlay } from './overlay.ts';
import { idsIn, ROW_ID, rowIds, withoutRowIds } from './row-id.ts';
import { SeenHashes } from './seen-hashes.ts';
import type { DiffCounts } from './source-diff.ts';

export interface SinkDiffOptions {
  readonly ledger: Ledger;
  readonly journal: JournalWriter;
  readonly slot: number;
  /** The columns that name a row at the sink, with their types. */
  readonly key: Columns;
  /** `id`: roots are source rows; `key`: each row is its own root. */
  readonly roots: 'id' | 'key';
  /** The key of each row holds that of its root, so that no two roots can give the same. */
  readonly ownKeys: boolean;
  /** Where roots may come more than once in a run: what was written in it is seen. */
  readonly overlay?: Overlay;
  /** Nothing of before counts. */
  readonly fresh: boolean;
  /** Whether every live root comes in this run, so that those that do not are gone. */
  readonly complete: boolean;
}

/** Two rows of one key. */
export interface Clash {
  /** The key, for people. */
  readonly key: string;
  /** The root whose row stays, and that of the row that does not: one and the same where it gave two. */
  readonly stays: number;
  readonly goes: number;
  /** The row that is not taken, with its id; absent where it is not at hand any more. */
  readonly row?: RecordBatch;
}

/** What a sink has to do, and what it cannot. */
export interface Pushed extends Change {
  readonly clashes: readonly Clash[];
  /** Keys that are new to their roots: {@link SinkDiff.claim} is to be told which of them the sink has. */
  readonly asks?: RecordBatch;
}

/** A root whose rows are coming in: they follow one another, over several packets where there are many. */
interface OpenRoot {
  readonly id: number;
  /** The hash of the key of a root that is a row itself. */
  readonly hash: Uint8Array | undefined;
  old: Map<string, Child>;
  readonly now: Child[];
  /** The keys of `now`, where there are many. */
  names: Set<string> | undefined;
  changed: boolean;
  /** The packet that named it last. */
  packet: number;
}

/** Of a root that is a row itself. */
const NO_ID = 0;
/** Of a root that had none; never written to. */
const NO_ROWS = new Map<string, Child>();
/** Keys of a root that are looked through one by one. */
const FEW = 8;

const has = (root: OpenRoot, key: string): boolean => {
  if (root.now.length < FEW) return root.now.some(child => child.key === key);
  root.names ??= new Set(root.now.map(child => child.key));
  return root.names.has(key);
};

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
  /**
   * The same where every root comes: the end of the run tells which are gone, but a commit before it must know of those
   * that went through so far, since a run that goes on from there does not see them again.
   */
  #missed = new BitSet();
  /** Keys that came in this run, and which root has each. */
  readonly #owners = new KeyOwners();
  /** Keys that a root of this run took, and that another has in the ledger, or may have: it must give them up. */
  readonly #claims = new Map<string, { readonly root: number; readonly sure: boolean }>();
  /** Behind streams: roots that gave a key which another has given since; who has it is known in the end. */
  readonly #overwritten: { readonly key: string; readonly root: number }[] = [];
  readonly #seenIds = new BitSet();
  readonly #seenKeys = new SeenHashes();
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };

  constructor(options: SinkDiffOptions) {
    this.#o = options;
    this.#names = Object.keys(options.key);
  }
  // whether two roots could give one key
  get #tracks(): boolean {
    return this.#o.roots === 'id' && !this.#o.ownKeys;
  }

  // whether roots had nothing before and can take nothing from each other: each is done with when its rows are over
  get #inTurn(): boolean {
    return this.#o.fresh && this.#o.roots === 'id' && !this.#tracks && !this.#o.overlay;
  }

  #root(id: number, hash?: Uint8Array): OpenRoot {
    const before = this.#before(hash ?? id);
    return {
      id,
      hash,
      old: before ? new Map(decodeChildren(before).map(c => [c.key, c])) : NO_ROWS,
      now: [],
      names: undefined,
      changed: false,
      packet: this.#packet,
    };
  }
  #before(root: Uint8Array | number): Buffer | undefined {
    const { overlay, fresh, ledger, slot } = this.#o;
    if (fresh && !overlay) return undefined;
    const rest = typeof root === 'number' ? idBytes(root) : root;
    return overlay ? overlay.get(rest) : ledger.get(tableKey(TABLE.children, slot, rest));
  }
  #shown(key: string): string {
    return shownKey(this.#names, keyValues(key, this.#o.key));
  }

  /**
   * Takes what came to the sink; gives what it has to do. Rows of a root come one after the other.
   * @param gone rows that went missing on the way: one of a root's, or all of them; others of the root may have come
   * before, or come after
   */
  push(change: Change, gone: readonly RecordBatch[] = []): Pushed {
    this.#packet++;
    for (const id of idsIn(change.deletes)) this.#emptied(this.#named(id));
    for (const rows of gone) for (const id of idsIn(rows)) this.#missing(id);
    const came = change.upserts?.numRows ? change.upserts : undefined;
    const ids = came && this.#o.roots === 'id' ? rowIds(came) : undefined;
    // in turn, only the first may be open from before
    const named = this.#inTurn ? ids?.subarray(0, 1) : ids;
    if (named)
      for (let row = 0; row < named.length; row++) if (named[row] !== named[row - 1]) this.#named(named[row]);
    for (const [id, root] of this.#open) if (root.packet < this.#packet) this.#close(id, root);
    // deletes of a change apply before its upserts, so only what came before counts
    const deletes = this.#takeDeletes();
    const clashes: Clash[] = [];
    const asks: number[] = [];
    const upserts = came && this.#upserts(came, ids, clashes, asks);
    return {
      upserts: upserts && withoutRowIds(upserts),
      deletes,
      clashes,
      asks: came && asks.length ? this.#keysOf(came, asks) : undefined,
    };
  }
  #keysOf(batch: RecordBatch, rows: readonly number[]): RecordBatch {
    return takeRows(selectColumns(batch, [...this.#names, ROW_ID]), Int32Array.from(rows));
  }
  // a root that has come needs no more: what it has not got is missed when it is closed
  #missing(id: number): void {
    const open = this.#open.get(id);
    if (open) open.packet = this.#packet;
    else if (this.#seenIds.has(id)) return;
    else if (!this.#o.complete) this.#waiting.add(id);
    else if (!this.#o.fresh) this.#missed.add(id);
  }

  #upserts(
    batch: RecordBatch,
    ids: Int32Array | undefined,
    clashes: Clash[],
    asks: number[],
  ): RecordBatch | undefined {
    const plain = withoutRowIds(batch);
    const textOf = keyTexts(plain, this.#names);
    const all = new Fingerprints(plain);
    const hashes = all.rows(plain.schema.fields.map(f => f.name));
    const names = ids ? undefined : all.rows(this.#names);
    const tracks = this.#tracks;
    const write: number[] = [];
    let root: OpenRoot | undefined;
    for (let row = 0; row < plain.numRows; row++) {
      const at = row * HASH_BYTES;
      const child: Child = { key: textOf(row), hashes, at };
      if (!ids) {
        this.#seenKeys.seen(names as Uint8Array, at);
        const own = this.#root(NO_ID, (names as Uint8Array).subarray(at, at + HASH_BYTES));
        if (this.#child(own, child)) write.push(row);
        this.#finish(own);
        continue;
      }
      if (ids[row] !== root?.id) root = this.#inTurn ? this.#follows(root, ids[row]) : this.#named(ids[row]);
      const before = tracks ? this.#owners.get(child.key) : undefined;
      const owner = this.#owner(root, child.key, before);
      if (owner !== undefined) {
        const row1 = takeRows(batch, Int32Array.of(row));
        clashes.push({ key: this.#shown(child.key), stays: owner, goes: root.id, row: row1 });
        continue;
      }
      if (tracks && before === undefined && !this.#o.fresh && !root.old.has(child.key)) asks.push(row);
      if (tracks) this.#owners.set(child.key, root.id);
      // another root has written or deleted what was there, so it is written though it is as it was
      const over = before !== undefined && before !== root.id;
      if (this.#child(root, child, over)) write.push(row);
    }
    // others of the last may follow in the next packet
    if (root && ids) this.#open.set(root.id, root);
    if (write.length === 0) return undefined;
    return write.length === batch.numRows ? batch : takeRows(batch, Int32Array.from(write));
  }
  // the root behind another, which is over: most are within a packet, and need not be looked up
  #follows(before: OpenRoot | undefined, id: number): OpenRoot {
    if (before && !this.#open.has(before.id)) this.#finish(before);
    const open = this.#open.get(id);
    if (open) return open;
    this.#seenIds.add(id);
    return this.#root(id);
  }

  // the root that has a key already, where this one may not take it
  #owner(root: OpenRoot, key: string, owner: number | undefined): number | undefined {
    if (has(root, key)) return root.id;
    if (owner === undefined || owner === FREE || owner === root.id) return undefined;
    const other = this.#open.get(owner);
    if (other && !has(other, key)) return undefined;
    this.#claims.delete(key);
    if (!this.#o.overlay) return owner;
    // the other may be deleted yet
    this.#overwritten.push({ key, root: owner });
    return undefined;
  }

  /**
   * Notes which new keys the sink has already, under roots that have not come yet.
   * @param asks as given by {@link push}
   * @param there for each of their rows, not 0 where the sink has it; undefined where the sink cannot say
   */
  claim(asks: RecordBatch, there: Uint8Array | undefined): void {
    const ids = rowIds(asks);
    const plain = withoutRowIds(asks);
    const textOf = keyTexts(plain, this.#names);
    for (let row = 0; row < ids.length; row++)
      if (there?.[row] !== 0) this.#claims.set(textOf(row), { root: ids[row], sure: there !== undefined });
  }

  // claims on keys that roots have which have not come in this run
  #contested(): { readonly key: string; readonly root: number; readonly owner: number }[] {
    if (this.#claims.size === 0) return [];
    const found: { key: string; root: number; owner: number }[] = [];
    for (const { key, value } of this.#o.ledger.entries(TABLE.children, this.#o.slot)) {
      const owner = key.readUInt32BE(0);
      if (this.#seenIds.has(owner)) continue;
      for (const child of decodeChildren(value)) {
        const claim = this.#claims.get(child.key);
        if (claim) found.push({ key: child.key, root: claim.root, owner });
      }
    }
    return found;
  }

  // whether the row has to be written
  #child(root: OpenRoot, child: Child, over = false): boolean {
    const old = root.old.size > 0 ? root.old.get(child.key) : undefined;
    if (old) root.old.delete(child.key);
    root.now.push(child);
    root.names?.add(child.key);
    if (!old) {
      this.counts.added++;
      root.changed = true;
      return true;
    }
    if (!over && sameHash(old, child)) {
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
    const { overlay, journal, slot } = this.#o;
    const { id, hash, now } = root;
    if (overlay) {
      if (now.length > 0) overlay.put(hash ?? idBytes(id), packed(now));
      else overlay.delete(hash ?? idBytes(id));
    } else if (now.length > 0) {
      const out = hash
        ? journal.begin(TABLE.children, slot, hash)
        : journal.beginId(TABLE.children, slot, id);
      encodeChildren(now, out);
      journal.end();
    } else journal.delete(tableKey(TABLE.children, slot, hash ?? idBytes(id)));
  }
  #named(id: number): OpenRoot {
    let root = this.#open.get(id);
    if (!root) {
      this.#seenIds.add(id);
      root = this.#root(id);
      this.#open.set(id, root);
    }
    root.packet = this.#packet;
    return root;
  }
  // rows of this run that are not to stay: as those of before, they go unless they come again
  #emptied(root: OpenRoot): void {
    if (root.now.length > 0 && root.old === NO_ROWS) root.old = new Map();
    for (const child of root.now.splice(0)) root.old.set(child.key, child);
    root.names = undefined;
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
  /**
   * Before a commit in the middle of a run: what is left to do for the rows so far. `waits` where the ledger would name
   * two roots for one key, so that the commit must come later.
   */
  checkpoint(): Change & { readonly waits: boolean } {
    this.#dropWaiting();
    for (const id of this.#missed) if (!this.#seenIds.has(id)) this.#named(id);
    this.#missed = new BitSet();
    this.#closeAll();
    const deletes = this.#takeDeletes();
    const sure = [...this.#claims.values()].some(c => c.sure);
    return { deletes, waits: sure || this.#contested().length > 0 };
  }

  /** After the last change: what is left to do. */
  end(): Pushed {
    this.#dropWaiting();
    this.#closeAll();
    const clashes: Clash[] = [];
    if (this.#o.complete && !this.#o.fresh) {
      for (const { key, value } of this.#o.ledger.entries(TABLE.children, this.#o.slot)) {
        const seen =
          this.#o.roots === 'id' ? this.#seenIds.has(key.readUInt32BE(0)) : this.#seenKeys.seen(key, 0);
        if (seen) continue;
        const id = this.#o.roots === 'id' ? key.readUInt32BE(0) : NO_ID;
        for (const child of decodeChildren(value)) this.#delete(child.key, id);
        this.#o.journal.delete(tableKey(TABLE.children, this.#o.slot, key));
      }
    } else if (!this.#o.complete) {
      const deletes = this.#takeDeletes();
      for (const { key, root, owner } of this.#contested())
        clashes.push({ key: this.#shown(key), stays: owner, goes: root });
      clashes.push(...this.#lost());
      return { deletes, clashes };
    }
    clashes.push(...this.#lost());
    return { deletes: this.#takeDeletes(), clashes };
  }

  // rows behind streams that others of their key have taken the place of; their roots have them no more
  #lost(): Clash[] {
    const { overlay } = this.#o;
    const lost: Clash[] = [];
    for (const { key, root } of overlay ? this.#overwritten : []) {
      const owner = this.#owners.get(key);
      const bytes = owner === root ? undefined : overlay?.get(idBytes(root));
      const children = bytes ? decodeChildren(Buffer.from(bytes)) : [];
      const others = children.filter(child => child.key !== key);
      if (others.length === children.length) continue;
      if (others.length > 0) overlay?.put(idBytes(root), packed(others));
      else overlay?.delete(idBytes(root));
      lost.push({ key: this.#shown(key), stays: owner === FREE ? root : (owner ?? root), goes: root });
    }
    return lost;
  }

  #takeDeletes(): RecordBatch | undefined {
    if (this.#deletes.length === 0) return undefined;
    const keys = this.#deletes;
    const roots = this.#deleters;
    this.#deletes = [];
    this.#deleters = [];
    const left = this.#tracks ? keys.filter((key, i) => this.#gaveUp(key, roots[i])) : keys;
    this.counts.deleted -= keys.length - left.length;
    if (left.length === 0) return undefined;
    const rows = left.map(text => {
      const values = keyValues(text, this.#o.key);
      return Object.fromEntries(this.#names.map((name, i) => [name, values[i]]));
    });
    return batchFromRows(this.#o.key, rows);
  }
  // whether a key is to be deleted where a root gave it up: another may have taken it over in this run
  #gaveUp(key: string, root: number): boolean {
    this.#claims.delete(key);
    const owner = this.#owners.get(key);
    // free: it was deleted when another gave it up
    if (owner !== undefined && owner !== root) return false;
    this.#owners.set(key, FREE);
    return true;
  }
}
