/**
 * What was done for which row, in an LMDB store beside the pipeline. Read while a run works, written from the
 * journal of a run that has committed, or, of steps that it does not know, before that (`ahead`). One store a pipeline;
 * tables are told apart by the first byte of a key.
 */
import { constants, existsSync } from 'node:fs';
import { access, chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../define/index.ts';
import { Ahead } from './ahead/ahead.ts';
import { StateError, stateError, withState } from './errors.ts';
import { faultPoint } from './fault.ts';
import { inBlock, ofBlock } from './id-blocks.ts';
import { journalPieces } from './journal.ts';
import { isEmpty, putPiece } from './put-piece.ts';
import { brokenSeal, isSealed, seal, unseal } from './seal.ts';
import { inOrder, SortedRuns } from './sorted-runs.ts';
import { NOTHING, openStore, openToRead, type Store } from './store.ts';
import { blockKey, HEAD, idBytes, isId, MOST_SLOTS, TABLE, tableKey } from './tables.ts';

/** The format of the ledger; raised when an older reader would misread it. */
export const LEDGER_FORMAT = 5;

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

/** Bytes of few entries that one transaction puts at least, and the most transactions: on disk each waits for a sync. */
const PART_BYTES = 256 << 10;
const MOST_PARTS = 6;

/** Bytes of entries, up to which the pages they took may stay in memory. */
const MOST_KEPT = 32 << 20;

const NONE = new Uint8Array(0);

export class Ledger {
  #db: Store;
  readonly path: string;

  private constructor(db: Store, path: string) {
    this.#db = db;
    this.path = path;
  }

  /**
   * Opens or makes the store of a pipeline's state folder, for a run that has the pipeline's lock. A damaged one, or one
   * of an older format, is emptied: the run does everything.
   * @throws UserError on a newer format
   */
  static async openForRun(folder: string): Promise<Ledger> {
    const path = join(folder, 'ledger');
    await withState(path, () => mkdir(path, { recursive: true }));
    const data = join(path, 'data.mdb');
    const broken = await withState(data, () => brokenSeal(data));
    if (broken !== undefined) {
      for (const name of ['data.mdb', 'data.mdb-lock', 'data.mdb.seal'])
        await withState(path, () => rm(join(path, name), { force: true }));
    }
    const ledger = new Ledger(opened(data, openStore), path);
    if (broken !== undefined) ledger.#damage = `${data}: ${broken}`;
    const former = await ledger.#checkFormat();
    if (former === undefined) return ledger;
    ledger.#written();
    await ledger.#db.clearAsync();
    // until something is committed, also a later run is to say why it does everything
    await ledger.#db.put(metaKey(FORMER), Buffer.from(JSON.stringify(former)));
    return ledger;
  }

  /**
   * Opens the store of a pipeline's state folder to look into it. Nothing is written, and no lock is needed; where there
   * is none, or one of an older format, it is empty.
   * @throws UserError on a newer format, and on damage
   */
  static async openForReading(folder: string): Promise<Ledger> {
    const path = join(folder, 'ledger');
    const data = join(path, 'data.mdb');
    const broken = await withState(data, () => brokenSeal(data));
    if (broken !== undefined) {
      throw new StateError(data, `it is damaged: ${broken}`, { help: 'run the pipeline: it is built anew' });
    }
    if (!existsSync(data)) return new Ledger(NOTHING, path);
    const readable = await copyIfLocked(data);
    const ledger = new Ledger(opened(readable?.file ?? data, openToRead), path);
    ledger.#copy = readable?.folder;
    if ((await ledger.#checkFormat()) === undefined) return ledger;
    await ledger.close();
    ledger.#db = NOTHING;
    return ledger;
  }
  /** A folder that goes when it is closed. */
  #copy: string | undefined;

  /**
   * A copy as it is now in a folder that goes when it is closed: what is written there counts for nothing. For whoever
   * wants to see what a journal that waits will make of it.
   */
  async trial(): Promise<Ledger> {
    const copy = await mkdtemp(join(tmpdir(), 'millrace-ledger-'));
    const path = join(copy, 'ledger');
    await mkdir(path);
    if (this.#db !== NOTHING) await this.#db.backup(join(path, 'data.mdb'), false);
    const ledger = await Ledger.openForRun(copy);
    ledger.#copy = copy;
    return ledger;
  }

  /** The older format, where it has one; @throws UserError on a newer one, and closes it */
  async #checkFormat(): Promise<number | undefined> {
    const format = this.meta<number>('format');
    if (format !== undefined && format > LEDGER_FORMAT) {
      await this.close();
      throw new UserError(`${this.path} has format ${format}; this version reads up to ${LEDGER_FORMAT}`, {
        help: 'it was written by a newer Millrace: update this one, or remove the folder and run in full',
      });
    }
    if (format === undefined || format === LEDGER_FORMAT) {
      this.#formerFormat = this.meta<number>(FORMER);
      return undefined;
    }
    this.#formerFormat = format;
    return format;
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
  /** The older format of the store, for which it is empty: the next run does everything. */
  get formerFormat(): number | undefined {
    return this.#formerFormat;
  }

  /** The value of a key; a copy. */
  get(key: Buffer): Buffer | undefined {
    const value = this.peek(isId(key) ? blockKey(key) : key);
    if (!value) return undefined;
    // the library's buffer is longer than its length says
    const own = isId(key) ? inBlock(value, key.readUInt32BE(HEAD)) : value.subarray(0, value.length);
    return own && Buffer.from(own);
  }
  /** The value of a key that is no id's, or of a block; only good until the next call. */
  peek(key: Buffer): Buffer | undefined {
    return this.#db.getBinaryFast(key) as Buffer | undefined;
  }
  meta<T>(name: string): T | undefined {
    const value = this.#db.getBinary(metaKey(name));
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
    const sorted = join(this.path, 'runs');
    await rm(sorted, { recursive: true, force: true });
    const pieces = journalPieces(journal);
    // the commit's id comes last: until it stands, a crash has the journal applied once more, which changes nothing
    const named = { format: LEDGER_FORMAT, [FORMER]: null, ...meta };
    const runs = new SortedRuns(sorted);
    try {
      // the first piece comes after the checksum of all
      let next = await pieces.next();
      for (const slot of clear) for (const table of OF_STEPS) await this.#empty(table, slot);
      for (const slot of again)
        for (const table of [TABLE.state, TABLE.children]) await this.#empty(table, slot);
      let ended = false;
      for (; !next.done; next = await pieces.next()) {
        const { bytes, last } = next.value;
        if (last && runs.empty) {
          await this.#putFew(bytes, () => this.#name(named));
          ended = true;
        } else runs.add(bytes);
      }
      if (!runs.empty) await this.#put(runs);
      if (!ended) await this.#db.transaction(() => this.#name(named));
      await this.#db.flushed;
    } finally {
      runs.close();
      // one that is left in the middle has the file open
      await pieces.return(undefined);
    }
  }
  /**
   * Few entries, in a few transactions of neighbours: the pages that each takes the place of are free for the next, so
   * the store grows by a part of them instead of all.
   */
  async #putFew(piece: Buffer, last: () => void): Promise<void> {
    const parts = inOrder(piece, Math.max(PART_BYTES, piece.length / MOST_PARTS));
    for (const [i, part] of parts.entries()) {
      faultPoint('ledger-part');
      await this.#db.transaction(() => {
        putPiece(this.#db, part, false, true);
        if (i === parts.length - 1) last();
      });
    }
    if (parts.length === 0) await this.#db.transaction(last);
  }
  // many entries, from the first page to the last
  async #put(runs: SortedRuns): Promise<void> {
    const empty = isEmpty(this.#db);
    let kept = 0;
    for (const piece of runs.merged()) {
      await this.#db.transaction(() => putPiece(this.#db, piece, empty, true));
      kept += piece.length;
      if (kept < MOST_KEPT) continue;
      await this.#release();
      kept = 0;
    }
  }

  #name(meta: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(meta)) {
      const key = metaKey(name);
      if (value === null) this.#db.removeSync(key);
      else this.#db.putSync(key, Buffer.from(JSON.stringify(value)));
    }
  }

  /** Gives back the pages that the store keeps of what it wrote, mapped ones and those for its next writes. */
  async #release(): Promise<void> {
    await this.#db.close();
    this.#db = openStore(join(this.path, 'data.mdb'));
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

  /**
   * For a run over steps that the ledger does not know: a way for their entries to go in before the commit.
   * @param slots of these steps; what a run that was cut short left under them is removed
   * @param scratch a folder for what must be sorted on disk
   */
  async ahead(slots: readonly number[], scratch: string): Promise<Ahead> {
    return withState(this.path, async () => {
      this.#written();
      for (const slot of slots) for (const table of OF_STEPS) await this.#empty(table, slot);
      return new Ahead(join(this.path, 'data.mdb'), scratch);
    });
  }

  /** Notes something that no commit depends on. */
  async setMeta(name: string, value: unknown): Promise<void> {
    await withState(this.path, async () => {
      faultPoint('notes');
      this.#written();
      await this.#db.put(metaKey(name), Buffer.from(JSON.stringify(value)));
    });
  }

  async close(): Promise<void> {
    try {
      if (this.#dirty) await this.#db.flushed;
    } finally {
      await this.#db.close();
      if (this.#copy !== undefined) await rm(this.#copy, { recursive: true, force: true });
    }
    if (this.#dirty && this.#copy === undefined)
      await withState(this.path, () => seal(join(this.path, 'data.mdb')));
  }
}

/** Note of an older format that the store had and was emptied for. */
const FORMER = 'formerFormat';
const metaKey = (name: string): Buffer => tableKey(TABLE.meta, 0, Buffer.from(name));

function opened(data: string, open: (path: string) => Store): Store {
  try {
    return open(data);
  } catch (cause) {
    const told = stateError(data, cause);
    if (told instanceof StateError && told.help !== undefined) throw told;
    throw new UserError(`${data} is not a ledger that can be opened: ${(cause as Error).message}`, {
      help: `remove ${dirname(data)}: the next run builds it anew`,
      cause,
    });
  }
}

/** Whoever may not write beside a store cannot say there that it reads: such a one gets a copy, where nobody writes. */
async function copyIfLocked(data: string): Promise<{ folder: string; file: string } | undefined> {
  const noted = existsSync(`${data}-lock`) ? `${data}-lock` : dirname(data);
  if (await mayWrite(noted)) return undefined;
  if (!isSealed(data)) {
    throw new StateError(data, 'it is being written, or a run was killed, and it may not be written by you', {
      help: 'wait until the run has ended, or let whoever may write run the pipeline',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-ledger-'));
  const file = join(folder, 'data.mdb');
  await withState(data, () => copyFile(data, file));
  await chmod(file, 0o600);
  return { folder, file };
}
const mayWrite = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );

const rangeOf = (table: number, slot: number): { start: Buffer; end: Buffer } => ({
  start: tableKey(table, slot, NONE),
  end: slot === MOST_SLOTS ? Buffer.from([table + 1]) : tableKey(table, slot + 1, NONE),
});
