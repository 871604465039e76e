/**
 * What was done for which row, in an LMDB store beside the pipeline. Read while a run works, written only from the
 * journal of a run that has committed. One store a pipeline; tables are told apart by the first byte of a key.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { UserError } from '../define/index.ts';
import { StateError, withState } from './errors.ts';
import { faultPoint } from './fault.ts';
import { BlockChanges, blockOf, inBlock, ofBlock } from './id-blocks.ts';
import { journalPieces } from './journal.ts';
import { brokenSeal, seal, unseal } from './seal.ts';
import { eachSorted } from './sorted-entries.ts';

/** The format of the ledger; raised when an older reader would misread it. */
export const LEDGER_FORMAT = 5;

/** Tables, by the first byte of a key; the next two are the slot of the step they speak of. */
export const TABLE = {
  /** JSON by name. */
  meta: 0x6d,
  /** Source: hash of a row's key → row id, hash of its values. */
  rows: 0x72,
  /** Source, stream: row id → how the hash of its key begins, its key, and how its values begin. */
  keys: 0x6b,
  /** Source, stream: the columns of an entry of `keys`, by a number of one byte. */
  layouts: 0x6c,
  /** Source: a piece (a file) → its signature and the ids of its rows, in order. */
  pieces: 0x70,
  /** Source: row id → why it went through last. */
  why: 0x77,
  /** Sink: root (row id, or hash of a key) → the rows it has there: keys and hashes. */
  children: 0x63,
  /** Source: one entry, a bit for each row id that went through in the run that was cut short. */
  done: 0x64,
  /** Stream: what the step remembers, by keys of its own. */
  state: 0x73,
} as const;

/** Tables that speak of steps. */
const OF_STEPS = [
  TABLE.rows,
  TABLE.keys,
  TABLE.pieces,
  TABLE.why,
  TABLE.children,
  TABLE.done,
  TABLE.state,
  TABLE.layouts,
] as const;

/** Keys that one transaction removes. */
const MOST_REMOVED = 50_000;

const HEAD = 3;
/** A key that goes on with an id. */
const ID_KEY = HEAD + 4;
/** Tables in which entries of ids stand in blocks; in `children` there are others too, each by itself. */
const IN_BLOCKS: ReadonlySet<number> = new Set([TABLE.keys, TABLE.children]);
const isId = (key: Uint8Array): boolean => key.length === ID_KEY && IN_BLOCKS.has(key[0]);
/** The key of the block in which the entry of an id stands. */
function blockKey(key: Buffer): Buffer {
  const own = Buffer.from(key);
  own.writeUInt32BE(blockOf(key.readUInt32BE(HEAD)), HEAD);
  return own;
}
/** The largest slot. */
export const MOST_SLOTS = 0xffff;

/** Bytes of a piece of a journal, up to which the pages it took may stay in memory. */
const MOST_KEPT = 4 << 20;

const NONE = new Uint8Array(0);

/** A key of a table: table, slot of the step, and the rest. */
export function tableKey(table: number, slot: number, rest: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(HEAD + rest.length);
  key[0] = table;
  key.writeUInt16BE(slot, 1);
  key.set(rest, HEAD);
  return key;
}

/** Four bytes, largest first, so that ids sort as numbers. */
export function idBytes(id: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(id, 0);
  return bytes;
}

