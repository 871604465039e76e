/**
 * Results of costly steps by what went in: a row whose read columns and step are as they were is not worked on again,
 * in whatever pipeline of the folder. Content-addressed, so it needs no commit and survives a killed run.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { UserError } from '../define/index.ts';
import { atTheDoor, enter } from '../files/presence.ts';
import { withState } from './errors.ts';
import { brokenSeal, isSealed, seal, unseal } from './seal.ts';

// days since 1970, in the first two bytes of a value: what has not been used for long goes first
const today = (): number => Math.floor(Date.now() / 86_400_000);

// a day in the future, where the clock went backwards, is today
const ageOf = (value: Buffer): number => {
  const age = ((today() & 0xffff) - value.readUInt16LE(0)) & 0xffff;
  return age > 0x7fff ? 0 : age;
};

/** What the cache may hold. */
export interface CacheLimits {
  /** Entries unused for longer go. */
  readonly days?: number;
  /** Bytes of keys and values; the longest unused go first. */
  readonly bytes?: number;
}
/** What a run keeps the cache to. */
export const CACHE_LIMITS: CacheLimits = { days: 90, bytes: 32 * 2 ** 30 };

/** The format of the cache; raised when an older reader would misread it. */
export const CACHE_FORMAT = 1;

/** The day of the last collection, and of the last use of what was unused longest then. */
interface Noted {
  readonly day: number;
  readonly oldest: number;
  /** Absent: 1. */
  readonly format?: number;
}
// keys of entries are longer
const NOTES = Buffer.of(0);
const AFTER_NOTES = Buffer.of(0, 0);
const MOST_AT_ONCE = 50_000;
/** A larger file is not read through when it is opened; its size is looked at. */
const SEALED_BYTES = 2 * 2 ** 30;

export class Cache {
  readonly #db: RootDatabase<Buffer, Buffer>;
  #puts: { key: Buffer; value: Buffer }[] = [];

  readonly #folder: string;
  readonly #path: string;

