/**
 * A table of a step that is read and written in one run: what was put is seen at once, and goes to the ledger with the
 * journal when the run commits. Little of it is in memory; the rest waits in a scratch store that is removed after.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { StepState } from '../../define/index.ts';
import { type JournalWriter, type Ledger, shortKey, tableKey } from '../../state/index.ts';

/** Bytes of keys and values that are held before they go to the scratch store. */
const HELD_BYTES = 8 << 20;
const GONE = Buffer.from([0]);

export interface OverlayOptions {
  /** Absent: nothing is remembered after the run. */
  readonly ledger?: Ledger;
  readonly table: number;
  readonly slot: number;
  /** Nothing of before counts. */
  readonly fresh: boolean;
  /** Where the scratch store may be made. */
  readonly folder: () => Promise<string> | string;
}

export class Overlay implements StepState {
  readonly #o: OverlayOptions;
  // by the key in latin1; undefined: deleted
  #held = new Map<string, Uint8Array | undefined>();
  #bytes = 0;
  #scratch: RootDatabase<Buffer, Buffer> | undefined;
  #folder: string | undefined;

  constructor(options: OverlayOptions) {
    this.#o = options;
  }

  get lasts(): boolean {
    return this.#o.ledger !== undefined;
  }
  get(long: Uint8Array): Buffer | undefined {
    const key = shortKey(long);
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
    if (this.#held.has(text)) {
      const held = this.#held.get(text);
      return held && Buffer.from(held);
    }
    const kept = this.#scratch?.getBinary(Buffer.from(key));
    if (kept) return kept[0] === 0 ? undefined : Buffer.from(kept.subarray(1));
    if (this.#o.fresh) return undefined;
    return this.#o.ledger?.get(tableKey(this.#o.table, this.#o.slot, key));
  }
  put(key: Uint8Array, value: Uint8Array): void {
    this.#set(key, value);
  }
  delete(key: Uint8Array): void {
    this.#set(key, undefined);
  }
  #set(long: Uint8Array, value: Uint8Array | undefined): void {
    const key = shortKey(long);
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
    this.#bytes += key.length + (value?.length ?? 0) + 64;
    this.#held.set(text, value);
  }

  /** Makes room, where much is held; await it between batches. */
  async drain(): Promise<void> {
    if (this.#bytes > HELD_BYTES) await this.#spill();
  }
  async #spill(): Promise<void> {
    if (!this.#scratch) {
      this.#folder = join(await this.#o.folder(), `overlay-${this.#o.table}-${this.#o.slot}`);
      mkdirSync(this.#folder, { recursive: true });
      this.#scratch = open<Buffer, Buffer>({
        path: join(this.#folder, 'data.mdb'),
        encoding: 'binary',
        keyEncoding: 'binary',
        noSubdir: true,
        noSync: true,
      });
    }
    const scratch = this.#scratch;
    const held = this.#held;
    this.#held = new Map();
    this.#bytes = 0;
    scratch.transactionSync(() => {
      for (const [text, value] of held) {
        scratch.putSync(Buffer.from(text, 'latin1'), value ? Buffer.concat([Buffer.from([1]), value]) : GONE);
      }
    });
  }

  /** Writes what was put and deleted into the journal. */
  async finish(journal: JournalWriter): Promise<void> {
    const { table, slot } = this.#o;
    if (this.#scratch) {
      await this.#spill();
      for (const { key, value } of this.#scratch.getRange({})) {
        const at = tableKey(table, slot, key);
        if (value[0] === 0) journal.delete(at);
        else journal.put(at, value.subarray(1));
        await journal.drain();
      }
      return;
    }
    for (const [text, value] of this.#held) {
      const at = tableKey(table, slot, Buffer.from(text, 'latin1'));
      if (value === undefined) journal.delete(at);
      else journal.put(at, value);
      await journal.drain();
    }
  }

  /** Removes the scratch store. */
  async close(): Promise<void> {
    const scratch = this.#scratch;
    this.#scratch = undefined;
    await scratch?.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#held.clear();
  }
}
