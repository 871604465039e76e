/**
 * Results of costly steps by what went in: a row whose read columns and step are as they were is not worked on again,
 * in whatever pipeline of the folder. Content-addressed, so it needs no commit and survives a killed run.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { withState } from './errors.ts';

// days since 1970, in the first two bytes of a value: what has not been used for long goes first
const today = (): number => Math.floor(Date.now() / 86_400_000);

export class Cache {
  readonly #db: RootDatabase<Buffer, Buffer>;
  #puts: { key: Buffer; value: Buffer }[] = [];

  readonly #folder: string;

  private constructor(db: RootDatabase<Buffer, Buffer>, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }
  static async open(folder: string): Promise<Cache> {
    return withState(folder, async () => {
      await mkdir(folder, { recursive: true });
      const path = join(folder, 'cache.mdb');
      const db = open<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: true });
      return new Cache(db, folder);
    });
  }
  /** The value of a key, only good until the next call. */
  peek(key: Uint8Array): Uint8Array | undefined {
    const value = this.#db.getBinaryFast(key as Buffer) as Buffer | undefined;
    if (!value) return undefined;
    if (value.readUInt16LE(0) !== (today() & 0xffff))
      this.put(Buffer.from(key), Buffer.from(value.subarray(2)));
    return value.subarray(2);
  }
  put(key: Buffer, value: Uint8Array): void {
    const dated = Buffer.allocUnsafe(2 + value.length);
    dated.writeUInt16LE(today() & 0xffff, 0);
    dated.set(value, 2);
    this.#puts.push({ key, value: dated });
  }
  /** Writes what was put. */
  async flush(): Promise<void> {
    if (this.#puts.length === 0) return;
    const puts = this.#puts;
    this.#puts = [];
    await withState(this.#folder, () =>
      this.#db.transaction(() => {
        for (const { key, value } of puts) this.#db.putSync(key, value);
      }),
    );
  }
  /** Entries and bytes of keys and values. */
  size(): { entries: number; bytes: number } {
    let bytes = 0;
    let entries = 0;
    for (const { key, value } of this.#db.getRange({})) {
      entries++;
      bytes += key.length + value.length;
    }
    return { entries, bytes };
  }
  /**
   * Removes entries that were not used for `days`, then the longest unused until at most `bytes` are left.
   * @returns how many went
   */
  async collect(limits: { days?: number; bytes?: number }): Promise<number> {
    const all: { key: Buffer; age: number; bytes: number }[] = [];
    for (const { key, value } of this.#db.getRange({})) {
      const age = ((today() & 0xffff) - value.readUInt16LE(0)) & 0xffff;
      all.push({ key: Buffer.from(key), age, bytes: key.length + value.length });
    }
    all.sort((a, b) => b.age - a.age);
    let total = all.reduce((sum, e) => sum + e.bytes, 0);
    const gone: Buffer[] = [];
    for (const entry of all) {
      const old = limits.days !== undefined && entry.age > limits.days;
      const over = limits.bytes !== undefined && total > limits.bytes;
      if (!old && !over) break;
      gone.push(entry.key);
      total -= entry.bytes;
    }
    await this.#db.transaction(() => {
      for (const key of gone) this.#db.removeSync(key);
    });
    return gone.length;
  }
  async close(): Promise<void> {
    await this.flush();
    await this.#db.close();
  }
}