const openStore = (path: string): RootDatabase<Buffer, Buffer> =>
  open<Buffer, Buffer>({
    path: join(path, 'data.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: true,
  });

export class Ledger {
  #db: RootDatabase<Buffer, Buffer>;
  readonly path: string;

  private constructor(db: RootDatabase<Buffer, Buffer>, path: string) {
    this.#db = db;
    this.path = path;
  }

  /**
   * Opens or makes the store of a pipeline's state folder.
   * @param rebuild a damaged store is emptied: the next run does everything
   * @throws UserError on a newer format, and on damage
   */
  static async open(folder: string, { rebuild = false } = {}): Promise<Ledger> {
    const path = join(folder, 'ledger');
    await withState(path, () => mkdir(path, { recursive: true }));
    const data = join(path, 'data.mdb');
    const broken = await withState(data, () => brokenSeal(data));
    if (broken !== undefined) {
      if (!rebuild)
        throw new StateError(data, `it is damaged: ${broken}`, {
          help: 'run the pipeline: it is built anew',
        });
      for (const name of ['data.mdb', 'data.mdb-lock', 'data.mdb.seal'])
        await withState(path, () => rm(join(path, name), { force: true }));
    }
    let db: RootDatabase<Buffer, Buffer>;
    try {
      db = openStore(path);
    } catch (cause) {
      throw new UserError(`${path} is not a ledger that can be opened: ${(cause as Error).message}`, {
        help: 'remove the folder: the next run builds it anew',
        cause,
      });
    }
    const ledger = new Ledger(db, path);
    if (broken !== undefined) ledger.#damage = `${data}: ${broken}`;
    const format = ledger.meta<number>('format');
    if (format !== undefined && format > LEDGER_FORMAT) {
      await db.close();
      throw new UserError(`${path} has format ${format}; this version reads up to ${LEDGER_FORMAT}`, {
        help: 'it was written by a newer Millrace: update this one, or run with --full to build it anew',
      });
    }
    if (format !== undefined && format < LEDGER_FORMAT) {
      ledger.#formerFormat = format;
      ledger.#written();
      await db.clearAsync();
    }
    return ledger;
  }
  #damage: string | undefined;
  /** What was wrong with the store, where it was emptied for it. */
  get damage(): string | undefined {
    return this.#damage;
  }
  #dirty = false;
  #written(): void {
    if (!this.#dirty) unseal(join(this.path, 'data.mdb'));
    this.#dirty = true;
  }
  #formerFormat: number | undefined;
  /** The older format the store had when it was opened, and was emptied for: the next run does everything. */
  get formerFormat(): number | undefined {
    return this.#formerFormat;
  }

  /** The value of a key; a copy. */
  get(key: Buffer): Buffer | undefined {
    const value = this.#db.getBinary(isId(key) ? blockKey(key) : key);
    const own = value && (isId(key) ? inBlock(Buffer.from(value), key.readUInt32BE(HEAD)) : value);
    return own && Buffer.from(own);
  }
  /** The value of a key, only good until the next call. */
  peek(key: Buffer): Buffer | undefined {
    return isId(key) ? this.get(key) : (this.#db.getBinaryFast(key) as Buffer | undefined);
  }
  meta<T>(name: string): T | undefined {
    const value = this.#db.getBinary(tableKey(TABLE.meta, 0, Buffer.from(name)));
    return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString('utf8')) as T);
  }
  /** The names {@link meta} knows. */
  metaNames(): string[] {
    return [...this.entries(TABLE.meta, 0)].map(e => e.key.toString('utf8'));
  }
  /**
   * All entries of a step's table, in order of their keys (without table and slot).
   * @param start only those whose keys begin so
   */
  *entries(table: number, slot: number, start: Uint8Array = NONE): Generator<{ key: Buffer; value: Buffer }> {
    const from = tableKey(table, slot, start);
    for (const { key, value } of this.#db.getRange({ ...rangeOf(table, slot), start: from })) {
      if (start.length && !Buffer.from(key).subarray(0, from.length).equals(from)) return;
      const [rest, own] = [Buffer.from(key).subarray(HEAD), Buffer.from(value)];
      if (!isId(key)) yield { key: rest, value: own };
      else for (const e of ofBlock(rest.readUInt32BE(0), own)) yield { key: idBytes(e.id), value: e.value };
    }
  }

  /**
   * Takes the journal of a commit. Slots in `clear` are emptied first: their steps start anew. A call that fails
   * leaves `meta` as it was.
   * @param again slots of streams that saw all rows anew: what they remembered goes, the ids of their rows stay
   * @param meta JSON by name that goes with it; null removes
   * @throws JournalError on a damaged journal, which is found before anything is changed
   */
  async apply(
    journal: string,
    clear: readonly number[],
    meta: Readonly<Record<string, unknown>>,
    again: readonly number[] = [],
  ): Promise<void> {
    await withState(this.path, () => this.#apply(journal, clear, meta, again));
  }
  async #apply(
    journal: string,
    clear: readonly number[],
    meta: Readonly<Record<string, unknown>>,
    again: readonly number[],
  ): Promise<void> {
    faultPoint('ledger');
    this.#written();
    const pieces = journalPieces(journal);
    // the first piece comes after the checksum of all
    let next = await pieces.next();
    for (const slot of clear) for (const table of OF_STEPS) await this.#empty(table, slot);
    for (const slot of again)
      for (const table of [TABLE.state, TABLE.children]) await this.#empty(table, slot);
    // the commit's id comes last: until it stands, a crash has the journal applied once more, which changes nothing
    const named = { format: LEDGER_FORMAT, ...meta };
    let ended = false;
    for (; !next.done; next = await pieces.next()) {
      const { bytes, last } = next.value;
      await this.#db.transaction(() => {
        this.#take(bytes);
        if (last) this.#name(named);
      });
      ended = last;
      if (bytes.length > MOST_KEPT) await this.#release();
    }
    if (!ended) await this.#db.transaction(() => this.#name(named));
    await this.#db.flushed;
  }

  #name(meta: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(meta)) {
      const key = tableKey(TABLE.meta, 0, Buffer.from(name));
      if (value === null) this.#db.removeSync(key);
      else this.#db.putSync(key, Buffer.from(JSON.stringify(value)));
    }
  }

  // the entries of a piece, within a transaction
  #take(piece: Buffer): void {
    const put = (key: Buffer, value: Buffer | undefined): void => {
      if (value === undefined) this.#db.removeSync(key);
      else this.#db.putSync(key, value);
    };
    const changes = new BlockChanges();
    const block = Buffer.alloc(ID_KEY);
    let open = false;
    const putBlock = (): void => {
      const before = open ? this.#db.getBinary(block) : undefined;
      if (open) put(block, changes.apply(before && Buffer.from(before), piece));
      changes.clear();
      open = false;
    };
    eachSorted(piece, (key, value, end, deleted) => {
      if (value - key !== ID_KEY || !IN_BLOCKS.has(piece[key])) {
        if (open) putBlock();
        put(piece.subarray(key, value), deleted ? undefined : piece.subarray(value, end));
        return;
      }
      const id = piece.readUInt32BE(key + HEAD);
      const number = blockOf(id);
      const same =
        open && block.readUInt32BE(HEAD) === number && piece.compare(block, 0, HEAD, key, key + HEAD) === 0;
      if (!same) {
        putBlock();
        piece.copy(block, 0, key, key + HEAD);
        block.writeUInt32BE(number, HEAD);
        open = true;
      }
      changes.add(id, deleted ? -1 : value, end);
    });
    putBlock();
  }

  /** Gives back the pages that the store keeps of what it wrote, mapped ones and those for its next writes. */
  async #release(): Promise<void> {
    await this.#db.close();
    this.#db = openStore(this.path);
  }

  async #empty(table: number, slot: number): Promise<void> {
    for (;;) {
      const keys = [...this.#db.getKeys({ ...rangeOf(table, slot), limit: MOST_REMOVED })];
      if (keys.length === 0) return;
      await this.#db.transaction(() => {
        for (const key of keys) this.#db.removeSync(key);
      });
    }
  }

  /** Notes something that no commit depends on. */
  async setMeta(name: string, value: unknown): Promise<void> {
    await withState(this.path, async () => {
      faultPoint('notes');
      this.#written();
      await this.#db.put(tableKey(TABLE.meta, 0, Buffer.from(name)), Buffer.from(JSON.stringify(value)));
    });
  }

  async close(): Promise<void> {
    if (this.#dirty) await this.#db.flushed;
    await this.#db.close();
    if (this.#dirty) await withState(this.path, () => seal(join(this.path, 'data.mdb')));
  }
}

const rangeOf = (table: number, slot: number): { start: Buffer; end: Buffer } => ({
  start: tableKey(table, slot, NONE),
  end: slot === MOST_SLOTS ? Buffer.from([table + 1]) : tableKey(table, slot + 1, NONE),
});