  private constructor(db: RootDatabase<Buffer, Buffer>, folder: string, path: string) {
    this.#db = db;
    this.#folder = folder;
    this.#path = path;
  }
  /**
   * Opens or makes it; one that is damaged is emptied, and `warn` told. Several processes may have it open: its checksum
   * is taken by the last to close it, and looked at where nobody else has it open.
   * @throws UserError on a newer format
   */
  static async open(folder: string, warn: (message: string) => void = () => undefined): Promise<Cache> {
    return withState(folder, async () => {
      await mkdir(folder, { recursive: true });
      const path = join(folder, 'cache.mdb');
      return atTheDoor(folder, async others => {
        const broken = others() ? undefined : brokenSeal(path);
        if (broken !== undefined) {
          warn(`${path} is damaged (${broken}): it is emptied, and results are worked out anew`);
          for (const name of [path, `${path}-lock`, `${path}.seal`]) await rm(name, { force: true });
        }
        const db = open<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: true });
        const cache = new Cache(db, folder, path);
        const format = cache.#noted()?.format ?? CACHE_FORMAT;
        if (format > CACHE_FORMAT) {
          await db.close();
          throw new UserError(`${path} has format ${format}; this version reads up to ${CACHE_FORMAT}`, {
            help: 'it was written by a newer Millrace: update this one, or remove the folder',
          });
        }
        cache.#leave = enter(folder);
        return cache;
      });
    });
  }
  #leave: () => void = () => undefined;
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
    this.#written();
    await withState(this.#folder, () =>
      this.#db.transaction(() => {
        for (const { key, value } of puts) this.#db.putSync(key, value);
        if (!this.#db.getBinary(NOTES)) this.#db.putSync(NOTES, noteOf({ day: today(), oldest: today() }));
      }),
    );
  }
  /** Entries, bytes of keys and values, and days since the one that was unused longest was used. */
  size(): { entries: number; bytes: number; oldest: number } {
    const days = this.#byAge();
    let total = { entries: 0, bytes: 0, oldest: 0 };
    for (const [age, { entries, bytes }] of days) {
      const oldest = Math.max(total.oldest, age);
      total = { entries: total.entries + entries, bytes: total.bytes + bytes, oldest };
    }
    return total;
  }
  #byAge(): Map<number, { entries: number; bytes: number }> {
    const days = new Map<number, { entries: number; bytes: number }>();
    for (const { key, value } of this.#db.getRange({ start: AFTER_NOTES })) {
      const age = ageOf(value);
      const day = days.get(age) ?? { entries: 0, bytes: 0 };
      days.set(age, { entries: day.entries + 1, bytes: day.bytes + key.length + value.length });
    }
    return days;
  }
  /**
   * Removes entries that were not used for `days`, then the longest unused until at most `bytes` are left. Memory does
   * not depend on how many there are.
   * @returns how many went
   */
  async collect(limits: CacheLimits): Promise<number> {
    const days = [...this.#byAge()].sort(([a], [b]) => b - a);
    let total = days.reduce((sum, [, day]) => sum + day.bytes, 0);
    // entries unused for longer than `whole` days go, and of those of just so many as much as is too much
    let whole = limits.days ?? Number.POSITIVE_INFINITY;
    for (const [age, { bytes }] of days) if (age > whole) total -= bytes;
    let part = 0;
    for (const [age, { bytes }] of days) {
      if (limits.bytes === undefined || total <= limits.bytes) break;
      if (age > whole) continue;
      part = Math.min(bytes, total - limits.bytes);
      total -= bytes;
      whole = age;
    }
    let removed = 0;
    let gone: Buffer[] = [];
    const remove = async (): Promise<void> => {
      const some = gone;
      gone = [];
      removed += some.length;
      this.#written();
      await this.#db.transaction(() => {
        for (const key of some) this.#db.removeSync(key);
      });
    };
    if (days.some(([age]) => age > whole) || part > 0) {
      for (let from = AFTER_NOTES; ; ) {
        let last: Buffer | undefined;
        for (const { key, value } of this.#db.getRange({ start: from, limit: MOST_AT_ONCE })) {
          last = Buffer.from(key);
          const age = ageOf(value);
          if (age < whole || (age === whole && part <= 0)) continue;
          if (age === whole) part -= key.length + value.length;
          gone.push(last);
        }
        if (gone.length > 0) await remove();
        if (!last) break;
        from = Buffer.concat([last, Buffer.of(0)]);
      }
    }
    const left = days.filter(([age]) => age <= whole);
    const oldest = Math.max(0, ...left.map(([age]) => age));
    await this.#note({ day: today(), oldest: today() - oldest });
    return removed;
  }
  /**
   * As {@link collect}, where there may be something to remove: at most once a day, and not before the oldest entry is
   * old enough or the file large enough.
   */
  async tidy(limits: CacheLimits = CACHE_LIMITS): Promise<number> {
    await this.flush();
    const noted = this.#noted();
    if (!noted) {
      await this.#note({ day: today(), oldest: today() });
      return 0;
    }
    // a clock that went backwards makes it due as well
    if (noted.day === today()) return 0;
    const { size } = await stat(this.#path);
    const old = limits.days !== undefined && today() - noted.oldest > limits.days;
    const large = limits.bytes !== undefined && size > limits.bytes;
    return old || large ? this.collect(limits) : 0;
  }
  #noted(): Noted | undefined {
    const value = this.#db.getBinary(NOTES);
    return value && (JSON.parse(Buffer.from(value).toString('utf8')) as Noted);
  }
  #dirty = false;
  #written(): void {
    // nobody seals it while it is open here
    if (!this.#dirty) unseal(this.#path);
    this.#dirty = true;
  }
  async #note(noted: Noted): Promise<void> {
    this.#written();
    await this.#db.put(NOTES, noteOf(noted));
  }
  async close(): Promise<void> {
    try {
      await this.flush();
      if (this.#dirty) await this.#db.flushed;
    } finally {
      await this.#db.close();
      await withState(this.#folder, () =>
        atTheDoor(this.#folder, others => {
          this.#leave();
          if (!others() && !isSealed(this.#path)) seal(this.#path, SEALED_BYTES);
        }),
      );
    }
  }
}

const noteOf = (noted: Noted): Buffer => Buffer.from(JSON.stringify({ format: CACHE_FORMAT, ...noted }));
